#!/bin/bash
# SPDX-License-Identifier: ISC
#
# The five endpoints of the original API, used as people use them with curl.
. "$(dirname "$0")/lib.sh"

start

for base in "" /api/v1; do
	w=w${base//\//-}
	http GET "$base/artifacts?workflow_id=$w"
	check "$base: an empty list" equal "$STATUS $(body)" "200 []"
	http POST "$base/artifacts" -d '{"workflow_id":"'"$w"'",
	    "phase_id":null,"artifact_type":"Plan","title":"One",
	    "content":"# One\n"}'
	check "$base: create answers 201" equal "$STATUS" 201
	check "… with the type in lower case" \
	    equal "$(member artifact_type)" plan
	check "… and its status" equal "$(member status)" created
	id=$(member id)
	check "… and a Location" \
	    equal "$(header Location)" "$base/artifacts/$id"
	for length in 8 12 36; do
		http GET "$base/artifacts/${id:0:$length}"
		check "$base: detail by $length characters" \
		    equal "$STATUS $(member id)" "200 $id"
	done
	check "… has the content" equal "$(member content)" "# One"
	check "… has null for no phase" equal "$(member phase_id)" null
	http GET "$base/artifacts/$id?include_content=false"
	check "$base: detail without content" equal "$(member content)" null
	http GET "$base/artifacts/$id/content"
	check "$base: content" equal "$STATUS $(member size_bytes)" "200 6"
	printf 'a\0b\377' >"$WORK/binary"
	http POST "$base/artifacts/$id/upload" -F "file=@$WORK/binary"
	check "$base: upload" equal "$STATUS $(member status)" "200 uploaded"
	url=$(member storage_url)
	check "… names its URL" equal "$url" "$base/artifacts/$id/raw"
	http GET "$url"
	check "… which answers with the bytes" \
	    cmp -s "$WORK/binary" "$WORK/body"
	http GET "$base/artifacts/$id"
	check "… and the detail has their hash" equal \
	    "$(member content_hash)" \
	    "$(sha256sum "$WORK/binary" | cut -d ' ' -f 1)"
	http GET "$base/artifacts?workflow_id=$w"
	check "$base: the list has it" equal "$(member 0.id)" "$id"
	check "… with its new size" equal "$(member 0.size_bytes)" 4
done

http GET "/artifacts?workflow_id=w-api-v1"
check "both base paths are one store" equal "$(member 0.id)" "$id"

http GET /artifacts/no-such
check "an unknown id is 404" is_error 404
check "… and is named" \
    equal "$(member detail)" "Artifact not found: no-such"
http POST /artifacts/no-such/upload -F "file=@$WORK/binary"
check "an upload to an unknown id is 404" is_error 404
http POST /artifacts -d '{"workflow_id":1}'
check "wrong types are 422" is_error 422
check "… all of them" equal "$(member detail.3.loc)" '["body", "content"]'
http POST /artifacts -d '{"workflow_id":'
check "broken JSON is 422" is_error 422
http POST /artifacts -d ''
check "an empty body is 422" is_error 422
http GET '/artifacts?limit=0'
check "a limit of 0 is 422" is_error 422
http DELETE /artifacts
check "another method is 405" is_error 405
check "… with Allow" [ -n "$(header Allow)" ]
http GET /nothing
check "another path is 404" is_error 404
http GET /artifacts/
check "a slash too many is 307" equal "$STATUS" 307
check "… to the path without" equal "$(header Location)" /artifacts
http GET /api/v1/health
check "health is what clients look for" \
    equal "$(body)" '{"status":"healthy","mode":"full"}'
http GET /openapi.json
check "the API's description" equal "$(member openapi | cut -c 1-4)" 3.1.
finish
