# SPDX-License-Identifier: ISC
"""Stalls, slow clients and floods.

With io_timeout=2 and request_timeout=6 and six workers: five are stalled in
every place where a peer can stall, and the sixth answers; then all six are,
and are free again within seconds. Through nginx slow clients cost nothing,
one client cannot take all connections, and what is too much is 503 at once.
"""

import os
import socket
import threading
import time
from pathlib import Path

import e2e
import fastcgi as f

WORKERS = 6
FREE_WITHIN = 12  # seconds: request_timeout, a tick, a new worker
BODY = b'{"workflow_id":"slow","artifact_type":"t","title":"t","content":"c"}'
WHOLE = f.request(f.as_nginx("POST", "/artifacts", BODY, "application/json"),
                  BODY)


def answer_time(timeout=30):
    """Seconds that a create through nginx takes; None: it failed."""
    began = time.monotonic()
    try:
        status = e2e.Client(timeout).create("slow")[0]
    except OSError:
        return None
    return time.monotonic() - began if status == 201 else None


class Staller(threading.Thread):
    """Send a part, then nothing, or a byte now and then."""

    def __init__(self, part, drip=b"", pause=0.5):
        super().__init__(daemon=True)
        self.part, self.drip, self.pause = part, drip, pause
        self.is_over = threading.Event()

    def run(self):
        with f.connect(60) as peer:
            try:
                peer.sendall(self.part)
                for at in range(len(self.drip)):
                    if self.is_over.wait(self.pause):
                        return
                    peer.sendall(self.drip[at:at + 1])
                self.is_over.wait(60)
            except OSError:
                pass  # we were cut off, as it should be


def with_stalled(text, count, make):
    """count workers stalled at once; how long a create takes meanwhile."""
    stallers = [make() for _ in range(count)]
    for staller in stallers:
        staller.start()
    time.sleep(0.3)
    took = answer_time(FREE_WITHIN + 10)
    for staller in stallers:
        staller.is_over.set()
    limit = 2 if count < WORKERS else FREE_WITHIN
    e2e.check(f"{count} of {WORKERS} stalled {text}: a create within {limit}"
              " s", took is not None and took < limit, took)


def stalls():
    head = f.begin() + f.record(f.PARAMS, f.parameters(
        f.as_nginx("POST", "/artifacts", BODY, "application/json"))[:40])
    upload = f.begin() + f.stream(f.PARAMS, f.parameters(f.as_nginx(
        "POST", "/artifacts", b"x" * 5000000, "application/json")))
    places = {
        "before a byte": lambda: Staller(b""),
        "inside a record's head": lambda: Staller(WHOLE[:5]),
        "inside the parameters": lambda: Staller(head),
        "in parameters that drip": lambda: Staller(
            head, f.record(f.PARAMS, b"a" * 500)),
        "before the body": lambda: Staller(upload),
        "in a body that drips": lambda: Staller(
            upload, f.record(f.STDIN, b" " * 500)),
        "in an empty record for ever": lambda: Staller(
            f.begin(), f.record(99, b"x" * 500)),
    }
    for text, make in places.items():
        with_stalled(text, WORKERS - 1, make)
        with_stalled(text, WORKERS, make)


def slow_readers():
    """Workers that have more to say than the socket takes."""
    made = e2e.Client().create("slow")[1]["id"]
    e2e.Client().send("PUT", f"/artifacts/{made}/raw", b"x" * 20000000)
    get = f.request(f.as_nginx("GET", f"/artifacts/{made}/raw"))
    for count in (WORKERS - 1, WORKERS):
        with_stalled("by a peer that does not read", count,
                     lambda: Staller(get))


def slow_clients():
    """Through nginx: it takes the slowness on itself."""
    peers = []
    for part in (b"POST /artifacts HTTP/1.1\r\nHost: x\r\nX: ",
                 b"POST /artifacts HTTP/1.1\r\nHost: x\r\nContent-Type: "
                 b"application/json\r\nContent-Length: 100000\r\n\r\n{"):
        for _ in range(30):
            peer = socket.create_connection(("127.0.0.1", e2e.PORT))
            peer.sendall(part)
            peers.append(peer)
    took = answer_time()
    e2e.check("60 slow clients: a create within 2 s",
              took is not None and took < 2, took)
    for peer in peers:
        peer.close()


def one_client():
    """Half a request on each of 200 connections of one address."""
    head = (b"POST /artifacts HTTP/1.1\r\nHost: x\r\nContent-Type: "
            b"application/json\r\nContent-Length: 1000\r\n\r\n{")
    peers, refused, slowest = [], 0, 0
    for _ in range(200):
        peer = socket.create_connection(("127.0.0.1", e2e.PORT))
        peer.sendall(head)
        peers.append(peer)
    time.sleep(1)
    for peer in peers:
        peer.setblocking(False)
        try:
            refused += peer.recv(100).startswith(b"HTTP/1.1 503")
        except BlockingIOError:
            pass
    e2e.check("of 200 connections of one address those over 128 are 503",
              60 <= refused <= 80, refused)
    answer = e2e.raw(b"GET /artifacts HTTP/1.1\r\nHost: x\r\n"
                     b"Connection: close\r\n\r\n")
    e2e.check("... in JSON, with Retry-After", e2e.is_error(answer, 503)
              and answer[1]["Retry-After"], answer)
    for peer in peers:
        peer.close()
    time.sleep(0.3)
    took = answer_time()
    e2e.check("... and when it is gone all is well",
              took is not None and took < 2, took, slowest)


def flood():
    """More at once than there is room for: each answered, soon."""
    statuses, times = [], []
    lock = threading.Lock()

    def client():
        for _ in range(5):
            began = time.monotonic()
            try:
                status = e2e.Client(60).create("flood")[0]
            except OSError as error:
                status = repr(error)
            with lock:
                statuses.append(status)
                times.append(time.monotonic() - began)

    e2e.in_threads([client] * 300)
    counts = {status: statuses.count(status) for status in set(statuses)}
    e2e.check(f"a flood of 300 clients: {counts}, the slowest "
              f"{max(times):.1f} s", set(counts) <= {201, 503}
              and counts.get(201, 0) > 0 and max(times) < 20, counts)
    listed = len(list(e2e.Client().pages(
        "/artifacts?workflow_id=flood&limit=200")))
    e2e.check("... and each 201 is there", listed == counts.get(201),
              listed, counts)


log = Path(os.environ["DAEMON_LOG"])
slow_clients()
one_client()
flood()
stalls()
slow_readers()
time.sleep(1)
e2e.check("all is well after that", (answer_time() or 99) < 2)
