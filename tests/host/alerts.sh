#!/bin/sh
# SPDX-License-Identifier: ISC
#
# alerts.sh - check that the rules of doc/alerts.yml are sound, that they fire
# when they should and only then (alerts.yml here), and that they and
# doc/dashboard.json use metrics that exist. Environment: TOP_SRCDIR.

if ! command -v promtool >/dev/null; then
	echo "promtool is not installed (Debian's package prometheus)"
	exit 77
fi
top=${TOP_SRCDIR:-$(dirname "$0")/../..}
rules=$top/doc/alerts.yml
. "$(dirname "$0")/lib.sh"

# has_rows FILE: each metric in FILE has a row in base/metrics.def, or is a
# figure of the store. A histogram has three more names.
has_rows()
{
	for name in $(grep -o 'artifactd_[a-z_]*' "$1" | sort -u); do
		plain=$(printf '%s\n' "${name#artifactd_}" |
		    sed 's/_bucket$//; s/_sum$//; s/_count$//')
		grep -q "\"$plain\"" "$top/src/base/metrics.def" ||
		    grep -q "{ \"${plain#store_}\"" \
			"$top/src/store/lmdb/figures.c" ||
		    { echo "there is no $name"; return 1; }
	done
}

ten()
{
	[ "$(grep -c '^ *- alert: ' "$rules")" = 10 ]
}

# Prometheus can read the expression of each panel of the dashboard.
dashboard_is_sound()
{
	python3 - "$top/doc/dashboard.json" <<-'PYTHON' >"$expressions"
	import json, sys
	board = json.load(open(sys.argv[1]))
	asked = [target["expr"] for panel in board["panels"]
	         for target in panel["targets"]]
	ids = [panel["id"] for panel in board["panels"]]
	assert len(ids) == len(set(ids)) and len(asked) >= 12, ids
	assert all(panel["title"] and panel["description"]
	           for panel in board["panels"])
	print("groups:\n  - name: dashboard\n    rules:")
	for number, text in enumerate(asked):
	    text = text.replace("$__rate_interval", "5m")
	    print(f"      - record: panel:{number}\n        expr: {json.dumps(text)}")
	PYTHON
	promtool check rules "$expressions"
}

check "the rules are sound" promtool check rules "$rules"
check "there are ten" ten
check "each is of a metric that there is" has_rows "$rules"
expressions=$(mktemp) || exit 1
trap 'rm -f "$expressions"' EXIT
check "the dashboard is sound" dashboard_is_sound
check "... and of metrics that there are" has_rows "$top/doc/dashboard.json"
check "they fire when they are to" promtool test rules "$top/tests/host/alerts.yml"
exit $failed
