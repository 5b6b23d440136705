# SPDX-License-Identifier: ISC
"""inputs/fastcgi.jsonl: a create as nginx sends it, with the changes of a line.

  params    {name: value} instead of what nginx sends; null leaves one out;
            ${SECRET}, ${SECRET:63} and ${SECRET.upper} are the secret, its
            first characters, and the secret in capitals
  twice     names that come a second time, at the end
  body      instead of a good one; CONTENT_LENGTH is its length
  records   what is sent, in order: BEGIN, PARAMS, "PARAMS." (the end of
            them), STDIN and "STDIN." as they are, or one of them with other
            members: {"like": "PARAMS", "version": 2}. Members are type, id,
            version, padding, reserved, length (which may lie), text or
            params for the content, role and flags of BEGIN, and each (in
            records of so many bytes). {"bytes": text} is no record at all.
"""

import re
import struct

import corpus
import fastcgi as f


def filled(value):
    """The bytes of a value, with the secret in it."""
    def of(match):
        length, change = match[1], match[2]
        made = f.secret()[:int(length)] if length else f.secret()
        return (made.upper() if change else made).encode()
    return re.sub(rb"\$\{SECRET(?::(\d+))?(\.upper)?\}", of,
                  corpus.text(value))


def parameters(line, body):
    """[(name, value)]"""
    values = dict(f.as_nginx("POST", "/artifacts", body, corpus.JSON))
    sentinel = values.pop("ARTIFACTD_PARAMS")
    changed = {corpus.text(name): value and filled(value)
               for name, value in line.get("params", {}).items()}
    values = {name.encode(): value.encode()
              for name, value in values.items()}
    values.update(changed)
    values.setdefault(b"ARTIFACTD_PARAMS", sentinel.encode())
    pairs = [(name, value) for name, value in values.items()
             if value is not None]
    for name in line.get("twice", []):
        pairs.append((name.encode(), values[name.encode()] or b""))
    return pairs


def content(spec, usual):
    if "role" in spec or "flags" in spec:
        return struct.pack(">HB5x", spec.get("role", 1),
                           spec.get("flags", 0))
    if "params" in spec:
        return f.parameters([(corpus.text(name), corpus.text(value))
                             for name, value in spec["params"].items()])
    return corpus.text(spec["text"]) if "text" in spec else usual


def record(spec, usual):
    """The bytes of what a line calls a record."""
    if isinstance(spec, str):
        spec = {"like": spec}
    if "bytes" in spec:
        return corpus.text(spec["bytes"])
    kind, data = usual.get(spec.get("like"), (0, b""))
    data = content(spec, data)
    size = spec.get("each") or max(len(data), 1)
    pieces = [data[at:at + size] for at in range(0, len(data), size)] or [b""]
    padding = spec.get("padding", 0)
    return b"".join(
        struct.pack(">BBHHBB", spec.get("version", 1),
                    spec.get("type", kind), spec.get("id", 1),
                    spec.get("length", len(piece)), padding,
                    spec.get("reserved", 0))
        + piece + b"\xaa" * padding for piece in pieces)


def request(line):
    """All bytes of a line."""
    body = corpus.text(line["body"]) if "body" in line else corpus.GOOD
    pairs = parameters(line, body)
    if "records" not in line:
        return f.request(pairs, body)
    usual = {"BEGIN": (f.BEGIN, struct.pack(">HB5x", 1, 0)),
             "PARAMS": (f.PARAMS, f.parameters(pairs)),
             "PARAMS.": (f.PARAMS, b""),
             "STDIN": (f.STDIN, body), "STDIN.": (f.STDIN, b"")}
    return b"".join(record(spec, usual) for spec in line["records"])


def inputs():
    for line in corpus.lines("fastcgi"):
        yield corpus.Input(line["name"], data=request(line),
                           **corpus.expectation(line))
