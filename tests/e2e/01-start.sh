#!/bin/bash
# SPDX-License-Identifier: ISC
#
# The command line of artifactd, and one run of the daemon from start to end.
. "$(dirname "$0")/lib.sh"

out=$WORK/out

# says CODE ARGUMENT...: run artifactd; its output in $out.
says()
{
	local code=$1
	shift
	timeout 10 "$ARTIFACTD" "$@" >"$out" 2>&1 </dev/null
	equal "$?" "$code"
}

check "--version is 0" says 0 --version
check "--version names program and version" \
    grep -qE '^artifactd [0-9]+\.[0-9]+' "$out"
check "--help is 0" says 0 --help
for setting in listen state_dir secret_file workers max_content max_json max_bytes \
    reserve artifact_types public_url request_timeout io_timeout \
    drain_timeout requests_per_worker log_level; do
	check "--help tells of $setting" grep -qw "$setting" "$out"
done
says 0 --no-such-option
check "an unknown option is refused" [ "$?" != 0 ]

check "-t of the defaults is 0" says 0 -c /dev/null -t \
    --set "state_dir=$STORE" --set "listen=$SOCKET"
check "-t says that it is well" grep -q 'is fine' "$out"
check "-T is 0" says 0 -c /dev/null -T --set workers=7
check "-T prints what was set" grep -qE '^workers *= *7$' "$out"
check "-T prints defaults" grep -qE '^max_content *= *52428800$' "$out"
check "-T prints a list" says 0 -c /dev/null -T \
    --set artifact_types=plan,code
check "-T prints its elements" grep -q 'plan.*code' "$out"
says 0 -c /dev/null -T >/dev/null
cp "$out" "$WORK/printed.conf"
check "what -T prints is a configuration" says 0 -c "$WORK/printed.conf" -t

# bad TEXT FILE-CONTENT WORD: -t refuses it, and names place and setting.
bad()
{
	printf '%b' "$2" >"$WORK/bad.conf"
	says 0 -c "$WORK/bad.conf" -t >/dev/null
	check "-t refuses $1" [ "$?" != 0 ]
	check "… and says where" grep -q "bad.conf:[0-9]*.*$3\|$3" "$out"
}

bad "a number out of bounds" 'workers = 0\n' workers
bad "a number that is none" 'workers = many\n' workers
bad "an unknown setting" 'colour = red\n' colour
bad "half a line" 'workers = \n' bad.conf
check "a start with such a file ends for good" says 78 -c "$WORK/bad.conf"
says 0 -c "$WORK/none.conf" -t
check "-t refuses a file that is not there" [ "$?" != 0 ]
says 0 -c /dev/null -t --set nonsense
check "--set without = is refused" [ "$?" != 0 ]
says 0 -c /dev/null -t --set max_json=-1
check "--set below its bound is refused" [ "$?" != 0 ]
check "… with a sentence that names it" grep -q max_json "$out"

# Nor does it start without the secret by which it knows nginx.
check "a start without a secret ends for good" says 78 -c /dev/null \
    --set "state_dir=$STORE" --set "listen=$SOCKET" \
    --set "secret_file=$WORK/no-secret.conf"
check "… with a sentence that says how to make it" \
    grep -qF "/make-secret.sh $WORK/no-secret.conf\"" "$out"
echo 'fastcgi_param ARTIFACTD_PARAMS complete;' >"$WORK/no-secret.conf"
check "… with one that is none too" says 78 -c /dev/null \
    --set "state_dir=$STORE" --set "listen=$SOCKET" \
    --set "secret_file=$WORK/no-secret.conf"
check "… and nothing was made meanwhile" [ -z "$(ls -A "$STORE")" ]

# in_sandbox COUNT: so many children have a filter and gain no privileges.
in_sandbox()
{
	local child count

	for _ in {1..40}; do
		count=0
		for child in $(children_of "$DAEMON"); do
			[ "$(grep -cE '^(NoNewPrivs:.1|Seccomp:.2)$' \
			    "/proc/$child/status")" != 2 ] || ((count++))
		done
		[ "$count" != "$1" ] || return 0
		sleep 0.05
	done
	return 1
}

start
check "it starts and /readyz is 200" true
http POST /artifacts -d '{ "workflow_id": "string", "artifact_type": "string", "title": "string", "content": "string" }'
check "the seed's own line answers 201" equal "$STATUS" 201
http GET "/artifacts/$(member id)"
check "and it is there" equal "$(member content)" string
check "log lines are key=value behind a priority" \
    grep -qE '^<[0-7]>event=[a-z_]+ ' "$DAEMON_LOG"
check "and all of them are" \
    equal "$(grep -vcE '^<[0-7]>event=[a-z_]+( |$)' "$DAEMON_LOG")" 0
children=$(children_of "$DAEMON")
# Sanitizers and the sandbox do not go together.
if ! grep -q __asan_init "$ARTIFACTD"; then
	check "writer and workers enter their sandbox" in_sandbox 9
fi
daemon_stop TERM
check "SIGTERM ends it well" equal "$CODE" 0
gone=yes
for child in $children; do
	! kill -0 "$child" 2>/dev/null || gone=no
done
check "no process is left" equal "$gone" yes
check "its socket is removed" [ ! -e "$SOCKET" ]
daemon_start
wait_ready
daemon_stop INT
check "SIGINT ends it well too" equal "$CODE" 0
finish
