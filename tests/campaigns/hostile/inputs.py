# SPDX-License-Identifier: ISC
"""Send bad input, through nginx and straight to the socket. Each input has one
right status (corpus.py).  inputs.py [FAMILY...]

For every family each answer is as expected, errors have the form of the
contract, there is no 5xx and no dead worker, and only accepted input is stored.
"""

import http.client
import os
import re
import socket
import sys
import time
from pathlib import Path

import corpus
import e2e
import families
import fastcgi

sys.path.insert(0, os.environ["TOP_SRCDIR"] + "/tests/api/contract")
import run as contract  # noqa: E402

LOG = Path(os.environ["DAEMON_LOG"])
# Of faults, as the contract has them where it does.
MESSAGES = {
    "missing": "Field required",
    "string_type": "Input should be a valid string",
    "string_unicode": "Input should be a valid string, unable to parse raw "
                      "data as a unicode string",
    "finite_number": "Input should be a finite number",
    "string_too_long": r"~String should have at most \d+ bytes",
    "extra_forbidden": "Extra inputs are not permitted",
    "json_invalid": "JSON decode error",
    "model_attributes_type": "Input should be a valid dictionary or object "
                             "to extract fields from",
    "int_parsing": "Input should be a valid integer, unable to parse string "
                   "as an integer",
    "greater_than_equal": "Input should be greater than or equal to 1",
    "less_than_equal": "Input should be less than or equal to 200",
    "bool_parsing": "Input should be a valid boolean, unable to interpret "
                    "input",
    "value_error": "~Value error, (Malformed cursor|Expected UploadFile, "
                   "received: <class 'str'>)",
    "dict_type": "Input should be a valid dictionary",
    "bool_type": "Input should be a valid boolean",
    "list_type": "Input should be a valid list",
    "uuid_parsing": "<any>",
    "too_long": "<any>",
    "idempotency_mismatch": "<any>",
    "too_many_faults": r"~\d+ more faults are not listed: a list ends at 100 "
                       "items",
}


# ---- asking

def http_bytes(one):
    lines = [b"%s %s HTTP/1.1" % (one.method.encode("latin-1"),
                                  one.target.encode("latin-1")),
             b"Host: x", b"Connection: close"]
    lines += [name.encode("latin-1") + b": " + value
              for name, value in one.headers]
    if one.body is not None:
        lines.append(b"Content-Length: %d" % len(one.body))
    return b"\r\n".join(lines) + b"\r\n\r\n" + (one.body or b"")


def bytes_of(one, make):
    return make(one) if one.data is None else one.data


def by_nginx(one):
    """The answer, or None."""
    with socket.create_connection(("127.0.0.1", e2e.PORT), 20) as peer:
        try:
            peer.sendall(bytes_of(one, http_bytes))
        except (BrokenPipeError, ConnectionResetError):
            pass  # refused early: the answer tells
        try:
            response = http.client.HTTPResponse(peer, method=one.method)
            response.begin()
            return contract.Answer(
                response.status,
                {name.lower(): value for name, value in
                 response.getheaders()}, response.read())
        except (http.client.HTTPException, OSError):
            return None


def fastcgi_bytes(one):
    """The parameters as nginx makes them of headers."""
    values, more = {}, []
    for name, value in one.headers:
        name = name.upper().replace("-", "_")
        if name in ("CONTENT_TYPE", "CONTENT_LENGTH") and name not in values:
            values[name] = value
        else:
            more.append((f"HTTP_{name}", value))
    return fastcgi.request(fastcgi.as_nginx(
        one.method.encode("latin-1"), one.target.encode("latin-1"), one.body,
        REMOTE_USER=corpus.USER, **values) + more, one.body or b"")


def by_socket(one):
    found = fastcgi.ask(bytes_of(one, fastcgi_bytes))
    if not found:
        return None
    if len(found) > 1:
        raise RuntimeError(f"{len(found)} answers")
    status, data, is_ended = found[0]
    head, _, payload = data.partition(b"\r\n\r\n")
    headers = dict(line.decode("latin-1").split(": ", 1)
                   for line in head.split(b"\r\n"))
    return contract.Answer(status if is_ended else 0, {
        "x-request-id": "set-by-nginx",
        **{name.lower(): value for name, value in headers.items()}}, payload)


WAYS = {"nginx": by_nginx, "socket": by_socket}


# ---- judging

def wrong_faults(wanted, answer):
    return contract.check_faults(
        [[*fault, MESSAGES[fault[0]]] for fault in wanted], answer)


def caching(way, answer):
    """At the socket the one who asks has a name, but nobody knows it where
    the parameters could not be read."""
    if way == "nginx":
        return "no-cache"
    if answer.status == 400:
        return answer.headers.get("cache-control")
    return "private, no-cache"


def wrong_with(one, way, answer):
    """What is wrong with this answer; nothing, as a rule."""
    wanted = getattr(one, way)
    if answer is None:
        return [] if wanted == "none" else [f"no answer, not {wanted}"]
    if answer.status != wanted:
        return [f"{answer.status}, not {wanted}: {answer.payload[:150]!r}"]
    wrong = contract.check_rules(one.method, answer, caching(way, answer))
    if one.explains(way) and one.method != "HEAD":
        wrong += contract.check_headers(one.answer, answer.headers)
        if one.faults is not None:
            wrong += wrong_faults(one.faults, answer)
        if one.detail is not None:
            wrong += contract.same(
                one.detail, answer.json().get("detail"), "detail")
    return wrong


def try_one(one, way):
    try:
        answer = WAYS[way](one)
        return answer and answer.status, wrong_with(one, way, answer)
    except Exception as error:  # an answer that cannot be read is wrong too
        return None, [f"{type(error).__name__}: {error}"]


def complaints():
    """Warnings and worse in the daemon's log: processes that died, requests
    that failed, time that ran out. (Not that it was somebody else than nginx
    who asked, for that is what some inputs are.)"""
    time.sleep(0.05)  # the master is told of a death a little later
    return len(re.findall(rb"^<[0-4]>(?!event=peer_refused)",
                          LOG.read_bytes(), re.M))


def run(name, way):
    """One family one way, with artifacts of its own."""
    given = corpus.Given()
    inputs = [one for one in families.FAMILIES[name](given)
              if getattr(one, way) is not None]
    if not inputs:
        return
    began, bad, refused, added = time.monotonic(), [], 0, 0
    before = given.kept(), complaints()
    stored = given.count()
    bad += corpus.defects(inputs)
    for one in inputs:
        status, wrong = try_one(given.fill_in(one), way)
        added += one.adds(status)
        refused += 400 <= (status or 0) < 500
        bad += [f"{one.name}: {'; '.join(wrong)}"] if wrong else []
    e2e.check(f"{name} by {way}: {len(inputs)} inputs, {refused} of them "
              "refused, each as expected", not bad, len(bad), *bad[:20])
    added += given.fresh
    now = given.count() - stored
    after = given.kept(), complaints()
    e2e.check(f"... {added} stored, nothing harmed, no process died",
              now == added and after == before, now, added, before, after)
    print(f"{name} by {way}: {time.monotonic() - began:.1f} s")


def main():
    names = sys.argv[1:] or list(families.FAMILIES)
    for way in WAYS:
        for name in names:
            run(name, way)


main()
