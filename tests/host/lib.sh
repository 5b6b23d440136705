# SPDX-License-Identifier: ISC
# shellcheck shell=sh
#
# lib.sh - included by the scripts here: a directory of their own, $work, and
# checks; a script ends with "exit $failed".

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
