#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""Run the contract's cases against a server.

    run.py [--base URL] [--cases FILE] [--config NAME] [--only REGEX] [-v]

A case is a line of JSON:

  name, section   of the contract
  config          the configuration that the server needs; absent: default
  given           {"A": {member: value}}: artifacts to create first, each with
                  some defaults; ${A} is then its id
  steps           requests in order; a case of one step has its members itself

A step:

  send      "METHOD /target"; the base path goes before the target, unless it
            begins with "^"; "times": N sends it N times
  headers   name: value; null leaves out one that is sent by itself
  until     a header that the answer does not have at once: the request is
            repeated for at most two seconds
  body      one of {"json": value}, {"text": …}, {"base64": …},
            {"parts": [{name, filename, type, text, base64, headers}]},
            {"head": …, "fill": …, "count": N, "tail": …}
  want      a status, or {
    status    a number or a list of them
    json      the answer, exactly (see below)
    faults    [[type, loc…, msg], …]: a 422 with exactly these
    detail    the text of an error
    text, base64, size, length (of a JSON array), contains (in the text)
    headers   name: value; null: not sent; a list: these, in any order
    save      {VAR: "json.path" or "header:name" or "header:name:REGEX"} }

Strings that begin with "~" are regular expressions; "<any>", "<int>", "<id>"
and "<time>" stand for such values; an object with "...": true may have more
members. Variables: ${A}, ${A:8} (its first 8 characters), ${A^} (in upper
case), ${U} (a random token of this case), ${BASE}, ${HOST}.

Whatever a case says, every answer must keep the rules that hold for all.
"""

import argparse
import base64
import http.client
import json
import random
import re
import socket
import string
import sys
import time
import urllib.parse
from pathlib import Path

BOUNDARY = "XbX"
KINDS = {
    "<any>": lambda v: True,
    "<int>": lambda v: type(v) is int,
    "<id>": lambda v: isinstance(v, str) and re.fullmatch(
        r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}",
        v),
    "<time>": lambda v: isinstance(v, str) and re.fullmatch(
        r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", v),
}
DEFAULTS = {"workflow_id": "w-${U}", "artifact_type": "plan", "title": "t",
            "content": "hello"}


class Wrong(Exception):
    """An answer is not what the contract says."""


class Answer:
    def __init__(self, status, headers, payload):
        self.status = status
        self.headers = headers
        self.payload = payload

    def json(self):
        try:
            return json.loads(self.payload)
        except ValueError:
            raise Wrong(f"not JSON: {self.payload[:200]!r}") from None


def fill_in(value, variables):
    """The value with every ${…} in it replaced."""
    def replace(match):
        found = variables.get(match[1])
        if found is None:
            return match[0]
        if match[2] == "^":
            return found.upper()
        return found[:int(match[2][1:])] if match[2] else found
    if isinstance(value, str):
        return re.sub(r"\$\{(\w+)(\^|:\d+)?\}", replace, value)
    if isinstance(value, list):
        return [fill_in(item, variables) for item in value]
    if isinstance(value, dict):
        return {fill_in(k, variables): fill_in(v, variables)
                for k, v in value.items()}
    return value


def data_of(spec):
    if "base64" in spec:
        return base64.b64decode(spec["base64"])
    return spec.get("text", "").encode()


def multipart(parts):
    body = b""
    for part in parts:
        head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; ' \
               f'name="{part["name"]}"'
        if "filename" in part:
            head += f'; filename="{part["filename"]}"'
        if "type" in part:
            head += f'\r\nContent-Type: {part["type"]}'
        for name, value in part.get("headers", {}).items():
            head += f"\r\n{name}: {value}"
        body += head.encode() + b"\r\n\r\n" + data_of(part) + b"\r\n"
    return body + f"--{BOUNDARY}--\r\n".encode()


def body_of(step):
    """The bytes of a step's body, and the Content-Type it has by itself."""
    spec = step.get("body")
    if spec is None:
        return None, None
    if "json" in spec:
        return json.dumps(spec["json"]).encode(), "application/json"
    if "parts" in spec:
        return (multipart(spec["parts"]),
                f"multipart/form-data; boundary={BOUNDARY}")
    if "fill" in spec:
        return (spec.get("head", "") + spec["fill"] * spec["count"]
                + spec.get("tail", "")).encode(), "application/json"
    return data_of(spec), "application/json"


def send(base, step):
    """Write the request by hand, so that it goes out as the case has it."""
    method, target = step["send"].split(" ", 1)
    target = target[1:] if target[0] == "^" else base.path + target
    body, content_type = body_of(step)
    headers = {"Host": base.netloc, "Connection": "close"}
    if body is not None:
        headers["Content-Length"] = str(len(body))
        headers["Content-Type"] = content_type
    headers.update(step.get("headers", {}))
    head = f"{method} {target} HTTP/1.1\r\n" + "".join(
        f"{name}: {value}\r\n"
        for name, value in headers.items() if value is not None) + "\r\n"
    with socket.create_connection((base.hostname, base.port or 80),
                                  timeout=60) as connection:
        connection.sendall(head.encode("utf-8"))
        try:
            connection.sendall(body or b"")
        except (BrokenPipeError, ConnectionResetError):
            pass  # refused early: the answer tells
        response = http.client.HTTPResponse(connection, method=method)
        response.begin()
        headers = {k.lower(): v for k, v in response.getheaders()}
        return Answer(response.status, headers, response.read())


def same(wanted, actual, where):
    """Differences between a wanted value and the actual one."""
    if isinstance(wanted, str) and wanted in KINDS:
        return [] if KINDS[wanted](actual) else [
            f"{where}: {actual!r} is no {wanted}"]
    if isinstance(wanted, str) and wanted.startswith("~"):
        fits = isinstance(actual, str) and re.fullmatch(
            wanted[1:], actual, re.S)
        return [] if fits else [f"{where}: {actual!r} is not {wanted}"]
    if isinstance(wanted, dict) and isinstance(actual, dict):
        names = set(wanted) | set(actual)
        if wanted.get("...") is True:
            names = set(wanted) - {"..."}
        return [line for name in sorted(names) for line in (
            same(wanted[name], actual[name], f"{where}.{name}")
            if name in wanted and name in actual else
            [f"{where}.{name}: "
             + ("unexpected" if name in actual else "missing")])]
    if isinstance(wanted, list) and isinstance(actual, list) \
            and len(wanted) == len(actual):
        return [line for i, pair in enumerate(zip(wanted, actual))
                for line in same(*pair, f"{where}[{i}]")]
    if type(wanted) is type(actual) and wanted == actual:
        return []
    return [f"{where}: {str(actual)[:300]!r}, not {str(wanted)[:300]!r}"]


def check_rules(method, answer, caching="no-cache"):
    """What holds for every answer (section 2 of the contract)."""
    headers = answer.headers
    wrong = []
    if not re.fullmatch(r"[A-Za-z0-9._-]{8,128}",
                        headers.get("x-request-id", "")):
        wrong.append(f"X-Request-ID is {headers.get('x-request-id')!r}")
    if method in ("GET", "HEAD") and \
            headers.get("cache-control") != caching:
        wrong.append(f"Cache-Control is {headers.get('cache-control')!r}")
    if answer.status >= 400:
        if headers.get("content-type") != "application/json":
            wrong.append(f"Content-Type is {headers.get('content-type')!r}")
        if method == "HEAD":
            return wrong
        if "content-length" not in headers:
            wrong.append("no Content-Length")
        value = answer.json()
        if type(value) is not dict or type(value.get("detail")) is not (
                list if answer.status == 422 else str):
            wrong.append(f"not an error: {answer.payload[:200]!r}")
        compact = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
        if compact.encode("utf-8", "surrogatepass") != answer.payload.strip():
            wrong.append(f"not compact: {answer.payload[:200]!r}")
    if answer.status == 503 and "retry-after" not in headers:
        wrong.append("503 without Retry-After")
    return wrong


def check_faults(wanted, answer):
    value = answer.json()
    actual = value.get("detail") if isinstance(value, dict) else None
    if not isinstance(actual, list):
        return [f"no list of faults: {answer.payload[:200]!r}"]
    got = [[f.get("type"), *f.get("loc", []), f.get("msg")] for f in actual]
    return same(wanted, got, "faults")


def check_headers(wanted, headers):
    wrong = []
    for name, value in wanted.items():
        actual = headers.get(name.lower())
        where = f"header {name}"
        if value is None or actual is None:
            if value is not actual:
                wrong.append(f"{where}: {actual!r}, not {value!r}")
        elif isinstance(value, list):
            found = sorted(item.strip() for item in actual.split(","))
            wrong += same(sorted(value), found, where)
        else:
            wrong += same(value, actual, where)
    return wrong


CHECKS = {
    "json": lambda w, a: same(w, a.json(), "$"),
    "faults": check_faults,
    "detail": lambda w, a: same(w, a.json().get("detail"), "detail"),
    "text": lambda w, a: same(w, a.payload.decode("utf-8", "replace"), "body"),
    "base64": lambda w, a: same(base64.b64decode(w), a.payload, "body"),
    "size": lambda w, a: same(w, len(a.payload), "size"),
    "length": lambda w, a: same(w, len(a.json()), "length"),
    "contains": lambda w, a: [] if w.encode() in a.payload else [
        f"{w!r} is not in {a.payload[:300]!r}"],
    "headers": lambda w, a: check_headers(w, a.headers),
}


def saved(path, answer):
    if path.startswith("header:"):
        _, name, *pattern = path.split(":", 2)
        value = answer.headers.get(name, "")
        match = re.search(pattern[0] if pattern else "(.+)", value)
        if match is None:
            raise Wrong(f"header {name} is {value!r}: nothing to save")
        return match[1]
    value = answer.json()
    for key in path.split("."):
        value = value[int(key) if isinstance(value, list) else key]
    return value


def run_step(base, step, variables):
    """Send it and look at the answer; raises Wrong with what is wrong."""
    step = fill_in(step, variables)
    want = step["want"]
    want = want if isinstance(want, dict) else {"status": want}
    method = step["send"].split(" ", 1)[0]
    answer = send(base, step)
    ends = time.monotonic() + 2
    while "until" in step and step["until"] not in answer.headers and \
            time.monotonic() < ends:
        time.sleep(0.1)
        answer = send(base, step)
    wrong = same(True, answer.status in (
        want["status"] if isinstance(want["status"], list)
        else [want["status"]]), f"status {answer.status}, fits")
    if not wrong:
        wrong = check_rules(method, answer)
        for key, check in CHECKS.items():
            if key in want:
                wrong += check(want[key], answer)
    if wrong:
        raise Wrong(f"{step['send'][:120]}: " + "; ".join(wrong[:4])
                    + ("" if answer.status < 400 else
                       f"; the answer was {answer.payload[:300]!r}"))
    for name, path in want.get("save", {}).items():
        variables[name] = saved(path, answer)


def run_case(base, case):
    token = "".join(random.choices(string.ascii_lowercase, k=10))
    variables = {"U": token, "BASE": base.path, "HOST": base.netloc}
    for name, members in case.get("given", {}).items():
        members = {**DEFAULTS, **members}
        run_step(base, {
            "send": "POST /artifacts",
            "body": {"json": {k: v for k, v in members.items()
                              if v != "<absent>"}},
            "want": {"status": 201, "save": {name: "id"}}}, variables)
    for step in case.get("steps", [case]):
        for _ in range(step.get("times", 1)):
            run_step(base, step, variables)


def main():
    here = Path(__file__)
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--base", default="http://127.0.0.1:8137")
    parser.add_argument("--cases", default=here.with_name("cases.jsonl"))
    parser.add_argument("--config", default="default")
    parser.add_argument("--only", default="")
    parser.add_argument("-v", action="store_true", dest="is_verbose")
    options = parser.parse_args()
    base = urllib.parse.urlsplit(options.base.rstrip("/"))
    passed = failed = 0
    for line in Path(options.cases).read_text("utf-8").splitlines():
        case = json.loads(line)
        if case.get("config", "default") != options.config \
                or not re.search(options.only, case["name"]):
            continue
        try:
            run_case(base, case)
            passed += 1
            if options.is_verbose:
                print("ok  ", case["name"])
        except Exception as error:  # not to be talked to is a failure too
            failed += 1
            text = error if isinstance(error, Wrong) else repr(error)
            print(f"FAIL {case['name']} (section {case['section']}): {text}")
    print(f"{passed} passed, {failed} failed")
    sys.exit(1 if failed or not passed else 0)


if __name__ == "__main__":
    main()
