#!/bin/sh
# SPDX-License-Identifier: ISC
#
# units.sh - check that the systemd units are sound; that services are exposed
# to no more than 0.3 of 10 (0.9 for the one that talks to nginx); that they
# can run only the programs that they need; that each setting has its reason
# above it; and that no timer is on by default.
#
# The units are installed into a directory, with the paths of the programs
# there, since systemd-analyze verify looks for them. Runs in a build
# directory. Environment: TOP_SRCDIR.

if ! command -v systemd-analyze >/dev/null; then
	echo "systemd-analyze is not installed"
	exit 77
fi
. "$(dirname "$0")/lib.sh"
root=$work

# A setting has a reason if a comment is right above it, or above the block of
# lines in which it is. A setting below an empty line has none.
has_reasons()
{
	awk '/^\[/ { in_service = $0 == "[Service]" }
	    /^$/ { reason = 0 }
	    /^#/ { reason = 1 }
	    /^[A-Z]/ && in_service && !reason && !/^(Type|ExecStart)=/ {
		    print; bad = 1 }
	    END { exit bad }' "$1"
}

# words SETTING UNIT: print all words that the setting lists, sorted.
words()
{
	sed -n "s/^$1=//p" "$2" | tr ' ' '\n' | sort
}

# runs_only UNIT PROGRAM...: the unit can run only these programs, with the
# libraries of the system, which are read-only, and nothing from a place where
# it can write.
runs_only()
{
	unit=$1
	shift

	# A host other than Debian has other directories of libraries.
	allowed=$(words ExecPaths "$unit" |
	    grep -vxE -e '/usr/lib/[a-z0-9_]+-linux-[a-z0-9]+|/usr/lib' \
	    -e '-(/usr)?/lib64|-/lib(/[a-z0-9_]+-linux-[a-z0-9]+)?' \
	    -e '-/usr/local/lib')
	echo "runs: $allowed"
	[ "$allowed" = "$(printf '%s\n' "$@" | sort)" ] || return
	words BindReadOnlyPaths "$unit" >"$root/read_only"
	words ExecPaths "$unit" | diff - "$root/read_only" || return
	grep '^/usr/lib' "$root/read_only" || return

	closed=$(words NoExecPaths "$unit" | sed 's|^/.*/lib/|state/|' | sort)
	echo "runs nothing from: $closed"
	[ "$closed" = "$({ printf '%s\n' / /dev /run /tmp /var/tmp
	    words StateDirectory "$unit" | sed 's|^|state/|'; } | sort)" ] ||
	    return
	grep -x 'SystemCallFilter=~memfd_create' "$unit"
}

# is_exposed UNIT: its exposure is the one that doctor gives for the unit as
# shipped.
is_exposed()
{
	exposure=$(sed -n 's/^#define EXPOSURE //p' \
	    "${TOP_SRCDIR:-..}/src/tool/doctor/host.c")
	systemd-analyze security --offline=true "$1" |
	    grep "exposure level for artifactd.service: $exposure "
}

env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL make -s install DESTDIR="$root" \
    >"$root/said" 2>&1 || { cat "$root/said"; exit 1; }
units=$(dirname "$(find "$root" -name artifactd.service)")
for program in sbin/artifactd bin/artifactctl; do
	place=$(find "$root" -path "*/$program" -type f)
	sed -i "s|=[^ ]*/$program|=$place|" "$units"/*.service
done
artifactd=$(find "$root" -path "*/sbin/artifactd" -type f)
artifactctl=$(find "$root" -path "*/bin/artifactctl" -type f)
export SYSTEMD_UNIT_PATH="$units:"
for unit in "$units"/artifactd*; do
	name=$(basename "$unit")
	[ ! -L "$unit" ] || continue # drop-ins, see below
	check "$name is sound" systemd-analyze verify --man=no "$unit"
	case $name in
	*.service) ;;
	*) continue ;;
	esac
	# In tenths.
	case $name in
	artifactd-retention.service) most=9 ;;
	*) most=3 ;;
	esac
	check "... exposed to $most tenths at most" systemd-analyze security \
	    --offline=true --threshold=$most "$unit"
	[ "$name" != artifactd.service ] ||
	    check "... to as much as artifactctl doctor says" is_exposed "$unit"
	case $name in
	artifactd.service) programs="$artifactd /bin/kill" ;;
	*) programs=$artifactctl ;;
	esac
	# shellcheck disable=SC2086 # words
	check "... may run its own program only" runs_only "$unit" $programs
	check "... each setting has its reason" has_reasons "$unit"
done
# One drop-in serves all units that open the store. A key that systemd does not
# know shows which units read it.
has_drop_in()
{
	link=$units/$1.d
	target=$(readlink "$link")
	echo "$target"
	case $target in
	*/artifactd/service.d) ;;
	*) return 1 ;;
	esac
	mkdir -p "$root/drop-ins" && ln -sfn "$root/drop-ins" "$link" &&
	    printf '[Service]\nOfState=1\nReadWritePaths=/srv\n' \
	    >"$root/drop-ins/state_dir.conf" &&
	    systemd-analyze verify --man=no "$units/$1" 2>&1 |
	    grep OfState
}
for name in artifactd artifactd-check artifactd-backup; do
	check "$name.service has the drop-in of all" has_drop_in $name.service
done
check "... and retention, which is a client, has not" \
    test ! -e "$units/artifactd-retention.service.d"
check "nothing is installed as enabled" \
    test -z "$(find "$root" -name '*.wants' -o -name '*.requires')"
exit $failed
