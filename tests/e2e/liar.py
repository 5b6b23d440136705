# SPDX-License-Identifier: ISC
"""A server that misbehaves to its client: it lies, cuts off answers, asks to
come back later, redirects. The first part of the path says which. It prints
its port, then a JSON line for each request.

With a certificate and its key as arguments it speaks TLS; with one more
argument it asks its clients for that certificate too."""

import base64
import hashlib
import http.server
import json
import ssl
import sys
import threading
import time

BYTES = bytes(range(256)) * 4096  # 1 MiB
ID = "12345678-1234-4234-8234-123456789abc"
counts = {}
lock = threading.Lock()


def digest(content):
    return ("sha-256=:" + base64.b64encode(
        hashlib.sha256(content).digest()).decode() + ":")


def summary(artifact, created):
    return {"id": artifact, "workflow_id": "w", "phase_id": None,
            "artifact_type": "t", "title": created, "size_bytes": 7,
            "created_at": created}


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def date_time_string(self, timestamp=None):
        """The clock of the server whose artifacts are old."""
        if self.path.startswith("/old"):
            return "Sat, 01 Jan 2000 00:00:00 GMT"
        return super().date_time_string(timestamp)

    def log_message(self, *_):
        pass

    def answer(self, status, body=b"", **headers):
        self.send_response(status)
        if isinstance(body, (dict, list)):
            body = json.dumps(body).encode()
            headers.setdefault("Content_Type", "application/json")
        headers.setdefault("Content_Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def hang_up(self):
        self.wfile.flush()
        self.close_connection = True
        self.connection.shutdown(2)

    def raw(self, content=BYTES, **headers):
        self.answer(200, content, **{
            "Content_Type": "application/octet-stream",
            "Repr_Digest": digest(BYTES), "ETag": '"abc"', **headers})

    def half(self, size, **headers):
        """Less than Content-Length says."""
        self.raw(BYTES[:size], Content_Length=str(len(BYTES)), **headers)
        self.hang_up()

    def do(self):
        length = int(self.headers.get("Content-Length") or 0)
        what = self.path.split("/")[1]
        if what == "sluggish" and not self.path.endswith("/healthz"):
            time.sleep(2)
        self.body = body = self.rfile.read(length)
        if self.path.endswith("/healthz"):
            if what == "small":
                self.answer(200, {"status": "healthy", "max_content": 3})
            else:
                self.nothing(0)  # nobody tells his limits
            return
        with lock:
            counts[what] = count = counts.get(what, 0) + 1
            print(json.dumps({"method": self.command, "path": self.path,
                              "headers": dict(self.headers),
                              "body": body[:4096].decode("latin-1")}),
                  flush=True)
        getattr(self, what.replace("-", "_"), self.nothing)(count)

    do_GET = do_POST = do_PUT = do_DELETE = do

    def nothing(self, _):
        self.answer(404, {"detail": "Not Found"})

    def lie(self, _):
        self.raw(BYTES[:-1] + b"x")

    def undigested(self, _):
        self.answer(200, BYTES, Content_Type="text/plain")

    def short(self, _):
        self.half(1000, ETag='W/"weak"')

    def cut(self, count):
        """Cut off twice; what is asked for then is the rest."""
        wanted = self.headers.get("Range")
        if not wanted:
            self.half(1000)
        elif self.headers.get("If-Range") != '"abc"':
            self.answer(400, {"detail": "If-Range"})
        else:
            first = int(wanted[6:-1])
            rest = BYTES[first:] if count > 2 else BYTES[first:first + 99]
            self.answer(
                206, rest, Content_Length=str(len(BYTES) - first),
                Content_Range=f"bytes {first}-{len(BYTES)-1}/{len(BYTES)}",
                ETag='"abc"')
            if count == 2:
                self.hang_up()

    def replaced(self, count):
        """Cut off, and then something else."""
        if count == 1:
            self.half(1000)
        else:
            self.raw(ETag='"other"')

    def slow(self, _):
        self.raw(BYTES[:500000], Content_Length=str(len(BYTES)))
        self.wfile.flush()
        time.sleep(60)

    def drip(self, _):
        self.raw(BYTES[:1], Content_Length=str(len(BYTES)))
        for n in range(8):
            self.wfile.flush()
            time.sleep(0.4)
            self.wfile.write(BYTES[1 + n * 131072:1 + (n + 1) * 131072])

    def evil(self, _):
        self.raw(Content_Disposition="attachment; "
                 "filename*=UTF-8''..%2F..%2F.evil%0A%1B%5B2J")

    def busy(self, count):
        if count < 3:
            self.answer(503, {"detail": "later"}, Retry_After="0")
        else:
            self.answer(200, [])

    def busy_create(self, count):
        if self.command == "POST" and count < 3:
            self.answer(503, {"detail": "the outcome is not known"},
                        Retry_After="0")
        else:
            self.answer(201, {"id": ID, "title": "t", "artifact_type": "t",
                              "status": "created"})

    def deleted_create(self, _):
        self.answer(201, {"id": ID, "status": "deleted"})

    def always_busy(self, _):
        self.answer(503, {"detail": "The store is away."}, Retry_After="0",
                    X_Request_ID="request-42")

    def much_later(self, _):
        self.answer(503, {"detail": "The clock is wrong."}, Retry_After="60")

    def elsewhere(self, _):
        self.answer(302, b"", Location="http://127.0.0.1:9/stolen")

    def login(self, _):
        self.answer(200, b"<html>", Content_Type="text/html")

    def private(self, _):
        self.answer(401, {"detail": "Who are you?"})

    def empty(self, _):
        self.answer(500, b"")

    def terminal(self, _):
        self.answer(400, {"detail": "a\x1b[2Jb\nc"})

    def page(self, count):
        """The link of the first page names a host that nobody can reach."""
        if "cursor=next" in self.path:
            self.answer(200, [summary(ID, "second")])
        else:
            self.answer(200, [summary(ID, "first")], Link=(
                "<http://unreachable.invalid/x/artifacts?cursor=next>; "
                'rel="next"'))

    def circle(self, count):
        """Three pages that lead from one to the next, and back."""
        self.answer(200, [summary(ID, "again")], Link=(
            f'</artifacts?cursor={count % 3}>; rel="next"'))

    def endless(self, _):
        """An answer that says of itself that it never ends."""
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.close_connection = True
        try:
            self.wfile.write(b"[")
            while True:
                self.wfile.write(b" " * 65536)
        except OSError:
            pass

    def nothing_more(self, count):
        """Empty pages, each of which names another one."""
        self.answer(200, [], Link=(
            f'</artifacts?cursor={count}>; rel="next"'))

    def the_same(self, count):
        """Pages that are all alike, with a new cursor each."""
        self.answer(200, [summary(ID, "again")], Link=(
            f'</artifacts?cursor={count}>; rel="next"'))

    def unix(self, _):
        """Lines end as they do in files."""
        self.wfile.write(
            b"HTTP/1.1 200 OK\nContent-Type: text/plain\n"
            b"Content-Disposition: attachment; filename=unix\n"
            b"Content-Length: %d\nRepr-Digest: %s\n\n%s" % (
                len(BYTES), digest(BYTES).encode(), BYTES))
        self.hang_up()

    def steer(self, _):
        """Stores under an id that is none."""
        if self.command == "POST":
            self.answer(201, {"id": "\x1b[2J", "status": "created"})
        else:
            self.answer(200, {**summary(ID, "x"),
                              "content_hash": "\x1b]0;x\x07"})

    def dwarf(self, _):
        """What an artifact was made from has an id of one letter."""
        if self.path.count(ID):
            self.answer(200, {**summary(ID, "x"), "derived_from": [
                "87654321-4321-4321-8321-cba987654321"]})
        else:
            self.answer(200, summary("a", "y"))

    def old(self, _):
        """Six of 1999, and what is deleted of them."""
        if self.command == "DELETE":
            self.answer(200, {"artifact_id": ID, "status": "deleted"})
            return
        self.answer(200, [
            summary(f"{n}0000000-0000-4000-8000-000000000000", when)
            for n, when in enumerate((
                "1999-12-31T23:00:00.000000Z", "1999-12-30T00:00:00.000001Z",
                "1999-12-30T00:00:00.000000Z", "1999-12-29T23:59:59.999999Z",
                "1999-01-01T00:00:00.000000Z",
                "1998-01-01T00:00:00.000000Z"))])

    def deaf(self, _):
        """Stores something else than it was sent."""
        if self.command == "POST":
            self.answer(201, {"id": ID, "status": "created"})
        else:
            self.answer(200, {**summary(ID, "x"), "content_hash": "0" * 64})

    def sluggish(self, _):
        """Reads late, and has what it was sent in its only form."""
        if self.command == "POST":
            start = self.body.index(b"\r\n\r\n",
                                    self.body.index(b'name="file"')) + 4
            Handler.stored = self.body[start:self.body.rindex(b"\r\n--")]
            self.answer(201, {"id": ID, "status": "created"})
        else:
            self.answer(200, {
                **summary(ID, "x"), "size_bytes": len(Handler.stored),
                "content_hash": hashlib.sha256(Handler.stored).hexdigest()})

    def missing_detail(self, _):
        self.answer(200, {"nothing": "of this"})


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
if len(sys.argv) > 2:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*sys.argv[1:3])
    if len(sys.argv) > 3:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(sys.argv[1])
    server.socket = context.wrap_socket(server.socket, server_side=True)
print(server.server_address[1], flush=True)
server.serve_forever()
