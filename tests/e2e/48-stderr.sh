#!/bin/bash
# SPDX-License-Identifier: ISC
#
# A standard error that nobody reads does not stop the service: neither a pipe
# or a socket that is full, nor one that was closed. Lines that are lost are
# counted, and one line says how many there were.
. "$(dirname "$0")/lib.sh"

# The other end of standard error: a pipe that this script holds, or a socket.
# It reads nothing until $WORK/read is there; then all goes to $DAEMON_LOG.
cat >"$WORK/stderr.py" <<'PYTHON'
import os
import socket
import sys
import time

kind, is_full, log, flag, *command = sys.argv[1:]
if kind == "pipe":
    reading, writing = os.pipe()
else:
    reading, writing = (s.detach() for s in socket.socketpair())
if is_full == "full":
    os.set_blocking(writing, False)
    for size in (1024, 1):
        try:
            while True:
                os.write(writing, b"." * size)
        except BlockingIOError:
            pass
    os.set_blocking(writing, True)
# Forked twice, so that it is no child of the daemon.
if os.fork() == 0:
    if os.fork() != 0:
        os._exit(0)
    os.close(writing)
    with open(flag + ".pid", "w", encoding="ascii") as file:
        file.write(str(os.getpid()))
    with open(log, "ab", buffering=0) as file:
        while not os.path.exists(flag):
            time.sleep(0.05)
        while data := os.read(reading, 65536):
            file.write(data)
    os._exit(0)
os.wait()
os.close(reading)
os.dup2(writing, 2)
os.set_inheritable(2, True)
os.execv(command[0], command)
PYTHON

# serve_with KIND FULL: start a daemon with such a standard error, a new log and
# the store that is there.
serve_with()
{
	DAEMON_LOG=$WORK/artifactd-$1-$2.log
	: >"$DAEMON_LOG"
	rm -f "$WORK"/read*
	cat >"$WORK/wrapped" <<-EOF
	#!/bin/bash
	exec python3 -S "$WORK/stderr.py" $1 $2 "$DAEMON_LOG" "$WORK/read" \
	    "$ARTIFACTD" "\$@"
	EOF
	chmod +x "$WORK/wrapped"
	ARTIFACTD=$WORK/wrapped daemon_start
}

# refused COUNT: send so many requests that are refused, and logged, from eight
# clients at once; print how many got their 404.
refused()
{
	# shellcheck disable=SC2016 # the inner shell expands them
	seq "$1" | xargs -P 8 -n 50 bash -c '
		url=$0
		printf "url = \"%s/artifacts/none-%s?xxxxxxxxxxxxxxxxxxxxxxxxx\"\n" \
		    $(for n; do echo "$url" "$n"; done) |
		    curl -s -m 20 -o /dev/null -w "%{http_code}\n" -K -' "$URL" |
	    grep -c 404
}

# goes_on: what has to work while nobody reads standard error.
goes_on()
{
	local before pid

	check "$1: a service that starts is ready" wait_ready
	create
	check "$1: a create is taken" equal "$STATUS" 201
	http GET "/artifacts/$ID"
	check "$1: a read is answered" equal "$STATUS" 200
	check "$1: requests that are refused are answered" \
	    equal "$(refused 2000)" 2000
	before=$(children_of "$DAEMON" | xargs)
	pid=${before##* } # a worker, since the writer was the first
	kill -9 "$pid"
	for _ in {1..100}; do
		sleep 0.05
		[ ! -e "/proc/$pid" ] &&
		    [ "$(children_of "$DAEMON" | wc -w)" = \
		    "$(wc -w <<<"$before")" ] && break
	done
	check "$1: a worker that was killed is replaced" equal \
	    "$(children_of "$DAEMON" | wc -w)" "$(wc -w <<<"$before")"
	before=$(children_of "$DAEMON")
	kill -HUP "$DAEMON"
	for _ in {1..200}; do
		sleep 0.05
		comm -12 <(tr ' ' '\n' <<<"$before" | grep . | sort) \
		    <(children_of "$DAEMON" | tr ' ' '\n' | grep . | sort) \
		    >"$WORK/stayed"
		[ "$(wc -l <"$WORK/stayed")" -le 1 ] && break
	done
	check "$1: a reload replaces the workers" \
	    [ "$(wc -l <"$WORK/stayed")" -le 1 ]
	check "$1: … and the service answers" wait_ready
	http DELETE "/artifacts/$ID"
	check "$1: a delete is taken" equal "$STATUS" 200
}

# Let the log be read, and compare what it says was lost with the metric.
tells_loss()
{
	local told counted

	touch "$WORK/read"
	for _ in {1..100}; do
		grep -q event=log_lines_lost "$DAEMON_LOG" && break
		sleep 0.05
	done
	sleep 0.6
	told=$(sed -n 's/.*event=log_lines_lost .*lines=//p' "$DAEMON_LOG" |
	    awk '{ sum += $1 } END { print sum + 0 }')
	counted=$(curl -s "$URL/metrics" |
	    sed -n 's/^artifactd_log_lines_lost_total //p')
	check "$1: one line says how many lines were lost" equal \
	    "$(grep -ac '^\.*<4>event=log_lines_lost role=master' \
	    "$DAEMON_LOG")" 1
	check "$1: … as many as the metric" equal "$told" "$counted"
	check "$1: … which are over a thousand" [ "${counted:-0}" -gt 1000 ]
	http GET /artifacts/none -H 'X-Request-ID: lines-go-out-again'
	for _ in {1..40}; do
		grep -q request=lines-go-out-again "$DAEMON_LOG" && break
		sleep 0.05
	done
	check "$1: lines go out again" \
	    grep -q '^<6>event=request_refused .*request=lines-go-out-again' \
	    "$DAEMON_LOG"
}

stops()
{
	daemon_stop
	check "$1: the service stops when asked to" equal "$CODE" 0
	touch "$WORK/read" # the reader ends
}

nginx_render
make_store
serve_with pipe empty
nginx_start || fail "nginx starts"
goes_on "a pipe that fills up"
tells_loss "a pipe that fills up"
stops "a pipe that fills up"

for kind in pipe socket; do
	serve_with $kind full
	goes_on "a full $kind"
	stops "a full $kind"
	serve_with $kind full
	check "a full $kind: a service that starts is ready" wait_ready
	check "a full $kind: requests that are refused are answered" \
	    equal "$(refused 2000)" 2000
	tells_loss "a full $kind"
	check "a full $kind: no line is torn" equal \
	    "$(grep -avc '^\.*<[0-7]>event=[a-z_]* role=[a-z]* pid=' \
	    "$DAEMON_LOG")" 0
	stops "a full $kind"
done

# Nobody has the other end any more.
serve_with pipe empty
wait_ready
kill -9 "$(cat "$WORK/read.pid")"
goes_on "a pipe without a reader"
stops "a pipe without a reader"

cat >"$WORK/wrapped" <<EOF
#!/bin/bash
exec "$ARTIFACTD" "\$@" 2>&-
EOF
ARTIFACTD=$WORK/wrapped daemon_start
goes_on "a closed standard error"
stops "a closed standard error"
finish
