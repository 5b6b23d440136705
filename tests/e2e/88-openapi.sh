#!/bin/bash
# SPDX-License-Identifier: ISC
#
# Real answers against doc/openapi.json, with ajv from npm: each operation,
# each status that it describes, and none that it does not. What is asked
# and judged is in tests/openapi; here it is started, starved and stopped.
. "$(dirname "$0")/lib.sh"

client=$(dirname "$(realpath "$ARTIFACTD")")/openapi-client

skip()
{
	echo "$*"
	exit 77
}

# Installed into the build directory, once for each package-lock.json.
install_client()
{
	mkdir -p "$client" && cp "$TOP_SRCDIR"/tests/openapi/* "$client/" ||
	    return
	cmp -s "$client/package-lock.json" "$client/.installed" && return
	(cd "$client" && timeout 300 npm ci --no-audit --no-fund \
	    --ignore-scripts >npm.log 2>&1 </dev/null) &&
	    cp "$client/package-lock.json" "$client/.installed"
}

command -v npm >/dev/null || skip "npm is not installed"
install_client ||
    skip "npm cannot install ajv: $(tail -n 1 "$client/npm.log" 2>/dev/null)"

# phase NAME
phase()
{
	client_checks env PORT="$PORT" SEEN="$WORK/seen" \
	    DOCUMENT="$TOP_SRCDIR/doc/openapi.json" \
	    node "$client/run.js" "$1"
}

SETTINGS+=(max_content=100000 max_json=60000)
nginx_render
# So that the phase "late" takes a second.
sed -i 's/^fastcgi_read_timeout .*/fastcgi_read_timeout 2s;/' \
    "$WORK/nginx/artifactd-pass.conf"
make_store
daemon_start
nginx_start
wait_ready
phase serve
mv "$WORK/nginx-tmp/body" "$WORK/nginx-tmp/gone"
phase broken
mv "$WORK/nginx-tmp/gone" "$WORK/nginx-tmp/body"
phase busy
for worker in $(children_of "$DAEMON"); do
	kill -STOP "$worker"
done
phase late
for worker in $(children_of "$DAEMON"); do
	kill -CONT "$worker"
done
wait_ready
daemon_stop
phase down
# data.mdb cannot grow: as on a disk that is full to the last byte.
ulimit -S -f $(($(stat -c %s "$STORE/data.mdb") / 1024 + 1024))
daemon_start
ulimit -S -f unlimited
# It is alive, and says for good that it is not ready.
for _ in {1..300}; do
	http GET /healthz
	[ "$STATUS" = 200 ] && break
	sleep 0.05
done
phase full
phase coverage
finish
