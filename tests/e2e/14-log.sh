#!/bin/bash
# SPDX-License-Identifier: ISC
#
# What the logs say of a request: who asked, from where, why it was refused,
# and what it changed; and nginx's own answers in the access log.
. "$(dirname "$0")/lib.sh"

nginx_render
guarded=$(free_port)
cat >"$WORK/nginx/artifactd-server.conf.more" <<END
map \$http_authorization \$artifactd_token_user {
	default         "";
	"Bearer ann"    "ann";
	"Bearer odd"    "odd user=root";
}
server {
	listen 127.0.0.1:$guarded;
	include $WORK/nginx/artifactd-locations-token.conf;
}
END
cat "$WORK/nginx/artifactd-server.conf.more" \
    >>"$WORK/nginx/artifactd-server.conf"
make_store
daemon_start
nginx_start || fail "nginx starts"
check "artifactd starts" wait_ready
everybody=$URL

# as TOKEN: the next requests are of this user; "": of nobody.
as()
{
	URL=$everybody
	AS=()
	if [ -n "$1" ]; then
		URL=http://127.0.0.1:$guarded
		AS=(-H "Authorization: Bearer $1")
	fi
}

# ask ID METHOD PATH [CURL ARGUMENT...]
ask()
{
	local id=$1
	shift

	http "$@" "${AS[@]}" -H "X-Request-ID: $id"
}

# said ID REGEX: the only line about the request, without role and pid, is this.
said()
{
	grep "request=$1 " "$DAEMON_LOG" | sed 's/ role=worker pid=[0-9]*//' \
	    >"$WORK/said"
	grep -qxE -e "$2" "$WORK/said" && [ "$(wc -l <"$WORK/said")" = 1 ] ||
	    { sed 's/^/# /' "$WORK/said"; false; }
}

# ---- refused requests

as ""
ask refused-nobody GET /artifacts/none
check "a refused request says why, from where, and that nobody asked" \
    said refused-nobody '<6>event=request_refused request=refused-nobody status=404 address=127\.0\.0\.1 user="" detail="Artifact not found: none" method=GET target=/artifacts/none'
ask refused-fault POST /artifacts -d '{"workflow_id":"w","zzz":1}'
check "… of faults the first" said refused-fault \
    '<6>event=request_refused .* status=422 .* detail="body\.[a-z_]+: [^"]* \(the first of [0-9]+\)" method=POST target=/artifacts'
as ann
ask refused-ann GET /artifacts/none
check "… and who" said refused-ann \
    '<6>event=request_refused .* address=127\.0\.0\.1 user=ann detail=.*'
as odd
ask refused-odd GET '/artifacts/x%0a%22%20user=ann'
check "names and words forge no field" said refused-odd \
    '<6>event=request_refused .* user="odd user=root" detail="Artifact not found: x\\x0a\\x22 user=ann" method=GET target=.*'
as ""
ask refused-long GET "/artifacts/$(printf '%%c3%%a9%.0s' {1..300})"
check "a long sentence is cut before method and target" said refused-long \
    '<6>event=request_refused .* detail="Artifact not found: (\\x[0-9a-f]{2})+" method=GET target=.*'
check "… to 200 bytes" [ "$(grep -o 'detail="[^"]*"' "$WORK/said" |
    grep -o '\\x' | wc -l)" -le 180 ]
ask refused-header GET /artifacts/none -H 'Artifactd-Address: 192.0.2.1' \
    -H 'Remote-User: root' -H 'Artifactd_Address: 192.0.2.1'
check "no header is taken for an address or a user" said refused-header \
    '<6>.* address=127\.0\.0\.1 user="" detail=.*'

# ---- changes

as ann
ask made-create POST /artifacts \
    -d '{"workflow_id":"w","artifact_type":"t","title":"t","content":"c"}'
ID=$(member id)
ask made-update PUT "/artifacts/$ID" -d '{"title":"other"}'
check "an update says who changed what" said made-update \
    "<5>event=artifact_updated request=made-update artifact=$ID address=127\.0\.0\.1 user=ann"
ask made-raw PUT "/artifacts/$ID/raw" --data-binary new
check "new content does" said made-raw \
    "<5>event=content_replaced request=made-raw artifact=$ID address=127\.0\.0\.1 user=ann"
printf x >"$WORK/file"
ask made-upload POST "/artifacts/$ID/upload" -F "file=@$WORK/file"
check "an upload does" said made-upload \
    "<5>event=content_replaced request=made-upload artifact=$ID .* user=ann"
for word in "PUT /artifacts/$ID -d {\"title\":\"x\"}" "DELETE /artifacts/$ID" \
    "PUT /artifacts/$ID/raw --data-binary x"; do
	# shellcheck disable=SC2086 # these are words
	ask not-made-1 $word -H 'If-Match: "0"'
	check "what was refused is no change (${word%% *})" equal "$STATUS" 412
done
check "… in no line" equal "$(grep request=not-made-1 "$DAEMON_LOG" |
    grep -c '<5>')" 0
as odd
ask made-delete DELETE "/artifacts/$ID"
check "a delete says who" said made-delete \
    "<5>event=artifact_deleted request=made-delete artifact=$ID address=127\.0\.0\.1 user=\"odd user=root\""
ask made-nothing DELETE "/artifacts/$ID"
check "a delete of what is not there is none" said made-nothing \
    '<6>event=request_refused .* status=404 .*'
as ""
ask made-nobody POST /artifacts \
    -d '{"workflow_id":"w","artifact_type":"t","title":"t","content":"c"}'
ID=$(member id)
check "a create has no line" \
    equal "$(grep -c request=made-nobody "$DAEMON_LOG")" 0
"$ARTIFACTCTL" --url "$URL" rm --yes "$ID" >/dev/null 2>"$WORK/rm"
check "artifactctl rm deletes it" equal "$?" 0
check "… and the log says so" grep -q \
    "^<5>event=artifact_deleted .* artifact=$ID address=127\.0\.0\.1 user=\"\"\$" \
    "$DAEMON_LOG"

# ---- nginx's own answers

# logged ID REGEX: the access log has this one line about the request.
logged()
{
	grep " $1\$" "$WORK/nginx-access.log" >"$WORK/said"
	grep -qxE -e "$2" "$WORK/said" && [ "$(wc -l <"$WORK/said")" = 1 ] ||
	    { sed 's/^/# /' "$WORK/said"; false; }
}

time='\[[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}[+-][0-9]{2}:[0-9]{2}\]'
as nobody
ask logged-401 GET /artifacts
check "nginx refuses an unknown token" equal "$STATUS" 401
check "… and logs it with its id" logged logged-401 \
    "127\.0\.0\.1 \"\" $time \"GET /artifacts HTTP/1\.1\" 401 [0-9]+ [0-9.]+ logged-401"
as ann
ask logged-200 GET /artifacts
check "a user's request is logged with the user" logged logged-200 \
    "127\.0\.0\.1 \"ann\" $time \"GET /artifacts HTTP/1\.1\" 200 [0-9]+ [0-9.]+ logged-200"
daemon_stop
as ""
ask logged-502 GET /artifacts
check "nginx's 502 is logged with its id" logged logged-502 \
    "127\.0\.0\.1 \"\" $time \"GET /artifacts HTTP/1\.1\" 502 [0-9]+ [0-9.]+ logged-502"
finish
