#!/bin/bash
# SPDX-License-Identifier: ISC
#
# What depends on the state that a client or a cache knows, through nginx:
# Cache-Control in a server block that has caching of its own.
. "$(dirname "$0")/lib.sh"

nginx_render
# What a host may have at http level for its other sites.
sed -i "s|^http {|http {\n\texpires 1h;\n\tfastcgi_cache_path $WORK/cache \
keys_zone=others:1m;\n\tfastcgi_cache others;\n\tfastcgi_cache_key \
\$request_uri;\n\tfastcgi_cache_valid any 1h;|" "$WORK/nginx/nginx.conf"
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
finish
