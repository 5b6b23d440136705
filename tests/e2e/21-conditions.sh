#!/bin/bash
# SPDX-License-Identifier: ISC
#
# Answers that depend on the state that a client or a cache has, through nginx:
# Cache-Control on a host that has caching of its own, conditions, and ranges.
. "$(dirname "$0")/lib.sh"

nginx_render
# What a host may have at http level for its other sites.
sed -i "s|^http {|http {\n\texpires 1h;\n\tfastcgi_cache_path $WORK/cache \
keys_zone=others:1m;\n\tfastcgi_cache others;\n\tfastcgi_cache_key \
\$request_uri;\n\tfastcgi_cache_valid any 1h;|" "$WORK/nginx/nginx.conf"
make_store
daemon_start
nginx_start
wait_ready || fail "it starts"

# ---- caches

create
for base in "" /api/v1; do
	for path in /artifacts "/artifacts/$ID" "/artifacts/$ID/content" \
	    "/artifacts/$ID/raw" /artifacts/none; do
		http GET "$base$path"
		first=$STATUS
		http HEAD "$base$path"
		check "$base$path is asked for again each time" equal \
		    "$first $STATUS $(header Cache-Control)$(header Expires)" \
		    "$STATUS $first no-cache"
	done
	http PUT "/artifacts/$ID/raw" --data-binary "new$base"
	for path in "/artifacts/$ID/raw" "/artifacts/$ID/content"; do
		http GET "$base$path"
		check "$base$path is the new content" \
		    grep -q "new$base" "$WORK/body"
	done
	etag=$(http GET "$base/artifacts/$ID/raw"; header ETag)
	http GET "$base/artifacts/$ID/raw" -H "If-None-Match: $etag"
	check "… and 304 says no-cache too" equal \
	    "$STATUS $(header Cache-Control)" "304 no-cache"
	http GET "$base/artifacts/$ID/raw" -H "Range: bytes=0-0"
	check "… and 206" equal "$STATUS $(header Cache-Control)" "206 no-cache"
done
http GET /.artifactd-error
check "nginx's own 404 as well" equal "$STATUS $(header Cache-Control)" \
    "404 no-cache"

# ---- two parts of one file, and a change in between

for base in "" /api/v1; do
	create
	raw=$base/artifacts/$ID/raw
	head -c 200000 /dev/zero | tr '\0' a >"$WORK/old"
	head -c 200000 /dev/zero | tr '\0' b >"$WORK/new"
	http PUT "$raw" -T "$WORK/old"
	http GET "$raw" -r 0-99999
	check "$base: the first half" equal "$STATUS" 206
	etag=$(header ETag)
	http PUT "$raw" -T "$WORK/new" -H 'If-None-Match: *'
	check "… is not replaced by who wants nothing there" is_error 412
	http PUT "$raw" -T "$WORK/new" -H "If-Match: $etag"
	check "… is replaced by who names its own tag" equal "$STATUS" 200
	http GET "$raw" -r 100000- -H "If-Match: $etag"
	check "… and the second half is not of another file" is_error 412
	http GET "$raw" -r 900000- -H "If-Match: $etag"
	check "… nor 416" is_error 412
	http GET "$raw" -r 100000- -H "If-Range: $etag"
	check "… and If-Range gets all of the new one" \
	    equal "$STATUS $(wc -c <"$WORK/body")" "200 200000"
	http PUT "$raw" -T "$WORK/old" -H "If-Match: $etag"
	check "an old tag replaces nothing" is_error 412
	http PUT "$raw" -T "$WORK/old" \
	    -H 'If-Unmodified-Since: Thu, 01 Jan 1970 00:00:00 GMT'
	check "nor does an old date" is_error 412
	http DELETE "$base/artifacts/$ID" \
	    -H 'If-Unmodified-Since: Thu, 01 Jan 1970 00:00:00 GMT'
	check "which cannot guard a record" is_error 400
	http GET "$raw"
	check "… and all is as it was" cmp -s "$WORK/new" "$WORK/body"
done

# ---- dates

create
for _ in {1..40}; do
	http HEAD "/artifacts/$ID/raw"
	date=$(header Last-Modified)
	[ -z "$date" ] || break
	sleep 0.1
done
check "a date is said when its second is over" [ -n "$date" ]
http GET "/artifacts/$ID/raw" -H "If-Modified-Since: $date"
check "… and is 304 then" equal "$STATUS" 304
http PUT "/artifacts/$ID/raw" --data-binary one
http GET "/artifacts/$ID/raw" -H "If-Modified-Since: $date"
check "… and not when there is something new" equal "$STATUS $(body)" "200 one"
same=
for _ in {1..20}; do
	http PUT "/artifacts/$ID/raw" --data-binary first
	http HEAD "/artifacts/$ID/raw"
	date=$(header Last-Modified)
	http PUT "/artifacts/$ID/raw" --data-binary second
	[ -z "$date" ] || {
		http GET "/artifacts/$ID/raw" -H "If-Modified-Since: $date"
		[ "$STATUS" = 200 ] || same=$date
	}
done
check "no date is that of two contents" equal "$same" ""
finish
