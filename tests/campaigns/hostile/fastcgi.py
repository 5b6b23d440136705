# SPDX-License-Identifier: ISC
"""A FastCGI client (FastCGI 1.0): records as bytes, one request, answers."""

import os
import re
import socket
import struct
from pathlib import Path

BEGIN, ABORT, END, PARAMS, STDIN, STDOUT, STDERR, DATA = range(1, 9)
GET_VALUES = 9


def record(kind, content=b"", request=1, version=1, padding=0):
    """One record; content over 65,535 bytes is the caller's mistake."""
    return struct.pack(">BBHHBx", version, kind, request, len(content),
                       padding) + content + bytes(padding)


def begin(keep=0, role=1):
    return record(BEGIN, struct.pack(">HB5x", role, keep))


def pair(name, value):
    def size(text):
        return (bytes([len(text)]) if len(text) < 128
                else struct.pack(">I", len(text) | 1 << 31))
    return size(name) + size(value) + name + value


def parameters(values):
    """The bytes of the PARAMS stream."""
    def data(text):
        return text if isinstance(text, bytes) else text.encode()
    return b"".join(pair(data(name), data(value)) for name, value in values)


def stream(kind, data, request=1):
    """A stream in records, with its end."""
    return b"".join(record(kind, data[at:at + 65535], request)
                    for at in range(0, len(data), 65535)) + \
        record(kind, b"", request)


def secret():
    """What nginx shows artifactd."""
    text = Path(os.environ["SECRET"]).read_text("ascii")
    return re.search("ARTIFACTD_PARAMS ([0-9a-f]+);", text)[1]


def as_nginx(method, target, body=None, content_type="", **more):
    """The parameters that nginx sends, in its order; no body has no length."""
    values = {"REQUEST_METHOD": method, "REQUEST_URI": target,
              "CONTENT_TYPE": content_type, "CONTENT_LENGTH":
              "" if body is None else str(len(body)), "REMOTE_USER": "",
              "REQUEST_ID": "0123456789abcdef",
              "ARTIFACTD_ADDRESS": "192.0.2.1", "HTTP_PROXY": "",
              "ARTIFACTD_PARAMS": secret()}
    values.update(more)
    return list(values.items())


def request(values, body=b"", keep=0):
    return (begin(keep) + stream(PARAMS, parameters(values))
            + stream(STDIN, body))


def connect(timeout=20):
    peer = socket.socket(socket.AF_UNIX)
    peer.settimeout(timeout)
    peer.connect(os.environ["SOCKET"])
    return peer


def read_all(peer):
    """All bytes until the peer closes or is silent for the timeout."""
    data = b""
    try:
        while piece := peer.recv(65536):
            data += piece
    except OSError:
        pass
    return data


def answers(data):
    """[(status, bytes of STDOUT, was it ended)] of each request answered."""
    out, done, at = {}, {}, 0
    while at + 8 <= len(data):
        _, kind, number, size, padding = struct.unpack(
            ">BBHHB", data[at:at + 7])
        if kind == STDOUT:
            out[number] = out.get(number, b"") + data[at + 8:at + 8 + size]
        done[number] = done.get(number, False) or kind == END
        at += 8 + size + padding
    found = []
    for number, text in out.items():
        words = text[:text.find(b"\r\n")].split()
        is_status = len(words) > 1 and words[0] == b"Status:"
        found.append((int(words[1]) if is_status else 0, text, done[number]))
    return found


def ask(data, timeout=20):
    """Send bytes, say no more, read on; the answers."""
    with connect(timeout) as peer:
        try:
            peer.sendall(data)
            peer.shutdown(socket.SHUT_WR)
        except OSError:
            pass
        return answers(read_all(peer))
