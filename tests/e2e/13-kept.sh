#!/bin/bash
# SPDX-License-Identifier: ISC
#
# Connections for reads are kept, by nginx and by each worker up to 128, in a
# few MiB. None waits for a worker that does something long.
. "$(dirname "$0")/lib.sh"

# With 8 workers, 2 keep connections at the same time, and share them with each
# other. With 2, 1 does, and closes them before anything long.
beside_long_work()
{
client_checks env WORKERS="$1" PYTHONPATH="$HERE:$HERE/../campaigns/hostile" \
    PYTHONDONTWRITEBYTECODE=1 PORT="$PORT" WORK="$WORK" DAEMON="$DAEMON" \
    SOCKET="$SOCKET" STORE="$STORE" SECRET="$SECRET" NGINX="$NGINX" \
    python3 -S - <<'PYTHON'
import os
import re
import signal
import threading
import time
from pathlib import Path

import e2e
import fastcgi as f

SOON = 5  # seconds; what it may wait for goes on until we end it
KEPT = 12
WORKERS = int(os.environ["WORKERS"])
TURNS = WORKERS // 4 or 1  # workers that keep connections


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

    peer = None

    def begin(self):
        """Connect only now, as nginx does: a worker that accepts is busy until
        the request has come."""
        request = f.request(f.as_nginx("GET", f"/artifacts/{small}"), keep=1)
        self.peer = self.peer or f.connect(SOON)
        try:
            self.peer.sendall(request)
        except BrokenPipeError:
            pass  # there is no end, then

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

    def ask(self):
        self.begin()
        return self.end_or_again()

    def end_or_again(self):
        """As nginx does: once more, if the worker closed the connection."""
        status = self.end()
        if status == 0 and WORKERS == 2 and not self.is_open():
            self.close()
            self.begin()
            status = self.end()
        return status

    def close(self):
        if self.peer:
            self.peer.close()
        self.peer = None

    def is_open(self):
        if not self.peer:
            return False
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
    together = [connection.end_or_again() for connection in kept]
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


def renew(text):
    """New ones, so that each turn is taken, and its worker keeps some."""
    for connection in kept:
        connection.close()
    kept[:] = [Kept() for _ in range(KEPT)]
    all_answer(text, kept)


def beside(text, begin):
    """begin() something long, which returns what ends it."""
    renew(f"before {text}")
    through_nginx()
    end = begin()
    time.sleep(0.2)
    all_answer(text, kept)
    statuses = through_nginx()
    e2e.check("... nor one of nginx's", statuses == [200] * KEPT * 20,
              len(statuses))
    end()


def begin_body(peer, method, target, **more):
    """A request whose body never comes to its end."""
    values = f.as_nginx(method, target, b"", "text/plain",
                        CONTENT_LENGTH="100000", **more)
    peer.sendall(f.begin(1) + f.stream(f.PARAMS, f.parameters(values))
                 + f.record(f.STDIN, b"x" * 1000))
    return peer.close


def one_that_is_kept():
    """The long work is then for a worker that keeps others, too."""
    while not kept[0].is_open():
        kept[0] = Kept()
        kept[0].ask()
    peer = kept[0].peer
    kept[0] = Kept()
    return peer


def upload():
    return begin_body(f.connect(), "PUT", f"/artifacts/{small}/raw")


def upload_on_kept():
    """nginx sends none on a connection that it keeps."""
    return begin_body(one_that_is_kept(), "PUT", f"/artifacts/{small}/raw")


def refused():
    return begin_body(one_that_is_kept(), "PUT", f"/artifacts/{small}/raw",
                      ARTIFACTD_PARAMS="another")


def read_with_body():
    """What no client of nginx needs, and may send."""
    return begin_body(one_that_is_kept(), "GET", f"/artifacts/{small}")


def download():
    peer = one_that_is_kept()
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
beside("an upload on a kept connection", upload_on_kept)
beside("a refused request whose body is slow", refused)
beside("a read whose body is slow", read_with_body)
beside("a download that nobody takes", download)
beside("a change that waits", change)

# Each worker that accepts is busy: one that keeps connections comes to help.
ends = [upload() for _ in range(WORKERS - TURNS)]
time.sleep(0.2)
status = Kept().ask()
e2e.check("a new connection is accepted while all who accept are busy",
          status == 200, status)
for end in ends:
    end()

# The other way round: a worker that ends leaves its connections to the other.
renew("before a worker ends")
e2e.kill(e2e.workers()[0], signal.SIGTERM)
e2e.wait_for(lambda: len(e2e.workers()) == WORKERS)
all_answer("after a worker ended", kept)


def keepers():
    """The workers that keep connections: they have the most descriptors."""
    return sorted(e2e.workers(),
                  key=lambda pid: len(os.listdir(f"/proc/{pid}/fd")))[-TURNS:]


def unread(workers):
    """How many descriptors lie in their sockets; None: it cannot be seen."""
    found = []
    for pid in workers:
        for info in Path(f"/proc/{pid}/fdinfo").iterdir():
            try:
                found += re.findall(r"scm_fds:\s*(\d+)", info.read_text())
            except OSError:
                pass  # closed meanwhile
    return sum(map(int, found)) if found else None


# A new writer: each worker gets a channel to it. One that accepts reads it with
# its next change.
if unread(e2e.workers()) is not None:
    renew("before the writer is killed")
    old = e2e.writer()
    e2e.kill(old)
    e2e.wait_for(lambda: e2e.writer() not in (None, old))
    arrived = e2e.wait_for(lambda: unread(e2e.workers()) > 0)
    left = not e2e.wait_for(lambda: unread(keepers()) == 0)
    e2e.check("those who keep connections leave no descriptor unread",
              arrived and not left, arrived, left)

# Whoever dies has its turn no more.
killed = keepers()
for pid in killed:
    e2e.kill(pid)
e2e.wait_for(lambda: len(e2e.workers()) == WORKERS and
             not set(killed) & set(e2e.workers()))
renew("after those who keep connections were killed")
PYTHON
}
start workers=8
beside_long_work 8
daemon_stop
daemon_start workers=2
wait_ready
beside_long_work 2

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


def descriptors(worker):
    return len(list(Path(f"/proc/{worker}/fd").iterdir()))


before = e2e.workers()
# nginx keeps one or a few of its own.
peers, answers = [], []
for _ in range(LIMIT + 20):
    peers.append(f.connect())
    answers.append(ask(peers[-1]))
e2e.check("all connections are answered", set(answers) == {200}, answers)
e2e.wait_for(lambda: sum(map(is_open, peers)) <= LIMIT)
still = [peer for peer in peers if is_open(peer)]
e2e.check(f"{len(still)} and nginx's are kept, and the others closed",
          LIMIT - 4 <= len(still) <= LIMIT, len(still))
for _ in range(3):
    answers = [ask(peer) for peer in still]
    e2e.check("... on which it serves on", set(answers) == {200}, answers)
keeper = max(before, key=descriptors)
status = Path(f"/proc/{keeper}/status").read_text()
kib = int(re.search(r"RssAnon:\s*(\d+)", status)[1])
if b"__asan_init" not in Path(os.environ["ARTIFACTD"]).read_bytes():
    e2e.check(f"a worker with so many has 4 MiB at most ({kib} KiB)",
              kib <= 4096)
e2e.check("they are the same workers all the time", e2e.workers() == before,
          before, e2e.workers())
PYTHON
finish
