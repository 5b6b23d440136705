# SPDX-License-Identifier: ISC
"""Stalls, slow clients and floods.

There are six workers, with io_timeout=2 and request_timeout=6. In every place
where a peer can stall, five workers are stalled and the sixth answers; then all
six are stalled, and are free again within seconds. Through nginx, slow clients
occupy no worker, one client cannot take all connections, all clients together
cannot take more than the limit, and further requests get a 503 at once.
"""

import http.client
import resource
import socket
import threading
import time

import e2e
import fastcgi as f

WORKERS = 6
ROOM = 512  # of nginx/artifactd-pass.conf, for all of them
ROOM_OF_ONE = 128  # and for one address
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


HEAD = (b"POST /artifacts HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
        b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n"
        % len(BODY))


def begin(address):
    """A connection from this address with half a request on it."""
    peer = socket.create_connection(("127.0.0.1", e2e.PORT), 30,
                                    (address, 0))
    peer.sendall(HEAD + BODY[:10])
    return peer


def answered(peers):
    """Those that have an answer, without waiting for any."""
    found = []
    for peer in peers:
        peer.setblocking(False)
        try:
            found.append((peer, peer.recv(100)))
        except BlockingIOError:
            pass
        peer.settimeout(30)
    return found


def one_client():
    """Half a request on each of 200 connections of one address."""
    peers = [begin("127.0.0.1") for _ in range(200)]
    time.sleep(1)
    refused = [data[:12] for _, data in answered(peers)]
    e2e.check("of 200 connections of one address those over 128 are 503",
              refused == [b"HTTP/1.1 503"] * (200 - ROOM_OF_ONE), refused)
    refused = ask_from("127.0.0.1")
    e2e.check("... in JSON, with Retry-After", is_refusal(refused), refused)
    answer = ask_from("127.0.0.2")
    e2e.check("... while another address is served", answer[0] == 200,
              answer)
    for peer in peers:
        peer.close()
    time.sleep(0.3)
    took = answer_time()
    e2e.check("... and when it is gone all is well",
              took is not None and took < 2, took)


def ask_from(address):
    """(status, headers, body, seconds) of a read."""
    began = time.monotonic()
    with socket.create_connection(("127.0.0.1", e2e.PORT), 30,
                                  (address, 0)) as peer:
        peer.sendall(b"GET /artifacts?limit=1 HTTP/1.1\r\nHost: x\r\n"
                     b"Connection: close\r\n\r\n")
        answer = http.client.HTTPResponse(peer)
        answer.begin()
        return (answer.status, answer.headers, answer.read(),
                time.monotonic() - began)


def is_refusal(answer):
    """503 in JSON, that says when to come back, at once."""
    return (e2e.is_error(answer[:3], 503) and answer[1]["Retry-After"]
            and answer[3] < 1)


def finish(peers):
    """The statuses of creates of which half was sent, all at once."""
    for peer in peers:
        peer.sendall(BODY[10:])
    for peer in peers:
        with peer.makefile("rb") as file:
            yield b"".join(file.readline().split()[1:2])


def all_clients():
    """As many half requests as there is room for, from five addresses."""
    began = time.monotonic()
    peers = [begin(f"127.0.0.{2 + n * 5 // ROOM}") for n in range(ROOM)]
    time.sleep(1)
    refused = answered(peers)
    e2e.check(f"{ROOM} connections of five addresses: none is turned away",
              not refused, len(refused), refused[:1])
    answers = [ask_from(f"127.0.0.{7 + n}") for n in range(50)]
    bad = [answer for answer in answers if not is_refusal(answer)]
    e2e.check("... 50 more, of others, are 503 with Retry-After, the slowest "
              f"after {max(answer[3] for answer in answers):.2f} s",
              not bad, len(bad), bad[:1])
    statuses = list(finish(peers))
    e2e.check("... and what was admitted is served",
              statuses == [b"201"] * ROOM, set(statuses))
    for peer in peers:
        peer.close()
    e2e.check("... and then everybody is", ask_from("127.0.0.7")[0] == 200)
    print(f"all clients: {time.monotonic() - began:.1f} s")


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


# Some hosts let a process have 1,024 files at first.
resource.setrlimit(resource.RLIMIT_NOFILE, [min(
    4096, resource.getrlimit(resource.RLIMIT_NOFILE)[1])] * 2)
slow_clients()
one_client()
all_clients()
flood()
stalls()
slow_readers()
time.sleep(1)
e2e.check("all is well after that", (answer_time() or 99) < 2)
