#!/bin/bash
# SPDX-License-Identifier: ISC
#
# What artifactd and the service manager tell each other: an inherited socket,
# and the notify protocol.
. "$(dirname "$0")/lib.sh"

nginx_render
cat >"$WORK/manager.py" <<'PYTHON'
"""A service manager: a listening socket as descriptor 3, a notify socket
whose datagrams go to a file, then the daemon in our place."""
import os
import socket
import sys

path, notify, log, watchdog, *command = sys.argv[1:]
listening = socket.socket(socket.AF_UNIX)
listening.bind(path)
listening.listen(512)
told = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
told.bind(notify)
manager = os.getpid()
if os.fork() == 0:
    # The reader of datagrams; it ends when its socket's file is removed.
    listening.close()
    told.settimeout(0.1)
    with open(log, "ab", buffering=0) as file:
        while os.path.exists(notify):
            try:
                file.write(told.recv(65536) + b"\n--\n")
            except TimeoutError:
                pass
    os._exit(0)
os.environ.update(LISTEN_FDS="1", LISTEN_PID=str(manager),
                  NOTIFY_SOCKET=notify)
if watchdog != "0":
    os.environ.update(WATCHDOG_USEC=watchdog, WATCHDOG_PID=str(manager))
spare = os.dup(listening.fileno())
os.dup2(spare, 3, inheritable=True)
os.execv(command[0], command)
PYTHON
TOLD=$WORK/told
: >"$TOLD"

managed_start()
{
	local arguments=(--set secret_file="$SECRET") setting

	for setting in "${SETTINGS[@]}"; do
		arguments+=(--set "$setting")
	done
	rm -f "$SOCKET" "$WORK/notify"
	env python3 -S "$WORK/manager.py" "$SOCKET" "$WORK/notify" "$TOLD" \
	    "${1:-0}" "$ARTIFACTD" -c "$CONFIG" "${arguments[@]}" \
	    2>>"$DAEMON_LOG" >&2 </dev/null &
	DAEMON=$!
}

# told PATTERN: the manager was told so, within 10 seconds.
told()
{
	for _ in {1..200}; do
		grep -qE "$1" "$TOLD" && return
		sleep 0.05
	done
	sed 's/^/# /' "$TOLD"
	return 1
}

make_store
managed_start 1000000
nginx_start
check "it is READY" told '^READY=1$'
check "… and says so in words" told '^STATUS=.+'
http GET /readyz
check "READY is true: the next request is answered" equal "$STATUS" 200
check "it serves the inherited socket" \
    [ "$(readlink "/proc/$DAEMON/fd/3" | cut -c 1-6)" = socket ]
check "it feeds the watchdog" told '^WATCHDOG=1$'
beats=$(grep -c '^WATCHDOG=1' "$TOLD")
sleep 1.5
check "… again and again" \
    [ "$(grep -c '^WATCHDOG=1' "$TOLD")" -gt "$beats" ]
kill -HUP "$DAEMON"
check "a reload is told" told '^RELOADING=1$'
check "… with the time, as systemd wants it" told '^MONOTONIC_USEC=[0-9]+$'
ready_again()
{
	for _ in {1..200}; do
		[ "$(grep -c '^READY=1' "$TOLD")" -ge 2 ] && return
		sleep 0.05
	done
	return 1
}
check "… and its end" ready_again
daemon_stop
check "the end is told" told '^STOPPING=1$'
check "and is a good one" equal "$CODE" 0
check "an inherited socket is not removed" [ -S "$SOCKET" ]

# READY comes after the writer has opened the store, not before.
: >"$TOLD"
mv "$STORE/format" "$WORK/format"
managed_start
wait "$DAEMON"
DAEMON=
check "a store that cannot be opened is never READY" \
    [ "$(grep -c '^READY=1' "$TOLD")" = 0 ]
mv "$WORK/format" "$STORE/format"
: >"$TOLD"
managed_start
check "without a watchdog it is READY" told '^READY=1$'
wait_ready
sleep 0.5
check "… and does not feed one" \
    [ "$(grep -c '^WATCHDOG=1' "$TOLD")" = 0 ]
create
check "and serves" equal "$STATUS" 201
rm -f "$WORK/notify"
finish
