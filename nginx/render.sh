#!/bin/sh
# SPDX-License-Identifier: ISC
#
# render.sh DIR NAME=VALUE... - fill in the templates beside this script.
#
# Each *.conf.in becomes DIR/*.conf with every @NAME@ replaced. The makefile
# runs this for "make install"; bootstrap and tests/e2e run it for their own
# nginx. NGINX_DIR is DIR unless it is given ("make install" gives the
# directory where the files will be). A name without a value is an error.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
[ $# -ge 1 ] || { echo "usage: render.sh DIR NAME=VALUE..." >&2; exit 2; }
directory=$1
shift
mkdir -p "$directory"
directory=$(cd "$directory" && pwd)

# Quote the values for sed's replacement, which ends at "|".
script=
for pair in "NGINX_DIR=$directory" PORT=8137 MAX_BODY=54m NGINX_WORKERS=2 \
    USER_LINE= "$@"; do
	value=$(printf '%s' "${pair#*=}" | sed 's/[\\&|]/\\&/g')
	# The last one wins, so it comes first.
	script="s|@${pair%%=*}@|$value|g
$script"
done

for template in "$here"/*.conf.in; do
	name=$(basename "$template" .in)
	sed "$script" "$template" >"$directory/$name.tmp"
	if grep -v '^[	 ]*#' "$directory/$name.tmp" |
	    grep -q '@[A-Z_][A-Z_]*@'; then
		# nginx.conf is of no use without a state directory.
		case $name in
		nginx.conf) rm -f "$directory/$name.tmp"; continue ;;
		esac
		echo "render.sh: $name: a name has no value:" >&2
		grep -n '@[A-Z_][A-Z_]*@' "$directory/$name.tmp" >&2
		exit 1
	fi
	mv "$directory/$name.tmp" "$directory/$name"
done

# The same locations for those who show that they may.
for way in token certificate request; do
	LOCATIONS=$directory "$here/locations.sh" $way \
	    >"$directory/artifactd-locations-$way.conf"
done
