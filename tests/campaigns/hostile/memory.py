# SPDX-License-Identifier: ISC
"""How much memory of a worker one request uses, and how long an answer can be.

The largest legal requests stay below the memory limit of a worker. They go to
the same few workers one after the other, so that a heap with holes is tried as
well. A refusal has a short answer. The limit stops a peer that makes libfcgi
take memory without end, and nothing of that is left."""

import json
import os
import re
import time
from pathlib import Path

import e2e
import fastcgi as f

MIB = 1 << 20
LIMIT = 256 * MIB
MAX_JSON = 16 * MIB
SHORT = 65536
LOG = Path(os.environ["DAEMON_LOG"])
JSON = "application/json"
FORM = "multipart/form-data; boundary=q"


def memory(pid, name):
    """Bytes, from a line of /proc/PID/status; 0 of one that is gone."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    found = re.search(rf"^{name}:\s*(\d+) kB", status, re.M)
    return int(found[1]) * 1024 if found else 0


def most(name):
    return max((memory(pid, name) for pid in e2e.workers()), default=0)


def deaths():
    return len(e2e.deaths())


def ask(method, target, body=b"", kind=JSON):
    """(status, payload)"""
    found = f.ask(f.request(f.as_nginx(method, target, body, kind), body), 60)
    if not found:
        return 0, b""
    status, text, is_ended = found[0]
    return (status if is_ended else 0), text.partition(b"\r\n\r\n")[2]


def send(client, method, target, body=None, kind=JSON):
    """The status, through nginx, which is quicker with what is large."""
    return client.send(method, target, body, {"Content-Type": kind}
                       if body is not None else None)[0]


def create(size, **more):
    """JSON of a create, so many bytes long."""
    body = {"workflow_id": "memory", "artifact_type": "t", "title": "t",
            **more, "content": ""}
    return json.dumps({**body, "content": "c" * (
        size - len(json.dumps(body)))}).encode()


# ---- what is legal

def largest(made):
    """(name, what is sent, statuses) of all that is as large as may be."""
    text = create(MAX_JSON)
    escaped = create(0).replace(
        b'"content": ""', b'"content": "' + b"\\u20ac" * (
            (MAX_JSON - 100) // 6) + b'"')
    yield "JSON of max_json bytes", ("POST", "/artifacts", text), 201
    yield "... all of it escaped", ("POST", "/artifacts", escaped), 201
    yield "... of the most values", ("PUT", f"/artifacts/{made}", (
        b'{"derived_from":[' + b",".join([b'"x' + b"y" * 150 + b'"'] * 99000)
        + b"]}")), 422
    yield "... of metadata with the most spaces", (
        "PUT", f"/artifacts/{made}", b'{"metadata":{' + b" " * (MAX_JSON - 40)
        + b'"a":1}}'), 200
    yield "the largest file, as a body", (
        "PUT", f"/artifacts/{made}/raw", b"x" * (50 * MIB), "text/plain"), 200
    yield "... as JSON", ("GET", f"/artifacts/{made}/content"), 200
    yield "... in a form", (
        "POST", f"/artifacts/{made}/upload",
        b'--q\r\nContent-Disposition: form-data; name="file"; '
        b'filename="f"\r\n\r\n' + bytes(range(256)) * (50 * MIB // 256)
        + b"\r\n--q--\r\n", FORM), 200
    yield "... as text that is none", (
        "GET", f"/artifacts/{made}?include_content=true"), 200
    yield "a form of the largest fields", (
        "POST", "/artifacts", b"".join(
            b'--q\r\nContent-Disposition: form-data; name="%s"\r\n\r\n'
            % name + b"x" * (MIB - 1) + b"\r\n" for name in
            (b"workflow_id", b"title", b"n", b"m") * 8) + b"--q--\r\n",
        FORM), 422
    yield "a list of the largest records", (
        "GET", "/artifacts?workflow_id=memory-list&limit=200"), 200


def fill_list(client):
    """200 records that are as large as may be."""
    metadata = {"m": "x" * 65000}
    for _ in range(200):
        made = client.create("memory-list", title="t" * 1024)[1]["id"]
        status = client.send("PUT", f"/artifacts/{made}", {
            "metadata": metadata, "derived_from": [made] * 256})[0]
        if status != 200:
            e2e.check("a record is made as large as may be", False, status)
            return


def legal(client, made):
    fill_list(client)
    before, wrong = deaths(), []
    for _ in range(3 if e2e.IS_FULL else 1):
        for name, sent, wanted in largest(made):
            began = time.monotonic()
            status = send(client, *sent)
            print(f"{name}: {time.monotonic() - began:.1f} s, "
                  f"{most('VmHWM') // MIB} MiB", flush=True)
            if status != wanted:
                wrong.append(f"{name}: {status}, not {wanted}")
    e2e.check("all that is as large as may be passes, again and again",
              not wrong and deaths() == before, wrong, deaths() - before)
    print(f"a worker has had {most('VmHWM') // MIB} MiB resident, and has "
          f"{most('VmData') // MIB} MiB of data")


# ---- what is refused

def refused(made):
    name = b"n" * (MAX_JSON - 100)
    yield "a name of 16 MiB", ("POST", "/artifacts", b'{"' + name + b'":1}')
    yield "... with an escape", (
        "POST", "/artifacts", b'{"\\n' + name + b'":1}')
    yield "95,000 unknown members", ("POST", "/artifacts", b"{" + b",".join(
        b'"member number %d of many":1' % i for i in range(95000)) + b"}")
    yield "256 things that are no ids", ("PUT", f"/artifacts/{made}", (
        b'{"derived_from":[' + b",".join([b'"' + b"x" * 60000 + b'"'] * 256)
        + b"]}"))
    yield "a value of 16 MiB", (
        "POST", "/artifacts", b'{"title":"' + name + b'"}')
    yield "parts of long names", ("POST", "/artifacts", b"".join(
        b'--q\r\nContent-Disposition: form-data; name="%d%s"\r\n\r\n\r\n'
        % (i, b"n" * 16000) for i in range(900)) + b"--q--\r\n", FORM)
    yield "a path of 16 KiB", ("GET", "/artifacts/" + "x" * 16000)
    yield "a path of what is no text", (
        "GET", "/artifacts/" + "%FF" * 5000)
    yield "a query of 16 KiB", (
        "GET", "/artifacts?limit=" + "x" * 8000 + "&cursor=" + "y" * 7000)


def refusals(made):
    before, wrong = deaths(), []
    for name, sent in refused(made):
        status, payload = ask(*sent)
        if status not in (400, 404, 422) or len(payload) > SHORT:
            wrong.append(f"{name}: {status}, {len(payload)} bytes")
    e2e.check("what is refused is told in a short answer, whatever was sent",
              not wrong and deaths() == before, wrong, deaths() - before)


def names_are_cut():
    """At the edge of a character, and there is one more item for the rest."""
    sent = {f"{'é' * 150}{number}": 1 for number in range(150)}
    detail = json.loads(ask("PUT", "/artifacts/x", json.dumps(
        sent, ensure_ascii=False).encode())[1])["detail"]
    first = detail[0]["loc"][1] if isinstance(detail, list) else ""
    e2e.check("names are cut at 200 bytes, and a list at 100 items",
              first == "é" * 100 and len(detail) == 100 and detail[-1] == {
                  "type": "too_many_faults", "loc": ["body"],
                  "msg": "51 more faults are not listed: a list ends at 100 "
                         "items"}, first, len(detail), detail[-1])


# ---- what is hostile

def endless_parameters():
    """Empty ones: 2 bytes each, for which libfcgi takes 40."""
    def send():
        with f.connect(60) as peer:
            try:
                peer.sendall(f.begin())
                for _ in range(1024):
                    peer.sendall(f.record(f.PARAMS, bytes(65534)))
            except OSError:
                pass  # the worker is gone

    # Not for as long as a record of the request is missing.
    before = deaths()
    resident = 0
    thread_is_over = []

    def watch():
        nonlocal resident
        while not thread_is_over:
            resident = max(resident, most("RssAnon"))
            time.sleep(0.02)

    def run():
        send()
        thread_is_over.append(True)

    e2e.in_threads([run, watch])
    died = deaths() - before
    left = most("RssAnon")
    e2e.check("64 MiB of empty parameters take no more than the limit, and "
              "nothing is left", resident <= LIMIT
              and left < LIMIT // 2, resident // MIB, left // MIB)
    e2e.check("... it costs one worker, and the others serve", died <= 1 and
              e2e.Client().create("memory")[0] == 201, died)


def main():
    client = e2e.Client()
    made = client.create("memory")[1]["id"]
    names_are_cut()
    refusals(made)
    legal(client, made)
    endless_parameters()


main()
