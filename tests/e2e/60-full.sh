#!/bin/bash
# SPDX-License-Identifier: ISC
#
# The disk is at the reserve, or content at the quota: creates get a 507 in
# JSON, reads and deletes go on, and creates work again when there is room.
. "$(dirname "$0")/lib.sh"

CONFIG=$WORK/artifactd.conf
SETTINGS=(listen="$SOCKET" state_dir="$STORE" workers=4)
echo 'reserve = 1048576' >"$CONFIG"
head -c 200000 /dev/urandom >"$WORK/file"
start
create
kept=$ID
create
more=$ID

# turns STATUS: a create is answered so, once the reload is through.
turns()
{
	for _ in {1..200}; do
		create
		[ "$STATUS" = "$1" ] && return
		sleep 0.05
	done
	return 1
}

# refused: each way to bring bytes in is a 507.
refused()
{
	create
	check "a create is 507" is_error 507
	http POST /artifacts -F workflow_id=w -F artifact_type=t \
	    -F "file=@$WORK/file"
	check "a create from a file is 507" is_error 507
	http POST "/artifacts/$kept/upload" -F "file=@$WORK/file"
	check "an upload is 507" is_error 507
	http PUT "/artifacts/$kept/raw" -T "$WORK/file"
	check "a PUT of content is 507" is_error 507
	http GET "/artifacts/$kept/raw"
	check "the old content is still read" equal "$(body)" hello
	http GET /artifacts
	check "lists go on" equal "$STATUS" 200
}

echo 'reserve = 4611686018427387904' >"$CONFIG"
kill -HUP "$DAEMON"
check "a reserve larger than the disk: 507" turns 507
refused
http DELETE "/artifacts/$more"
check "deletes go on" equal "$STATUS" 200
http GET "/artifacts/$more"
check "… and delete" is_error 404
http GET /healthz
check "it is alive" equal "$STATUS" 200
echo 'reserve = 1048576' >"$CONFIG"
kill -HUP "$DAEMON"
check "with room it resumes" turns 201

# The quota is over all content; what is deleted makes room again.
printf 'reserve = 1048576\nmax_bytes = 100000\n' >"$CONFIG"
kill -HUP "$DAEMON"
http POST /artifacts -F workflow_id=w -F artifact_type=t \
    -F "file=@$WORK/file"
quota()
{
	for _ in {1..200}; do
		http PUT "/artifacts/$kept/raw" -T "$WORK/file"
		[ "$STATUS" = 507 ] && return
		sleep 0.05
	done
	return 1
}
check "content over the quota is 507" quota
check "… in JSON" is_error 507
daemon_stop
rm -rf "$STORE"
make_store
daemon_start
wait_ready
head -c 60000 "$WORK/file" >"$WORK/half"
create
kept=$ID
http PUT "/artifacts/$kept/raw" -T "$WORK/half"
check "60,000 of 100,000 bytes" equal "$STATUS" 200
http POST /artifacts -F workflow_id=w -F artifact_type=t \
    -F "file=@$WORK/half"
check "60,000 more are 507" is_error 507
check "... which says how much is used of how much" \
    grep -q '60000 of the 100000 bytes that the setting `max_bytes`' \
    "$WORK/body"
create
check "5 more are 201" equal "$STATUS" 201
http DELETE "/artifacts/$kept"
check "a delete goes on" equal "$STATUS" 200
room()
{
	for _ in {1..300}; do
		http POST /artifacts -F workflow_id=w -F artifact_type=t \
		    -F "file=@$WORK/half"
		[ "$STATUS" = 201 ] && return
		sleep 0.2
	done
	return 1
}
check "and makes room within a minute" room
finish
