# SPDX-License-Identifier: ISC
"""The families of the corpus: the inputs that corpus.py reads, and those that
are generated: every byte, every cut, every bit. A family is a function from
what is given (corpus.Given) to its inputs."""

import base64
import hashlib
import json

import corpus
import fastcgi
import records
from corpus import Input

CREATE = "/artifacts"
KEPT, SCRATCH = "/artifacts/${KEPT}", "/artifacts/${SCRATCH}"
AS_JSON = [("Content-Type", corpus.JSON.encode())]
AS_FORM = [("Content-Type", corpus.FORM.encode())]
UNREADABLE = "There was an error parsing the body"
SPACE = b"\t\n\r "  # of JSON
CREATED = {"nginx": 201, "socket": 201}
CHANGED = {"nginx": 200, "socket": 200}


def refused(*faults):
    return {"nginx": 422, "socket": 422, "faults": [list(f) for f in faults]}


def bad(detail=None):
    return {"nginx": 400, "socket": 400, "detail": detail}


INVALID = refused(("json_invalid", "body", "<int>"))


# ---- json

def bytes_around():
    """Every byte before and behind a create."""
    for byte in range(256):
        one = bytes([byte])
        wanted = CREATED if one in SPACE else INVALID if byte < 0x80 \
            else bad(UNREADABLE)
        yield Input(f"byte {byte:02x} before", "POST", CREATE, AS_JSON,
                    one + corpus.GOOD, **wanted)
        yield Input(f"byte {byte:02x} behind", "POST", CREATE, AS_JSON,
                    corpus.GOOD + one, **wanted)


def bytes_in_a_string():
    for byte in range(256):
        one = bytes([byte])
        wanted = bad(UNREADABLE) if byte >= 0x80 else INVALID \
            if byte < 0x20 or one in b'"\\' else CHANGED
        yield Input(f"byte {byte:02x} in a string", "PUT",
                    SCRATCH if wanted is CHANGED else KEPT, AS_JSON,
                    b'{"title":"a' + one + b'.b"}', **wanted)


def escapes():
    for byte in range(128):
        one = bytes([byte])
        wanted = CHANGED if one in b'"\\/bfnrt' else INVALID
        yield Input(f"escape of byte {byte:02x}", "PUT",
                    SCRATCH if wanted is CHANGED else KEPT, AS_JSON,
                    b'{"title":"a\\' + one + b'.b"}', **wanted)


def json_cuts():
    for cut in range(len(corpus.GOOD)):
        yield Input(f"cut at {cut}", "POST", CREATE, AS_JSON,
                    corpus.GOOD[:cut],
                    **(INVALID if cut else refused(("missing", "body"))))


def json_family(_):
    yield from corpus.json_inputs()
    yield from bytes_around()
    yield from bytes_in_a_string()
    yield from escapes()
    yield from json_cuts()


# ---- members

def wrong_types():
    for name in ("workflow_id", "artifact_type", "title", "content",
                 "phase_id", "session_id", "content_type"):
        for value in (0, -1, 1.5, True, False, [], {}, ["a"], {"a": "b"},
                      None):
            if value is None and name in ("phase_id", "session_id"):
                continue
            body = {**json.loads(corpus.GOOD), name: value}
            yield Input(f"create: {name} is {json.dumps(value)}", "POST",
                        CREATE, AS_JSON, json.dumps(body).encode(),
                        **refused(("string_type", "body", name)))


def members(_):
    yield from corpus.read("members")
    yield from wrong_types()


# ---- queries

def of_one_byte(byte, name, target, good, zero=()):
    """A value that is one escaped byte, or a 5 and that byte."""
    wanted = CHANGED if byte in good else refused(
        ("greater_than_equal", "query", name)) if byte in zero else refused(
        ("int_parsing" if name == "limit" else "bool_parsing", "query", name))
    return Input(f"{name}: {target.rpartition('=')[2]}%{byte:02X}", "GET",
                 f"{target}%{byte:02X}", **wanted)


def queries(_):
    yield from corpus.read("queries")
    for byte in range(256):
        yield of_one_byte(byte, "limit", "/artifacts?limit=",
                          b"123456789", b"0")
        yield of_one_byte(byte, "limit", "/artifacts?limit=5",
                          b"0123456789\t\n\v\f\r ")
        yield of_one_byte(byte, "include_content",
                          f"{KEPT}?include_content=", b"10tTfFyYnN")


# ---- cursors

def is_malformed(name, cursor):
    return Input(name, "GET",
                 f"/artifacts?workflow_id=inputs-list&cursor={cursor}",
                 **refused(("value_error", "query", "cursor")))


def cursors(given):
    yield from corpus.read("cursors")
    good = given.values["CURSOR"]
    data = base64.urlsafe_b64decode(good + "=" * (-len(good) % 4))
    for at in range(len(good)):
        yield is_malformed(f"cut at {at}", good[:at])
        yield is_malformed(f"without its first {at + 1}", good[at + 1:])
        yield is_malformed(f"without its letter {at}",
                           good[:at] + good[at + 1:])
        yield is_malformed(f"letter {at} twice", good[:at + 1] + good[at:])
        for other in ("A", "z", "_", "-", "%2B", "%2F", "=", ".", "%20",
                      "%00", "%80", "%EF%BC%A1"):
            if other != good[at]:
                yield is_malformed(f"letter {at} is {other}",
                                   good[:at] + other + good[at + 1:])
        if good[at].isalpha():
            yield is_malformed(
                f"letter {at} in the other case",
                good[:at] + good[at].swapcase() + good[at + 1:])
    for name, data in mutants(data):
        text = base64.urlsafe_b64encode(data).decode().rstrip("=")
        yield is_malformed(name, text)
    yield is_malformed("in hex", data.hex())
    yield is_malformed("upside down", good[::-1])


def mutants(data):
    """(name, bytes): every bit flipped, every byte left out or added to."""
    for bit in range(8 * len(data)):
        flipped = bytearray(data)
        flipped[bit // 8] ^= 1 << bit % 8
        yield f"bit {bit} flipped", bytes(flipped)
    for at in range(len(data)):
        yield f"without byte {at}", data[:at] + data[at + 1:]
        yield f"cut to {at} bytes", data[:at]
    for more in (1, 2, 32, 1000):
        yield f"and {more} bytes", data + bytes(more)


# ---- paths

def paths(_):
    yield from corpus.read("paths")
    for byte in range(256):
        given = bytes([byte]).decode("utf-8", "replace")
        if given in "0123456789abcdefABCDEF/":  # a prefix, or a slash
            continue
        yield Input(f"id of byte {byte:02x}", "GET",
                    f"/artifacts/%{byte:02X}", socket=404,
                    nginx=404 if byte else 400,
                    detail=f"Artifact not found: {given}")


# ---- headers

READ = ("Content-Type", "Content-Digest", "Repr-Digest", "Idempotency-Key",
        "If-Match", "If-None-Match", "If-Modified-Since", "If-Range", "Range",
        "Content-Range")


def control_bytes():
    """In each header that is read; a line end cannot get through nginx."""
    for name in READ:
        for byte in [*range(1, 9), *range(10, 32), 127]:
            socket_only = byte in b"\r\n"
            yield Input(f"{name}: byte {byte:02x}", "GET", f"{KEPT}/raw",
                        [(name, b"a" + bytes([byte]) + b"b")], socket=400,
                        nginx=None if socket_only else 400)
        yield Input(f"{name}: a NUL, at which nginx stops", "GET",
                    f"{KEPT}/raw", [(name, b"a\0b")], nginx=400)


def headers(_):
    yield from corpus.read("headers")
    yield from control_bytes()


# ---- changes

def digests():
    """Every bit of a digest flipped."""
    digest = hashlib.sha256(b"hello").digest()
    for bit in range(256):
        flipped = bytearray(digest)
        flipped[bit // 8] ^= 1 << bit % 8
        value = b"sha-256=:" + base64.b64encode(flipped) + b":"
        name = ("Content-Digest", "Repr-Digest")[bit % 2]
        yield Input(f"{name}: bit {bit} flipped", "PUT", f"{KEPT}/raw",
                    [(name, value)], b"hello", **bad())


def keys():
    """Every byte that may not stand in an Idempotency-Key."""
    for byte in [0x20, 0x09, *range(0x80, 0x100)]:
        yield Input(f"Idempotency-Key: byte {byte:02x}", "POST", CREATE,
                    [*AS_JSON, ("Idempotency-Key",
                                b"a" + bytes([byte]) + b"b")],
                    corpus.GOOD, **bad("~.*Idempotency-Key.*"))


def changes(_):
    yield from corpus.read("changes")
    yield from digests()
    yield from keys()


# ---- forms

def part(name, data, more=""):
    return (f'--q\r\nContent-Disposition: form-data; name="{name}"{more}'
            f"\r\n\r\n{data}\r\n").encode()


def form_cuts():
    """Every beginning of a form; without its last CRLF it is whole."""
    file = part("file", "DATA", '; filename="f"')
    end = b"--q--\r\n"
    forms = ((f"{KEPT}/upload", file + end),
             (CREATE, part("workflow_id", "w") + part("artifact_type", "t")
              + file + end))
    for target, form in forms:
        for cut in range(1, len(form) - 2):
            yield Input(f"{target} cut at {cut}", "POST", target, AS_FORM,
                        form[:cut], **bad(UNREADABLE))


def bytes_of_boundaries():
    """Every byte as a boundary."""
    legal = b"'()+_,-./:=?0123456789" + bytes(range(0x41, 0x5b)) \
        + bytes(range(0x61, 0x7b))
    file = part("file", "DATA", '; filename="f"')
    for byte in [*range(0x20, 0x7f), *range(0x80, 0x100)]:
        one = bytes([byte])
        body = (file + b"--q--\r\n").replace(b"--q", b"--" + one)
        value = b'multipart/form-data; boundary="' + one + b'"'
        is_legal = one in legal
        # A quote ends the parameter before it is one.
        wrong = ("The parameters of the Content-Type, of which the boundary "
                 "is one, cannot be read" if one == b'"' else
                 "The boundary of the multipart body has a character that "
                 "RFC 2046 does not allow there")
        yield Input(f"boundary of byte {byte:02x}", "POST",
                    f"{SCRATCH if is_legal else KEPT}/upload",
                    [("Content-Type", value)], body,
                    **(CHANGED if is_legal else bad(wrong)))


def forms(_):
    yield from corpus.read("forms")
    yield from form_cuts()
    yield from bytes_of_boundaries()


# ---- fastcgi

NAMES = ("REQUEST_METHOD", "REQUEST_URI", "REMOTE_USER", "REQUEST_ID",
         "ARTIFACTD_ADDRESS",
         "CONTENT_TYPE", "CONTENT_LENGTH", "ARTIFACTD_PARAMS",
         "HTTP_CONTENT_DIGEST", "HTTP_REPR_DIGEST", "HTTP_IDEMPOTENCY_KEY",
         "HTTP_IF_MATCH", "HTTP_IF_NONE_MATCH", "HTTP_IF_MODIFIED_SINCE",
         "HTTP_IF_RANGE", "HTTP_RANGE", "HTTP_CONTENT_RANGE")


def controls():
    for name in NAMES:
        for byte in [*range(1, 9), *range(10, 32), 127]:
            yield Input(
                f"{name} with byte {byte:02x}", socket=400,
                detail=f"Control byte in parameter: {name}",
                data=records.request({"params": {name: f"a{chr(byte)}b"}}))


def cuts():
    """A request that ends at every byte: no answer before its parameters are
    whole, a 400 before its body is."""
    whole = records.request({})
    body = len(fastcgi.stream(fastcgi.STDIN, corpus.GOOD))
    for cut in range(len(whole)):
        yield Input(f"cut at byte {cut}", data=whole[:cut],
                    socket=400 if cut >= len(whole) - body else "none")


def raw_fastcgi(_):
    yield from records.inputs()
    yield from controls()
    yield from cuts()


FAMILIES = {
    "json": json_family, "members": members, "queries": queries,
    "cursors": cursors, "paths": paths, "headers": headers,
    "changes": changes, "forms": forms, "fastcgi": raw_fastcgi,
    "http": lambda _: corpus.read("http"),
}
