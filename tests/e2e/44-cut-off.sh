#!/bin/bash
# SPDX-License-Identifier: ISC
#
# Answers that are cut off: a worker that is killed, or that finds damaged
# bytes after it has sent the head, closes the connection. nginx has to tell
# the client, with or without a Content-Length, or a part would look like the
# whole. If no answer came at all, nginx sends a read to another worker, but
# never a change, since the change may have happened. A server that cuts off
# its answers replaces the workers here.
. "$(dirname "$0")/lib.sh"

nginx_render
nginx_start

python_checks - <<'PYTHON'
import http.client
import os
import socket
import struct
import threading

import e2e

listener = socket.socket(socket.AF_UNIX)
listener.bind(os.environ["SOCKET"])
os.chmod(os.environ["SOCKET"], 0o666)
listener.listen(8)


def stdout(data):
    return struct.pack(">BBHHBx", 1, 6, 1, len(data), 0) + data


def serve_part(headers):
    connection, _ = listener.accept()
    connection.recv(65536)
    connection.sendall(stdout(b"Status: 200 OK\r\n" + headers + b"\r\n")
                       + stdout(b"x" * 30000))
    connection.close()


def sees_the_end(headers):
    """Does the client take what came for the whole?"""
    server = threading.Thread(target=serve_part, args=(headers,))
    server.start()
    client = e2e.Client(timeout=5)
    try:
        _, _, payload = client.send("GET", "/artifacts/x/raw")
        return f"{len(payload)} bytes taken for the whole"
    except (http.client.IncompleteRead, ConnectionError):
        return None
    except TimeoutError:
        return "the client was left waiting"
    finally:
        server.join()


def times_asked(method):
    """How often a request arrives whose worker dies without an answer."""
    client = e2e.Client(timeout=10)
    asking = threading.Thread(target=client.send, args=(
        method, "/artifacts/x", None if method == "GET" else b"{}"))
    asking.start()
    count = 0
    listener.settimeout(10)
    try:
        while True:
            connection, _ = listener.accept()
            connection.recv(65536)
            connection.close()
            count += 1
            listener.settimeout(1)
    except TimeoutError:
        pass
    listener.settimeout(None)
    asking.join()
    return count


for method, times in (("GET", 2), ("HEAD", 2), ("PUT", 1), ("DELETE", 1),
                      ("POST", 1)):
    asked = times_asked(method)
    e2e.check(f"a {method} whose worker dies is sent {times} time(s)",
              asked == times, asked)
fault = sees_the_end(b"Content-Length: 90000\r\n")
e2e.check("content that is cut off is an error", fault is None, fault)
fault = sees_the_end(b"")
e2e.check("JSON that streams and is cut off is an error", fault is None, fault)
PYTHON

# A store that fails in the middle of an answer is no client that left.
rm -f "$SOCKET"
make_store
daemon_start_slow FAIL_RENEW=100 workers=1
wait_ready
create
head -c 20000000 /dev/zero >"$WORK/zeros"
http PUT "/artifacts/$ID/raw" -T "$WORK/zeros"
check "content of 20 MB is taken" equal "$STATUS" 200
http GET "/artifacts/$ID/raw"
check "a store that fails in the middle of it: the answer is short" \
    [ "$(stat -c %s "$WORK/body")" -lt 20000000 ]
check "... and the log calls it an error of the store, and why" \
    grep -q '^<3>event=request_failed .*cause="mdb_txn_renew: Input/output' \
    "$DAEMON_LOG"
check "... not a client that went away" \
    equal "$(grep -c event=answer_cut_off "$DAEMON_LOG")" 0
http GET "/artifacts/$ID/raw" -r 0-99
check "... and the next read is served" equal "$STATUS" 206
check "... by the same worker" \
    equal "$(grep -c event=child_ended "$DAEMON_LOG")" 0
python_checks - "$TOP_SRCDIR/tests/campaigns/hostile" "$ID" <<'PYTHON'
import sys

sys.path.append(sys.argv[1])
import fastcgi as f

with f.connect() as peer:
    peer.sendall(f.request(f.as_nginx("GET", f"/artifacts/{sys.argv[2]}/raw")))
    peer.recv(100000)
PYTHON
for _ in {1..100}; do
	grep -q event=answer_cut_off "$DAEMON_LOG" && break
	sleep 0.1
done
check "a client that leaves in the middle is told at info" \
    grep -q '^<6>event=answer_cut_off' "$DAEMON_LOG"
finish
