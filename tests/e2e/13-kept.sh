#!/bin/bash
# SPDX-License-Identifier: ISC
#
# Connections for reads are kept, by nginx and by each worker up to 128, in a
# few MiB. None waits for a worker that does something long.
. "$(dirname "$0")/lib.sh"

start workers=2
client_checks env PYTHONPATH="$HERE:$HERE/../campaigns/hostile" \
    PYTHONDONTWRITEBYTECODE=1 PORT="$PORT" WORK="$WORK" DAEMON="$DAEMON" \
    SOCKET="$SOCKET" STORE="$STORE" SECRET="$SECRET" NGINX="$NGINX" \
    python3 -S - <<'PYTHON'
import os
import signal
import threading
import time
from pathlib import Path

import e2e
import fastcgi as f

SOON = 5  # seconds; what it may wait for goes on until we end it
KEPT = 12


def nginx_sockets():
    """The inodes of the unix sockets that nginx's workers hold."""
    pid = os.environ["NGINX"]
    unix = {line.split()[6] for line in
            Path("/proc/net/unix").read_text().splitlines()[1:]}
    found = set()
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        for fd in Path(f"/proc/{child}/fd").iterdir():
            try:
                inode = os.readlink(fd).removeprefix("socket:[")[:-1]
            except OSError:
                continue
            if inode in unix:
                found.add(inode)
    return found


class Kept:
    """A connection to artifactd that is kept, as one of nginx's is."""

    def __init__(self):
        self.peer = f.connect(SOON)

    def begin(self, target=None, method="GET"):
        target = target or f"/artifacts/{small}"
        self.peer.sendall(f.request(f.as_nginx(method, target), keep=1))

    def end(self):
        """The status, or 0 if it does not come soon."""
        data = b""
        try:
            while not data.endswith(b"\0\0\0\0\0") or not f.answers(data) \
                    or not f.answers(data)[0][2]:
                piece = self.peer.recv(65536)
                if not piece:
                    break
                data += piece
        except OSError:
            return 0
        found = f.answers(data)
        return found[0][0] if found else 0

    def ask(self, target=None):
        self.begin(target)
        return self.end()

    def is_open(self):
        self.peer.setblocking(False)
        try:
            return self.peer.recv(1) != b""
        except BlockingIOError:
            return True
        except OSError:
            return False
        finally:
            self.peer.settimeout(SOON)


def all_answer(text, kept):
    """Each at once, and then all of them at the same time."""
    one = [connection.ask() for connection in kept]
    for connection in kept:
        connection.begin()
    together = [connection.end() for connection in kept]
    e2e.check(f"{text}: no kept connection waits",
              set(one + together) == {200}, one, together)


def through_nginx():
    """Twelve at once, so that each of nginx's connections has a request."""
    def reads():
        client = e2e.Client(SOON)
        for _ in range(20):
            statuses.append(client.send("GET", f"/artifacts/{small}")[0])
    statuses = []
    e2e.in_threads([reads] * KEPT)
    return statuses


client = e2e.Client()
small = client.create("small", content="x" * 2048)[1]["id"]
large = client.create("large")[1]["id"]
client.send("PUT", f"/artifacts/{large}/raw", bytes(2 << 20))

through_nginx()
before = nginx_sockets()
answers = [client.send("GET", f"/artifacts/{small}")[0] for _ in range(300)]
e2e.check("nginx keeps its connections for 300 reads",
          set(answers) == {200} and before and nginx_sockets() == before,
          before, nginx_sockets())

kept = [Kept() for _ in range(KEPT)]
all_answer("with nothing else to do", kept)
e2e.check("... and each stays open", all(c.is_open() for c in kept))


def beside(text, begin):
    """begin() something long, which returns what ends it."""
    # New ones, so that each worker has some: it keeps one, and then the next
    # is for another.
    for connection in kept:
        connection.peer.close()
    kept[:] = [Kept() for _ in range(KEPT)]
    all_answer(f"before {text}", kept)
    through_nginx()
    end = begin()
    time.sleep(0.2)
    all_answer(text, kept)
    statuses = through_nginx()
    e2e.check("... nor one of nginx's", statuses == [200] * KEPT * 20,
              len(statuses))
    end()


def upload(keep=0, **more):
    values = f.as_nginx("PUT", f"/artifacts/{small}/raw", b"", "text/plain",
                        CONTENT_LENGTH="100000", **more)
    peer = f.connect()
    peer.sendall(f.begin(keep) + f.stream(f.PARAMS, f.parameters(values))
                 + f.record(f.STDIN, b"x" * 1000))
    return peer.close


def refused():
    return upload(ARTIFACTD_PARAMS="another")


def read_with_body():
    """What no client of nginx needs, and may send."""
    values = f.as_nginx("GET", f"/artifacts/{small}",
                        CONTENT_LENGTH="100000")
    peer = kept[0].peer
    peer.sendall(f.begin(1) + f.stream(f.PARAMS, f.parameters(values))
                 + f.record(f.STDIN, b"x" * 1000))
    kept[0] = Kept()
    return peer.close


def download():
    peer = f.connect()
    peer.sendall(f.request(f.as_nginx("GET", f"/artifacts/{large}/raw"),
                           keep=1))
    return peer.close


def change():
    """It waits for a writer that is stopped."""
    writer = e2e.writer()
    e2e.kill(writer, signal.SIGSTOP)
    made = []
    thread = threading.Thread(
        target=lambda: made.append(e2e.Client().create("late")[0]))
    thread.start()

    def end():
        e2e.kill(writer, signal.SIGCONT)
        thread.join()
        e2e.check("... and the change is done after all", made == [201],
                  made)
    return end


beside("an upload that is slow", upload)
beside("a refused request whose body is slow", refused)
beside("a read whose body is slow", read_with_body)
beside("a download that nobody takes", download)
beside("a change that waits", change)

# The other way round: a worker that ends leaves its connections to the other.
all_answer("before a worker ends", kept)
e2e.kill(e2e.workers()[0], signal.SIGTERM)
e2e.wait_for(lambda: len(e2e.workers()) == 2)
all_answer("after a worker ended", kept)
PYTHON

daemon_stop
daemon_start workers=1
wait_ready
client_checks env PYTHONPATH="$HERE:$HERE/../campaigns/hostile" \
    PYTHONDONTWRITEBYTECODE=1 PORT="$PORT" DAEMON="$DAEMON" \
    SOCKET="$SOCKET" STORE="$STORE" SECRET="$SECRET" ARTIFACTD="$ARTIFACTD" \
    python3 -S - <<'PYTHON'
import os
import re
from pathlib import Path

import e2e
import fastcgi as f

LIMIT = 128


def ask(peer):
    peer.sendall(f.request(f.as_nginx("GET", "/artifacts?limit=1"), keep=1))
    data = b""
    while not f.answers(data) or not f.answers(data)[0][2]:
        piece = peer.recv(65536)
        if not piece:
            break
        data += piece
    found = f.answers(data)
    return found[0][0] if found else 0


def is_open(peer):
    peer.setblocking(False)
    try:
        return peer.recv(1) != b""
    except BlockingIOError:
        return True
    finally:
        peer.settimeout(20)


before = e2e.workers()
# nginx keeps one or a few of its own.
peers = [f.connect() for _ in range(LIMIT + 20)]
answers = [ask(peer) for peer in peers]
e2e.check("all connections are answered", set(answers) == {200}, answers)
still = [peer for peer in peers if is_open(peer)]
e2e.check(f"{len(still)} and nginx's are kept, and the others closed",
          LIMIT - 4 <= len(still) <= LIMIT, len(still))
for _ in range(3):
    answers = [ask(peer) for peer in still]
    e2e.check("... on which it serves on", set(answers) == {200}, answers)
status = Path(f"/proc/{before[0]}/status").read_text()
kib = int(re.search(r"RssAnon:\s*(\d+)", status)[1])
if b"__asan_init" not in Path(os.environ["ARTIFACTD"]).read_bytes():
    e2e.check(f"a worker with so many has 4 MiB at most ({kib} KiB)",
              kib <= 4096)
e2e.check("it is the same worker all the time", e2e.workers() == before,
          before, e2e.workers())
PYTHON
finish
