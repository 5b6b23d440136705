#!/bin/bash
# SPDX-License-Identifier: ISC
#
# Bad input gets a clear answer, and nothing is lost or stored.
. "$(dirname "$0")/lib.sh"

start
daemons_children=$(children_of "$DAEMON")

python_checks - <<'PYTHON'
import base64
import hashlib
import json

import e2e

client = e2e.Client()
status, made = client.create("bad-input", content="the old content")
ID = made["id"]
HOST = b"Host: x\r\n"


def head(line, length, content_type="application/json"):
    return (f"{line} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
            f"Content-Type: {content_type}\r\n"
            f"Content-Length: {length}\r\n\r\n").encode()


def unharmed(text):
    status, _, payload = client.send("GET", f"/artifacts/{ID}/raw")
    artifacts = list(client.pages("/artifacts?workflow_id=bad-input"))
    e2e.check(f"{text}: nothing lost, nothing stored",
              (status, payload) == (200, b"the old content")
              and [a["id"] for a in artifacts] == [ID], status, payload)


def ask(text, request, *statuses, end=False):
    answer = e2e.raw(request, end)
    e2e.check(f"{text}: {' or '.join(map(str, statuses))} in JSON",
              e2e.is_error(answer, *statuses),
              answer and (answer[0], answer[2]))
    return answer


form, form_headers = e2e.multipart(b"DATA" * 1000)
FORM = form_headers["Content-Type"]
UPLOAD = f"POST /artifacts/{ID}/upload"
# Cut by a client that announces less: at every place that means something.
for at in (1, 10, 60, 120, 140, len(form) // 2, len(form) - 30,
           len(form) - 5, len(form) - 3):
    ask(f"a form of {at} bytes of {len(form)}",
        head(UPLOAD, at, FORM) + form[:at], 400, 422)
unharmed("forms cut off")
# Cut by a client that goes away before it sent all that it announced.
for at in (0, 100, len(form) // 2, len(form) - 1):
    answer = e2e.raw(head(UPLOAD, len(form), FORM) + form[:at], end=True)
    e2e.check(f"a body that ends after {at} bytes is never taken",
              answer is None or answer[0] == 400, answer)
unharmed("bodies shorter than their Content-Length")
make = json.dumps({"workflow_id": "bad-input", "artifact_type": "t",
                   "title": "t", "content": "c"}).encode()
answer = e2e.raw(head("POST /artifacts", len(make) + 50) + make, end=True)
e2e.check("JSON shorter than its Content-Length is never taken",
          answer is None or answer[0] == 400, answer)
answer = e2e.raw(head(f"PUT /artifacts/{ID}/raw", 100) + b"x" * 50, end=True)
e2e.check("raw content shorter than its Content-Length is never taken",
          answer is None or answer[0] == 400, answer)
unharmed("short bodies")
# Longer: the rest is the next request, and no request.
ask("JSON longer than its Content-Length",
    head("POST /artifacts", len(make) - 5) + make, 422)
answer = e2e.raw(head(UPLOAD, len(form), FORM).replace(
    b"Connection: close\r\n", b"") + form + b"GARBAGE\r\n\r\n")
e2e.check("a form and bytes behind it: the form counts", answer
          and answer[0] == 200, answer)
client.send("PUT", f"/artifacts/{ID}/raw", b"the old content")
unharmed("long bodies")

for text, opening in (("brackets", "["), ("braces", '{"a":')):
    body = opening.encode() * 100000
    ask(f"100,000 nested {text}",
        head("POST /artifacts", len(body)) + body, 400)
    body = b'{"metadata":' + body
    ask(f"100,000 nested {text} in metadata",
        head(f"PUT /artifacts/{ID}", len(body)) + body, 400)
for text, source, want in (
        ("an unpaired surrogate", r'{"title":"\ud800"}', 422),
        ("a NUL byte", '{"title":"\0"}', 422),
        ("a NUL behind", '{"title":"x"}\0', 422),
        ("no UTF-8", b'{"title":"\xff"}', 400)):
    body = source if isinstance(source, bytes) else source.encode()
    ask(f"{text} in PUT", head(f"PUT /artifacts/{ID}", len(body)) + body,
        want)
body = b'{"title":"a\\u0000b"}'
answer = e2e.raw(head(f"PUT /artifacts/{ID}", len(body)) + body)
e2e.check("an escaped NUL is text", answer and answer[0] == 200, answer)
e2e.check("… and comes back", client.json("GET", f"/artifacts/{ID}")[1]
          ["title"] == "a\0b")

for method in ("GET", "POST", "PUT", "DELETE"):
    path = "x" * 10000
    path += {"POST": "/upload"}.get(method, "")
    ask(f"an id of 10,000 characters in {method}",
        f"{method} /artifacts/{path} HTTP/1.1\r\nHost: x\r\n"
        "Connection: close\r\nContent-Length: 0\r\n\r\n".encode(),
        404, 414, 422)
ask("an unknown method", b"BREW /artifacts HTTP/1.1\r\n" + HOST
    + b"Connection: close\r\n\r\n", 405)
ask("a method of 5,000 letters", b"X" * 5000
    + b" /artifacts HTTP/1.1\r\n" + HOST + b"\r\n", 400, 405, 414)

for title in range(5):
    client.create("a-list", title=str(title))
_, headers, _ = client.send("GET", "/artifacts?workflow_id=a-list&limit=2")
cursor = headers["Link"].split("cursor=")[1].split(">")[0].split("&")[0]
for query in ("", "workflow_id=bad-input&", "phase_id=a-list&",
              "workflow_id=a-list&session_id=x&"):
    status, answer = client.json("GET", f"/artifacts?{query}cursor={cursor}")
    e2e.check(f"a cursor of another list ({query or 'all'}): 422", status
              == 422 and answer["detail"][0]["loc"] == ["query", "cursor"],
              answer)
for at in range(len(cursor)):
    other = cursor[:at] + ("A" if cursor[at] != "A" else "B") \
        + cursor[at + 1:]
    status, _, payload = client.send(
        "GET", f"/artifacts?workflow_id=a-list&cursor={other}")
    if status not in (200, 422):
        break
e2e.check("a cursor with a letter changed: never 5xx",
          status in (200, 422), status, payload)

wrong = base64.b64encode(hashlib.sha256(b"other").digest()).decode()
for name in ("Content-Digest", "Repr-Digest"):
    status, answer = client.json("PUT", f"/artifacts/{ID}/raw", b"x" * 200000,
                                 {name: f"sha-256=:{wrong}:"})
    e2e.check(f"{name} that does not match: 400", status == 400, answer)
status, answer = client.create("bad-input", headers={
    "Content-Digest": f"sha-256=:{wrong}:"})
e2e.check("a create whose digest does not match: 400", status == 400, answer)
unharmed("digests")

for name in ("If-Match", "If-None-Match", "Range", "Idempotency-Key",
             "Content-Type", "Content-Digest"):
    answer = e2e.raw(
        f"GET /artifacts/{ID}/raw HTTP/1.1\r\nHost: x\r\nConnection: close"
        f"\r\n{name}: \"a\"\r\n{name}: \"b\"\r\n\r\n".encode())
    e2e.check(f"{name} twice: no 5xx", answer and answer[0] < 500, answer)
for text, value in (("ranges", "bytes=" + ",".join(["0-1"] * 1000)),
                    ("tags", ", ".join(['"x"'] * 1000))):
    name = {"ranges": "Range", "tags": "If-None-Match"}[text]
    status, _, _ = client.send("GET", f"/artifacts/{ID}/raw",
                               headers={name: value})
    e2e.check(f"1,000 {text}: no 5xx", status < 500, status)
unharmed("headers")

status, made = client.create("bad-input", headers={
    "Authorization": "Basic " + base64.b64encode(b"root:x").decode(),
    "Remote-User": "root", "X-Remote-User": "root"})
status, made = client.json("GET", f"/artifacts/{made['id']}")
e2e.check("a name in a header that nobody proved is nobody's",
          made["created_by"] is None, status, made)
PYTHON

check "no process died meanwhile" \
    equal "$(children_of "$DAEMON")" "$daemons_children"
check "nothing was logged as an error" \
    equal "$(grep -c '^<[0-3]>' "$DAEMON_LOG")" 0
finish
