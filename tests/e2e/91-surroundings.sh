#!/bin/bash
# SPDX-License-Identifier: ISC
#
# artifactctl in unusual surroundings: started without standard descriptors, or
# by a program that ignores the end of its children.
. "$(dirname "$0")/lib.sh"
. "$HERE/ctl.sh"

nginx_render
make_store
daemon_start
nginx_start
wait_ready || fail "it starts"
fill 6
daemon_stop
cp -a "$STORE" "$WORK/full"

# ---- without standard input, output or error

# What it says must not be written into data.mdb, or lock.mdb.
bad=0
for closed in '>&-' '2>&-' '>&- 2>&-' '<&- 2>&-' '<&- >&- 2>&-'; do
	for command in 'import --from-api ftp://127.0.0.1/' \
	    'import /dev/null' 'compact' 'check --deep'; do
		rm -rf "$STORE"
		cp -a "$WORK/full" "$STORE"
		eval "timeout 60 \"$ARTIFACTCTL\" $command --config /dev/null \
		    --set state_dir=\"$STORE\" --set reserve=1048576 $closed" \
		    >"$WORK/out" 2>"$WORK/err"
		is_whole || {
			bad=$((bad + 1))
			echo "# $command $closed"
		}
	done
done
check "a store is whole whatever descriptor was closed" equal $bad 0
"$ARTIFACTCTL" status --config /dev/null --set state_dir="$STORE" >&- \
    2>"$WORK/err"
check "a standard output that is closed is a failure" \
    equal "$?:$(grep -c 'standard output' "$WORK/err")" 1:1
"$ARTIFACTD" -c /dev/null --set listen="$SOCKET" --set state_dir="$STORE" \
    --set secret_file="$SECRET" --set reserve=1048576 --set workers=2 <&- >&- 2>&- &
DAEMON=$!
wait_ready
check "artifactd serves without them" equal "$?" 0
check "... none of which became something else" equal "$(
    for child in $DAEMON $(children_of $DAEMON); do
	    readlink /proc/$child/fd/2
    done | sort -u)" /dev/null
daemon_stop

# ---- by who ignores the end of children

python3 - "$ARTIFACTCTL" check --config /dev/null \
    --set state_dir="$STORE" >"$WORK/out" 2>"$WORK/err" <<'PYTHON'
import os, signal, sys
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
os.execv(sys.argv[1], sys.argv[1:])
PYTHON
check "who ignores the end of children is told how it ended" \
    equal "$?:$(fact problems)" 0:0

# ---- many at once

for n in {1..24}; do
	timeout 60 "$ARTIFACTCTL" check --config /dev/null \
	    --set state_dir="$STORE" >/dev/null 2>>"$WORK/many" &
	checks[n]=$!
done
bad=0
for n in {1..24}; do
	wait "${checks[n]}" || bad=$((bad + 1))
done
check "checks that end together all keep their note" equal $bad 0
check "... and the note is whole" equal \
    "$(tail -n 1 "$STORE/last-check" | cut -d = -f 1)" finished
check "... and no draft is left" equal "$(ls "$STORE" | grep -c new)" 0
finish
