#!/bin/bash
# SPDX-License-Identifier: ISC
#
# The locations of nginx: which answers nginx compresses and which never, and
# which requests it counts among the connections of an address.
. "$(dirname "$0")/lib.sh"

start
python_checks - <<'PYTHON'
import gzip
import json
import socket

import e2e

client = e2e.Client()
GZIP = {"Accept-Encoding": "gzip"}
text = json.dumps({"lines": ["a line of text, and one like it"] * 200})
made = client.json("POST", "/artifacts", {
    "workflow_id": "gzip", "artifact_type": "t", "title": "t",
    "content": text, "content_type": "application/json"})[1]["id"]
for number in range(20):
    client.create("gzip-list", content="x")


def get(path, headers, method="GET"):
    return client.send(method, path, None, headers)


for base in "", "/api/v1":
    one = f"{base}/artifacts/{made}"
    for path in f"{base}/artifacts?workflow_id=gzip-list", one + "/content":
        plain = get(path, {})
        packed = get(path, GZIP)
        e2e.check(f"{path}: compressed for whoever takes it",
                  packed[1].get("Content-Encoding") == "gzip"
                  and gzip.decompress(packed[2]) == plain[2]
                  and len(packed[2]) < len(plain[2]) / 2,
                  packed[0], str(packed[1]))
        e2e.check("… and for nobody else",
                  plain[1].get("Content-Encoding") is None)
        e2e.check("… with the same media type",
                  packed[1]["Content-Type"] == "application/json")
        head = get(path, GZIP, "HEAD")
        e2e.check("… and Vary, once, in each of them",
                  [answer[1].get_all("Vary") for answer in
                   (plain, packed, head)] == [["Accept-Encoding"]] * 3,
                  str(plain[1]), str(packed[1]), str(head[1]))
    plain, packed = get(one + "/content", {}), get(one + "/content", GZIP)
    tag = plain[1]["ETag"]
    e2e.check("the ETag of /content is weak where it is compressed",
              packed[1]["ETag"] == "W/" + tag, tag, packed[1]["ETag"])
    for headers in GZIP, {}:
        for name in tag, "W/" + tag:
            answer = get(one + "/content",
                         {**headers, "If-None-Match": name})
            e2e.check(f"… and 304 for {name}, {headers}",
                      answer[0] == 304
                      and answer[1].get_all("Vary") == ["Accept-Encoding"],
                      answer[0], str(answer[1]))
    e2e.check("… and 200 for another", get(
        one + "/content", {**GZIP, "If-None-Match": 'W/"0"'})[0] == 200)

    # What is never: the detail, whose ETag guards changes, and the bytes.
    for path in one, one + "/raw", f"{base}/openapi.json":
        for headers in GZIP, {"Accept-Encoding": "gzip;q=1.0, *;q=0.5"}, \
                {"Accept-Encoding": "br, deflate, gzip"}:
            plain, other = get(path, {}), get(path, headers)
            e2e.check(f"{path}: as it is, for {headers}",
                      other[2] == plain[2]
                      and other[1].get("Content-Encoding") is None
                      and other[1].get("ETag") == plain[1].get("ETag")
                      and other[1].get("Content-Length") == str(len(other[2])),
                      str(other[1]))
    detail = get(one, GZIP)
    e2e.check("the ETag of the detail is strong",
              detail[1]["ETag"].startswith('"'), detail[1]["ETag"])
    answer = client.send("PUT", one, b'{"title":"x"}', {
        "Content-Type": "application/json",
        "If-Match": "W/" + detail[1]["ETag"]})
    e2e.check("… and W/ of it guards nothing: 412", answer[0] == 412,
              answer[0])
    answer = client.send("PUT", one, b'{"title":"x"}', {
        "Content-Type": "application/json", "If-Match": detail[1]["ETag"]})
    e2e.check("… as it is it does", answer[0] == 200, answer[0])

# JSON, text and HTML are what a rule by media type would compress.
for kind in "application/json", "text/html", "text/plain":
    status = client.send("PUT", f"/artifacts/{made}/raw", text.encode(), {
        "Content-Type": kind})[0]
    answer = get(f"/artifacts/{made}/raw", GZIP)
    e2e.check(f"/raw of {kind}: byte for byte, a strong ETag",
              answer[2] == text.encode()
              and answer[1].get("Content-Encoding") is None
              and answer[1]["ETag"].startswith('"'), str(answer[1]))
    part = get(f"/artifacts/{made}/raw", {**GZIP, "Range": "bytes=5-9"})
    e2e.check("… and ranges", part[0] == 206 and
              part[2] == text.encode()[5:10], part[0])

# More at once from one address than it may have: whoever looks whether the
# service is well is none of them.
stalled = []


def is_full():
    """One more; a request that only asks may have had the last place."""
    peer = socket.create_connection(("127.0.0.1", e2e.PORT), 10)
    peer.sendall(b"POST /artifacts HTTP/1.1\r\nHost: x\r\n"
                 b"Content-Length: 10\r\n\r\nhalf")
    stalled.append(peer)
    return len(stalled) > 127 and client.send("GET", "/artifacts")[0] == 503


e2e.wait_for(is_full, 20)
for base in "", "/api/v1":
    e2e.check(f"{base}/artifacts: 503, the address has its connections",
              client.send("GET", base + "/artifacts")[0] == 503)
    for path in "/healthz", "/readyz", "/metrics", "/openapi.json":
        status = client.send("GET", base + path)[0]
        e2e.check(f"… but {base}{path} answers", status == 200, status)
status = client.send("GET", "/api/v1/health")[0]
e2e.check("… and /api/v1/health", status == 200, status)
for peer in stalled:
    peer.close()
PYTHON

# /metrics is for this host, below both bases.
nginx_stop
sed -i '/^allow/d' "$WORK/nginx/artifactd-metrics.conf"
nginx_start
for base in "" /api/v1; do
	http GET "$base/metrics"
	check "$base/metrics is for this host only: 403" is_error 403
	http GET "$base/healthz"
	check "… and $base/healthz for all" equal "$STATUS" 200
done
finish
