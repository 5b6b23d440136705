#!/bin/sh
# SPDX-License-Identifier: ISC
#
# locations.sh WAY [PREFIX] - print artifactd's locations, for a server block.
#
# WAY says who may ask: "everybody", clients with a "token" or a "certificate",
# or clients whom another service lets in ("request"). artifactd-auth-WAY.conf
# says what else nginx needs for each. With PREFIX ("/store") the locations are
# below that path, and URLs in answers begin with it. Include the output in a
# server block, and make it again after an upgrade:
#
#	locations.sh token /store >/etc/nginx/artifactd-store.conf
#
# render.sh makes the files of a release with this script too.
set -eu

usage()
{
	echo "usage: locations.sh everybody|token|certificate|request [PREFIX]" >&2
	exit 2
}

[ $# -ge 1 ] && [ $# -le 2 ] || usage
way=$1
prefix=${2-}
from=${LOCATIONS-$(cd "$(dirname "$0")" && pwd)}
case $way in
everybody | token | certificate | request) ;;
*) usage ;;
esac
# artifactd takes only these characters, which need no encoding in a URL.
case $prefix in
'') ;;
*[!A-Za-z0-9._~/-]* | *//* | */ | [!/]*)
	echo "locations.sh: PREFIX has to be like /store or /a/b, of" \
	    "letters, digits and any of -._~" >&2
	exit 2
	;;
esac

echo "# Made by: locations.sh $way $prefix"
awk -v way="$way" -v prefix="$prefix" '
    # Leave out the comment at the top of the file.
    NR == 1 { is_head = 1 }
    is_head { is_head = $0 != ""; next }
    # Put the prefix before each path of artifactd, not before internal paths.
    /^location (=|\^~) / && $3 !~ /^\/\.artifactd/ { sub(/ \//, " " prefix "/") }
    # Each location includes one of these files; put the guard before it.
    /^\t+include ".*\/artifactd-(plain|gzip|service|metrics)\.conf";$/ {
	    indent = $0
	    sub(/include.*/, "", indent)
	    directory = $2
	    sub(/artifactd-[a-z]*\.conf";$/, "", directory)
	    if (prefix != "")
		    printf "%sfastcgi_param ARTIFACTD_PREFIX \"%s\";\n",
			indent, prefix
	    if (way != "everybody")
		    printf "%sinclude %sartifactd-auth-%s.conf\";\n",
			indent, directory, way
	    passes++
    }
    { print }
    END {
	    if (way == "request")
		    printf "\ninclude %sartifactd-auth-location.conf\";\n",
			directory
	    exit passes == 0
    }' "$from/artifactd-locations.conf"
