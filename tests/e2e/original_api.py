# SPDX-License-Identifier: ISC
"""The reads of the original API's "Artifacts": lists of at most 200, newest
first, without pages, from which phase and type then remove some; times as
Python writes them; content as text, whatever its bytes, and 404 where there is
none; no content_hash, unless a test asks for one.

    original_api.py FILE [--base /api/v1] [--fail-after N]
        [--no-bytes] [--id-first STATUS] [--raw] [--numbered]
        [--ignore-page] [--hide N]

FILE has a JSON array: the members of each detail, and in "bytes" the content
in hex. The server prints its port, then a line for each request. A test may
write statuses to FILE.fail while the server runs, one on a line; each request
gets the next one, and "-" means a normal answer. With --no-bytes the server
seems to have /raw, but each request for it fails. With --id-first it looks for
the artifact before the path, so that it seems to have /raw, but answers STATUS.
With --raw it has /raw, except for missing content.

With --numbered it is the newer API, whose list is an object with numbered
pages; with --ignore-page it ignores the number. With --hide, after each of N
lists the newest artifact disappears, as if somebody had deleted it, so that the
artifacts on later pages move."""

import argparse
import hashlib
import http.server
import json
import sys
import urllib.parse
from pathlib import Path

parser = argparse.ArgumentParser()
parser.add_argument("file", type=Path)
parser.add_argument("--base", default="")
parser.add_argument("--fail-after", type=int)
parser.add_argument("--no-bytes", action="store_true")
parser.add_argument("--id-first", type=int)
parser.add_argument("--raw", action="store_true")
parser.add_argument("--numbered", action="store_true")
parser.add_argument("--ignore-page", action="store_true")
parser.add_argument("--hide", type=int, default=0)
options = parser.parse_args()
artifacts = json.loads(options.file.read_text())
for one in artifacts:
    content = bytes.fromhex(one.pop("bytes"))
    one.setdefault("content", content.decode("utf-8", "replace"))
    one.setdefault("content_hash", hashlib.sha256(content).hexdigest())
    one.setdefault("size_bytes", len(content))
    one["stored"] = content
artifacts.sort(key=lambda a: a["created_at"] or "", reverse=True)
SUMMARY = ("id", "workflow_id", "phase_id", "artifact_type", "title",
           "size_bytes", "created_at")
FILTERS = ("workflow_id", "phase_id", "artifact_type")


def listed(query):
    limit = int(query.get("limit", 50))
    if not 1 <= limit <= 200:
        return 422, {"detail": [{"type": "less_than_equal"}]}
    some = [a for a in artifacts
            if query.get("workflow_id") in (None, "", a["workflow_id"])]
    some = [a for a in some[:limit]
            if all(a[f] == query[f] for f in FILTERS if query.get(f))]
    return 200, [{m: a[m] for m in SUMMARY} for a in some]


def numbered(query):
    """Filters first, as in the original's other lists by number."""
    limit = int(query.get("page_size") or query.get("limit", 50))
    page = 1 if options.ignore_page else int(query.get("page", 1))
    if not 1 <= limit <= 200 or page < 1:
        return 422, {"detail": [{"type": "less_than_equal"}]}
    some = [a for a in artifacts if not a.get("hidden") and
            all(a[f] == query[f] for f in FILTERS if query.get(f))]
    if some and options.hide > 0 and limit > 1:
        options.hide -= 1
        some[0]["hidden"] = True
    return 200, {
        "artifacts": [{m: a[m] for m in SUMMARY}
                      for a in some[(page - 1) * limit:page * limit]],
        "total": len(some), "page": page, "page_size": limit}


def detail(key, query):
    some = [a for a in artifacts if a["id"].startswith(key)]
    if not some:
        return 404, {"detail": f"Artifact not found: {key}"}
    if len(some) > 1:
        return 409, {"detail": "Ambiguous artifact ID"}
    one = {k: v for k, v in some[0].items() if k not in ("stored", "hidden")}
    if query.get("include_content", "true") == "false":
        one["content"] = None
        one["content_type"] = "text/markdown"
    elif not one["content"]:
        return 404, {"detail": "content not found in projection."}
    return 200, one


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = 1 << 16  # one packet an answer: no waiting for acknowledgements
    served = 0

    def answer(self, status, value, content_type="application/json"):
        body = value if isinstance(value, bytes) else json.dumps(
            value).encode()
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        if status == 503:
            self.send_header("Retry-After", "0")
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        url = urllib.parse.urlsplit(self.path)
        query = dict(urllib.parse.parse_qsl(url.query))
        path = url.path
        Handler.served += 1
        print(self.path, flush=True)
        fail = options.file.with_suffix(".fail")
        if fail.exists() and (lines := fail.read_text().splitlines()):
            fail.write_text("".join(line + "\n" for line in lines[1:]))
            if lines[0] != "-":
                self.answer(int(lines[0]), {"detail": "I do not feel well"})
                return
        if options.fail_after and Handler.served > options.fail_after:
            self.answer(500, {"detail": "Internal Server Error"})
            return
        if not path.startswith(options.base + "/"):
            self.answer(404, {"detail": "Not Found"})
            return
        parts = path[len(options.base) + 1:].split("/")
        if parts == ["artifacts"]:
            self.answer(*(numbered if options.numbered else listed)(query))
        elif parts[0] == "artifacts" and len(parts) == 2:
            self.answer(*detail(parts[1], query))
        elif options.no_bytes and parts[-1] == "raw":
            is_there = any(a["id"] in parts for a in artifacts)
            self.answer(500 if is_there else 404, {
                "detail": "Artifact not found: " + parts[1]})
        elif parts[0] == "artifacts" and parts[-1] == "raw" and (
                options.id_first or options.raw):
            self.raw(parts[1])
        elif parts[0] == "files" or parts[-1] == "stored":
            one = [a for a in artifacts if a["id"] in parts]
            self.answer(200, one[0]["stored"], "application/octet-stream")
        else:
            self.answer(404, {"detail": "Not Found"})

    def raw(self, key):
        one = [a for a in artifacts if a["id"] == key]
        if not one or options.raw and not one[0]["content"]:
            self.answer(404, {"detail": f"Artifact not found: {key}"})
        elif options.raw:
            self.answer(200, one[0]["stored"], "application/octet-stream")
        else:
            self.answer(options.id_first, {"detail": "Not Found"})

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
server.daemon_threads = True
print(server.server_port, flush=True)
try:
    server.serve_forever()
except KeyboardInterrupt:
    sys.exit(0)
