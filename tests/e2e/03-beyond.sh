#!/bin/bash
# SPDX-License-Identifier: ISC
#
# What artifactd adds to the original API: create by multipart, PUT, DELETE, raw
# content.
. "$(dirname "$0")/lib.sh"

start

head -c 300000 /dev/urandom >"$WORK/report.pdf"
http POST /artifacts -F workflow_id=w -F artifact_type=report \
    -F "file=@$WORK/report.pdf;type=application/pdf"
check "create from a file in one request" equal "$STATUS" 201
check "… named after it" equal "$(member title)" report.pdf
id=$(member id)
http GET "/artifacts/$id/raw"
check "… with its bytes" cmp -s "$WORK/report.pdf" "$WORK/body"
check "… and its type" equal "$(header Content-Type)" application/pdf
check "… and its name" [ "$(header Content-Disposition |
    grep -c 'filename="report.pdf"')" = 1 ]
hash=$(sha256sum "$WORK/report.pdf" | cut -d ' ' -f 1)
check "… and its hash as ETag" equal "$(header ETag)" "\"$hash\""

http GET "/artifacts/$id/raw" -r 100000-199999
check "a range is 206" equal "$STATUS" 206
check "… with its place" equal "$(header Content-Range)" \
    "bytes 100000-199999/300000"
check "… and its bytes" cmp -s "$WORK/body" <(tail -c +100001 \
    "$WORK/report.pdf" | head -c 100000)
http GET "/artifacts/$id/raw" -r 65500-65530
check "a range across chunks" cmp -s "$WORK/body" <(tail -c +65501 \
    "$WORK/report.pdf" | head -c 31)
http GET "/artifacts/$id/raw" -r -5
check "a range from the end" cmp -s "$WORK/body" <(tail -c 5 \
    "$WORK/report.pdf")
http GET "/artifacts/$id/raw" -r 300000-
check "a range behind the end is 416" is_error 416
check "… with the size" equal "$(header Content-Range)" "bytes */300000"
curl -s -m 20 -C 250000 -o "$WORK/tail" "$URL/artifacts/$id/raw"
check "curl resumes a download" cmp -s "$WORK/tail" <(tail -c 50000 \
    "$WORK/report.pdf")
http GET "/artifacts/$id/raw" -H "If-None-Match: \"$hash\""
check "an ETag that matches is 304" equal "$STATUS" 304
check "… without a body" [ ! -s "$WORK/body" ]
# Last-Modified is sent when the second in which the content came is over.
for _ in {1..40}; do
	http GET "/artifacts/$id/raw"
	since=$(header Last-Modified)
	[ -z "$since" ] || break
	sleep 0.1
done
http GET "/artifacts/$id/raw" -H "If-Modified-Since: $since"
check "an unmodified one is 304" equal "$STATUS" 304
http HEAD "/artifacts/$id/raw"
check "HEAD has the length" equal "$STATUS $(header Content-Length)" \
    "200 300000"

printf 'new bytes' >"$WORK/new"
http PUT "/artifacts/$id/raw" -T "$WORK/new" -H 'Content-Type: text/plain'
check "PUT replaces the content" equal "$STATUS $(member status)" \
    "200 uploaded"
http GET "/artifacts/$id/raw"
check "… at once" equal "$(body)" "new bytes"
printf 'chunked bytes' >"$WORK/new"
http PUT "/artifacts/$id/raw" -T - -H 'Transfer-Encoding: chunked' \
    <"$WORK/new"
check "PUT takes a chunked body" equal "$STATUS" 200
http GET "/artifacts/$id/raw"
check "… whole" equal "$(body)" "chunked bytes"

http PUT "/artifacts/$id/raw"
check "PUT without a body, and without its length, is 411" is_error 411
http GET "/artifacts/$id/raw"
check "… and leaves the content" equal "$(body)" "chunked bytes"
http PUT "/artifacts/$id/raw" -T - -H 'Transfer-Encoding: chunked' </dev/null
check "a chunked body of no bytes is one" equal "$STATUS" 200
http GET "/artifacts/$id/raw"
check "… and empties the content" equal "$STATUS $(body)" "200 "
http PUT "/artifacts/$id/raw" -T "$WORK/new"
http PUT "/artifacts/$id/raw" -H 'Content-Length: 0'
check "so is a length of 0" equal "$STATUS" 200
http GET "/artifacts/$id/raw"
check "… which empties it, too" equal "$STATUS $(body)" "200 "
http PUT "/artifacts/$id/raw" --data-binary "@$WORK/new"
http GET "/artifacts/$id/raw"
check "what curl calls a form by itself has no type" equal \
    "$(header Content-Type) $(body)" "application/octet-stream chunked bytes"
http PUT "/artifacts/$id/raw" -F "file=@$WORK/new"
check "a form is no content" is_error 400
check "… and is told where to go" grep -q '/upload' "$WORK/body"
gzip -c "$WORK/new" >"$WORK/new.gz"
http PUT "/artifacts/$id/raw" -T "$WORK/new.gz" -H 'Content-Encoding: gzip'
check "a body that is compressed on its way is 415" is_error 415
check "… which says what to send" equal "$(header Accept-Encoding)" identity
http GET "/artifacts/$id/raw"
check "… and leaves the content" equal "$(body)" "chunked bytes"
http PUT "/artifacts/$id/raw" -T "$WORK/new" -H 'Content-Encoding: identity'
check "identity is no coding" equal "$STATUS" 200

# As Firefox and curl send the name of a file that ends in a backslash.
cp "$WORK/new" "$WORK/end\\"
http POST "/artifacts/$id/upload" -F "file=@$WORK/end\\"
check "a name ends in a backslash" equal "$STATUS" 200
http GET "/artifacts/$id/raw"
check "… and is given back" equal "$(header Content-Disposition)" \
    "attachment; filename=\"end_\"; filename*=UTF-8''end%5C"

http PUT "/artifacts/${id^^}" -d "{\"derived_from\":[\"${id^^}\"]}"
check "an id in capitals is the same" equal "$STATUS $(member artifact_id)" \
    "200 $id"
http GET "/artifacts/${id^^}"
check "… and is kept as it was sent" equal "$(member derived_from.0)" "${id^^}"
http PUT "/artifacts/$id" -d '{"title":"New","metadata":{"n":1.50}}'
check "PUT changes members" equal "$STATUS $(member status)" "200 updated"
http GET "/artifacts/$id"
check "… and numbers survive" grep -q '"metadata":{"n":1.50}' "$WORK/body"
etag=$(header ETag)
http PUT "/artifacts/$id" -H "If-Match: $etag" -d '{"title":"Newer"}'
check "If-Match of this state is 200" equal "$STATUS" 200
http PUT "/artifacts/$id" -H "If-Match: $etag" -d '{"title":"Newest"}'
check "If-Match of an old state is 412" is_error 412
http GET "/artifacts/$id"
check "… and changes nothing" equal "$(member title)" Newer

for try in 1 2; do
	http POST /artifacts -H 'Idempotency-Key: once' -F workflow_id=idem \
	    -F artifact_type=report -F "file=@$WORK/report.pdf"
	check "create $try with a key is 201" equal "$STATUS" 201
	[ "$try" = 1 ] && first=$(member id)
done
check "… and the same artifact" equal "$(member id)" "$first"
http POST /artifacts -H 'Idempotency-Key: once' -F workflow_id=idem \
    -F artifact_type=report -F "file=@$WORK/new"
check "another meaning is 422" is_error 422
http GET '/artifacts?workflow_id=idem'
check "… and there is one" equal "$(grep -o '"id"' "$WORK/body" | wc -l)" 1
http DELETE "/artifacts/$first"
http POST /artifacts -H 'Idempotency-Key: once' -F workflow_id=idem \
    -F artifact_type=report -F "file=@$WORK/report.pdf"
check "a repeat after DELETE says so" equal \
    "$STATUS $(member id) $(member status) $(header Location)" \
    "201 $first deleted "

digest=$(openssl dgst -sha256 -binary "$WORK/new" 2>/dev/null | base64)
[ -n "$digest" ] || digest=$(python3 -c 'import base64, hashlib, sys
print(base64.b64encode(hashlib.sha256(sys.stdin.buffer.read()).digest())
      .decode())' <"$WORK/new")
http PUT "/artifacts/$id/raw" --data-binary "@$WORK/new" \
    -H "Repr-Digest: sha-256=:$digest:"
check "a digest that matches is 200" equal "$STATUS" 200
http PUT "/artifacts/$id/raw" --data-binary "@$WORK/report.pdf" \
    -H "Repr-Digest: sha-256=:$digest:"
check "a digest that does not is 400" is_error 400
http GET "/artifacts/$id/raw"
check "… and stores nothing" cmp -s "$WORK/new" "$WORK/body"

http DELETE "/artifacts/${id:0:12}"
check "DELETE takes no prefix" is_error 404
http DELETE "/artifacts/$id"
check "DELETE of an artifact" equal "$STATUS $(member status)" "200 deleted"
http GET "/artifacts/$id"
check "… which is gone" is_error 404
http DELETE "/artifacts/$id"
check "… and stays so" is_error 404

# PREFIXES of a store that has nothing else: the exact words of a 409.
for ((i = 0; i < 120; i++)); do
	create "p$i"
done
python_checks - <<'PYTHON'
import collections

import e2e

client = e2e.Client()
ids = sorted(a["id"] for a in client.pages("/artifacts?limit=200"))
by_length = [collections.Counter(i[:n] for i in ids) for n in (1, 2)]
for counts in by_length:
    for prefix, count in sorted(counts.items()):
        status, answer = client.json("GET", f"/artifacts/{prefix}")
        if count == 1:
            is_right = status == 200 and answer["id"].startswith(prefix)
        else:
            n = min(count, 10)
            lines = [f"Ambiguous artifact ID '{prefix}' matches {n} entries:"]
            lines += [f"  - {i[:12]}..."
                      for i in ids if i.startswith(prefix)][:5]
            lines += [f"  ... and {n - 5} more"] if n > 5 else []
            lines += ["Provide a longer prefix to disambiguate."]
            is_right = (status, answer["detail"]) == (409, "\n".join(lines))
        if not is_right:
            break
    e2e.check(f"{len(counts)} prefixes are answered to the letter",
              is_right, prefix, count, answer)
PYTHON
finish
