#!/bin/bash
# SPDX-License-Identifier: ISC
#
# The cases of tests/api/contract, at both base paths and with several
# configurations.
. "$(dirname "$0")/lib.sh"

# cases CONFIG BASE-PATH: each that fails is told.
cases()
{
	local before=$COUNT line

	while IFS= read -r line; do
		case $line in
		FAIL*) fail "${line#FAIL }" ;;
		*" passed, 0 failed") pass "$1 at $2/: $line" ;;
		*) echo "# $line" ;;
		esac
	done < <(PYTHONDONTWRITEBYTECODE=1 python3 \
	    "$TOP_SRCDIR/tests/api/contract/run.py" --base "$URL$2" \
	    --config "$1" 2>&1 || true)
	[ "$COUNT" != "$before" ] || fail "$1 at $2/: the cases run"
}

start
cases default ""
cases default /api/v1
http GET /readyz
check "and it is ready still" equal "$STATUS" 200
check "no process died" equal "$(grep -cE 'signal=|core' "$DAEMON_LOG")" 0

while read -r config setting; do
	daemon_stop
	read -ra settings <<<"$setting"
	daemon_start "${settings[@]}"
	wait_ready
	cases "$config" ""
	cases "$config" /api/v1
done <<'END'
types artifact_types=plan,code,analysis_report
small max_content=1000 max_json=2000
public public_url=https://store.example/base
END
finish
