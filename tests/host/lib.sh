# SPDX-License-Identifier: ISC
# shellcheck shell=sh
#
# lib.sh - what the scripts here begin with: a directory of their own, $work,
# and checks, the last of which is "exit $failed".

work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
failed=0

# check TEXT COMMAND...
check()
{
	text=$1
	shift
	if "$@" >"$work/said" 2>&1; then
		echo "ok - $text"
	else
		echo "not ok - $text"
		sed 's/^/# /' "$work/said"
		failed=1
	fi
}
