#!/bin/bash
# SPDX-License-Identifier: ISC
#
# The daemon is stopped by a signal, or killed, and started again: everything is
# still there.
. "$(dirname "$0")/lib.sh"

start

# all: what the store answers to reads, as one hash.
all()
{
	local id

	http GET '/artifacts?limit=200'
	cp "$WORK/body" "$WORK/list"
	{
		cat "$WORK/list"
		for id in $(grep -o '"id":"[^"]*"' "$WORK/list" |
		    cut -d '"' -f 4); do
			curl -s "$URL/artifacts/$id"
			curl -s -D - -o - "$URL/artifacts/$id/raw" |
			    grep -aviE '^(Date|X-Request-ID|Server):'
		done
	} | sha256sum
}

for title in one two three four; do
	create "$title"
done
head -c 3000000 /dev/urandom >"$WORK/file"
http POST "/artifacts/$ID/upload" -F "file=@$WORK/file;type=image/png"
http PUT "/artifacts/$ID" -d '{"title":"Five","metadata":{"a":1.0},
    "is_primary_deliverable":false,"derived_from":["'"$ID"'"]}'
create gone
http DELETE "/artifacts/$ID"
http POST /artifacts -H 'Idempotency-Key: before' -d '{"workflow_id":"w",
    "artifact_type":"t","title":"keyed","content":"c"}'
keyed=$(member id)
http GET '/artifacts?limit=2'
next=$(header Link | sed 's/^<\(.*\)>.*/\1/')
http GET "$next"
page=$(body)
# Last-Modified is sent when the second in which the content came is over.
sleep 1.1
before=$(all)
for way in TERM INT KILL TERM; do
	if [ "$way" = KILL ]; then
		# All of them at once, as when the machine stops.
		kill -KILL "$DAEMON" $(children_of "$DAEMON")
	fi
	daemon_stop "$way"
	http GET /readyz
	check "SIG$way: it is down, and that is a 502" equal "$STATUS" 502
	daemon_start
	check "it starts again" wait_ready
	check "everything is still there" equal "$(all)" "$before"
	http GET "$next"
	check "a cursor is still good" equal "$(body)" "$page"
	http POST /artifacts -H 'Idempotency-Key: before' -d '{
	    "workflow_id":"w","artifact_type":"t","title":"keyed",
	    "content":"c"}'
	check "an idempotency key is still known" \
	    equal "$STATUS $(member id)" "201 $keyed"
done

# A restart under load: those that get an answer get a right one.
python_checks - <<'PYTHON'
import threading
import time

import e2e


def slow():
    body, headers = e2e.multipart(b"z" * 20000000, workflow_id="drain",
                                  artifact_type="t")
    try:
        answers.append(e2e.Client().json("POST", "/artifacts", body, headers))
    except Exception as error:
        answers.append((0, repr(error)))


answers = []
threads = [threading.Thread(target=slow) for _ in range(4)]
for thread in threads:
    thread.start()
time.sleep(0.1)
e2e.kill(e2e.DAEMON, 15)
for thread in threads:
    thread.join()
e2e.check("a drain lets requests end or tells them with a 502 in JSON",
          all(status in (201, 502) for status, _ in answers), answers)
(e2e.WORK / "made").write_text("".join(
    answer["id"] + "\n" for status, answer in answers if status == 201))
PYTHON
daemon_stop
check "a drain ends well" equal "$CODE" 0
daemon_start
wait_ready
while read -r id; do
	http GET "/artifacts/$id/raw"
	check "what was acknowledged in a drain is there" \
	    equal "$(wc -c <"$WORK/body")" 20000000
done <"$WORK/made"

# The master alone is killed, and started again while a worker that it left
# still waits for a peer: the new one waits as well, and then serves.
SOCKET=$SOCKET env python3 -S -c 'import os, socket, time
peer = socket.socket(socket.AF_UNIX)
peer.connect(os.environ["SOCKET"])
peer.sendall(b"\1\1\0\1\0\10\0\0\0\1\0\0\0\0\0\0")
print(flush=True)
time.sleep(3)' >"$WORK/stalled" &
peer=$!
until [ -s "$WORK/stalled" ]; do
	sleep 0.05
done
daemon_stop KILL
CONFIG=$WORK/late.conf
: >"$CONFIG"
daemon_start
sleep 0.5
echo 'artifact_types = {"never"}' >"$CONFIG"
kill -HUP "$DAEMON"
check "the master killed and started again at once: it serves" wait_ready
wait "$peer"
late()
{
	for _ in {1..100}; do
		create late
		[ "$STATUS" = 400 ] && return
		sleep 0.05
	done
	return 1
}
check "... and a reload that came meanwhile is not forgotten" late
: >"$CONFIG"
kill -HUP "$DAEMON"
check "everything is still there" \
    [ "$(curl -s -o /dev/null -w '%{http_code}' \
    "$URL/artifacts/$keyed")" = 200 ]

# A store of which something was taken away is refused, with a sentence.
daemon_stop
mv "$STORE/format" "$WORK/format"
: >"$DAEMON_LOG"
daemon_start
wait "$DAEMON"
CODE=$?
DAEMON=
check "data.mdb without format: it does not start" [ "$CODE" != 0 ]
check "… and says why" grep -q 'format' "$DAEMON_LOG"
mv "$WORK/format" "$STORE/format"
daemon_start
check "with it it does" wait_ready
check "and everything is there" \
    [ "$(curl -s -o /dev/null -w '%{http_code}' \
    "$URL/artifacts/$keyed")" = 200 ]

# A store that goes away with its directory is missed: an empty one in its
# place would answer 404 to all, and take in what is then in neither.
mv "$STORE" "$STORE.away"
for _ in {1..100}; do
	kill -0 "$DAEMON" 2>/dev/null || break
	sleep 0.1
done
check "the directory moved away: no other store is made" [ ! -e "$STORE" ]
daemon_stop
check "... and it ends, for good" equal "$CODE" 78
mv "$STORE.away" "$STORE"
daemon_start
check "moved back, it is served again" wait_ready
check "and everything is there" \
    [ "$(curl -s -o /dev/null -w '%{http_code}' \
    "$URL/artifacts/$keyed")" = 200 ]

# A writer that is refused while a worker still drains is tried again, but
# not without a pause.
: >"$DAEMON_LOG"
python_checks - <<'PYTHON'
import os
import signal
import time
from pathlib import Path

import e2e

busy = e2e.workers()[0]
e2e.kill(busy, signal.SIGSTOP)
e2e.kill(e2e.DAEMON, signal.SIGTERM)
e2e.wait_for(lambda: e2e.workers() == [busy])
os.rename(os.environ["STORE"] + "/format", e2e.WORK / "format")
e2e.kill(e2e.writer())
time.sleep(2)
tries = Path(os.environ["DAEMON_LOG"]).read_text().count("store_refused")
os.rename(e2e.WORK / "format", os.environ["STORE"] + "/format")
e2e.check("a writer that is refused during a drain is throttled",
          1 < tries < 20, tries)
e2e.kill(busy, signal.SIGCONT)
PYTHON
daemon_stop
check "... which ends well" equal "$CODE" 0
daemon_start
wait_ready

# Two daemons on one store.
timeout 30 "$ARTIFACTD" -c /dev/null --set "state_dir=$STORE" \
    --set "secret_file=$SECRET" \
    --set "listen=$WORK/second.sock" --set workers=1 >"$WORK/second" 2>&1
code=$?
check "a second daemon on the store is refused" \
    [ "$code" != 0 -a "$code" != 124 ]
check "… with a sentence that names the directory" \
    grep -q "$STORE" "$WORK/second"
timeout 30 "$ARTIFACTD" -c /dev/null --set "state_dir=$WORK/third" \
    --set "secret_file=$SECRET" \
    --set "listen=$SOCKET" --set workers=1 >"$WORK/second" 2>&1
code=$?
check "a second daemon on the socket is refused" \
    [ "$code" != 0 -a "$code" != 124 ]
check "… with a sentence that names the socket" \
    grep -q "$SOCKET" "$WORK/second"
check "and the first one serves" wait_ready

# Files of the store that go, or are replaced, under the service: without
# noticing it would acknowledge what nobody will ever find.
said()
{
	for _ in {1..60}; do
		grep -q "$1" "$DAEMON_LOG" && return
		sleep 0.05
	done
	return 1
}
# The writer gets no time to die in while others are busy: it begins again
# when the last one has ended, not before.
busy=()
for _ in $(seq "$(nproc)"); do
	timeout 2 sh -c 'while :; do :; done' &
	busy+=($!)
done
: >"$DAEMON_LOG"
chrt --idle -p 0 "$(pgrep -o -P "$DAEMON")"
rm "$STORE/lock.mdb"
check "lock.mdb is removed: it says so" said 'store_replaced.*lock.mdb'
wait "${busy[@]}"
check "… and begins again" said 'event=serving'
check "… when the writer has ended" \
    [ "$(grep -oE 'event=serving|child=writer' "$DAEMON_LOG" | head -n 1)" = \
    child=writer ]
check "… and serves" wait_ready
create
check "what is created then is there" [ -n "$ID" ]
: >"$DAEMON_LOG"
mv "$STORE/data.mdb" "$WORK/data.mdb"
check "data.mdb is moved away: it says so" said 'store_replaced.*data.mdb'
wait "$DAEMON"
CODE=$?
DAEMON=
check "… and ends" equal "$CODE" 78
mv "$WORK/data.mdb" "$STORE/data.mdb"
daemon_start
check "with it it starts" wait_ready
http GET "/artifacts/$ID"
check "and everything is there" equal "$STATUS" 200
finish
