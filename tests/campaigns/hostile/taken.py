# SPDX-License-Identifier: ISC
"""An attacker controls one worker after the other.  taken.py COUNT ACTS

Each such worker acts for up to a second inside its sandbox (taken.c); the other
workers go on. Afterwards all changes that were acknowledged to clients are
there, and the store is whole. A worker may ask for any change, and the writer
makes it. So this worker could change the clients' artifacts too, but its
messages do not hit their ids."""

import hashlib
import mmap
import os
import random
import struct
import sys
import threading
import time
from pathlib import Path

import e2e

COUNT, KINDS = int(sys.argv[1]), int(sys.argv[2])
SEED = int(os.environ["TEST_SEED"])
ORDER = e2e.WORK / "order"
ACTS = {1: "messages", 2: "the readers' table",
        3: "the last commit's number", 4: "the exit code",
        5: "changes of others", 6: "all of lock.mdb"}


class Daemon(e2e.Daemon):
    """With taken.so."""

    def __init__(self):
        super().__init__("workers=6", "reserve=1048576", TAKEN=str(ORDER),
                         LD_PRELOAD=os.environ["TAKEN_SO"])

    def serves(self, seconds):
        """Until it takes a create; False: it has ended, or never did."""
        def takes():
            try:
                return self.has_ended() or \
                    e2e.Client(15).create("probe")[0] == 201
            except OSError:
                return False
        return bool(e2e.wait_for(takes, seconds)) and not self.has_ended()


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


def refusals():
    """How often the master took a child's word that it is of no use."""
    return Path(os.environ["DAEMON_LOG"]).read_bytes().count(
        b"event=child_refused")


def main():
    ORDER.write_bytes(bytes(8))
    with open(ORDER, "r+b") as file:
        order = mmap.mmap(file.fileno(), 8)
    daemon = Daemon()
    daemon.start()
    daemon.serves(20)
    clients = Clients()
    done = {}
    for number in range(COUNT):
        act = 1 + number % KINDS
        time.sleep(0.3)
        refused = refusals()
        order[0:8] = struct.pack("<Q", act)
        if not e2e.wait_for(lambda: order[0:8] == bytes(8), 20):
            e2e.check("a worker is taken over", False)
            break
        done[ACTS[act]] = done.get(ACTS[act], 0) + 1
        time.sleep(1.2)
        began = time.monotonic()
        is_back = daemon.serves(90)
        # Of this one alone: what the others do goes on.
        if act == 4 and refusals() != refused:
            e2e.check("a worker's exit code does not stop the others", False)
        took = time.monotonic() - began
        if not is_back:
            e2e.check(f"after {ACTS[act]} it serves again", False)
            break
        if took > 5:
            print(f"after {ACTS[act]}: {took:.1f} s, exit code "
                  f"{daemon.process.poll()}")
        if daemon.has_ended():
            daemon.start()
            daemon.serves(20)
    clients.stop()
    daemon.stop()
    daemon.start()
    daemon.serves(20)
    gone = list(e2e.lost(clients.known))
    print(f"{done} taken over; {len(clients.known)} creates acknowledged, "
          f"{clients.failed} not")
    e2e.check(f"{sum(done.values())} workers taken over: nothing that was "
              "acknowledged is lost", not gone and len(clients.known) > 50,
              len(gone), gone[:5])
    e2e.check("it ends well", daemon.stop() == 0)
    problems = e2e.store_problems()
    e2e.check("the store is whole", not problems, problems)


main()
