# SPDX-License-Identifier: ISC
# shellcheck shell=bash
#
# ctl.sh - included after lib.sh by scripts about artifactctl and the store of
# this host: to run artifactctl, to kill it, and to damage what it reads.

BACKUPS=$WORK/backups
mkdir -p "$BACKUPS"
# Sanitizers have to come first, before preloaded libraries.
export ASAN_OPTIONS=${ASAN_OPTIONS-}:verify_asan_link_order=0

# ctl COMMAND...: run artifactctl. Its exit status is then in CODE, its output
# in $WORK/out, its sentences in $WORK/err.
ctl()
{
	timeout 300 "$ARTIFACTCTL" "$@" --config "$CONFIG" \
	    --set state_dir="$STORE" >"$WORK/out" 2>"$WORK/err"
	CODE=$?
}

# says CODE TEXT: the last command ended with CODE, and a sentence has TEXT.
says()
{
	equal "$CODE" "$1" && grep -qe "$2" "$WORK/err" || {
		head -n 3 "$WORK/err" | sed 's/^/# /'
		return 1
	}
}

# fact NAME: print this value of the last output, which was made without --json.
fact()
{
	sed -n "s/^$1	//p" "$WORK/out"
}

# is_whole: a deep check finds no problem in the store.
is_whole()
{
	ctl check --deep --json
	equal "$CODE" 0 && grep -q '"problems":0' "$WORK/out" || {
		head -n 3 "$WORK/out" "$WORK/err" | sed 's/^/# /'
		return 1
	}
}

# rows: print a line for each artifact of the store, to compare stores.
rows()
{
	"$ARTIFACTCTL" status --json --config "$CONFIG" \
	    --set state_dir="$STORE" |
	    grep -oE '"(artifacts|content_bytes)":[0-9]+'
}

# new_place: make an empty directory for a store.
new_place()
{
	rm -rf "$STORE"
	mkdir -m 0700 "$STORE"
}

# new_store: make a directory with an empty store in it.
new_store()
{
	new_place
	make_store
}

# fill N: create N artifacts, of three sizes.
fill()
{
	python_checks - "$1" <<-'PYTHON'
	import sys
	from e2e import *
	client = Client()
	bad = 0
	for i in range(int(sys.argv[1])):
	    size = (100, 70000, 400000)[i % 3]
	    status, _ = client.create(title=f"t{i}", content=chr(97 + i % 26) * size)
	    bad += status != 201
	check(f"{sys.argv[1]} artifacts are created", bad == 0, bad)
	PYTHON
}

# ---- killing

build_killat()
{
	${CC:-cc} -shared -fPIC -D_GNU_SOURCE -O1 -o "$WORK/killat.so" \
	    "$HERE/killat.c" -ldl || fail "killat.so is built"
}

# ctl_until N COMMAND...: run artifactctl, and kill all its processes before
# the Nth call that changes files. CODE is then 137.
ctl_until()
{
	local n=$1
	shift

	rm -f "$WORK/count"
	# A group of its own, which timeout makes.
	CODE=$(
		KILLAT=$n KILLAT_COUNT=$WORK/count LD_PRELOAD=$WORK/killat.so \
		    timeout 300 "$ARTIFACTCTL" "$@" --config "$CONFIG" \
		    --set state_dir="$STORE" >"$WORK/out" 2>"$WORK/err"
		echo $?
	) 2>/dev/null
	# The others of the group end a moment later, and their locks then. A
	# service that runs keeps its own.
	[ -n "$DAEMON" ] || [ ! -d "$STORE" ] || flock -w 10 "$STORE" true
}

# await_stop PID: wait until PID or a process below it is stopped, which is then
# in STOPPED; that is empty if PID ends first.
await_stop()
{
	STOPPED=
	for _ in {1..1000}; do
		find_stopped "$1"
		[ -z "$STOPPED" ] && kill -0 "$1" 2>/dev/null || break
		sleep 0.01
	done
}

find_stopped()
{
	local state pid
	local -a children=()

	{
		read -r _ _ state _ <"/proc/$1/stat"
		read -r -a children <"/proc/$1/task/$1/children"
	} 2>/dev/null # it may have ended
	[ "${state-}" != T ] || STOPPED=$1
	for pid in "${children[@]}"; do
		find_stopped "$pid"
	done
}

# How far from one place to the next: .ci/run, which sets E2E_ALL, looks at all.
STRIDE=5
[ -z "${E2E_ALL-}" ] || STRIDE=1

# at_each_kill TEXT PREPARE VERIFY COMMAND...: for the calls N that change
# files, PREPARE, run and kill the command there, then VERIFY.
at_each_kill()
{
	local text=$1 prepare=$2 verify=$3 n kills=0 bad=0
	shift 3

	for ((n = 1; n < 1000; n += STRIDE)); do
		"$prepare"
		ctl_until $n "$@"
		[ "$CODE" = 137 ] || break
		kills=$((kills + 1))
		"$verify" || { bad=$((bad + 1)); echo "# killed at $n"; }
	done
	check "$text: $kills kills" equal $bad 0
	check "... and then it ends well" equal "$CODE" 0
	check "... there are places to kill it at" [ $n -gt 5 ]
}

# flip FILE OFFSET: flip a bit of the byte there.
flip()
{
	python3 - "$1" "$2" <<-'PYTHON'
	import sys
	with open(sys.argv[1], "r+b") as file:
	    file.seek(int(sys.argv[2]))
	    byte = file.read(1)[0]
	    file.seek(int(sys.argv[2]))
	    file.write(bytes([byte ^ 4]))
	PYTHON
}

# ---- failing

# at_each_failure TEXT ERRNO PREPARE VERIFY COMMAND...: let these calls fail one
# at a time; the command says so or goes on, and VERIFY looks at CODE.
at_each_failure()
{
	local text=$1 error=$2 prepare=$3 verify=$4 n failures=0 bad=0 count
	shift 4

	for ((n = 1; n < 1000; n += STRIDE)); do
		"$prepare"
		KILLAT_ERROR=$error ctl_until $n "$@"
		count=$(python3 -c 'import struct, sys
print(struct.unpack("q", open(sys.argv[1], "rb").read(8))[0])' "$WORK/count")
		[ "$count" -ge $n ] || break
		failures=$((failures + 1))
		"$verify" || {
			bad=$((bad + 1))
			echo "# failed at $n, exit $CODE"
			head -n 2 "$WORK/err" | sed 's/^/# /'
		}
	done
	check "$text: $failures failures" equal $bad 0
}
