# SPDX-License-Identifier: ISC
"""The corpus of bad input, and of legal input that looks bad.

inputs/*.jsonl has one input on each line:

  name      what is wrong with the input, or what is unusual and legal
  send      "METHOD /target"
  headers   {name: value}, or [[name, value], …]; null leaves one out
  body      sent as application/json, or as a form with the boundary "q" if
            it begins with "--q", unless the headers say otherwise
  nginx     the one status that it must get through nginx,
  socket    and the one that it must get at the socket; "none" means no
            answer; without the member it is not sent there
  faults    of a 422: [[type, loc…], …], all of them
  detail    the text of another error
  answer    {name: value} of headers that the answer must have
  stores    how many artifacts it adds; else a 201 adds one

If nginx and socket differ, nginx itself answers, and the other members
describe the answer at the socket. A character is a byte (latin-1). Instead of
a text there may be a list of pieces, where [text, count] repeats the text.
Expected texts are in UTF-8 as usual; see `same` of tests/api/contract/run.py for
"<int>", "<any>" and "~regex".

json.jsonl has values instead, which are put into each place where a value may
be; "is" says what they are. http.jsonl has whole requests as `bytes`, for nginx
alone, and fastcgi.jsonl has parameters and records, for the socket alone.

${KEPT} is an artifact whose content is "hello", and which must not change.
Accepted changes go to ${SCRATCH}, and to ${FRESH}, another one each time.
${AMBIGUOUS} is a prefix, ${CURSOR} one of the list of workflow_id
"inputs-list" with limit 2, ${KEY} an Idempotency-Key that was used;
${KEPT:8} are 8 characters; .etag is what a GET says of them, .hash and
.modified what one of their /raw does.
"""

import json
import re
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import e2e
import fastcgi

MEMBERS = {"name", "send", "headers", "body", "nginx", "socket", "faults",
           "detail", "answer", "stores", "bytes", "text", "is", "params",
           "twice", "records"}
HERE = Path(__file__).parent / "inputs"
JSON = "application/json"
FORM = "multipart/form-data; boundary=q"
KEPT = {"artifact_type": "t", "title": "kept", "content": "hello",
        "content_type": "text/plain"}
USER = "socket"  # who asks there
GOOD = (b'{"workflow_id":"inputs","artifact_type":"t","title":"t",'
         b'"content":"c"}')


@dataclass
class Input:
    name: str
    method: str = "POST"
    target: str = "/artifacts"
    headers: list = field(default_factory=list)
    body: bytes | None = None
    nginx: int | str | None = None
    socket: int | str | None = None
    faults: list | None = None
    detail: str | None = None
    answer: dict = field(default_factory=dict)
    stores: int | None = None
    data: bytes | None = None  # sent as it is, instead of a request

    def adds(self, status):
        """How many artifacts it adds when it was answered so."""
        return self.stores if self.stores is not None else status == 201

    def explains(self, way):
        """Is what the answer says ours, and known?"""
        return way == "socket" or self.socket in (None, self.nginx)


def text(value):
    """The bytes of a text or of its pieces."""
    if isinstance(value, str):
        value = [value]
    return b"".join(
        piece.encode("latin-1") if isinstance(piece, str)
        else piece[0].encode("latin-1") * piece[1] for piece in value)


def lines(family):
    for source in (HERE / f"{family}.jsonl").read_text("utf-8").splitlines():
        line = json.loads(source)
        if unknown := set(line) - MEMBERS:
            raise ValueError(f"{line['name']}: {unknown} mean nothing")
        yield line


def headers_of(line, body):
    """[(name, value)], with the Content-Type that goes without saying."""
    given = line.get("headers", {})
    given = list(given.items() if isinstance(given, dict) else given)
    headers = [(name, text(value)) for name, value in given
               if value is not None]
    if body is not None and "content-type" not in (
            name.lower() for name, _ in given):
        kind = FORM if body.startswith(b"--q") else JSON
        headers.insert(0, ("Content-Type", kind.encode()))
    return headers


EXPECTED = ("nginx", "socket", "faults", "detail", "answer", "stores")


def expectation(line):
    return {name: line[name] for name in EXPECTED if name in line}


def defects(inputs):
    """What an input has to say and does not: then it could not fail."""
    for name, count in Counter(one.name for one in inputs).items():
        if count > 1:
            yield f"{name}: there are {count} of this name"
    for one in inputs:
        statuses = {one.nginx, one.socket} - {None}
        if not all(status == "none" or type(status) is int
                   and (status < 500 or one.data and status == one.nginx)
                   for status in statuses):
            yield f"{one.name}: {statuses} are not to be expected"
        if 422 in statuses and one.faults is None:
            yield f"{one.name}: 422, and no faults"


def read(family):
    """The inputs of a file."""
    for line in lines(family):
        if "bytes" in line:
            yield Input(line["name"], data=text(line["bytes"]),
                        **expectation(line))
            continue
        method, _, target = text(line["send"]).decode("latin-1") \
            .partition(" ")
        body = text(line["body"]) if "body" in line else None
        yield Input(line["name"], method, target, headers_of(line, body),
                    body, **expectation(line))


# ---- what ${…} stands for

class Given:
    """Artifacts that are there before, and what a server says of them."""

    def __init__(self):
        self.client, self.fresh = e2e.Client(30), 0
        self.values = {"KEPT": self.make(), "SCRATCH": self.make(),
                       "KEY": "used-key"}
        listed = [self.make("inputs-list") for _ in range(17)]
        first = [made[0] for made in listed]  # 16 digits, so one is twice
        self.values["AMBIGUOUS"] = max(first, key=first.count)
        _, headers, _ = self.client.send(
            "GET", "/artifacts?workflow_id=inputs-list&limit=2")
        self.values["CURSOR"] = re.search(
            "cursor=([^>&]+)", headers["Link"])[1]
        self.use_key()

    def make(self, workflow="inputs-given"):
        status, made = self.client.json(
            "POST", "/artifacts", {"workflow_id": workflow, **KEPT})
        if status != 201:
            raise RuntimeError(f"no artifact to begin with: {status}")
        return made["id"]

    def another(self):
        self.fresh += 1
        return self.make()

    def use_key(self):
        """Once for each way: another user is another scope of keys."""
        headers = {"Idempotency-Key": self.values["KEY"],
                   "Content-Type": JSON}
        self.client.send("POST", "/artifacts", GOOD, headers)
        fastcgi.ask(fastcgi.request(fastcgi.as_nginx(
            "POST", "/artifacts", GOOD, JSON, REMOTE_USER=USER,
            HTTP_IDEMPOTENCY_KEY=self.values["KEY"]), GOOD))

    def kept(self):
        """All that there is to be seen of ${KEPT}."""
        target = f"/artifacts/{self.values['KEPT']}"
        return [(status, payload) for status, _, payload in (
            self.client.send("GET", target),
            self.client.send("GET", target + "/raw"))]

    def count(self):
        return len(list(self.client.pages("/artifacts?limit=200")))

    def of(self, match):
        name, length, about = match[1], match[2], match[3]
        value = self.another() if name == "FRESH" else self.values[name]
        if length:
            return value[:int(length[1:])]
        if not about:
            return value
        target = f"/artifacts/{value}"
        if about == ".etag":
            return self.client.send("GET", target)[1]["ETag"]
        if about == ".hash":
            return self.client.send("GET", target + "/raw")[1]["ETag"]
        return self.modified(target + "/raw")

    def modified(self, target):
        """It is said when its second is over."""
        for _ in range(100):
            headers = self.client.send("GET", target)[1]
            if "Last-Modified" in headers:
                return headers["Last-Modified"]
            time.sleep(0.05)
        raise RuntimeError(f"{target} has no Last-Modified")

    def fill(self, value):
        if isinstance(value, bytes):
            if b"${" not in value:
                return value
            return self.fill(value.decode("latin-1")).encode("latin-1")
        if isinstance(value, (list, tuple)):
            return [self.fill(item) for item in value]
        if isinstance(value, dict):
            return {name: self.fill(item) for name, item in value.items()}
        if not isinstance(value, str):
            return value
        return re.sub(r"\$\{([A-Z]+)(:\d+)?(\.\w+)?\}", self.of, value)

    def fill_in(self, one):
        """The input with every ${…} in it replaced."""
        one.target, one.headers, one.body, one.data, one.detail, \
            one.answer = self.fill([one.target, one.headers, one.body,
                                    one.data, one.detail, one.answer])
        return one


# ---- json.jsonl

# What "is" says: the answer to an update that has it in its metadata.
IN_METADATA = {
    "good": {"nginx": 200, "socket": 200},
    "syntax": {"nginx": 422, "socket": 422,
               "faults": [["json_invalid", "body", "<int>"]]},
    "encoding": {"nginx": 400, "socket": 400,
                 "detail": "There was an error parsing the body"},
    "deep": {"nginx": 400, "socket": 400,
             "detail": "There was an error parsing the body"},
    "lone": {"nginx": 422, "socket": 422,
             "faults": [["string_unicode", "body", "metadata"]]},
    "infinite": {"nginx": 422, "socket": 422,
                 "faults": [["finite_number", "body", "metadata"]]},
}
REQUIRED = [["missing", "body", name] for name in (
    "workflow_id", "artifact_type", "title", "content")]


def as_body(value, kind):
    """The answer to a create that has nothing but the value."""
    if kind in ("syntax", "encoding", "deep"):
        return IN_METADATA[kind]
    first = value.removeprefix(b"\xef\xbb\xbf").strip()[:1]
    faults = {b"": [["missing", "body"]], b"n": [["missing", "body"]]}.get(
        first, [["model_attributes_type", "body"]])
    if first == b"{":
        faults = REQUIRED + [["extra_forbidden", "body", key]
                             for key in json.loads(value)]
    return {"nginx": 422, "socket": 422, "faults": faults}


def places(value):
    """Where a value may stand in metadata."""
    yield "member", b'{"v":' + value + b"}"
    yield "element", b'{"v":[0,' + value + b"]}"
    yield "deeper", b'{"v":[{"w":' + value + b',"x":[]}]}'
    if value.startswith(b'"'):
        yield "key", b"{" + value + b":0}"


def json_inputs():
    headers = [("Content-Type", JSON.encode())]
    for line in lines("json"):
        value, name, kind = text(line["text"]), line["name"], line["is"]
        yield Input(f"{name}: body", "POST", "/artifacts", headers, value,
                    **as_body(value, line.get("body", kind)))
        target = "/artifacts/${SCRATCH}" if kind == "good" \
            else "/artifacts/${KEPT}"
        for place, metadata in places(value):
            yield Input(f"{name}: {place}", "PUT", target, headers,
                        b'{"title":"t","metadata":' + metadata + b"}",
                        **IN_METADATA[kind])
