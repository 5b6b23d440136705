#!/bin/bash
# SPDX-License-Identifier: ISC
#
# Stores that older versions made, as they are kept in tests/formats: each is
# refused with a sentence, and left as it was.
. "$(dirname "$0")/lib.sh"

nginx_render
for file in "$HERE"/../formats/*.tar.xz; do
	format=$(basename "$file" .tar.xz)
	rm -rf "$STORE"
	mkdir "$STORE"
	python3 -c 'import sys, tarfile
tarfile.open(sys.argv[1]).extractall(sys.argv[2])' "$file" "$STORE"
	before=$(cat "$STORE"/* | sha256sum)
	: >"$DAEMON_LOG"
	daemon_start
	wait "$DAEMON"
	check "a store of format $format is refused for good" equal $? 78
	DAEMON=
	check "... with both formats in the sentence" grep -q \
	    "says .*artifactd $format.* and this version reads format [0-9]" \
	    "$DAEMON_LOG"
	check "... and is as it was" \
	    equal "$(cat "$STORE"/* | sha256sum)" "$before"
done
finish
