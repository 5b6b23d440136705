#!/bin/bash
# SPDX-License-Identifier: ISC
#
# Stores that older versions made, as they are kept in tests/e2e/formats: each is
# refused with a sentence, and left as it was, until artifactctl migrate has
# brought it to this version's format. Killed anywhere, it is repeated.
. "$(dirname "$0")/lib.sh"
. "$HERE/ctl.sh"

# unpack FILE: the store as it was made.
unpack()
{
	rm -rf "$STORE" "$BACKUPS"
	mkdir "$STORE" "$BACKUPS"
	python3 -c 'import sys, tarfile
tarfile.open(sys.argv[1]).extractall(sys.argv[2])' "$1" "$STORE"
}

refused()
{
	local before

	before=$(cat "$STORE"/* | sha256sum)
	: >"$DAEMON_LOG"
	daemon_start
	wait "$DAEMON"
	check "a store of format $format is refused for good" equal $? 78
	DAEMON=
	check "... with both formats in the sentence" grep -q \
	    "says .*artifactd $format.* and this version reads format [0-9]" \
	    "$DAEMON_LOG"
	check "... and the command that helps" \
	    grep -q 'artifactctl migrate --backup DIR' "$DAEMON_LOG"
	check "... and is as it was" \
	    equal "$(cat "$STORE"/* | sha256sum)" "$before"
	ctl check --deep
	check "... by artifactctl too" grep -q 'artifactctl migrate' "$WORK/err"
}

migrated()
{
	local old

	ctl migrate --backup "$BACKUPS"
	check "it is migrated" equal "$CODE" 0
	check "... and check --deep finds 0 problems" is_whole
	old=$(echo "$BACKUPS"/artifactd-*)
	check "... behind a backup of the old format" \
	    equal "$(cat "$old/format")" "artifactd $format"
	ctl migrate --backup "$BACKUPS"
	check "a second time there is nothing to do" equal "$CODE" 0
	check "... which is said" grep -q already "$WORK/err"
	daemon_start
	wait_ready || fail "it is served"
	python_checks - <<'PYTHON'
from e2e import *

client = Client()
artifacts = list(client.pages("/artifacts?limit=200"))
check("it is served, with its artifacts", len(artifacts) > 0, artifacts)
whole = 0
for artifact in artifacts:
    status, headers, body = client.send("GET", f"/artifacts/{artifact['id']}/raw")
    detail = client.json("GET", f"/artifacts/{artifact['id']}")[1]
    digest = hashlib.sha256(body).hexdigest()
    whole += status == 200 and digest in detail["content_hash"]
check("each with its content", whole == len(artifacts), whole, artifacts[:1])
PYTHON
	create
	check "... and it takes more" equal "$STATUS" 201
	daemon_stop
	ctl check --deep
	check "... and is whole then" equal "$CODE" 0
	rm -rf "$STORE"
	mkdir "$STORE"
	ctl restore "$old"
	check "the backup of the old format is restored" equal "$CODE" 0
	ctl migrate --backup "$BACKUPS"
	check "... and migrated" equal "$CODE" 0
	check "... whole" is_whole
}

again()
{
	unpack "$file"
}

# repeated: what a kill left is no obstacle, and goes.
repeated()
{
	ctl migrate --backup "$BACKUPS"
	equal "$CODE" 0 && is_whole &&
	    ! ls "$BACKUPS" | grep partial &&
	    [ -n "$(ls "$BACKUPS")" ]
}

build_killat
nginx_render
nginx_start
for file in "$HERE"/formats/*.tar.xz; do
	format=$(basename "$file" .tar.xz)
	unpack "$file"
	refused
	migrated
	at_each_kill "a migration is killed and repeated" again repeated \
	    migrate --backup "$BACKUPS"
done
finish
