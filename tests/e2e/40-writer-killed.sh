#!/bin/bash
# SPDX-License-Identifier: ISC
#
# The writer is killed in the middle of creates, uploads and deletes: clients
# see a pause and no error, and nothing happens twice.
. "$(dirname "$0")/lib.sh"

start workers=12
python_checks - <<'PYTHON'
import hashlib
import os
import random
import threading
import time

import e2e

KILLS = 60 if e2e.IS_FULL else 8
PAUSE = 0.6
SEED = int(os.environ.get("TEST_SEED") or random.randrange(1 << 30))
print(f"TEST_SEED={SEED}")
done = threading.Event()
lock = threading.Lock()
bad = []       # answers that no client should see
alive = {}     # id -> sha256 of its content, as acknowledged
deleted = []
slowest = [0.0]
counts = dict.fromkeys(("create", "multipart", "upload", "put", "delete",
                        "keyed"), 0)


def ask(client, kind, wanted, *request):
    """One change; None and a note if the answer is not as wanted."""
    began = time.monotonic()
    try:
        status, answer = client.json(*request)
    except Exception as error:  # the connection must not break either
        status, answer = 0, repr(error)
    with lock:
        slowest[0] = max(slowest[0], time.monotonic() - began)
        if status != wanted:
            bad.append((kind, status, answer))
            return None
        counts[kind] += 1
    return answer


def work(number):
    rng = random.Random(SEED + number)
    client = e2e.Client()
    mine = []
    n = 0
    while not done.is_set():
        n += 1
        kind = rng.choice(list(counts) + ["create"] * 4)
        # Around a chunk, and far over it, so that a kill hits the staging.
        size = rng.choice([10, 3000, 65512, 65513, 400000, 3000000])
        content = rng.randbytes(size)
        name = f"{number}-{n}"
        if kind in ("create", "keyed"):
            text = content[:2000].hex()
            headers = {"Idempotency-Key": name} if kind == "keyed" else {}
            for _ in range(2 if kind == "keyed" else 1):
                answer = ask(client, kind, 201, "POST", "/artifacts", {
                    "workflow_id": "kill", "artifact_type": "t",
                    "title": name, "content": text}, headers)
            content = text.encode()
        elif kind == "multipart":
            answer = ask(client, kind, 201, "POST", "/artifacts",
                         *e2e.multipart(content, workflow_id="kill",
                                        artifact_type="t", title=name))
        elif not mine:
            continue
        else:
            target = rng.choice(mine)
            if kind == "upload":
                answer = ask(client, kind, 200, "POST",
                             f"/artifacts/{target}/upload",
                             *e2e.multipart(content))
            elif kind == "put":
                answer = ask(client, kind, 200, "PUT",
                             f"/artifacts/{target}/raw", content)
            else:
                # A second effect would be a 404.
                answer = ask(client, kind, 200, "DELETE",
                             f"/artifacts/{target}")
                if answer:
                    mine.remove(target)
                    with lock:
                        deleted.append(target)
                        alive.pop(target)
                continue
        if answer:
            made = answer.get("id") or answer["artifact_id"]
            with lock:
                alive[made] = hashlib.sha256(content).hexdigest()
            if made not in mine:
                mine.append(made)


threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
for thread in threads:
    thread.start()
time.sleep(0.5)
killed = []
for _ in range(KILLS):
    pid = e2e.wait_for(e2e.writer)
    if pid and e2e.kill(pid):
        killed.append(pid)
    time.sleep(PAUSE * random.uniform(0.3, 1.7))
e2e.wait_for(e2e.writer)
time.sleep(0.5)
done.set()
for thread in threads:
    thread.join()
e2e.check(f"{KILLS} writers were killed", len(set(killed)) == KILLS, killed)
for kind, count in counts.items():
    e2e.check(f"{kind}: {count} were answered", count > 0)
e2e.check("no client saw an error", not bad, len(bad), bad[:3])
e2e.check(f"no pause was over 10 s ({slowest[0]:.2f} s)", slowest[0] < 10)

client = e2e.Client()
listed = list(client.pages("/artifacts?workflow_id=kill&limit=200"))
ids = [a["id"] for a in listed]
titles = [a["title"] for a in listed]
e2e.check("nothing is there twice", len(set(titles)) == len(titles)
          and len(set(ids)) == len(ids), len(titles) - len(set(titles)))
e2e.check("all that was acknowledged is there", not set(alive) - set(ids),
          len(set(alive) - set(ids)))
e2e.check("and nothing else", not set(ids) - set(alive),
          [a for a in listed if a["id"] not in alive][:3])
wrong = []
for made, digest in alive.items():
    _, _, payload = client.send("GET", f"/artifacts/{made}/raw")
    if hashlib.sha256(payload).hexdigest() != digest:
        wrong.append(made)
e2e.check(f"all {len(alive)} have the content that was acknowledged",
          not wrong, len(wrong), wrong[:3])
back = [i for i in deleted if client.send("GET", f"/artifacts/{i}")[0] != 404]
e2e.check(f"all {len(deleted)} that were deleted stay so", not back, back[:3])
PYTHON
python_checks - <<'PYTHON'
import time

import e2e

killed = 0
until = time.monotonic() + 3
while time.monotonic() < until:
    pid = e2e.wait_for(e2e.writer, 1)
    time.sleep(0.03)  # it has said that it is ready
    killed += bool(pid and e2e.kill(pid))
e2e.check("a writer that dies young, again and again, is throttled",
          1 <= killed <= 20, killed)
status, _ = e2e.Client().create("after")
e2e.check("… and the next one serves", status == 201, status)
PYTHON
check "the log has an obituary of a writer" \
    grep -q 'event=child_ended.* child=writer .*signal=9' "$DAEMON_LOG"
daemon_stop
check "it ends well after all that" equal "$CODE" 0
finish
