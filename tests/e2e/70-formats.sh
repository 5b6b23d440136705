#!/bin/bash
# SPDX-License-Identifier: ISC
#
# Stores that older versions made (tests/e2e/formats): every program refuses
# them with the sentence that says what to do, and does not change them.
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

# says_way_out FILE
says_way_out()
{
	grep -q "says .*artifactd $format.* and this version reads format [0-9]" \
	    "$1" && grep -q "artifactctl export with the version that made it, \
and import into a new store" "$1"
}

# state: all that is in the store, but for what is noted of a failure.
state()
{
	(cd "$STORE" && sha256sum data.mdb format && find . ! -name 'last-*')
}

# refused_by COMMAND...: of artifactctl.
refused_by()
{
	ctl "$@"
	check "... artifactctl $1 refuses it, too" equal "$CODE" 1
	check "... with the way out" says_way_out "$WORK/err"
	check "... and leaves it as it was" equal "$(state)" "$before"
}

nginx_render
nginx_start
for file in "$HERE"/formats/*.tar.xz; do
	format=$(basename "$file" .tar.xz)
	unpack "$file"
	before=$(state)
	: >"$DAEMON_LOG"
	daemon_start
	wait "$DAEMON"
	check "a store of format $format is refused for good" equal $? 78
	DAEMON=
	check "... with both formats and the way out in the sentence" \
	    says_way_out "$DAEMON_LOG"
	check "... and is as it was" equal "$(state)" "$before"
	refused_by status
	refused_by check --deep
	refused_by export "$WORK/export.tar"
	check "... no export is left" [ ! -e "$WORK/export.tar" ]
	refused_by backup "$BACKUPS"
	check "... no backup is left" equal "$(ls -A "$BACKUPS")" ""
	refused_by compact
	tar -cf "$WORK/empty.tar" -T /dev/null
	refused_by import "$WORK/empty.tar"
	ctl init
	check "init leaves it as it was" equal "$(state)" "$before"
	cp -a "$STORE" "$BACKUPS/artifactd-20260101T000000Z"
	new_place
	ctl restore "$BACKUPS"
	check "a backup of format $format is not restored" \
	    says 1 "is of format $format, and this version reads format"
	check "... and nothing is left" equal "$(ls -A "$STORE")" ""
done
finish
