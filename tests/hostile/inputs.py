# SPDX-License-Identifier: ISC
"""Bad input, each with the statuses that it may have: JSON by the grammar of
RFC 8259, forms by RFC 7578 and 2046, paths, queries, headers.

Through nginx, and the same bytes straight to the socket, where nginx is not
there to refuse any. No 5xx, no dead worker, nothing stored that was refused.
"""

import json
import os
import time
from pathlib import Path

import e2e
import fastcgi

JSON = "application/json"
INVALID = (400, 422)

# ---- JSON: one for each production, one for each way to break it

GOOD_VALUES = [
    b"0", b"-0", b"1", b"-1", b"10", b"1.5", b"-1.5", b"0.0", b"1e1", b"1E1",
    b"1e+1", b"1e-1", b"0e0", b"1.0E-2", b"123456789012345678", b"true",
    b"false", b"null", b'""', b'"a"', b'"\\""', b'"\\\\"', b'"\\/"',
    b'"\\b\\f\\n\\r\\t"', b'"\\u0041"', b'"\\u00e9"', b'"\\uD83D\\uDE00"',
    b'"\\ud83d\\ude00"', b'"\\u20AC"', b'"\x7f"', b'"\xc2\x80"',
    b'"\xdf\xbf"', b'"\xe0\xa0\x80"', b'"\xed\x9f\xbf"', b'"\xee\x80\x80"',
    b'"\xef\xbf\xbf"', b'"\xf0\x90\x80\x80"', b'"\xf4\x8f\xbf\xbf"', b"[]",
    b"{}", b"[ ]", b"{ }", b"[1]", b"[1,2]", b" [ 1 , 2 ] ", b'{"a":1}',
    b'{ "a" : 1 , "b" : [ ] }', b"\t1", b"1\n", b"\r1", b"[[[[]]]]",
    b'{"":0}', b'{"a":{"a":{}}}', b'"//"', b'"/*"',
]
BAD_VALUES = [
    # numbers
    b"01", b"-01", b"00", b"+1", b".5", b"1.", b"1.e1", b"-.5", b"1e", b"1E",
    b"1e+", b"1e-", b"1e1.5", b"--1", b"-", b"- 1", b"0x10", b"0b1", b"0o7",
    b"1_000", b"1,000.5.", b"Infinity", b"-Infinity", b"NaN", b"-NaN", b"inf",
    b"nan", b"1a", b"1 2", b"1..2", b"1e1e1", b"\xc2\xbd", b"\xd9\xa1", b"$1",
    # literals
    b"True", b"FALSE", b"Null", b"nul", b"nulll", b"tru", b"truE", b"fals",
    b"falsee", b"None", b"undefined", b"t", b"f", b"n", b"yes", b"a",
    # strings
    b'"', b'"a', b'a"', b"'a'", b"`a`", b'"\\', b'"\\"', b'"\\a"', b'"\\x41"',
    b'"\\\'"', b'"\\0"', b'"\\1"', b'"\\U0041"', b'"\\u"', b'"\\u1"',
    b'"\\u12"', b'"\\u123"', b'"\\u123"4', b'"\\u12g4"', b'"\\u-123"',
    b'"\\u 123"', b'"\\u+123"', b'"\\uFFFg"', b'"\\ "', b'"\\\n"', b'""a',
    b'"a" "b"', b"\xe2\x80\x9ca\xe2\x80\x9d",
    # UTF-8 that is none, or not the shortest
    *(b'"' + bad + b'"' for bad in (
        b"\x80", b"\xbf", b"\xc0\x80", b"\xc0\xaf", b"\xc1\xbf", b"\xc2",
        b"\xc3(", b"\xe0\x80\x80", b"\xe0\x9f\xbf", b"\xe2\x82",
        b"\xe2\x28\xa1", b"\xe2\x82\x28", b"\xed\xa0\x80", b"\xed\xbf\xbf",
        b"\xf0\x80\x80\x80", b"\xf0\x8f\xbf\xbf", b"\xf0\x9f\x98",
        b"\xf0\x28\x8c\xbc", b"\xf4\x90\x80\x80", b"\xf5\x80\x80\x80",
        b"\xf8\x88\x80\x80\x80", b"\xfc\x84\x80\x80\x80\x80", b"\xfe",
        b"\xff", b"a\xffb", b"\xc3\xa9\xc3")),
    # control characters, where only escapes may stand
    *(b'"a' + bytes([byte]) + b'b"' for byte in range(0x20)),
    # arrays and objects
    b"[", b"]", b"[1", b"1]", b"[1,]", b"[,1]", b"[,]", b"[1,,2]", b"[1 2]",
    b"[1;2]", b"[1:2]", b"(1)", b"[1}", b"[}", b"[[]", b"[]]", b"{", b"}",
    b'{"a"', b'{"a"}', b'{"a":', b'{"a":}', b'{"a" 1}', b'{"a"=1}', b"{a:1}",
    b"{'a':1}", b"{1:1}", b"{null:1}", b'{"a":1,}', b'{,"a":1}', b"{,}",
    b'{"a":1 "b":2}', b'{"a":1;"b":2}', b'{"a"::1}', b'{"a":1:2}',
    b'{"a":1]', b"{]", b'{"a":{}', b'{["a"]:1}', b'{"a","b"}',
    # around values
    b"", b" ", b",", b":", b"1,", b",1", b"//", b"1//", b"/**/1", b"#1",
    b"1/*", b"<!--1-->", b"\xef\xbb\xbf1", b"\x0b1", b"\x0c1", b"\xc2\xa01",
    b"\xe2\x80\xa81", b"\x001", b"1\x00", b"\x1a", b"[" * 5000,
    b"[" * 5000 + b"]" * 5000, b'{"a":' * 5000, b"\\u0031", b"&#49;",
]
# Lone surrogates are of the grammar, but no text.
LONE = [b'"\\uD800"', b'"\\uDC00"', b'"\\uD800\\u0041"', b'"\\uD800\\uD800"',
        b'"\\uDC00\\uD800"', b'"\\uDFFF"', b'"a\\uDBFF"', b'"\\uD83Dx"']


def of_value(value):
    """A value in the metadata of an update, where any may stand."""
    def around(metadata):
        return b'{"title":"t","metadata":' + metadata + b"}"
    yield "member", around(b'{"v":' + value + b"}")
    yield "element", around(b'{"v":[0,' + value + b"]}")
    yield "deeper", around(b'{"v":[{"w":' + value + b',"x":[]}]}')


def update_cases():
    for value in GOOD_VALUES:
        for where, body in of_value(value):
            yield f"json {where} {value!r}", body, (200,)
    for value in BAD_VALUES + LONE:
        for where, body in of_value(value):
            yield f"json {where} {value[:60]!r}", body, INVALID


def json_cases():
    # No create is anything but an object: each is refused, good or bad.
    for value in GOOD_VALUES + BAD_VALUES + LONE:
        yield f"json body {value[:60]!r}", value, INVALID
    whole = (b'{"workflow_id":"inputs","artifact_type":"t","title":"t",'
             b'"content":"c"}')
    for cut in range(len(whole)):
        yield f"json cut at {cut}", whole[:cut], INVALID
    for tail in (b"x", b"}", b"{}", b",", b"\x00", b"[]", b'"'):
        yield f"json with {tail!r} behind it", whole + tail, INVALID
    for member in ("workflow_id", "artifact_type", "title", "content"):
        for value in (None, 1, 1.5, True, [], {}, ["a"], {"a": "b"}):
            body = json.loads(whole)
            body[member] = value
            yield f"{member} is {value!r}", json.dumps(body).encode(), INVALID
        for value in ("\x00", "a\x00b"):
            body = json.loads(whole)
            body[member] = value
            yield (f"{member} is {value!r}", json.dumps(body).encode(),
                   (201, 400, 422))


# ---- forms

def form_cases():
    """(name, body, content type, statuses)"""
    good, headers = e2e.multipart(
        b"bytes", workflow_id="inputs", artifact_type="t", title="t")
    kind = headers["Content-Type"]
    boundary = kind.partition("boundary=")[2]
    for cut in range(len(good) - 3):
        yield f"form cut at {cut}", good[:cut], kind, INVALID
    for boundary_of in (
            "", "boundary=", 'boundary="', 'boundary=""', "boundary=" +
            "x" * 71, "boundary=a b ", "boundary=a\tb", "boundary=ü",
            "boundary=other", "boundary=a;boundary=b", "bound=a", "boundary",
            f"boundary={boundary}x", f"boundary={boundary[:-1]}",
            f"boundary=-{boundary}", 'boundary="a\\', "boundary=@[]{}"):
        yield (f"form with {boundary_of!r}", good,
               f"multipart/form-data; {boundary_of}", INVALID)
    head = b'Content-Disposition: form-data; name="title"'
    for text in (
            b"", b"X: y", b"Content-Disposition: form-data", b"Content-Disposition",
            b"Content-Disposition: form-data; name",
            b'Content-Disposition: form-data; name="title',
            b": form-data; name=title", b"\x00" + head, head + b"\x00",
            b" " + head, head + b"\r\n" + head, head.replace(b":", b""),
            b"X: " + b"y" * 20000 + b"\r\n" + head,
            b"\r\n".join(b"X: y" for _ in range(5000)) + b"\r\n" + head):
        yield (f"form with a part of {text[:40]!r}", good.replace(head, text),
               kind, INVALID)
    yield "form with lines of LF", good.replace(b"\r\n", b"\n"), kind, INVALID
    yield "form with lines of CR", good.replace(b"\r\n", b"\r"), kind, INVALID
    yield "form without its end", good.replace(b"--\r\n", b"\r\n"), kind, \
        INVALID
    for count in (2, 200, 5000):
        part = (f"--{boundary}\r\nContent-Disposition: form-data; "
                f'name="title"\r\n\r\nt\r\n').encode()
        yield f"form with {count} titles", part * count + good, kind, \
            (201, 400, 413, 422)
    yield "form with a large preamble", b"x" * 100000 + b"\r\n" + good, kind, \
        (201, 400, 413, 422)
    for other in ("multipart/mixed", "multipart/", "multipart", "text/plain",
                  "application/x-www-form-urlencoded", "", "/", ";", "a/b/c",
                  "application/jsonx", "application/json/", "json"):
        yield (f"form as {other!r}", good, f"{other}; boundary={boundary}",
               (400, 415, 422))


# ---- paths, queries, headers: (name, target, headers, statuses)

PIECES = [
    "", "x", "-", ".", "..", "...", "%00", "%", "%2", "%zz", "%2f", "%5c",
    "%2e%2e", "%2e%2e%2f", "..%2f..", "%c0%ae", "%e0%80%ae", "%ff", "%fe%ff",
    "%u002f", "%25", "%2500", "%0a", "%0d%0a", "%09", "%20", "+", "*", "~",
    "'", "''--", "1=1", "$(x)", "`x`", "|", "${x}", "{{x}}", "<x>", "%3cx%3e",
    "null", "None", "undefined", "0", "-1", "1e9", "99999999999999999999",
    "true", "00000000-0000-0000-0000-000000000000",
    "00000000-0000-4000-8000-00000000000", "g" * 36, "0" * 36, "0" * 300,
    "x" * 3000, "%F0%9F%98%80", "ü", "%E2%80%AE", ";", ",", "@", ":", "a:b",
    "!", "a%00b", "%7f", "%80", "%C3%28", "\\", "a\\b", "[", "]", "^", "[]",
]


def target_cases():
    get = (200, 307, 400, 404, 405, 409, 414, 422)
    for piece in PIECES:
        yield f"id {piece[:40]!r}", f"/artifacts/{piece}", {}, get
        yield f"raw of {piece[:40]!r}", f"/artifacts/{piece}/raw", {}, get
        yield f"path {piece[:40]!r}", f"/{piece}", {}, get
        yield f"under {piece[:40]!r}", f"/artifacts/x/{piece}", {}, get
        for name in ("cursor", "limit", "workflow_id", "artifact_type",
                     "created", "nothing"):
            yield (f"{name}={piece[:40]!r}",
                   f"/artifacts?limit=1&{name}={piece}", {}, get)
        yield f"query {piece[:40]!r}", f"/artifacts?{piece}", {}, get


VALUES = [
    "x", "*", '"', '""', '"x', "W/", 'W/"', 'W/""', "w/x", ",", ",,", " ",
    '"a", "b"', '"a" "b"', "*, *", '*, "a"', "bytes", "bytes=", "bytes=-",
    "bytes=x", "bytes=1", "bytes=2-1", "bytes=-0", "bytes=0-,", "bytes=,0-1",
    "bytes=0-0,0-0", "bytes=" + "0-0," * 500 + "0-0", "bytes=0--1",
    "bytes=18446744073709551616-", "bytes=-18446744073709551616",
    "bytes=1-2-3", "bytes= 0 - 1", "BYTES=0-1", "lines=0-1", "bytes:0-1",
    "sha-256", "sha-256=", "sha-256=:", "sha-256=::", "sha-256=:x:",
    "sha-256=:" + "A" * 43 + "=:", "sha-256=:" + "A" * 44 + ":",
    "sha-256=:" + "A" * 5000 + ":", "sha-256=x, sha-256=y", "md5=:AA==:",
    "sha-256=:\x7f:", "sha-256=?1", "a=1;b", "Mon", "0", "-1",
    "Tue, 32 Foo 2026 25:61:61 GMT", "Thu, 01 Jan 1970 00:00:00 GMT",
    "Fri, 31 Dec 9999 23:59:59 GMT", "9" * 400, "x" * 3000, "\t", "ü", "\x80",
    "%00", "()<>@", "key with spaces", "é" * 100, "\\", '"\\', '"\\"',
]


def header_cases(made):
    answers = (200, 206, 304, 400, 412, 416, 422, 431)
    for value in VALUES:
        for name in ("Range", "If-None-Match", "If-Modified-Since",
                     "If-Range", "If-Match", "X-Request-ID", "Accept"):
            headers = {name: value}
            if name == "If-Range":
                headers["Range"] = "bytes=0-0"
            yield (f"{name}: {value[:40]!r}", f"/artifacts/{made}/raw",
                   headers, answers)


CHANGES = ("Content-Digest", "Repr-Digest", "Idempotency-Key", "If-Match",
           "Content-Type")


# ---- asking

class Ways:
    """The same request through nginx, or straight to the socket."""

    def __init__(self):
        self.client = e2e.Client(30)

    def nginx(self, method, target, body, headers):
        lines = [f"{method} {target} HTTP/1.1", "Host: x",
                 "Connection: close"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        if body is not None:
            lines.append(f"Content-Length: {len(body)}")
        head = "\r\n".join(lines) + "\r\n\r\n"
        answer = e2e.raw(head.encode("utf-8", "surrogateescape")
                         + (body or b""))
        return answer[0] if answer else 0

    def socket(self, method, target, body, headers):
        more = {"HTTP_" + name.upper().replace("-", "_"): value.encode()
                for name, value in headers.items() if name != "Content-Type"}
        found = fastcgi.ask(fastcgi.request(fastcgi.as_nginx(
            method, target, body or b"", headers.get("Content-Type", ""),
            **more), body or b""))
        return found[0][0] if found else 0


def run():
    ways = Ways()
    made = ways.client.create("inputs-kept")[1]["id"]
    log = Path(os.environ["DAEMON_LOG"])
    cases = [(text, "POST", "/artifacts", body, {"Content-Type": JSON}, wanted)
             for text, body, wanted in json_cases()]
    cases += [(text, "PUT", f"/artifacts/{made}", body,
               {"Content-Type": JSON}, wanted)
              for text, body, wanted in update_cases()]
    cases += [(text, "POST", "/artifacts", body, {"Content-Type": kind},
               wanted) for text, body, kind, wanted in form_cases()]
    cases += [(text, "GET", target, None, headers, wanted)
              for text, target, headers, wanted in target_cases()]
    cases += [(text, "GET", target, None, headers, wanted)
              for text, target, headers, wanted in header_cases(made)]
    for name in CHANGES:
        cases += [(f"{name}: {value[:40]!r} of a PUT", "PUT",
                   f"/artifacts/{made}/raw", b"hello", {name: value},
                   (200, 400, 409, 412, 415, 422)) for value in VALUES]
    for way in (ways.nginx, ways.socket):
        began, bad, refused = time.monotonic(), [], 0
        before = log.read_bytes().count(b"event=child_ended")
        stored = len(list(ways.client.pages("/artifacts?limit=200")))
        created = 0
        for text, method, target, body, headers, wanted in cases:
            status = way(method, target, body, headers)
            created += status == 201
            refused += 400 <= status < 500
            if status not in wanted:
                bad.append((text, status, wanted))
        name = way.__name__
        e2e.check(f"{len(cases)} inputs by {name}: each as expected",
                  not bad, len(bad), *bad[:12])
        e2e.check(f"... {refused} were refused, {created} created",
                  refused > 1000 and created > 5)
        now = len(list(ways.client.pages("/artifacts?limit=200")))
        e2e.check("... nothing else was stored", now - stored == created,
                  now, stored, created)
        e2e.check("... and no worker died", log.read_bytes().count(
            b"event=child_ended") == before)
        print(f"{name}: {time.monotonic() - began:.0f} s")


run()
