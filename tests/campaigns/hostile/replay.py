# SPDX-License-Identifier: ISC
"""All test bytes of the project, in each place of a request; a worker in its
sandbox has to survive them.

The corpora of the fuzzers, the bad inputs and the cases of the contract were
made for single parsers, in builds without a sandbox. Here a real worker gets
each of them as a body of each kind, in a form, in the target, and as each
header that is read. It also gets bodies of many sizes of everything that may be
many, since libc makes other calls from some size on. The test checks only that
each request gets an answer, and that no process dies."""

import base64
import json
import os
import random
import time
from pathlib import Path

import corpus
import e2e
import fastcgi

TESTS = Path(os.environ["TOP_SRCDIR"]) / "tests"
LOG = Path(os.environ["DAEMON_LOG"])
HEADERS = ("CONTENT_TYPE", "HTTP_CONTENT_DIGEST", "HTTP_REPR_DIGEST",
           "HTTP_IDEMPOTENCY_KEY", "HTTP_IF_MATCH", "HTTP_IF_NONE_MATCH",
           "HTTP_IF_MODIFIED_SINCE", "HTTP_IF_RANGE", "HTTP_RANGE",
           "HTTP_CONTENT_RANGE", "REMOTE_USER")
# What is said of a request, and not sent.
EXPECTED = ("name", "nginx", "socket", "faults", "detail", "answer", "stores",
            "is", "section", "want", "given")
# At 1 KiB libc's qsort begins to allocate: 128 pointers.
COUNTS = (1, 2, 31, 32, 33, 63, 64, 65, 99, 100, 101, 127, 128, 129, 255, 256,
          257, 999, 1000, 1001, 4095, 4096, 10000, 65536, 99000)


# ---- what there is

def of_fuzzers():
    """(name, bytes) of each file of their corpora."""
    for path in sorted((TESTS / "campaigns/fuzz/corpus").glob("*/*")):
        yield f"{path.parent.name}/{path.name}", path.read_bytes()


def texts(value):
    """The bytes of each text in a value of JSON, and of lists of pieces."""
    if isinstance(value, str):
        try:
            yield value.encode("latin-1")
        except UnicodeEncodeError:
            yield value.encode("utf-8", "surrogatepass")
    elif isinstance(value, dict):
        for name, item in value.items():
            if name not in EXPECTED:
                yield from texts(item)
    elif isinstance(value, list):
        try:
            yield corpus.text(value)
        except (AttributeError, LookupError, TypeError, UnicodeError):
            pass  # it is no list of pieces
        for item in value:
            yield from texts(item)


def of_lines(path):
    """(name, bytes) of each text of a file of JSON lines, each once."""
    known = set()
    for number, line in enumerate(path.read_text("utf-8").splitlines()):
        for text in texts(json.loads(line)):
            if text not in known and len(text) < 1 << 20:
                known.add(text)
                yield f"{path.name}:{number + 1}", text


# ---- where it may stand

def form(data, field=False):
    """A form of one part, or of the names of parts that nobody knows."""
    name = b"workflow_id" if field else b"file\"; filename=\"f"
    return (b'--q\r\nContent-Disposition: form-data; name="' + name
            + b'"\r\n\r\n' + data + b"\r\n--q--\r\n")


def ask(method, target, body=b"", kind="", **more):
    return fastcgi.request(fastcgi.as_nginx(
        method, target, body, kind, **more), body)


def bodies(made, data):
    """Requests with it as their body."""
    yield ask("POST", "/artifacts", data, corpus.JSON)
    yield ask("PUT", f"/artifacts/{made}", data, corpus.JSON)
    yield ask("PUT", f"/artifacts/{made}/raw", data, "text/plain")
    yield ask("POST", f"/artifacts/{made}/upload", data, corpus.FORM)
    yield ask("POST", "/artifacts", data, corpus.FORM)
    yield ask("POST", f"/artifacts/{made}/upload", form(data), corpus.FORM)
    yield ask("POST", "/artifacts", form(data, field=True), corpus.FORM)


def places(made, data):
    """Requests with it in every place."""
    yield from bodies(made, data)
    # As members, and as what json.dumps makes of it.
    text = json.dumps(data.decode("latin-1")).encode()
    yield ask("PUT", f"/artifacts/{made}", b'{"metadata":{"v":' + data + b"}}",
              corpus.JSON)
    yield ask("POST", "/artifacts", b'{"content":' + text + b"," + text
              + b":1}", corpus.JSON)
    data = data[:30000]  # what a parameter may have
    yield ask("GET", b"/artifacts?" + data)
    yield ask("GET", b"/artifacts?workflow_id=" + data + b"&limit=" + data
              + b"&cursor=" + data)
    yield ask("GET", b"/artifacts/" + data)
    yield ask("GET", data)
    yield ask(data, "/artifacts")
    for name in HEADERS:
        yield ask("GET", f"/artifacts/{made}/raw", **{name: data})
        yield ask("PUT", f"/artifacts/{made}/raw", b"hello", **{name: data})


def as_request(data):
    """A file of tests/campaigns/fuzz/corpus/handle: "METHOD target", headers, body."""
    head, _, body = data.partition(b"\n\n")
    line, *lines = head.split(b"\n")
    method, _, target = line.partition(b" ")
    more = {}
    for name, _, value in (one.partition(b":") for one in lines):
        name = name.decode("latin-1").upper().replace("-", "_")
        if name not in ("CONTENT_TYPE", "CUT", "TYPES", "USER"):
            name = "HTTP_" + name
        more[name] = value.strip()
    kind = more.pop("CONTENT_TYPE", b"")
    yield ask(method, target, body, kind, **more)


# ---- what is made by size

def members(count, name="u%d"):
    return b"{" + b",".join(b'"%s":1' % (name % i).encode()
                            for i in range(count)) + b"}"


def by_size(made):
    """(name, request): as many of each thing as COUNTS says."""
    for count in COUNTS:
        yield f"{count} unknown members", ask(
            "POST", "/artifacts", members(count), corpus.JSON)
        yield f"{count} unknown members of a change", ask(
            "PUT", f"/artifacts/{made}", members(count, "v%d"), corpus.JSON)
        yield f"{count} members of metadata", ask(
            "PUT", f"/artifacts/{made}", b'{"metadata":' + members(count)
            + b"}", corpus.JSON)
        yield f"{count} times a member", ask(
            "POST", "/artifacts", members(count, "t%.0s"), corpus.JSON)
        yield f"{count} ids", ask(
            "PUT", f"/artifacts/{made}", json.dumps(
                {"derived_from": [made] * count}).encode(), corpus.JSON)
        yield f"{count} things that are no ids", ask(
            "PUT", f"/artifacts/{made}", json.dumps(
                {"derived_from": list(range(count))}).encode(), corpus.JSON)
        yield f"{count} levels", ask(
            "PUT", f"/artifacts/{made}", b'{"metadata":' + b'{"a":[' * count
            + b"]}" * count + b"}", corpus.JSON)
        yield f"a name of {count} bytes", ask(
            "POST", "/artifacts", b'{"\\u0078' + b"n" * count + b'":1}',
            corpus.JSON)
        yield f"a number of {count} digits", ask(
            "PUT", f"/artifacts/{made}", b'{"metadata":{"n":1'
            + b"0" * count + b".5e7}}", corpus.JSON)
        yield f"a text of {count} bytes", ask(
            "POST", "/artifacts", json.dumps(
                {"workflow_id": "w", "artifact_type": "t", "title": "t",
                 "content": "é" * count}).encode(), corpus.JSON)
        yield f"{count} parts", ask(
            "POST", "/artifacts", b"".join(
                b'--q\r\nContent-Disposition: form-data; name="n%d"'
                b"\r\n\r\n\r\n" % i for i in range(count)) + b"--q--\r\n",
            corpus.FORM)
        yield f"{count} files", ask(
            "POST", "/artifacts", b"".join(
                b'--q\r\nContent-Disposition: form-data; name="f%d"; '
                b'filename="%d"\r\n\r\nDATA\r\n' % (i, i)
                for i in range(count)) + b"--q--\r\n", corpus.FORM)
    for count in (count for count in COUNTS if count < 10000):
        yield f"{count} names in a query", ask(
            "GET", "/artifacts?" + "&".join(
                f"n{i}=%C3%A9" for i in range(count)))
        yield f"{count} entity tags", ask(
            "PUT", f"/artifacts/{made}/raw", b"x", HTTP_IF_MATCH=", ".join(
                f'"{i:064x}"' for i in range(min(count, 400))))
        yield f"{count} ranges", ask(
            "GET", f"/artifacts/{made}/raw", HTTP_RANGE="bytes="
            + ",".join(f"{i}-{i}" for i in range(count)))
        yield f"{count} digests", ask(
            "PUT", f"/artifacts/{made}/raw", b"x", HTTP_REPR_DIGEST=", ".join(
                f"sha-256=:{base64.b64encode(bytes(32)).decode()}:"
                for _ in range(count)))
        yield f"{count} parameters", fastcgi.request(
            [(f"HTTP_X{i}", "v") for i in range(count)]
            + fastcgi.as_nginx("GET", "/artifacts"))


# ---- asking

def run(what, requests):
    """Ask all of (name, request); each has an answer, and nobody dies."""
    before, began = len(e2e.deaths()), time.monotonic()
    silent, count = [], 0
    for name, request in requests:
        count += 1
        if not fastcgi.ask(request):
            silent.append(name)
    dead = e2e.deaths()[before:]
    e2e.check(f"{count} requests with {what}: each is answered, and no "
              "process dies", count > 0 and not silent and not dead,
              f"{len(silent)} silent, {len(dead)} dead", silent[:5], dead[:3])
    print(f"{what}: {time.monotonic() - began:.1f} s")


def main():
    made = e2e.Client().create("replayed")[1]["id"]
    # Alone, so that one that kills is named, and not what comes beside it.
    run("as many of a thing as there may be, and more", by_size(made))
    run("the requests of the fuzzers", (
        (name, request) for name, data in of_fuzzers()
        if name.startswith("handle/") for request in as_request(
            data.replace(b"00000000-0000-4000-8000-000000000001",
                         made.encode()))))
    run("what the fuzzers found, in every place", (
        (name, request) for name, data in of_fuzzers()
        for request in places(made, data)))
    # Tens of thousands: a few of them, unless there is time for all.
    share = 1 if e2e.IS_FULL else 0.1
    rng = random.Random(int(os.environ["TEST_SEED"]))
    run("the bad inputs, in every place", (
        (name, request)
        for path in sorted((TESTS / "campaigns/hostile/inputs").glob("*.jsonl"))
        for name, data in of_lines(path)
        for request in places(made, data) if rng.random() < share))
    run("the cases of the contract, as bodies", (
        (name, request) for name, data in of_lines(
            TESTS / "api/contract/cases.jsonl")
        for request in bodies(made, data) if rng.random() < 3 * share))
    e2e.check("... and the artifact is still there", e2e.Client().send(
        "GET", f"/artifacts/{made}")[0] == 200)


main()
