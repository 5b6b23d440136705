#!/bin/sh
# SPDX-License-Identifier: ISC
#
# alerts.sh - are the rules of doc/alerts.yml sound, do they fire when they
# are to and only then (alerts.yml here), and are they of metrics that there
# are? Environment: TOP_SRCDIR.

if ! command -v promtool >/dev/null; then
	echo "promtool is not installed (Debian's package prometheus)"
	exit 77
fi
top=${TOP_SRCDIR:-$(dirname "$0")/..}
rules=$top/doc/alerts.yml
failed=0

# check TEXT COMMAND...
check()
{
	text=$1
	shift
	if said=$("$@" 2>&1); then
		echo "ok - $text"
	else
		echo "not ok - $text"
		printf '%s\n' "$said" | sed 's/^/# /'
		failed=1
	fi
}

# Each name has a row in metrics.def.
has_rows()
{
	for name in $(grep -o 'artifactd_[a-z_]*' "$rules" | sort -u); do
		grep -q "\"${name#artifactd_}\"" "$top/src/metrics.def" ||
		    { echo "there is no $name"; return 1; }
	done
}

six()
{
	[ "$(grep -c '^ *- alert: ' "$rules")" = 6 ]
}

check "the rules are sound" promtool check rules "$rules"
check "there are six" six
check "each is of a metric that there is" has_rows
check "they fire when they are to" promtool test rules "$top/tests/alerts.yml"
exit $failed
