# SPDX-License-Identifier: ISC
"""Clients work while processes die or are stopped, the disk runs full and the
clock steps. Then what the clients saw is compared with what is possible.

crash.py KIND OPERATIONS CYCLES: KIND is writer, worker, master,
sync, disk, clock or all."""

import hashlib
import json
import mmap
import os
import random
import signal
import struct
import sys
import threading
import time

import e2e
from history import ABSENT, History, Artifact, Write

KIND, OPERATIONS, CYCLES = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
SEED = int(os.environ["TEST_SEED"])
SIZES = [0, 10, 3000, 65512, 65513, 200000]
UNKNOWN = {0, 502, 503, 504}  # of a change: nobody knows
# As in points.c.
WRITER_POINTS = {"heard": 1, "writes": 2, "synced": 3, "committed": 4,
                 "answers": 5}
WORKER_POINTS = {"asks": 6, "heard": 7, "answers": 8}
SYNC_FAILS = 9


class Daemon(e2e.Daemon):
    """With points.so, so that it can be made to die; started again."""

    def __init__(self):
        path = e2e.WORK / "orders"
        path.write_bytes(bytes(64))
        with open(path, "r+b") as file:
            self.orders = mmap.mmap(file.fileno(), 64)
        self.conf = e2e.WORK / "crash.conf"
        self.reserve(1 << 20)
        super().__init__("workers=8", config=self.conf, CRASH_POINTS=str(path),
                         LD_PRELOAD=os.environ["POINTS"])
        self.start()

    def start(self):
        """As a supervisor would."""
        for _ in range(20):
            super().start()
            if self.comes_up(20):
                return
            time.sleep(0.2)

    def reserve(self, size):
        self.conf.write_text(f"reserve = {size}\n")

    def reload(self):
        self.process.send_signal(signal.SIGHUP)

    def arm(self, point, one_in=1):
        self.orders[8:16] = struct.pack("<Q", one_in)
        self.orders[0:8] = struct.pack("<Q", point)

    def has_met(self):
        """Did a process come to the point that was armed?"""
        return self.orders[0:8] == bytes(8)

    def step_clock(self, seconds):
        self.orders[16:24] = struct.pack("<q", seconds * 1000000)


class Clients:
    """Threads that ask, and the history that they make."""

    def __init__(self):
        self.history = History()
        self.lock = threading.Lock()
        self.is_over = threading.Event()
        self.left = OPERATIONS
        self.bad = []  # answers that no fault excuses
        self.failed = 0  # of changes: nobody knows
        self.full = 0  # 507
        self.slowest = 0.0

    # ---- one request

    def ask(self, client, *request):
        """(status, headers, bytes, asked, answered)"""
        asked = time.monotonic()
        try:
            status, headers, payload = client.send(*request)
        except Exception:
            status, headers, payload = 0, {}, b""
        answered = time.monotonic()
        with self.lock:
            self.slowest = max(self.slowest, answered - asked)
        return status, headers, payload, asked, answered

    def settle(self, status, wanted, writes, answered):
        """What became of the writes; False: they came to nothing."""
        with self.lock:
            if status == wanted:
                for write in writes:
                    write.answered = answered
            elif status in UNKNOWN:
                self.failed += 1
            else:
                return False
        return True

    def note(self, text, status, payload):
        with self.lock:
            if status == 507:
                self.full += 1
            else:
                self.bad.append((text, status, payload[:200]))

    # ---- kinds

    def create(self, client, rng, name):
        content = rng.randbytes(rng.choice(SIZES))
        digest = hashlib.sha256(content).hexdigest()
        headers = {"Idempotency-Key": name}
        body, kind = e2e.multipart(content, workflow_id="crash",
                                   artifact_type="t", title=name)
        asked = None
        for _ in range(40):  # the key makes it harmless to repeat
            status, _, payload, first, answered = self.ask(
                client, "POST", "/artifacts", body, {**kind, **headers})
            asked = asked or first
            if status not in UNKNOWN or self.is_over.is_set():
                break
            time.sleep(0.1)
        artifact = Artifact(name)
        if status != 201:
            if status not in UNKNOWN:
                self.note("create", status, payload)
            with self.lock:
                self.failed += status in UNKNOWN
                self.history.lost[name] = artifact
            return
        artifact.created = answered
        artifact.titles.writes.append(Write(name, asked, answered))
        artifact.contents.writes.append(Write(digest, asked, answered))
        with self.lock:
            made = json.loads(payload)["id"]
            if made in self.history.artifacts:
                self.bad.append(("one id twice", 201, payload))
            self.history.artifacts[made] = artifact

    def change(self, client, register, value, *request, replaces=None):
        """Of one register, or (register None) of none."""
        write = Write(value, time.monotonic())
        write.replaces = replaces
        with self.lock:
            register.writes.append(write)
        status, _, payload, _, answered = self.ask(client, *request)
        if not self.settle(status, 200, [write], answered):
            with self.lock:
                register.writes.remove(write)
            if status not in (404, 412):
                self.note(request[0] + " " + request[1], status, payload)
        return status

    def retitle(self, client, rng, made, artifact, value):
        del rng
        self.change(client, artifact.titles, value, "PUT",
                    f"/artifacts/{made}", {"title": value})

    def replace_title(self, client, rng, made, artifact, value):
        """Read, then change what was read and nothing newer."""
        del rng
        status, headers, payload, asked, answered = self.ask(
            client, "GET", f"/artifacts/{made}?include_content=false")
        if status != 200:
            return
        before = json.loads(payload)
        with self.lock:
            artifact.titles.reads.append((asked, answered, before["title"]))
        # The ETag covers the content too, so the pair is what is replaced.
        self.change(client, artifact.titles, value, "PUT",
                    f"/artifacts/{made}", {"title": value},
                    {"If-Match": headers["ETag"]},
                    replaces=(before["title"], before["content_hash"]))

    def put(self, client, rng, made, artifact, value):
        content = value.encode() + rng.randbytes(rng.choice(SIZES))
        digest = hashlib.sha256(content).hexdigest()
        if rng.random() < 0.5:
            self.change(client, artifact.contents, digest, "PUT",
                        f"/artifacts/{made}/raw", content)
        else:
            self.change(client, artifact.contents, digest, "POST",
                        f"/artifacts/{made}/upload",
                        *e2e.multipart(content))

    def delete(self, client, rng, made, artifact, value):
        del rng, value
        write = Write(ABSENT, time.monotonic())
        with self.lock:
            for place in (artifact.titles.writes, artifact.contents.writes,
                          artifact.deletes):
                place.append(write)
        status, _, payload, _, answered = self.ask(
            client, "DELETE", f"/artifacts/{made}")
        if not self.settle(status, 200, [write], answered):
            with self.lock:
                for place in (artifact.titles.writes,
                              artifact.contents.writes, artifact.deletes):
                    place.remove(write)
            if status != 404:
                self.note("delete", status, payload)

    def read(self, client, rng, made, artifact, value):
        del value
        raw = rng.random() < 0.5
        status, _, payload, asked, answered = self.ask(
            client, "GET", f"/artifacts/{made}" + (
                "/raw" if raw else "?include_content=false"))
        if status not in (200, 404):
            if status not in UNKNOWN:
                self.note("read", status, payload)
            with self.lock:
                self.failed += 1
            return
        title = digest = ABSENT
        if status == 200 and raw:
            digest, title = hashlib.sha256(payload).hexdigest(), None
        elif status == 200:
            detail = json.loads(payload)
            title, digest = detail["title"], detail["content_hash"]
        with self.lock:
            if title is not None:
                artifact.titles.reads.append((asked, answered, title))
            artifact.contents.reads.append((asked, answered, digest))

    def list(self, client):
        asked = time.monotonic()
        try:
            listed = [a["id"] for a in client.pages(
                "/artifacts?workflow_id=crash&limit=50")]
        except Exception:
            client.close()
            with self.lock:
                self.failed += 1
            return
        with self.lock:
            self.history.lists.append((asked, time.monotonic(), listed))

    # ---- the loop

    def work(self, number):
        rng = random.Random(SEED * 100 + number)
        client = e2e.Client(60)
        kinds = [self.retitle, self.replace_title, self.put, self.delete,
                 self.read, self.read, self.read, self.put, self.retitle]
        turn = 0
        while not self.is_over.is_set():
            turn += 1
            with self.lock:
                self.left -= 1
                made = list(self.history.artifacts)[-40:]
            if self.left < 0 and CYCLES == 0:
                return
            name = f"{number}-{turn}"
            if not made or rng.random() < 0.15:
                self.create(client, rng, name)
            elif rng.random() < 0.03:
                self.list(client)
            else:
                kind = rng.choice(kinds)
                # Conditional writes are to meet, so on few artifacts.
                target = rng.choice(
                    made[-3:] if kind == self.replace_title else made)
                kind(client, rng, target, self.history.artifacts[target],
                     name)


# ---- faults

class Faults:
    """One fault after the other, each over before the next."""

    def __init__(self, daemon, rng):
        self.daemon, self.rng = daemon, rng
        self.done, self.refused, self.stayed = {}, 0, 0

    def count(self, name):
        self.done[name] = self.done.get(name, 0) + 1

    def kill_writer(self):
        pid = e2e.wait_for(e2e.writer)
        time.sleep(0.12 + self.rng.uniform(0, 0.1))  # it is no early death
        if self.rng.random() < 0.5:
            self.count("writer: any moment")
            e2e.kill(pid)
        else:
            # More often where a change is made and nobody knows.
            name = self.rng.choice([*WRITER_POINTS] + 2 * [
                "committed", "answers"])
            self.count(f"writer: {name}")
            self.daemon.arm(WRITER_POINTS[name], self.rng.choice([1, 3]))
            e2e.wait_for(lambda: e2e.writer() != pid, 2)
            self.daemon.arm(0)
        e2e.wait_for(lambda: e2e.writer() not in (None, pid), 10)

    def fail_sync(self):
        """A commit fails: the writer says so and ends."""
        pid = e2e.wait_for(e2e.writer)
        time.sleep(0.12 + self.rng.uniform(0, 0.1))
        self.daemon.arm(SYNC_FAILS, self.rng.choice([1, 3]))
        if e2e.wait_for(self.daemon.has_met, 2):
            self.count("sync")
            self.stayed += not e2e.wait_for(lambda: e2e.writer() != pid, 2)
        self.daemon.arm(0)
        e2e.wait_for(e2e.writer)

    def kill_worker(self):
        alive = e2e.workers()
        if self.rng.random() < 0.5 and alive:
            self.count("worker: any moment")
            e2e.kill(self.rng.choice(alive))
            time.sleep(self.rng.uniform(0.02, 0.1))
        else:
            name, point = self.rng.choice(list(WORKER_POINTS.items()))
            self.count(f"worker: {name}")
            self.daemon.arm(point, 7)
            time.sleep(self.rng.uniform(0.02, 0.06))
            self.daemon.arm(0)

    def kill_master(self):
        self.count("master")
        time.sleep(self.rng.uniform(0, 0.2))
        self.daemon.process.kill()
        self.daemon.process.wait()
        self.daemon.start()

    def stop_process(self):
        self.count("stopped")
        # A new master has none while it waits for the old one's to end.
        pid = self.rng.choice(e2e.wait_for(
            lambda: [v for v in e2e.workers() + [e2e.writer()] if v], 20))
        if e2e.kill(pid, signal.SIGSTOP):
            time.sleep(self.rng.uniform(0.05, 0.5))
            e2e.kill(pid, signal.SIGCONT)

    def fill_disk(self):
        self.count("disk full")
        self.daemon.reserve(1 << 62)
        self.daemon.reload()
        self.refused += bool(e2e.wait_for(
            lambda: e2e.Client(60).create("full")[0] == 507, 5))
        time.sleep(0.2)
        self.daemon.reserve(1 << 20)
        self.daemon.reload()
        time.sleep(0.3)

    def step_clock(self):
        self.count("clock")
        time.sleep(self.rng.uniform(0, 0.1))
        self.daemon.step_clock(self.rng.randint(-3600, 3600))

    def run(self, clients):
        kinds = {"writer": [self.kill_writer], "worker": [self.kill_worker],
                 "master": [self.kill_master], "sync": [self.fail_sync],
                 "disk": [self.fill_disk], "clock": [self.step_clock],
                 "all": [self.kill_writer, self.kill_worker, self.kill_worker,
                         self.kill_master, self.stop_process, self.fail_sync,
                         self.fill_disk, self.step_clock]}[KIND]
        cycle = 0
        while cycle < CYCLES or (CYCLES == 0 and clients.left > 0):
            self.rng.choice(kinds)()
            cycle += 1
        return cycle


def last_look(clients):
    """When all is quiet: what is there, read by each way."""
    client = e2e.Client(60)
    rng = random.Random(1)
    for made, artifact in clients.history.artifacts.items():
        for _ in range(2):
            clients.read(client, rng, made, artifact, "")
    clients.list(client)
    titles, listed = {}, []
    try:
        listed += client.pages("/artifacts?workflow_id=crash&limit=200")
    except RuntimeError as error:
        e2e.check("all of it can be listed", False, error)
    for found in listed:
        artifact = clients.history.artifacts.get(found["id"])
        if artifact is None and found["title"] not in clients.history.lost:
            e2e.check("nothing is there that was not asked for", False, found)
        titles[found["title"]] = titles.get(found["title"], 0) + 1
        status, _, payload = client.send(
            "GET", f"/artifacts/{found['id']}/raw")
        if status != 200:
            e2e.check("what is listed is readable", False, found, status)
    twice = [title for title, count in titles.items() if count > 1]
    e2e.check("nothing is there twice", not twice, twice[:5])


def main(daemon):
    clients = Clients()
    threads = [threading.Thread(target=clients.work, args=(n,), daemon=True)
               for n in range(6)]
    for thread in threads:
        thread.start()
    faults = Faults(daemon, random.Random(SEED))
    cycles = faults.run(clients)
    daemon.step_clock(0)
    clients.is_over.set()
    for thread in threads:
        thread.join()
    e2e.wait_for(daemon.is_ready, 20)
    last_look(clients)
    problems = list(clients.history.problems())
    made = clients.history.artifacts
    operations = OPERATIONS - clients.left
    print(f"{KIND}: {cycles} faults {faults.done}; {operations} operations, "
          f"{len(made)} artifacts, {clients.failed} of unknown end, "
          f"{clients.full} refused for space, "
          f"slowest {clients.slowest:.1f} s")
    e2e.check(f"{cycles} faults in {operations} operations: what was seen "
              "can be", not problems and len(made) > 5, *problems[:5])
    e2e.check("no answer that no fault excuses", not clients.bad,
              *clients.bad[:5])
    e2e.check("a full disk takes nothing in",
              faults.refused == faults.done.get("disk full", 0),
              faults.refused)
    e2e.check("no writer outlives a commit that failed", faults.stayed == 0,
              faults.stayed)
    if KIND == "sync":
        e2e.check("commits failed", faults.done.get("sync", 0) > 0)
    if KIND in ("writer", "sync"):
        e2e.check("no request failed by the death of a writer",
                  clients.failed == 0, clients.failed)
    e2e.check("it ends well", daemon.stop() == 0)
    problems = e2e.store_problems()
    e2e.check("the store is whole", not problems, problems)


the_daemon = Daemon()
try:
    main(the_daemon)
finally:
    the_daemon.process.kill()
