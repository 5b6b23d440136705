#!/bin/bash
# SPDX-License-Identifier: ISC
#
# Processes are stopped and continued, as "docker pause", a frozen cgroup, a
# suspended host or a debugger does it: a client sees a pause. When a stopped
# process continues, its calls on sockets with a timeout are interrupted, and
# its writes are short.
. "$(dirname "$0")/lib.sh"

start workers=6
PYTHONPATH=$TOP_SRCDIR/tests/campaigns/hostile
python_checks - "$PYTHONPATH" <<'PYTHON'
"""Straight to the socket, so that each place to be stopped in is hit."""
import json
import os
import signal
import sys
import time

sys.path.append(sys.argv[1])
import e2e
import fastcgi as f

TEXT = "x" * 200000
BODY = json.dumps({"workflow_id": "stop", "artifact_type": "t",
                   "title": "t", "content": TEXT}).encode()


def stop_all(seconds=0.05):
    """Every worker, for a while."""
    pids = e2e.workers()
    for number in signal.SIGSTOP, signal.SIGCONT:
        for pid in pids:
            e2e.kill(pid, number)
        time.sleep(seconds)


def answer_of(data):
    """(status, body) of the one answer; it has its end."""
    found = f.answers(data)
    if len(found) != 1 or not found[0][2]:
        return 0, data[:200]
    status, text, _ = found[0]
    return status, text.partition(b"\r\n\r\n")[2]


def content_of(made):
    return e2e.Client().send("GET", f"/artifacts/{made}/raw")[2]


def stop_while_sending(pieces):
    with f.connect() as peer:
        try:
            for piece in pieces[:-1]:
                peer.sendall(piece)
                time.sleep(0.05)  # now they wait for more
                stop_all()
            peer.sendall(pieces[-1])
        except BrokenPipeError:
            pass  # the answer says why, if there is one
        return answer_of(f.read_all(peer))


values = f.as_nginx("POST", "/artifacts", BODY, "application/json")
WHOLE = f.request(values, BODY)
head = len(f.begin())
start = WHOLE.index(f.record(f.PARAMS, b""))  # of the end of the parameters
for text, cuts in {
        "inside the first record's head": [3],
        "between the first record and the next": [head],
        "inside the head of the parameters": [head + 5],
        "inside the parameters": [head + 8 + 60],
        "inside the head of the end of the parameters": [start + 3],
        "before the body": [start + 8],
        "inside the head of the body": [start + 8 + 4],
        "inside the body": [start + 2000],
        "before the end of the body": [len(WHOLE) - 8],
        "in all of these": [3, head, head + 5, head + 68, start + 3,
                            start + 8, start + 12, start + 2000,
                            start + 70000, len(WHOLE) - 8]}.items():
    cuts = [0, *cuts, len(WHOLE)]
    status, payload = stop_while_sending(
        [WHOLE[a:b] for a, b in zip(cuts, cuts[1:])])
    is_made = status == 201 and \
        content_of(json.loads(payload)["id"]) == TEXT.encode()
    e2e.check(f"stopped {text}, a create goes on", is_made, status,
              payload[:200])

CONTENT = os.urandom(6000000)
client = e2e.Client()
made = client.create("stop")[1]["id"]
client.send("PUT", f"/artifacts/{made}/raw", CONTENT)
bad = []
for pause in (0.01, 0.05, 0.2):
    with f.connect() as peer:
        peer.sendall(f.request(f.as_nginx("GET", f"/artifacts/{made}/raw")))
        data = b""
        for _ in range(6):
            time.sleep(pause)  # now it waits for us
            stop_all(0.02)
            data += peer.recv(700000)
        status, payload = answer_of(data + f.read_all(peer))
        if (status, payload) != (200, CONTENT):
            bad.append((pause, status, len(payload)))
e2e.check("stopped while it sends, a download is whole", not bad, bad)

TEXT = os.urandom(1000000).hex()
client.send("PUT", f"/artifacts/{made}/raw", TEXT.encode())
with f.connect() as peer:
    peer.sendall(f.request(f.as_nginx("GET", f"/artifacts/{made}/content")))
    data = b""
    for _ in range(6):
        time.sleep(0.05)
        stop_all(0.02)
        data += peer.recv(200000)
    status, payload = answer_of(data + f.read_all(peer))
e2e.check("... and content in JSON, too",
          status == 200 and json.loads(payload)["content"] == TEXT,
          status, len(payload))
PYTHON

# Time in which the worker was stopped is not the peer's.
daemon_stop
daemon_start workers=6 io_timeout=1
wait_ready
python_checks - "$PYTHONPATH" <<'PYTHON'
import json
import signal
import sys
import time

sys.path.append(sys.argv[1])
import e2e
import fastcgi as f

BODY = json.dumps({"workflow_id": "stop", "artifact_type": "t",
                   "title": "t", "content": "x" * 50000}).encode()
WHOLE = f.request(f.as_nginx("POST", "/artifacts", BODY, "application/json"),
                  BODY)
with f.connect() as peer:
    peer.sendall(WHOLE[:20000])
    time.sleep(0.3)
    pids = e2e.workers()
    for pid in pids:
        e2e.kill(pid, signal.SIGSTOP)
    time.sleep(2.5)
    for pid in pids:
        e2e.kill(pid, signal.SIGCONT)
    time.sleep(0.3)
    peer.sendall(WHOLE[20000:])
    found = f.answers(f.read_all(peer))
e2e.check("a worker that was stopped for longer than io_timeout goes on",
          [status for status, _, _ in found] == [201], found)

with f.connect() as peer:
    peer.sendall(WHOLE[:20000])
    began = time.monotonic()
    found = f.answers(f.read_all(peer))
    took = time.monotonic() - began
status, text, _ = found[0]
e2e.check("a body that stops coming is 503 after io_timeout, never 400",
          status == 503 and b"\r\nRetry-After: 1\r\n" in text and
          b"Nothing was stored" in text and 0.9 < took < 3, took, found)
PYTHON

python_checks - "$NGINX" <<'PYTHON'
"""Through nginx: any process, at any time, for up to 0.3 s."""
import hashlib
import os
import random
import signal
import sys
import threading
import time

import e2e

SECONDS = 60 if e2e.IS_FULL else 8
SEED = int(os.environ.get("TEST_SEED") or random.randrange(1 << 30))
NGINX = int(sys.argv[1])
print(f"TEST_SEED={SEED}")
done = threading.Event()
lock = threading.Lock()
bad = []
known = {}
counts = dict.fromkeys(("create", "form", "put", "download"), 0)
big = os.urandom(8000000)
target = e2e.Client().create("stop")[1]["id"]
e2e.Client().send("PUT", f"/artifacts/{target}/raw", big)


def note(kind, is_good, *facts):
    with lock:
        if is_good:
            counts[kind] += 1
        else:
            bad.append((kind, *facts))


def create(rng, client):
    text = rng.randbytes(rng.choice([10, 40000, 400000])).hex()
    status, answer = client.create("stop", content=text)
    note("create", status == 201, status, answer)
    if status == 201:
        with lock:
            known[answer["id"]] = hashlib.sha256(text.encode()).hexdigest()


def form(rng, client):
    content = rng.randbytes(rng.choice([100, 65512, 3000000]))
    status, answer = client.json("POST", "/artifacts", *e2e.multipart(
        content, workflow_id="stop", artifact_type="t", title="form"))
    note("form", status == 201, status, answer)
    if status == 201:
        with lock:
            known[answer["id"]] = hashlib.sha256(content).hexdigest()


def put(rng, client):
    status, answer = client.create("stop")
    if status != 201:
        note("put", False, status, answer)
        return
    content = rng.randbytes(rng.choice([70000, 5000000]))
    status, _, payload = client.send(
        "PUT", f"/artifacts/{answer['id']}/raw", content)
    note("put", status == 200, status, payload[:200])
    if status == 200:
        with lock:
            known[answer["id"]] = hashlib.sha256(content).hexdigest()


def download(_, client):
    status, _, payload = client.send("GET", f"/artifacts/{target}/raw")
    note("download", status == 200 and payload == big, status, len(payload))


def work(number):
    rng = random.Random(SEED + number)
    client = e2e.Client()
    kinds = (create, form, put, download)
    while not done.is_set():
        kind = kinds[number % 4]
        try:
            kind(rng, client)
        except Exception as error:
            note(kind.__name__, False, repr(error))
            client.close()


threads = [threading.Thread(target=work, args=(n,), daemon=True) for n in range(8)]
for thread in threads:
    thread.start()
rng = random.Random(SEED)
until = time.monotonic() + SECONDS
stops = 0
while time.monotonic() < until:
    peers = [int(pid) for pid in open(
        f"/proc/{NGINX}/task/{NGINX}/children").read().split()]
    pids = rng.choice([e2e.workers(), e2e.workers(), [e2e.writer()], peers,
                       e2e.children(), e2e.children() + peers])
    if len(pids) > 1 and rng.random() < 0.5:
        pids = rng.sample(pids, len(pids) // 2)
    for pid in pids:
        e2e.kill(pid, signal.SIGSTOP)
    time.sleep(rng.choice([0.001, 0.01, 0.05, 0.3]))
    for pid in pids:
        e2e.kill(pid, signal.SIGCONT)
    stops += 1
    time.sleep(rng.random() * 0.1)
done.set()
for thread in threads:
    thread.join()
for kind, count in counts.items():
    e2e.check(f"{kind}: {count} were answered", count > 0)
e2e.check(f"{stops} stops: no client saw one", not bad, len(bad), bad[:5])
gone = list(e2e.lost(known))
e2e.check(f"all {len(known)} have the content that was acknowledged",
          not gone, len(gone), gone[:3])
PYTHON
check "no process was replaced for it" \
    equal "$(grep -c '^<4>event=child_ended' "$DAEMON_LOG")" 0
daemon_stop
check "it ends well after all that" equal "$CODE" 0
finish
