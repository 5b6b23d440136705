#!/bin/bash
# SPDX-License-Identifier: ISC
#
# doc/openapi.json, as programs read it. Linters find no error in it. Clients
# that three generators make from it compile, strictly, and run each operation.
# ajv compares real answers with it: each operation, each status that it
# describes, and no other. tests/api/openapi has the requests and the
# comparison; this script starts the service, leaves it no room, and stops it.
# All tools are from npm.
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
	mkdir -p "$client" && rm -rf "$client/clients" &&
	    cp -R "$TOP_SRCDIR"/tests/api/openapi/. "$client/" || return
	cmp -s "$client/package-lock.json" "$client/.installed" && return
	(cd "$client" && timeout 900 npm ci --no-audit --no-fund \
	    --ignore-scripts >npm.log 2>&1 </dev/null) &&
	    cp "$client/package-lock.json" "$client/.installed"
}

# It takes two minutes, most of it for the generators and their compilers.
[ -n "${E2E_ALL-}" ] || skip "it runs with E2E_ALL=1, as in .ci/run"
command -v npm >/dev/null || skip "npm is not installed"
node -e 'const [major, minor] = process.versions.node.split(".").map(Number);
process.exit(major > 20 || (major === 20 && minor >= 19) ? 0 : 1)' ||
    skip "node is older than 20.19, which the linters want"
install_client ||
    skip "npm cannot install: $(tail -n 1 "$client/npm.log" 2>/dev/null)"

# tool PROGRAM ARGUMENT...: one of those installed, which asks nobody on the
# network; what it says is shown where it fails.
tool()
{
	(cd "$client/clients" && env NO_COLOR=1 REDOCLY_TELEMETRY=off \
	    REDOCLY_SUPPRESS_UPDATE_NOTICE=true \
	    DOCUMENT="$TOP_SRCDIR/doc/openapi.json" \
	    timeout 300 "$client/node_modules/.bin/$1" "${@:2}") \
	    >"$WORK/tool.log" 2>&1 </dev/null && return
	tail -n 40 "$WORK/tool.log" | sed 's/^/# /'
	false
}

# Of generated code nothing is kept in the source.
make_clients()
{
	local document=$TOP_SRCDIR/doc/openapi.json

	check "redocly finds no error" \
	    tool redocly lint --extends=recommended "$document"
	check "spectral finds no error" tool spectral lint \
	    --fail-severity=error --ruleset spectral.yaml "$document"
	check "openapi-typescript makes types" \
	    tool openapi-typescript "$document" -o generated/schema.d.ts
	check "hey-api makes a client" tool openapi-ts -f hey.config.mjs
	check "orval makes a client" tool orval --config orval.config.mjs
	check "all of it is strict TypeScript" tool tsc -p .
}

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
make_clients
for program in fetch hey orval; do
	client_checks env PORT="$PORT" node "$client/clients/built/$program.js"
done
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
