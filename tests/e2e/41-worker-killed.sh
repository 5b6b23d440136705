#!/bin/bash
# SPDX-License-Identifier: ISC
#
# Workers are killed: nginx sends a GET to another worker; only the change that
# a killed worker had may fail, with a 502 in JSON.
. "$(dirname "$0")/lib.sh"

start workers=6
python_checks - <<'PYTHON'
import json
import random
import threading
import time

import e2e

KILLS = 200 if e2e.IS_FULL else 25
done = threading.Event()
lock = threading.Lock()
reads = []
writes = []
created = []
big = bytes(range(256)) * 8192


def reader():
    client = e2e.Client()
    while not done.is_set():
        target = random.choice(targets)
        try:
            status, headers, payload = client.send("GET", target)
        except Exception as error:
            # A body already on its way can only end too short.
            with lock:
                reads.append((target, 0, repr(error)))
            continue
        with lock:
            reads.append((target, status, payload[:200]))


def creator(number):
    client = e2e.Client()
    n = 0
    while not done.is_set():
        n += 1
        status, headers, payload = client.send("POST", "/artifacts", {
            "workflow_id": "hit", "artifact_type": "t",
            "title": f"{number}-{n}", "content": "c"})
        with lock:
            writes.append((status, headers["Content-Type"], payload))
            if status == 201:
                created.append(f"{number}-{n}")


client = e2e.Client()
small = client.create("reads")[1]["id"]
large = client.create("reads")[1]["id"]
client.send("PUT", f"/artifacts/{large}/raw", big)
targets = ["/artifacts?workflow_id=reads", f"/artifacts/{small}",
           f"/artifacts/{small}/content", f"/artifacts/{small}/raw",
           "/healthz"]
threads = [threading.Thread(target=reader) for _ in range(4)]
threads += [threading.Thread(target=creator, args=(n,)) for n in range(3)]
for thread in threads:
    thread.start()
killed = 0
for _ in range(KILLS):
    time.sleep(0.1)
    alive = e2e.wait_for(e2e.workers)
    killed += e2e.kill(random.choice(alive))
time.sleep(0.3)
done.set()
for thread in threads:
    thread.join()
e2e.check(f"{KILLS} workers were killed", killed == KILLS, killed)
failed = [r for r in reads if r[1] != 200]
e2e.check(f"{len(reads)} reads: none failed", not failed and reads,
          len(failed), failed[:3])
failed = [w for w in writes if w[0] != 201]
e2e.check(f"{len(writes)} creates: at most one failed for a kill "
          f"({len(failed)})", len(failed) <= KILLS, failed[:3])
e2e.check("each failed one is a 502 in JSON that says what to do", all(
    w[0] == 502 and w[1] == "application/json"
    and json.loads(w[2])["detail"] for w in failed), failed[:3])
titles = [a["title"] for a in client.pages("/artifacts?workflow_id=hit")]
e2e.check("nothing that was acknowledged is missing, nothing is double",
          not set(created) - set(titles) and len(set(titles)) == len(titles))
e2e.check("what is there beyond that was hit", len(titles) - len(created)
          <= len(failed), len(titles), len(created))
status, _, payload = client.send("GET", f"/artifacts/{large}/raw")
e2e.check("content is whole", (status, payload) == (200, big))
e2e.check("all workers are back", e2e.wait_for(
    lambda: len(e2e.workers()) == 6), e2e.workers())
PYTHON
check "the log has an obituary of a worker" \
    grep -q 'event=child_ended.* child=worker .*signal=9' "$DAEMON_LOG"
finish
