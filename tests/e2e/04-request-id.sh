#!/bin/bash
# SPDX-License-Identifier: ISC
#
# The id of a request: a client's id is kept, nginx makes one if there is none,
# and the log has it.
. "$(dirname "$0")/lib.sh"

start

http GET /artifacts -H 'X-Request-ID: my-own.id_1'
check "a client's id is kept" equal "$(header X-Request-ID)" my-own.id_1
http GET /artifacts -H 'X-Request-ID: short'
check "a short one is replaced" \
    grep -qE '^[0-9a-f]{32}$' <(header X-Request-ID)
http GET /artifacts -H 'X-Request-ID: with "quotes" role=writer'
check "a strange one is replaced" \
    grep -qE '^[0-9a-f]{32}$' <(header X-Request-ID)
http GET /artifacts
made=$(header X-Request-ID)
http GET /artifacts
check "each has its own" [ "$made" != "$(header X-Request-ID)" ]
check "nginx logs it" grep -q "$made" "$WORK/nginx-access.log"
check "there is only one header" \
    equal "$(grep -ci '^X-Request-ID:' "$WORK/headers")" 1

# A request that fails in the daemon has its id in the daemon's log.
create
damage=$(python3 - "$STORE/data.mdb" <<'PYTHON'
import sys
with open(sys.argv[1], "r+b") as file:
    data = file.read()
    at = data.rfind(b"hello")
    print(data.count(b"hello"))
    while at >= 0:
        file.seek(at)
        file.write(b"jello")
        at = data.rfind(b"hello", 0, at)
PYTHON
)
check "the content stands in the store's file" [ "$damage" -ge 1 ]
http GET "/artifacts/$ID/raw" -H 'X-Request-ID: the-damaged-one'
check "damaged content is 500" is_error 500
check "… never other bytes" [ "$(grep -c jello "$WORK/body")" = 0 ]
check "… and has its own id" \
    equal "$(header X-Request-ID)" the-damaged-one
check "… logged with the id of the request" \
    grep -q the-damaged-one "$DAEMON_LOG"
check "… and of the artifact" grep -q "$ID" "$DAEMON_LOG"
check "… once" equal "$(grep -c the-damaged-one "$DAEMON_LOG")" 1
http GET "/artifacts/$ID/raw?$(printf 'x%.0s' {1..4000})" \
    -H 'X-Request-ID: the-long-one'
check "however long the target, the cause is logged" \
    grep -q 'request=the-long-one .*cause=' "$DAEMON_LOG"
http POST /artifacts -H "X-Request-ID: the-next-one" -d '{"workflow_id":"w",
    "artifact_type":"plan","title":"t","content":"other"}'
check "others go on" equal "$STATUS" 201
finish
