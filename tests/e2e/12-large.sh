#!/bin/bash
# SPDX-License-Identifier: ISC
#
# Content of 50 MiB comes back byte for byte; content of exactly the limit is
# taken, and one byte more is refused.
. "$(dirname "$0")/lib.sh"

LIMIT=52428800
start

# Memory that is a process's own, in KiB: the most of all its children.
private_kib()
{
	local child

	for child in $(children_of "$DAEMON"); do
		# Not Private_* of smaps: that counts pages of the store's file
		# that nobody else happens to have mapped.
		awk '/^RssAnon/ { print $2 }' "/proc/$child/status"
	done | sort -n | tail -n 1
}

head -c $LIMIT /dev/urandom >"$WORK/big"
hash=$(sha256sum "$WORK/big" | cut -d ' ' -f 1)
create
http POST "/artifacts/$ID/upload" -F "file=@$WORK/big"
check "upload of exactly 52,428,800 bytes" equal "$STATUS" 200
http GET "/artifacts/$ID/raw"
check "… comes back byte for byte" cmp "$WORK/big" "$WORK/body"
check "… with its hash" equal "$(header ETag)" "\"$hash\""
http GET "/artifacts/$ID?include_content=false"
check "… in the detail too" equal \
    "$(member content_hash) $(member size_bytes)" "$hash $LIMIT"
http GET "/artifacts/$ID/raw" -r 52428700-
check "… its last 100 bytes" cmp "$WORK/body" <(tail -c 100 "$WORK/big")
http GET "/artifacts/$ID/content"
check "… as JSON" equal "$STATUS" 200
python_checks - <<'PYTHON'
import json
import e2e
answer = json.loads((e2e.WORK / "body").read_bytes())
e2e.check("… with U+FFFD for what is no UTF-8", answer["content"]
          == (e2e.WORK / "big").read_bytes().decode("utf-8", "replace"))
PYTHON

http POST /artifacts -F workflow_id=w -F artifact_type=big \
    -F "file=@$WORK/big"
check "create with 52,428,800 bytes" equal "$STATUS" 201
big=$(member id)
http GET "/artifacts/$big/raw"
check "… byte for byte" cmp "$WORK/big" "$WORK/body"

tac "$WORK/big" >"$WORK/big2"
http PUT "/artifacts/$ID/raw" -T "$WORK/big2"
check "PUT of as many" equal "$STATUS" 200
http GET "/artifacts/$ID/raw"
check "… byte for byte" cmp "$WORK/big2" "$WORK/body"

printf x >>"$WORK/big"
for way in upload create put; do
	case $way in
	upload) http POST "/artifacts/$ID/upload" -F "file=@$WORK/big" ;;
	create) http POST /artifacts -F workflow_id=over -F artifact_type=b \
	    -F "file=@$WORK/big" ;;
	put) http PUT "/artifacts/$ID/raw" -T "$WORK/big" ;;
	esac
	check "one byte more is 413 ($way)" is_error 413
	check "… and says so" equal "$(member detail)" \
	    "Upload exceeds maximum size of 50 MB"
done
http GET "/artifacts/$ID/raw"
check "… and the old content stays" cmp "$WORK/big2" "$WORK/body"
http GET '/artifacts?workflow_id=over'
check "… and nothing was created" equal "$(body)" "[]"
truncate -s 70M "$WORK/big"
http PUT "/artifacts/$ID/raw" -T "$WORK/big"
check "far over is nginx's 413" is_error 413
check "… which claims no limit that may be another" equal "$(member detail)" \
    "Request body exceeds what nginx takes here: client_max_body_size, 54m as shipped"

# Eight at once, and what it costs a process.
rm "$WORK/big"
python_checks - <<'PYTHON'
import hashlib
import os

import e2e

SIZE = 50 << 20 if e2e.IS_FULL else 12 << 20
block = os.urandom(1 << 20)


def one(number):
    content = bytes([number]) + block * (SIZE >> 20)
    client = e2e.Client(timeout=120)
    body, headers = e2e.multipart(content, workflow_id="eight",
                                  artifact_type="big")
    status, made = client.json("POST", "/artifacts", body, headers)
    _, _, back = client.send("GET", f"/artifacts/{made.get('id')}/raw")
    results.append(status == 201 and back == content)


results = []
e2e.in_threads([lambda n=n: one(n) for n in range(8)])
e2e.check("eight uploads at once come back byte for byte",
          results == [True] * 8, results)
PYTHON
# Sanitizers keep what was freed.
if ! grep -q __asan_init "$ARTIFACTD"; then
	check "no worker keeps 16 MiB of its own ($(private_kib) KiB)" \
	    [ "$(private_kib)" -le 16384 ]
fi
check "no staged content is left in sight" [ "$(curl -s "$URL/artifacts" |
    grep -o '"id"' | wc -l)" = 10 ]
finish
