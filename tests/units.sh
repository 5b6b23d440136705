#!/bin/sh
# SPDX-License-Identifier: ISC
#
# units.sh - are the systemd units sound, is the service exposed to no more
# than 0.3 of 10, and does each of its settings have its reason above it?
#
# As installed, but with the program where it was put, which verify wants to
# find. Runs in a build directory. Environment: TOP_SRCDIR.

if ! command -v systemd-analyze >/dev/null; then
	echo "systemd-analyze is not installed"
	exit 77
fi
root=$(mktemp -d) || exit 1
trap 'rm -rf "$root"' EXIT
failed=0

# check TEXT COMMAND...
check()
{
	text=$1
	shift
	if "$@" >"$root/said" 2>&1; then
		echo "ok - $text"
	else
		echo "not ok - $text"
		sed 's/^/# /' "$root/said"
		failed=1
	fi
}

# A comment, or a line right below one, or one of a block that has one: what
# stands alone below an empty line gives no reason.
has_reasons()
{
	awk '/^\[/ { in_service = $0 == "[Service]" }
	    /^$/ { reason = 0 }
	    /^#/ { reason = 1 }
	    /^[A-Z]/ && in_service && !reason && !/^(Type|ExecStart)=/ {
		    print; bad = 1 }
	    END { exit bad }' "$1"
}

env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL make -s install DESTDIR="$root" \
    >"$root/said" 2>&1 || { cat "$root/said"; exit 1; }
unit=$(find "$root" -name artifactd.service)
units=$(dirname "$unit")
program=$(find "$root" -name artifactd -path '*sbin*')
sed -i "s|=[^ ]*/sbin/artifactd|=$program|" "$unit"
export SYSTEMD_UNIT_PATH="$units:"
check "the units are sound" \
    systemd-analyze verify --man=no "$unit" "$units/artifactd.socket"
# The threshold is in tenths: 3 is 0.3.
check "the service is exposed to 0.3 at most" \
    systemd-analyze security --offline=true --threshold=3 "$unit"
check "each setting has its reason" has_reasons "$unit"
exit $failed
