#!/bin/bash
# SPDX-License-Identifier: ISC
#
# nginx's own errors: each is JSON with a detail, never HTML, never empty.
. "$(dirname "$0")/lib.sh"

nginx_render
# So that a test of 504 takes a second.
sed -i 's/^fastcgi_read_timeout .*/fastcgi_read_timeout 1s;/' \
    "$WORK/nginx/artifactd-pass.conf"
make_store
daemon_start
nginx_start
wait_ready

python_checks - <<'PYTHON'
import socket

import e2e


def ask(text, status, request, *more):
    answer = e2e.raw(request, *more)
    e2e.check(f"{text}: {status} in JSON", e2e.is_error(answer, status),
              answer and (answer[0], str(answer[1]), answer[2][:300]))
    return answer


HOST = b"Host: x\r\n"
ask("a bad request line", 400, b"nonsense\r\n\r\n")
ask("a request line without a version", 400, b"GET / x y\r\n\r\n")
ask("a path with a bad escape", 400,
    b"GET /artifacts/%zz HTTP/1.1\r\n" + HOST + b"\r\n")
ask("a NUL in the path", 400,
    b"GET /artifacts/a%00b HTTP/1.1\r\n" + HOST + b"\r\n")
ask("no Host", 400, b"GET /artifacts HTTP/1.1\r\n\r\n")
ask("a Content-Length that is no number", 400,
    b"POST /artifacts HTTP/1.1\r\n" + HOST + b"Content-Length: x\r\n\r\n")
ask("a bad chunk", 400, b"POST /artifacts HTTP/1.1\r\n" + HOST
    + b"Transfer-Encoding: chunked\r\n\r\nzz\r\nx\r\n0\r\n\r\n")
ask("TRACE", 405, b"TRACE /artifacts HTTP/1.1\r\n" + HOST + b"\r\n")
answer = e2e.raw(b"CONNECT x:80 HTTP/1.1\r\n" + HOST + b"\r\n")
e2e.check("CONNECT: 400 or 405 in JSON", e2e.is_error(answer, 400, 405),
          answer)
ask("a body over nginx's limit", 413, b"POST /artifacts HTTP/1.1\r\n" + HOST
    + b"Content-Length: 99999999999\r\n\r\n")
ask("the same below the other base path", 413,
    b"PUT /api/v1/artifacts/x/raw HTTP/1.1\r\n" + HOST
    + b"Content-Length: 99999999999\r\n\r\n")
ask("a request line of 40,000 bytes", 414,
    b"GET /artifacts/" + b"x" * 40000 + b" HTTP/1.1\r\n" + HOST + b"\r\n")
ask("a header of 40,000 bytes", 431, b"GET /artifacts HTTP/1.1\r\n" + HOST
    + b"X-A: " + b"x" * 40000 + b"\r\n\r\n")
ask("an unknown transfer coding", 501, b"POST /artifacts HTTP/1.1\r\n" + HOST
    + b"Transfer-Encoding: gzip\r\n\r\n")
ask("HTTP 2.0 on one line", 505, b"GET /artifacts HTTP/2.5\r\n" + HOST
    + b"\r\n")
ask("what only nginx may ask for", 404, b"GET /.artifactd-error HTTP/1.1\r\n" + HOST + b"\r\n")

# More at once from one address than it may have: 503 and when to come back.
# A few beyond it, since one that has just ended may still be counted.
stalled = []
for _ in range(140):
    peer = socket.create_connection(("127.0.0.1", e2e.PORT), 10)
    peer.sendall(b"POST /artifacts HTTP/1.1\r\n" + HOST
                 + b"Content-Length: 10\r\n\r\nhalf")
    stalled.append(peer)


def turned_away():
    answer = e2e.raw(b"GET /artifacts HTTP/1.1\r\n" + HOST + b"\r\n")
    return answer if answer and answer[0] == 503 else None


answer = e2e.wait_for(turned_away, 5)
e2e.check("too many at once: 503 in JSON", e2e.is_error(answer, 503), answer)
e2e.check("… with Retry-After", answer and answer[1]["Retry-After"])
for peer in stalled:
    peer.close()
client = e2e.Client()
e2e.check("which passes", e2e.wait_for(
    lambda: client.send("GET", "/artifacts")[0] == 200, 10))
PYTHON

for worker in $(children_of "$DAEMON"); do
	kill -STOP "$worker"
done
http GET /artifacts -H 'X-Request-ID: the-late-one'
check "no worker answers: 504 in JSON" is_error 504
check "… with its id" equal "$(header X-Request-ID)" the-late-one
http POST /artifacts -d '{}'
check "for a change too" is_error 504
for worker in $(children_of "$DAEMON"); do
	kill -CONT "$worker"
done
wait_ready
daemon_stop
for method in GET HEAD POST PUT DELETE; do
	http "$method" /artifacts/x
	case $method in
	HEAD) check "the daemon is down: 502 to HEAD" equal "$STATUS" 502 ;;
	*) check "the daemon is down: 502 in JSON to $method" is_error 502 ;;
	esac
done
finish
