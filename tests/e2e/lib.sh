# SPDX-License-Identifier: ISC
# shellcheck shell=bash
#
# lib.sh - included by every script here: a directory of its own, the real nginx
# with the shipped configuration, the real daemon, and checks.
#
#	. "$(dirname "$0")/lib.sh"
#	start
#	http POST /artifacts -d '{…}'
#	check "a create answers 201" [ "$STATUS" = 201 ]
#	finish
#
# Environment: ARTIFACTD (the program; ARTIFACTCTL is beside it), TOP_SRCDIR,
# TEST_SCALE (quick or full), E2E_LOGS (where to keep the directory of a failed
# script).
#
# Every process that a script starts is ended by its pid, at the latest when the
# script ends.
set -u

PATH=$PATH:/usr/sbin:/sbin
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
TOP_SRCDIR=$(cd "${TOP_SRCDIR:-$HERE/../..}" && pwd)
ARTIFACTD=${ARTIFACTD:-$TOP_SRCDIR/build/artifactd}
ARTIFACTCTL=${ARTIFACTCTL:-$(dirname "$ARTIFACTD")/artifactctl}
TEST_SCALE=${TEST_SCALE:-quick}
WORK=$(mktemp -d "${TMPDIR:-/tmp}/artifactd-e2e.XXXXXX")
SOCKET=$WORK/fcgi.sock
STORE=$WORK/store
SECRET=$WORK/nginx-secret.conf
DAEMON_LOG=$WORK/artifactd.log
NGINX_LOG=$WORK/nginx-error.log
DAEMON=
NGINX=
PORT=
URL=
PARTS=" $* "
COUNT=0
FAILED=0
# Settings of the tests that differ from the defaults; the small reserve is for
# hosts without a free gigabyte.
SETTINGS=(listen="$SOCKET" state_dir="$STORE" workers=8 reserve=1048576)
# A configuration file that a test writes; the default has no settings.
CONFIG=/dev/null

mkdir -p "$STORE" "$WORK/nginx-tmp"
"$TOP_SRCDIR/nginx/make-secret.sh" "$SECRET" "$(id -g)" || exit 1
: >"$DAEMON_LOG"
: >"$NGINX_LOG"

# python3 ARGUMENT...: without the packages of the host, since no script uses
# them and looking for them takes longer than reading a member of a JSON object.
# A script that needs the pid in $! calls "env python3 -S" itself.
python3()
{
	command python3 -S "$@"
}

# ---- checks

pass()
{
	COUNT=$((COUNT + 1))
	echo "ok $COUNT - $1"
}

fail()
{
	COUNT=$((COUNT + 1))
	FAILED=$((FAILED + 1))
	echo "not ok $COUNT - $1"
}

# check TEXT COMMAND...: the check TEXT passes if the command succeeds.
check()
{
	local text=$1
	shift

	if "$@"; then
		pass "$text"
	else
		fail "$text"
		echo "# $* (status ${STATUS-}, body $(head -c 300 \
		    "$WORK/body" 2>/dev/null | tr '\0' ' '))"
	fi
}

equal()
{
	[ "$1" = "$2" ] || { echo "# \"$1\" is not \"$2\""; false; }
}

# client_checks COMMAND...: count the lines "ok - …" and "not ok - …" that the
# command prints as checks of this script.
client_checks()
{
	local line

	while IFS= read -r line; do
		case $line in
		"ok - "*) pass "${line#ok - }" ;;
		"not ok - "*) fail "${line#not ok - }" ;;
		"exit 0") ;;
		"exit "*) fail "the client ended well ($line)" ;;
		*) echo "# $line" ;;
		esac
	done < <(
		"$@" 2>&1
		echo "exit $?"
	)
}

# python_checks ARGUMENT...: client_checks of python3, which can import e2e.py.
python_checks()
{
	client_checks env PYTHONPATH="$HERE" PYTHONDONTWRITEBYTECODE=1 \
	    PORT="$PORT" WORK="$WORK" TEST_SCALE="$TEST_SCALE" \
	    DAEMON="$DAEMON" DAEMON_LOG="$DAEMON_LOG" NGINX_LOG="$NGINX_LOG" \
	    SOCKET="$SOCKET" ARTIFACTD="$ARTIFACTD" ARTIFACTCTL="$ARTIFACTCTL" \
	    STORE="$STORE" SECRET="$SECRET" \
	    python3 -S "$@"
}

# part NAME COMMAND...: run this part of a campaign, unless the command line
# names only other parts.
part()
{
	local name=$1
	shift

	case $PARTS in
	"  " | *" $name "*) "$@" ;;
	esac
}

# ---- the daemon

# make_store [DIRECTORY]: make a new store, since no daemon makes one.
make_store()
{
	"$ARTIFACTCTL" init --config /dev/null \
	    --set state_dir="${1-$STORE}" >/dev/null ||
	    fail "a store is made in ${1-$STORE}"
}

# daemon_start [NAME=VALUE...]: start the daemon in the background, with these
# settings too.
daemon_start()
{
	local arguments=(--set secret_file="$SECRET") setting

	for setting in "${SETTINGS[@]}" "$@"; do
		arguments+=(--set "$setting")
	done
	"$ARTIFACTD" -c "$CONFIG" "${arguments[@]}" \
	    2>>"$DAEMON_LOG" >&2 </dev/null &
	DAEMON=$!
}

# daemon_start_slow [VARIABLE=VALUE...] [NAME=VALUE...]: start the daemon with
# slow.c preloaded; variables in capitals are for slow.c.
daemon_start_slow()
{
	local variables=() settings=() word

	for word; do
		case $word in
		[A-Z]*) variables+=("$word") ;;
		*) settings+=("$word") ;;
		esac
	done
	[ -e "$WORK/slow.so" ] ||
	    ${CC:-cc} -shared -fPIC -D_GNU_SOURCE -O1 -o "$WORK/slow.so" \
	    "$HERE/slow.c" -ldl || fail "slow.so is built"
	cat >"$WORK/slowly" <<-EOF
	#!/bin/bash
	export ASAN_OPTIONS=\${ASAN_OPTIONS-}:verify_asan_link_order=0
	LD_PRELOAD=$WORK/slow.so ${variables[*]} exec "$ARTIFACTD" "\$@"
	EOF
	chmod +x "$WORK/slowly"
	ARTIFACTD=$WORK/slowly daemon_start "${settings[@]}"
}

# Wait until a worker answers through nginx, at most 15 seconds. (Not for
# /readyz, since some tests have a full disk.)
wait_ready()
{
	for _ in {1..300}; do
		[ "$(curl -s -o /dev/null -m 2 -w '%{http_code}' \
		    "$URL/healthz")" = 200 ] && return
		kill -0 "$DAEMON" 2>/dev/null || break
		sleep 0.05
	done
	echo "# artifactd does not answer; its last lines:"
	tail -n 5 "$DAEMON_LOG" | sed 's/^/# /'
	return 1
}

# daemon_stop [SIGNAL]: stop the daemon, and put its exit code into CODE.
daemon_stop()
{
	[ -n "$DAEMON" ] || return 0
	kill -"${1:-TERM}" "$DAEMON" 2>/dev/null
	wait "$DAEMON"
	CODE=$?
	DAEMON=
}

# children_of PID: print the pids of its children.
children_of()
{
	cat "/proc/$1/task/$1/children" 2>/dev/null
}

# ---- nginx

free_port()
{
	python3 -c 'import socket
s = socket.socket()
s.bind(("127.0.0.1", 0))
print(s.getsockname()[1])'
}

# Its workers keep the user of this script, also when that is root.
nginx_render()
{
	local user=

	[ "$(id -u)" != 0 ] || user="user root root;"
	PORT=$(free_port)
	URL=http://127.0.0.1:$PORT
	"$TOP_SRCDIR/nginx/render.sh" "$WORK/nginx" "FCGI_SOCKET=$SOCKET" \
	    "SECRET_FILE=$SECRET" "STATE_DIR=$WORK" "PORT=$PORT" "USER_LINE=$user" "$@"
}

nginx_start()
{
	nginx -e "$NGINX_LOG" -p "$WORK" -c "$WORK/nginx/nginx.conf" \
	    2>>"$NGINX_LOG" >&2 </dev/null &
	NGINX=$!
	for _ in {1..100}; do
		[ "$(curl -s -o /dev/null -w '%{http_code}' "$URL/")" = 000 ] ||
		    return 0
		sleep 0.05
	done
	echo "# nginx does not answer; its last lines:"
	tail -n 5 "$NGINX_LOG" | sed 's/^/# /'
	return 1
}

nginx_stop()
{
	[ -n "$NGINX" ] || return 0
	kill -TERM "$NGINX" 2>/dev/null
	wait "$NGINX"
	NGINX=
}

# start [NAME=VALUE...]: start nginx and the daemon with a new store, and wait
# until they are ready.
start()
{
	nginx_render
	make_store
	daemon_start "$@"
	if ! nginx_start || ! wait_ready; then
		fail "nginx and artifactd start"
		finish
	fi
}

# ---- requests

# http METHOD PATH [CURL ARGUMENT...]: send a request. The status is then in
# STATUS, the body in $WORK/body, the headers in $WORK/headers. "-d" sends JSON
# unless a header names another type.
http()
{
	local method=$1 path=$2
	shift 2

	case $method in
	HEAD) set -- -I "$@" ;;
	*) set -- -X "$method" "$@" ;;
	esac
	case " $* " in
	*" -d "*)
		case " $* " in
		*Content-Type:*) ;;
		*) set -- -H 'Content-Type: application/json' "$@" ;;
		esac
		;;
	esac
	: >"$WORK/body"
	: >"$WORK/headers"
	STATUS=$(curl -s -m 120 --path-as-is -o "$WORK/body" \
	    -D "$WORK/headers" -w '%{http_code}' "$@" "$URL$path")
}

body()
{
	tr '\0' '?' <"$WORK/body"
}

# header NAME: print this header of the last answer.
header()
{
	sed -n "s/^$1: \(.*\)\r\$/\1/Ip" "$WORK/headers" | tail -n 1
}

# member NAME: print this member of the JSON of the last answer.
member()
{
	python3 -c 'import json, sys
value = json.load(open(sys.argv[1], encoding="utf-8"))
for key in sys.argv[2].split("."):
    value = value[int(key) if isinstance(value, list) else key]
print(value if isinstance(value, str) else json.dumps(value))' \
	    "$WORK/body" "$1" 2>/dev/null
}

# is_error STATUS: the last answer is an error in the form of the contract.
is_error()
{
	equal "$STATUS" "$1" &&
	    equal "$(header Content-Type)" application/json &&
	    [ -n "$(member detail)" ] &&
	    [ -n "$(header X-Request-ID)" ]
}

# create [TITLE]: create an artifact, and put its id into ID.
create()
{
	http POST /artifacts -d "{\"workflow_id\":\"w\",\"artifact_type\":
	    \"plan\",\"title\":\"${1:-t}\",\"content\":\"hello\"}"
	ID=$(member id)
}

# ---- the end

stop_all()
{
	trap '' INT TERM HUP
	nginx_stop
	daemon_stop
}

at_exit()
{
	local code=$?

	stop_all
	if [ "$code" != 0 ] && [ "$code" != 77 ] && [ -n "${E2E_LOGS-}" ]; then
		mkdir -p "$E2E_LOGS"
		cp "$WORK"/*.log "$E2E_LOGS/" 2>/dev/null
	fi
	rm -rf "$WORK"
}

# The last line of every script. Also checks that no sanitizer reported
# anything.
finish()
{
	if grep -qE 'Sanitizer|runtime error' "$DAEMON_LOG"; then
		fail "no sanitizer speaks"
		grep -aE -A 8 'Sanitizer|runtime error' "$DAEMON_LOG" |
		    head -n 30 | sed 's/^/# /'
	fi
	echo "# $((COUNT - FAILED)) of $COUNT checks passed"
	[ "$FAILED" = 0 ] && [ "$COUNT" != 0 ]
	exit
}

trap at_exit EXIT
trap 'exit 130' INT TERM HUP
