# SPDX-License-Identifier: ISC
"""A small disk that runs full.  disk.py MOUNT RESERVE

First artifactd fills the disk up to its reserve. Then another program fills the
reserve too, while clients write. Then the disk has room again."""

import hashlib
import os
import random
import re
import sys
import threading
import time
from pathlib import Path

import e2e

MOUNT, RESERVE = Path(sys.argv[1]), int(sys.argv[2])
RANDOM = random.Random(int(os.environ["TEST_SEED"]))
BALLAST = MOUNT / "ballast"  # of others, which can be removed
RESUMES_WITHIN = 2
KNOWN = {}  # id -> digest of what was acknowledged
LOCK = threading.Lock()


def free_bytes():
    disk = os.statvfs(MOUNT)
    return disk.f_bavail * disk.f_frsize


def fill(path, leave=0):
    """A file that takes all but so many bytes."""
    with open(path, "ab", buffering=0) as file:
        while free_bytes() > leave:
            try:
                file.write(bytes(min(1 << 20, max(
                    4096, free_bytes() - leave))))
            except OSError:
                return


def create(client, size):
    """(status, detail) of a create from a file."""
    content = RANDOM.randbytes(size)
    status, answer = client.json("POST", "/artifacts", *e2e.multipart(
        content, workflow_id="disk", artifact_type="t", title="t"))
    if status == 201:
        with LOCK:
            KNOWN[answer["id"]] = hashlib.sha256(content).hexdigest()
    return status, answer.get("detail")


def delete_one(client):
    made = next(iter(KNOWN))
    status = client.send("DELETE", f"/artifacts/{made}")[0]
    if status == 200:
        del KNOWN[made]
    return status


def told(detail):
    """The sentence names the setting, what it keeps, and what is free."""
    return "`reserve`" in detail and str(RESERVE) in detail and \
        len(re.findall(r"\d+", detail)) >= 2


def resumes(text):
    """With the ballast gone, and its space given back, writes go on."""
    BALLAST.unlink()
    e2e.wait_for(lambda: free_bytes() > RESERVE + (2 << 20), 60)
    began, client, found = time.monotonic(), e2e.Client(), (0, "")
    while found[0] != 201 and time.monotonic() - began < 20:
        found = create(client, 1000)
    took = time.monotonic() - began
    e2e.check(f"{text}: with room writes resume within {RESUMES_WITHIN} s",
              found[0] == 201 and took < RESUMES_WITHIN, took, found,
              free_bytes())


def by_itself():
    client = e2e.Client()
    fill(BALLAST, free_bytes() - (20 << 20))
    statuses, detail = [], ""
    while not statuses or statuses[-1] == 201:
        status, detail = create(client, RANDOM.choice([1000, 65000, 2000000]))
        statuses.append(status)
    e2e.check(f"artifactd alone: {len(statuses) - 1} creates, then 507",
              statuses[-1] == 507, statuses[-3:])
    e2e.check("... which says what is free, what is kept and by which setting",
              told(detail), detail)
    # xfs takes more than a file has, and gives it back when it is needed.
    data = (MOUNT / "store" / "data.mdb").stat()
    ahead = max(0, data.st_blocks * 512 - data.st_size)
    e2e.check("... with the reserve untouched",
              free_bytes() + ahead >= RESERVE, free_bytes(), ahead)
    made = next(iter(KNOWN))
    for method, path, *more in (
            ("PUT", f"/artifacts/{made}/raw", b"x" * 3000000),
            ("POST", f"/artifacts/{made}/upload",
             *e2e.multipart(b"x" * 3000000))):
        status = client.send(method, path, *more)[0]
        e2e.check(f"... and so is {method} of content", status == 507, status)
    e2e.check("reads go on", not list(e2e.lost(KNOWN)))
    e2e.check("lists go on", len(list(client.pages(
        "/artifacts?workflow_id=disk&limit=200"))) == len(KNOWN))
    statuses = [delete_one(client) for _ in range(5)]
    e2e.check("deletes go on", statuses == [200] * 5, statuses)
    status, answer = client.json("PUT", f"/artifacts/{next(iter(KNOWN))}",
                                 {"title": "new"})
    e2e.check("so do changes without content", status == 200, answer)
    resumes("artifactd alone")


def by_others():
    """Another program takes the last byte while four clients write."""
    over = threading.Event()
    statuses = {}
    # What comes back later: xfs gives what clients need to data.mdb ahead.
    fill(BALLAST, free_bytes() // 2)

    def write():
        client = e2e.Client(60)
        while not over.is_set():
            status = create(client, RANDOM.choice([500, 70000, 500000]))[0]
            with LOCK:
                statuses[status] = statuses.get(status, 0) + 1
            if status != 201:
                time.sleep(0.02)

    threads = [threading.Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    time.sleep(0.5)
    fill(BALLAST)
    time.sleep(3)
    began = dict(statuses)
    e2e.check(f"the last byte taken: {began}: 507, or 503 where nobody knows",
              set(began) <= {201, 507, 503} and began.get(507), began)
    e2e.check("... the disk is full indeed", free_bytes() < 65536,
              free_bytes())
    e2e.check("... and reads go on", e2e.Client().send(
        "GET", f"/artifacts/{next(iter(KNOWN))}/raw")[0] == 200)
    over.set()
    for thread in threads:
        thread.join()
    resumes("the last byte taken")
    e2e.check("nothing that was acknowledged is lost",
              not list(e2e.lost(KNOWN)))


def main():
    master = e2e.DAEMON
    by_itself()
    by_others()
    e2e.check("nobody had to restart it", Path(f"/proc/{master}").exists())
    print(f"{len(KNOWN)} artifacts acknowledged and there")


main()
