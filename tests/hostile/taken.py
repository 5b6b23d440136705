# SPDX-License-Identifier: ISC
"""Workers that are taken over, one after the other.  taken.py COUNT ACTS

Each acts for up to a second inside its sandbox (taken.c); the others go on.
What was acknowledged to others is there afterwards, and the store is whole.
A worker may ask for any change, so what it asks for is made: it could change
the clients' artifacts too, but its messages do not hit their ids."""

import hashlib
import mmap
import os
import random
import struct
import subprocess
import sys
import threading
import time
from pathlib import Path

import e2e

COUNT, KINDS = int(sys.argv[1]), int(sys.argv[2])
SEED = int(os.environ["TEST_SEED"])
ORDER = Path(os.environ["WORK"]) / "order"
ACTS = {1: "messages", 2: "the readers' table",
        3: "the last commit's number", 4: "changes of others",
        5: "all of lock.mdb"}


def start(order):
    process = subprocess.Popen(
        [os.environ["ARTIFACTD"], "-c", "/dev/null"] + [
            word for setting in (
                f"listen={os.environ['SOCKET']}",
                f"state_dir={os.environ['STORE']}", "workers=6",
                "reserve=1048576")
            for word in ("--set", setting)],
        stderr=open(os.environ["DAEMON_LOG"], "ab"),
        stdin=subprocess.DEVNULL, env={**os.environ, "TAKEN": str(order),
                                       "LD_PRELOAD": os.environ["TAKEN_SO"]})
    e2e.DAEMON = process.pid
    e2e.wait_for(lambda: is_serving() or process.poll() is not None, 20)
    return process


def is_serving():
    try:
        return e2e.Client(15).create("probe")[0] == 201
    except OSError:
        return False


class Clients:
    """Threads that create, and remember what was acknowledged."""

    def __init__(self):
        self.known, self.failed = {}, 0
        self.lock, self.is_over = threading.Lock(), threading.Event()
        self.threads = [threading.Thread(target=self.work, args=(n,))
                        for n in range(4)]
        for thread in self.threads:
            thread.start()

    def work(self, number):
        rng = random.Random(SEED * 10 + number)
        client = e2e.Client(60)
        while not self.is_over.is_set():
            content = rng.randbytes(rng.choice([10, 3000, 100000]))
            try:
                status, answer = client.json(
                    "POST", "/artifacts", *e2e.multipart(
                        content, workflow_id="kept", artifact_type="t",
                        title="t"))
            except Exception:
                client.close()
                status = 0
            with self.lock:
                if status == 201:
                    self.known[answer["id"]] = \
                        hashlib.sha256(content).hexdigest()
                else:
                    self.failed += 1
            time.sleep(0.005)

    def stop(self):
        self.is_over.set()
        for thread in self.threads:
            thread.join()


def lost(known):
    client = e2e.Client(60)
    for made, digest in known.items():
        status, _, payload = client.send("GET", f"/artifacts/{made}/raw")
        if status != 200 or hashlib.sha256(payload).hexdigest() != digest:
            yield made, status


def main():
    ORDER.write_bytes(bytes(8))
    with open(ORDER, "r+b") as file:
        order = mmap.mmap(file.fileno(), 8)
    process = start(ORDER)
    clients = Clients()
    done = {}
    for number in range(COUNT):
        act = 1 + number % KINDS
        time.sleep(0.3)
        order[0:8] = struct.pack("<Q", act)
        if not e2e.wait_for(lambda: order[0:8] == bytes(8), 20):
            e2e.check("a worker is taken over", False)
            break
        done[ACTS[act]] = done.get(ACTS[act], 0) + 1
        time.sleep(1.2)
        began = time.monotonic()
        is_back = e2e.wait_for(
            lambda: is_serving() or process.poll() is not None, 90)
        took = time.monotonic() - began
        if took > 5 or not is_back or process.poll() is not None:
            print(f"after {ACTS[act]}: {took:.1f} s, exit code "
                  f"{process.poll()}")
        if process.poll() is not None:
            process = start(ORDER)
    clients.stop()
    if process.poll() is None:
        process.terminate()
        process.wait(60)
    process = start(ORDER)
    gone = list(lost(clients.known))
    print(f"{done} taken over; {len(clients.known)} creates acknowledged, "
          f"{clients.failed} not")
    e2e.check(f"{sum(done.values())} workers taken over: nothing that was "
              "acknowledged is lost", not gone and len(clients.known) > 50,
              len(gone), gone[:5])
    process.terminate()
    e2e.check("it ends well", process.wait(60) == 0)
    checked = subprocess.run(
        [os.environ["STORECHECK"], os.environ["STORE"]],
        capture_output=True, text=True, check=False)
    e2e.check("the store is whole", checked.returncode == 0,
              checked.stdout[:2000])


main()
