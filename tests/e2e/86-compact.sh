#!/bin/bash
# SPDX-License-Identifier: ISC
#
# artifactctl compact gives the room of deletes back to the disk. When it is
# killed at any call that changes a file, the old store or the new one is
# there, whole.
. "$(dirname "$0")/lib.sh"
. "$HERE/ctl.sh"

build_killat
start
fill 36
kept=$(python3 - "$URL" <<'PYTHON'
import json, sys, urllib.request
url = sys.argv[1]
page = json.load(urllib.request.urlopen(f"{url}/artifacts?limit=200"))
for artifact in page[6:]:
    urllib.request.urlopen(urllib.request.Request(
        f"{url}/artifacts/{artifact['id']}", method="DELETE"))
print(len(page[:6]))
PYTHON
)
check "all but six are deleted" equal "$kept" 6

# swept: what was deleted is free.
swept()
{
	for _ in {1..100}; do
		ctl status
		[ "$(fact sweep_backlog)" = 0 ] && return
		sleep 0.1
	done
	return 1
}

check "what they took is free in the file" swept
before=$(stat -c %s "$STORE/data.mdb")
ctl compact
check "a service that runs is not compacted" \
    says 1 "systemctl stop artifactd.socket artifactd.service"
ctl compact --dry-run
check "... but how much it would free is told" \
    [ "$CODE" = 5 -a "$(fact estimate_bytes)" -lt $((before / 4)) ]
beside=$(fact estimate_bytes)
daemon_stop
cp -a "$STORE" "$WORK/full"
ctl compact --dry-run
check "a dry run exits 5" equal "$CODE" 5
check "... with an estimate" [ "$(fact estimate_bytes)" -lt $((before / 4)) ]
check "... about that of beside the service" \
    [ $(($(fact estimate_bytes) - beside + 65536)) -lt 131072 ]
check "... and changes nothing" \
    equal "$(stat -c %s "$STORE/data.mdb")" "$before"
estimate=$(fact estimate_bytes)
wanted=$(rows)
ctl compact
check "it is compacted" equal "$CODE $(fact before_bytes)" "0 $before"
after=$(stat -c %s "$STORE/data.mdb")
check "... to about the estimate" \
    [ "$after" -lt $((estimate + 65536)) -a "$after" = "$(fact after_bytes)" ]
check "... closed to others" equal "$(stat -c %a "$STORE/data.mdb")" 600
check "nothing else is left" equal "$(ls "$STORE" | xargs)" "data.mdb format"
check "check --deep finds nothing" is_whole
check "all is still there" equal "$(rows)" "$wanted"
ctl compact --dry-run
check "a second time there is nothing to gain" equal "$CODE" 0
daemon_start
wait_ready || fail "it is served"
http GET /artifacts
check "it is served" equal \
    "$STATUS $(grep -o '"id"' "$WORK/body" | wc -l)" "200 6"
create
check "... and takes more" equal "$STATUS" 201
daemon_stop
check "... and is whole then" is_whole

# ---- straight behind a delete

daemon_start
wait_ready
for _ in {1..10}; do
	large=$(head -c 4000000 /dev/zero | tr '\0' x)
	http POST /artifacts -H 'Content-Type: application/json' -d @- <<-END
		{"workflow_id":"w","artifact_type":"t","title":"t",
		 "content":"$large"}
	END
	http DELETE "/artifacts/$(member id)"
	daemon_stop
	ctl compact --dry-run
	grep -q "waits to be swept" "$WORK/err" && break
	daemon_start
	wait_ready
done
check "a dry run tells of what waits to be swept" \
    says 5 "what waits to be swept goes too.*: 1 deleted content$"
ctl compact
check "what waits is not copied" \
    [ "$CODE" = 0 -a "$(fact after_bytes)" -lt $((after + 500000)) ]
check "... and the store is whole" is_whole

# ---- killed, and without room

again()
{
	rm -rf "$STORE"
	cp -a "$WORK/full" "$STORE"
}

# either: the old store or the new one, and it can be repeated.
either()
{
	is_whole && equal "$(rows)" "$wanted" || return
	ctl compact
	equal "$CODE" 0 && equal "$(rows)" "$wanted" &&
	    ! ls "$STORE" | grep partial &&
	    [ "$(stat -c %s "$STORE/data.mdb")" -lt $((before / 4)) ]
}

again
offset=$(python3 -c 'import sys
data = open(sys.argv[1], "rb").read()
print(data.find(b"g" * 1000))' "$STORE/data.mdb") # none that was deleted has it
flip "$STORE/data.mdb" $((offset + 500))
damaged=$(stat -c %i "$STORE/data.mdb") # rows of the dead are swept from it
ctl compact
check "a damaged store is not compacted" says 4 "copy is not whole"
check "... and stays as it is" \
    equal "$(stat -c %i "$STORE/data.mdb")" "$damaged"
check "... nothing else is left" equal "$(ls "$STORE" | grep -c partial)" 0
at_each_kill "a compaction is killed" again either compact
at_each_failure "no space for a compaction" 28 again either compact

# ---- a reader that comes while it puts the new file in place

# stop_at N: a compaction, stopped before the Nth call that changes files.
stop_at()
{
	rm -f "$WORK/count"
	KILLAT=$1 KILLAT_STOP=yes KILLAT_COUNT=$WORK/count \
	    LD_PRELOAD=$WORK/killat.so timeout 60 "$ARTIFACTCTL" compact \
	    --config "$CONFIG" --set state_dir="$STORE" \
	    >"$WORK/out" 2>"$WORK/err" &
	COMPACTION=$!
	await_stop $COMPACTION
}

# has_lock N: the compaction, now stopped before the Nth call, has not removed
# the old lock.mdb.
has_lock()
{
	again
	: >"$STORE/lock.mdb"
	stop_at "$1"
	[ -e "$STORE/lock.mdb" ]
}

# The first N for which that is gone; it is in no place beyond the last.
low=1
high=1000
while [ $low -lt $high ]; do
	n=$(((low + high) / 2))
	if has_lock $n; then low=$((n + 1)); else high=$n; fi
	[ -z "$STOPPED" ] || kill -CONT "$STOPPED"
	wait $COMPACTION
done
has_lock $low
check "it stops where the old lock.mdb is gone" [ -n "$STOPPED" ]
timeout 60 "$ARTIFACTCTL" check --deep --rate 1 --config "$CONFIG" \
    --set state_dir="$STORE" >"$WORK/check" 2>&1 &
reader=$!
for _ in {1..100}; do
	[ -e "$STORE/lock.mdb" ] && break
	sleep 0.02
done
sleep 0.2
reading=$(children_of $reader)
kill -STOP $reading
kill -CONT $STOPPED
wait $COMPACTION
check "the compaction ends well" equal "$?" 0
daemon_start
wait_ready
check "the service starts beside a reader of the old file" equal "$?" 0
kill -CONT $reading
wait $reader
check "... which finds the old file whole" equal "$?" 0
daemon_stop
check "... as is the new one" is_whole
if [ "$(id -u)" = 0 ] && mkdir "$WORK/tiny" &&
    mount -t tmpfs -o size=$((before / 1024 + 300))k artifactd-test \
	"$WORK/tiny" 2>/dev/null; then
	cp "$WORK/full"/{data.mdb,format} "$WORK/tiny/"
	STORE=$WORK/tiny ctl compact
	check "too little room is told with numbers" says 1 \
	    "has [0-9]* bytes free, and the compacted copy takes [0-9]*"
	check "... before anything is written" \
	    equal "$(ls "$WORK/tiny" | grep -c partial)" 0
	umount "$WORK/tiny"
fi
finish
