# SPDX-License-Identifier: ISC
"""What slow peers and dead workers keep in use, and what they must not.

A peer that does not read keeps the content of its answer, although it was
replaced meanwhile, and a peer that sends slowly keeps what it has sent. But
neither keeps a page of LMDB, or the file would grow with each change of
others. Content that nobody may read any more makes room. A dead worker keeps no
slot in the table of readers, and the master keeps no end of its channel, or the
writer would not read EOF."""

import os
import struct
import time
from pathlib import Path

import e2e
import fastcgi as f

MIB = 1 << 20
DATA = Path(os.environ["STORE"]) / "data.mdb"
LOCK = Path(os.environ["STORE"]) / "lock.mdb"
SWEPT_WITHIN = 3  # seconds: the writer looks each second


def put(client, made, content):
    status = client.send("PUT", f"/artifacts/{made}/raw", content)[0]
    if status != 200:
        e2e.check("content is replaced", False, status)


def growth(change, count):
    """By how many bytes the file grows meanwhile."""
    before = DATA.stat().st_size
    for number in range(count):
        change(number)
    return DATA.stat().st_size - before


def replaced_content(client):
    made = client.create("held")[1]["id"]

    def replace(number):
        put(client, made, bytes([number]) * 4 * MIB)

    first = growth(replace, 8)
    time.sleep(SWEPT_WITHIN)
    second = growth(replace, 8)
    e2e.check("the room of replaced content is used again",
              first > 8 * MIB and second < first / 2, first, second)


class SlowWriter:
    """A PUT of content that comes in two parts."""

    def __init__(self, made):
        self.content = os.urandom(MIB)
        self.peer = f.connect(60)
        self.peer.sendall(f.begin() + f.stream(f.PARAMS, f.parameters(
            f.as_nginx("PUT", f"/artifacts/{made}/raw", self.content,
                       "text/plain"))))
        for at in range(0, MIB // 2, 32768):
            self.peer.sendall(f.record(
                f.STDIN, self.content[at:at + 32768]))

    def end(self):
        """Its answers."""
        self.peer.sendall(f.stream(f.STDIN, self.content[MIB // 2:]))
        with self.peer:
            return f.answers(f.read_all(self.peer))


def slow_peers(client):
    content = os.urandom(5 * MIB)
    made = client.create("held")[1]["id"]
    other = client.create("held")[1]["id"]
    put(client, made, content)
    with f.connect(60) as peer:
        peer.sendall(f.request(f.as_nginx("GET", f"/artifacts/{made}/raw")))
        got = peer.recv(1000)  # the head, and that is enough for now
        grown = growth(lambda number: client.send(
            "PUT", f"/artifacts/{other}", {"title": f"title {number}"}), 300)
        e2e.check("while a peer does not read, changes do not make the file "
                  "grow", grown < MIB, grown)
        put(client, made, b"new")
        writer = SlowWriter(other)
        time.sleep(SWEPT_WITHIN)
        got += f.read_all(peer)
    status, text, _ = f.answers(got)[0]
    e2e.check("... and it gets all of what was replaced meanwhile",
              status == 200 and text.partition(b"\r\n\r\n")[2] == content,
              status, len(text))
    status, text, _ = writer.end()[0]
    stored = client.send("GET", f"/artifacts/{other}/raw")[2]
    e2e.check("... and what a slow peer sends is kept for it",
              status == 200 and stored == writer.content, text[:300])


def readers():
    """Pids in the table of readers: slots of 64 bytes, after 128 (0.9)."""
    table = LOCK.read_bytes()
    count = struct.unpack_from("<I", table, 56)[0]
    pids = [struct.unpack_from("<i", table, 128 + 64 * slot + 8)[0]
            for slot in range(count)]
    return {pid for pid in pids if pid != 0}


def sockets():
    """How many the master holds."""
    count = 0
    for fd in Path(f"/proc/{e2e.DAEMON}/fd").iterdir():
        try:
            count += os.readlink(fd).startswith("socket:")
        except OSError:
            pass  # closed meanwhile
    return count


def dead_workers(client):
    killed, before = 0, sockets()
    for _ in range(10):
        killed += e2e.kill(e2e.workers()[0])
        client.create("held")
    e2e.check("10 workers are killed", killed == 10, killed)
    e2e.wait_for(lambda: readers() <= set(e2e.children()), SWEPT_WITHIN)
    e2e.check("... and in the table of readers are none but the living",
              readers() and readers() <= set(e2e.children()),
              readers(), e2e.children())
    e2e.check("... and the master holds as many sockets as before",
              e2e.wait_for(lambda: sockets() == before, 3), before, sockets())


def main():
    client = e2e.Client()
    replaced_content(client)
    slow_peers(client)
    dead_workers(client)


main()
