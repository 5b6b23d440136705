# SPDX-License-Identifier: ISC
"""Bytes straight to the socket that only nginx should reach.

socket_bytes.py COUNT PART: COUNT mutated requests, COUNT forged bodies; the
parts are cut, unread, worst, mutated and forged. The bytes may kill a worker,
which is replaced, but not by a system call that its sandbox does not know: the
libraries make none but those that are allowed. They must not end the service,
or cause a change that nobody asked for."""

import os
import random
import signal
import socket
import struct
import sys
import time

import e2e
import fastcgi as f

COUNT = int(sys.argv[1])
LIBFCGI_BUFFER = 8192
RANDOM = random.Random(int(os.environ["TEST_SEED"]))
JSON = "application/json"
GOOD = b'{"workflow_id":"good","artifact_type":"t","title":"t","content":"c"}'
FORGED = GOOD.replace(b"good", b"forged")


def is_alive(text):
    try:
        status = e2e.Client(20).create("alive")[0]
    except Exception as error:
        status = repr(error)
    e2e.check(f"{text}: it serves on", status == 201, status)


def mutate(data):
    data = bytearray(data)
    for _ in range(RANDOM.choice([1, 1, 2, 5])):
        kind = RANDOM.randrange(6)
        at = RANDOM.randrange(len(data))
        if kind == 0:
            data[at] ^= 1 << RANDOM.randrange(8)
        elif kind == 1:
            data[at] = RANDOM.choice([0, 1, 127, 128, 255])
        elif kind == 2:
            del data[at:at + RANDOM.randrange(1, 40)]
        elif kind == 3:
            data[at:at] = RANDOM.randbytes(RANDOM.randrange(1, 40))
        elif kind == 4:
            data[at:at] = f.record(
                RANDOM.randrange(13), RANDOM.randbytes(RANDOM.randrange(30)),
                RANDOM.choice([0, 1, 2, 65535]), RANDOM.choice([0, 1, 2]),
                RANDOM.choice([0, 7, 255]))
        else:
            del data[at:]
        if not data:
            break
    return bytes(data)


def pieces():
    """Requests that mutations start from."""
    values = f.as_nginx("POST", "/artifacts", GOOD, JSON)
    yield f.request(values, GOOD)
    yield f.request(f.as_nginx("GET", "/artifacts?limit=1"), b"")
    yield (f.begin(1) + b"".join(
        f.record(f.PARAMS, bytes([b])) for b in f.parameters(values)[:90])
        + f.record(f.PARAMS) + f.stream(f.STDIN, GOOD))
    yield f.record(f.GET_VALUES, f.parameters(
        [("FCGI_MAX_CONNS", ""), ("FCGI_MPXS_CONNS", "")]), 0) + \
        f.request(values, GOOD)


def mutated():
    starts = list(pieces())
    five, answered = [], 0
    for _ in range(COUNT):
        data = mutate(RANDOM.choice(starts))
        found = f.ask(data, 3)
        answered += bool(found)
        for status, text, _ in found:
            if status >= 500 or status == 0:
                five.append((status, data[:300], text[:200]))
    e2e.check(f"{COUNT} mutated requests: no 5xx", not five, five[:2])
    e2e.check(f"... of which {answered} had an answer", answered > COUNT / 10)
    mutated_kept()
    is_alive("after mutated requests")


class Kept:
    """A connection that asks to be kept, and requests one after the other on
    it; each names itself, and so does its answer."""

    def __init__(self):
        self.peer = f.connect(3)
        self.is_open = True

    def ask(self, data):
        """[(status, text, is_ended)], what came up to the end of an answer.
        Who has to wait for it has not sent a whole request."""
        found, got = [], b""
        try:
            self.peer.sendall(data)
            while not any(ended for _, _, ended in found):
                self.peer.settimeout(0.1 if self.is_open else 3)
                try:
                    piece = self.peer.recv(65536)
                except TimeoutError:
                    if not self.is_open:
                        break
                    self.is_open = False
                    self.peer.shutdown(socket.SHUT_WR)
                    continue
                if not piece:
                    self.is_open = False
                    break
                got += piece
                found = f.answers(got)
        except OSError:
            self.is_open = False
        return found

    def close(self):
        self.peer.close()


def names():
    """Ids of artifacts that are not there, which answers repeat."""
    number = 0
    while True:
        number += 1
        yield f"00000000-0000-4000-8000-{number:012x}"


NAMES = names()
WRONG = []  # answers on kept connections that are to another request


def kept_read(kept):
    """A good request on it; True if it was answered, False if the connection
    had been closed."""
    name = next(NAMES)
    found = kept.ask(f.request(
        f.as_nginx("GET", f"/artifacts/{name}"), keep=1))
    if not found:
        kept.is_open = False
        return False
    if len(found) != 1 or found[0][0] != 404 or \
            name.encode() not in found[0][1]:
        WRONG.append((name, found))
    return True


def kept_connections(count, send):
    """So many times send(kept) between good requests, on one connection as
    long as it stays open; how often it did."""
    kept, stayed = Kept(), 0
    for _ in range(count):
        if not kept.is_open:
            kept.close()
            kept = Kept()
            if RANDOM.randrange(2):
                kept_read(kept)
        if kept.is_open and send(kept) and kept.is_open:
            stayed += kept_read(kept)
    kept.close()
    return stayed


def mutated_kept():
    """A request that was changed, to be kept if it can be."""
    def send(kept):
        values = f.as_nginx("GET", "/artifacts?limit=1")
        data = f.request(values, RANDOM.choice([b"", GOOD]), keep=1)
        found = kept.ask(mutate(data))
        five.extend(one for one in found if one[0] >= 500)
        # Whoever sent less than a request may not send another behind it.
        if not any(ended for _, _, ended in found):
            kept.is_open = False
        return bool(found)
    five = []
    stayed = kept_connections(COUNT, send)
    e2e.check(f"{COUNT} mutated requests on kept connections: no 5xx",
              not five, five[:2])
    e2e.check(f"... of which {stayed} were kept, and the next was answered",
              not WRONG and stayed > COUNT / 50, WRONG[:2])


def worst():
    """What libfcgi is known to abort on, and what it might."""
    long = struct.pack(">I", 0x7fffffff | 1 << 31)
    name = f.pair(b"FCGI_MAX_CONNS", b"")
    worst_ones = [
        f.record(f.GET_VALUES, name * 20, 0),
        f.begin() + f.record(f.PARAMS, long + long + b"x"),
        f.begin() + f.record(f.PARAMS, b"\xff\xff\xff\xff" * 2),
        f.begin(role=3) + f.stream(f.PARAMS, b""),
        f.record(f.BEGIN, b"x"), f.record(f.ABORT), b"\0" * 64,
        f.begin() + f.begin(), f.begin() + f.stream(f.STDIN, GOOD),
        f.begin() + f.record(f.PARAMS, b"\x80"),
        f.request([("A", "b")] * 5000, GOOD),
        f.request(f.as_nginx("GET", "/" + "x" * 200000)),
    ]
    for number in range(max(3, COUNT // 200)):
        for data in worst_ones:
            f.ask(data, 3)
    is_alive("after what libfcgi aborts on")


def shift_of(number, values):
    """How much stands before the records in a body. A reader that drops what
    is left in its buffer goes on where the next one begins: every other try
    puts them there, or close by; the rest are at every alignment."""
    if number % 4 < 2:
        return number % 9000
    start = len(f.begin() + f.stream(f.PARAMS, f.parameters(values))) + 8
    return LIBFCGI_BUFFER - start + RANDOM.choice([0, 0, -1, 1, -8, 8])


def forged():
    """A body of FastCGI records at every alignment, the connection asked to
    be kept or not, the length right, too small and too large."""
    other = f.as_nginx("POST", "/artifacts", FORGED, JSON,
                       REMOTE_USER="intruder")
    inner = f.request(other, FORGED)
    seen, answered = 0, 0
    for number in range(COUNT):
        values = f.as_nginx(
            "POST", RANDOM.choice(["/artifacts", "/artifacts/x/upload",
                                   "/nowhere"]),
            b"", RANDOM.choice([JSON, "text/plain",
                                "multipart/form-data; boundary=x"]),
            CONTENT_LENGTH="00000")
        shift = shift_of(number, values)
        body = b" " * shift + inner * 2
        announced = RANDOM.choice(
            [len(body), shift, 0, 10, max(shift - 1, 1), len(body) + 8])
        values = [(name, f"{announced:05}" if name == "CONTENT_LENGTH"
                   else value) for name, value in values]
        data = f.request(values, body, keep=number % 2)
        if RANDOM.random() < 0.2:  # the rest behind the end of the request
            data += inner
        found = f.ask(data, 3)
        answered += bool(found)
        seen += len(found) > 1 or any(
            status in (200, 201) for status, _, _ in found)
    status, listed = e2e.Client().json(
        "GET", "/artifacts?workflow_id=forged")
    e2e.check(f"{COUNT} forged bodies: none is a request",
              (status, listed, seen) == (200, [], 0), status, seen, listed)
    e2e.check(f"... of which {answered} had an answer", answered > COUNT / 2)
    forged_kept(inner)
    forged_through_nginx(inner)
    is_alive("after forged bodies")


def none_is_stored(text, *others):
    status, listed = e2e.Client().json(
        "GET", "/artifacts?workflow_id=forged")
    e2e.check(f"{text}: none is a request", (status, listed) == (200, [])
              and not any(others), status, listed, *others)


def forged_kept(inner):
    """The same behind reads, whose connections are kept: the body announced
    as it is, as none, or as too small, and more than one request of it."""
    def send(kept):
        number[0] += 1
        name = next(NAMES)
        values = f.as_nginx("GET", f"/artifacts/{name}",
                            CONTENT_LENGTH="00000")
        shift = shift_of(number[0], values)
        if number[0] % 4 == 3:
            # The end of the true request where libfcgi reads on.
            shift = max(0, shift - RANDOM.randrange(2 * len(inner) + 16))
        body = b" " * shift + inner * 2
        announced = RANDOM.choice([len(body), len(body), 0, shift])
        values = [(key, f"{announced:05}" if key == "CONTENT_LENGTH"
                   else value) for key, value in values]
        data = f.request(values, body, keep=1)
        if RANDOM.random() < 0.05:
            data += inner  # this one is a request: it may be answered
            data = data.replace(b"POST", b"GET ")
        found = kept.ask(data)
        if len(found) > 1 or any(status == 201 or name.encode() not in text
                                 for status, text, _ in found):
            WRONG.append((name, found))
        return bool(found)
    number = [0]
    stayed = kept_connections(COUNT, send)
    none_is_stored(f"{COUNT} forged bodies on kept connections", WRONG[:2])
    e2e.check(f"... of which {stayed} were kept", stayed > COUNT / 2)


def forged_through_nginx(inner):
    """Where libfcgi reads on hangs on the parameters that nginx sends, which
    are less than these many bytes."""
    parameters = 2500
    client = e2e.Client()
    wrong, sent = [], 0
    for number in range(COUNT):
        shift = number if number < 17 else RANDOM.choice(
            [LIBFCGI_BUFFER, 2 * LIBFCGI_BUFFER]) - number % parameters
        method, target = RANDOM.choice(
            [("GET", "/artifacts?limit=1"), ("GET", "/nowhere"),
             ("POST", "/nowhere"), ("POST", "/artifacts")])
        status, _, payload = client.send(
            method, target, b" " * shift + inner * 2,
            {"Content-Type": JSON})
        sent += 1
        if status in (201, 500, 502, 504) or b"forged" in payload:
            wrong.append((method, target, shift, status, payload))
        if number % 4 == 0:
            status, _, payload = client.send("GET", "/artifacts?limit=1")
            if status != 200 or b"forged" in payload:
                wrong.append(("after", shift, status, payload))
    none_is_stored(f"{sent} forged bodies through nginx", wrong[:2])


def cut():
    """A request that ends anywhere before its end does nothing."""
    whole = f.request(f.as_nginx("POST", "/artifacts", GOOD, JSON), GOOD)
    stored = len(list(e2e.Client().pages("/artifacts?workflow_id=good")))
    for at in range(0, len(whole) - 8, 7):
        f.ask(whole[:at], 5)
    now = len(list(e2e.Client().pages("/artifacts?workflow_id=good")))
    e2e.check("a request cut anywhere stores nothing", now == stored,
              stored, now)
    # It has no body: it is whole when its parameters are.
    made = e2e.Client().create("good")[1]["id"]
    whole = f.request(f.as_nginx("DELETE", f"/artifacts/{made}"))
    for at in range(0, len(whole) - 8):
        f.ask(whole[:at], 5)
    status = e2e.Client().send("GET", f"/artifacts/{made}")[0]
    e2e.check("a DELETE cut inside its parameters deletes nothing",
              status == 200, status)


def unread():
    """A body that nobody asks for, and that takes its time: whoever sends it
    is not cut off, for nginx would not look for the answer then."""
    values = f.as_nginx("POST", "/nowhere", b"", "text/plain",
                        CONTENT_LENGTH=str(10 * 60000))
    with f.connect() as peer:
        peer.sendall(f.begin() + f.stream(f.PARAMS, f.parameters(values)))
        try:
            for _ in range(10):
                time.sleep(0.03)
                peer.sendall(f.record(f.STDIN, b"x" * 60000))
            peer.sendall(f.record(f.STDIN))
            found = f.answers(f.read_all(peer))
        except OSError as error:
            found = error
    e2e.check("a body that is not read can be sent, and is answered",
              isinstance(found, list) and [a[0] for a in found] == [404],
              found)


began = time.monotonic()
before = len(e2e.deaths(signal.SIGSYS.value))
{"cut": cut, "worst": worst, "mutated": mutated,
 "forged": forged, "unread": unread}[sys.argv[2]]()
stopped = e2e.deaths(signal.SIGSYS.value)[before:]
e2e.check(f"{sys.argv[2]}: the sandbox stopped no worker", not stopped,
          len(stopped), *stopped[:1])
print(f"{time.monotonic() - began:.0f} s")
