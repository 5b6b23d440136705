#!/bin/bash
# SPDX-License-Identifier: ISC
#
# The writer does not answer, since its disk hangs: reads are served, and
# changes wait or get a 503. When the writer goes on, everything works again. A
# writer that is only slow is not killed.
. "$(dirname "$0")/lib.sh"

start workers=8
python_checks - <<'PYTHON'
import hashlib
import signal
import threading
import time

import e2e

CLIENTS = 64
known, lock = {}, threading.Lock()
statuses, bad, early = {}, [], []
done = threading.Event()
is_stopped = threading.Event()
reads = []


def create(number):
    client = e2e.Client(timeout=90)
    n = 0
    while not done.is_set():
        n += 1
        text = f"{number}-{n}"
        status, headers, payload = client.send("POST", "/artifacts", {
            "workflow_id": "hang", "artifact_type": "t", "title": text,
            "content": text})
        with lock:
            statuses[status] = statuses.get(status, 0) + 1
            if status == 201:
                known[e2e.json.loads(payload)["id"]] = \
                    hashlib.sha256(text.encode()).hexdigest()
            elif status != 503 or headers["Retry-After"] != "1" or \
                    b"Nothing happened" not in payload:
                bad.append((status, dict(headers), payload[:200]))
            elif not is_stopped.is_set():
                early.append(time.monotonic())
        if status == 503:
            time.sleep(0.05)


def put(number):
    """Content of many chunks: it waits for the writer in other places."""
    client = e2e.Client(timeout=90)
    status, answer = client.create("hang", title=f"put-{number}")
    with lock:
        known[answer["id"]] = hashlib.sha256(b"hello").hexdigest()
    n = 0
    while not done.is_set():
        n += 1
        content = bytes([65 + n % 26]) * 3000000
        status, headers, payload = client.send(
            "PUT", f"/artifacts/{answer['id']}/raw", content)
        with lock:
            if status == 200:
                known[answer["id"]] = hashlib.sha256(content).hexdigest()
            elif status != 503 or b"Nothing happened" not in payload:
                bad.append(("put", status, payload[:200]))
        if status == 503:
            time.sleep(0.05)


def read():
    client = e2e.Client(timeout=90)
    while not done.is_set():
        began = time.monotonic()
        status = client.send("GET", "/artifacts?limit=5")[0]
        with lock:
            reads.append((began, time.monotonic() - began, status))
        time.sleep(0.02)


for name, clients in (("creates", [create] * CLIENTS),
                      ("uploads and creates", [put] * 6 + [create] * 10)):
    done.clear()
    statuses.clear()
    threads = [threading.Thread(target=one, args=(f"{name}-{i}",), daemon=True)
               for i, one in enumerate(clients)]
    threads += [threading.Thread(target=read, daemon=True) for _ in range(3)]
    for thread in threads:
        thread.start()
    time.sleep(1.5)
    reads.clear()
    writer = e2e.writer()
    is_stopped.set()
    stopped = time.monotonic()
    e2e.kill(writer, signal.SIGSTOP)
    time.sleep(4)
    e2e.kill(writer, signal.SIGCONT)
    went_on = time.monotonic()
    time.sleep(0.3)
    is_stopped.clear()
    with lock:
        during = [r for r in reads if r[0] + r[1] > stopped and
                  r[0] < went_on]
        made = len(known)
        refused = statuses.get(503, 0)
    time.sleep(1)
    more = len(known) - made
    done.set()
    for thread in threads:
        thread.join()
    # Whoever comes in the first second, before the writer is silent, may have
    # to wait until it is.
    slowest = max((took for _, took, _ in during), default=99)
    later = max((took for began, took, _ in during if began > stopped + 1.5),
                default=99)
    e2e.check(f"{name}: the writer hangs, {len(during)} reads are served, the "
              f"slowest after {slowest:.2f} s, once it is known {later:.2f} s",
              len(during) > 100 and slowest < 2 and later < 0.7 and
              {status for _, _, status in during} == {200},
              len(during), slowest, later)
    e2e.check(f"{name}: {refused} creates are 503 with Retry-After",
              refused > 10)
    e2e.check(f"{name}: no other answer", not bad, len(bad), bad[:3])
    # Content of megabytes may take a slow disk longer than a second.
    if name == "creates":
        e2e.check(f"{name}: none of them before or after", not early,
                  [when - stopped for when in early][:5])
    e2e.check(f"{name}: then it goes on, {more} within a second", more > 5)
    e2e.check(f"{name}: the writer is the same", e2e.writer() == writer)
gone = list(e2e.lost(known))
e2e.check(f"all {len(known)} that were acknowledged are there", not gone,
          len(gone), gone[:3])
titles = [a["title"] for a in e2e.Client().pages(
    "/artifacts?workflow_id=hang&limit=200")]
e2e.check("and nothing that was refused, or twice",
          len(titles) == len(known) == len(set(titles)),
          len(titles), len(known), len(set(titles)))
PYTHON
daemon_stop
daemon_start workers=48
wait_ready

python_checks - <<'PYTHON'
"""Workers die by the hundred, while the writer waits for its disk."""
import signal
import threading
import time

import e2e

KILLS = 400  # more than a control socket holds channels
done = threading.Event()
bad = []
reads = [0]


def read():
    client = e2e.Client()
    while not done.is_set():
        try:
            status = client.send("GET", "/artifacts?limit=1")[0]
        except OSError as error:
            status = repr(error)
            client.close()
        # A read whose two workers were both killed is 502.
        if status not in (200, 502):
            bad.append(status)
        reads[0] += status == 200


writer = e2e.writer()
threads = [threading.Thread(target=read, daemon=True) for _ in range(8)]
for thread in threads:
    thread.start()
time.sleep(0.3)
e2e.kill(writer, signal.SIGSTOP)
until = time.monotonic() + 60
killed, seen = set(), set()
while len(killed) < KILLS and time.monotonic() < until:
    # Those that have had time to be connected, and to serve, so that none is
    # held back.
    alive = {pid for pid in e2e.children() if pid != writer}
    for pid in alive & seen:
        e2e.kill(pid)
    killed |= alive & seen
    seen = alive
    time.sleep(0.7)
e2e.kill(writer, signal.SIGCONT)
time.sleep(0.5)
done.set()
for thread in threads:
    thread.join()
e2e.check(f"{len(killed)} workers died while the writer waited", 
          len(killed) >= KILLS)
e2e.check("the writer was left alone", e2e.writer() == writer)
e2e.check(f"{reads[0]} reads were served meanwhile", reads[0] > KILLS)
e2e.check("none was refused", not bad, len(bad), bad[:3])
began = time.monotonic()
statuses = [e2e.Client().create("after")[0] for _ in range(30)]
took = time.monotonic() - began
e2e.check(f"and each worker has its channel ({took:.2f} s for 30 creates)",
          statuses == [201] * 30 and took < 3, statuses, took)
PYTHON
check "no worker was refused the store" \
    equal "$(grep -c 'event=store_refused' "$DAEMON_LOG")" 0
daemon_stop
check "it ends well after all that" equal "$CODE" 0

# A disk whose sync takes up to half a second is slow, and no reason for 503.
for delay in 100 500; do
	: >"$DAEMON_LOG"
	daemon_start_slow SLOW_SYNC=$delay workers=8
	wait_ready
	python_checks - "$delay" <<'PYTHON'
import sys
import threading
import time

import e2e

until = time.monotonic() + 6
statuses = []


def create():
    client = e2e.Client()
    while time.monotonic() < until:
        statuses.append(client.create("slow")[0])


e2e.in_threads([create] * 64)
e2e.check(f"64 clients, each sync {sys.argv[1]} ms: {len(statuses)} creates, "
          "not one 503", set(statuses) == {201}, set(statuses))
PYTHON
	daemon_stop
done
finish
