#!/bin/sh
# SPDX-License-Identifier: ISC
#
# locations.sh WAY [PREFIX] - artifactd's locations, for a server block.
#
# WAY is who may ask: "everybody", or who shows a "token" or a "certificate",
# or whom another service lets in ("request"): artifactd-auth-WAY.conf says
# what each wants beside it. With PREFIX ("/store") they answer below that
# path, and so do the URLs in their answers. What it prints is to be included
# in a server block, and made again after an upgrade:
#
#	locations.sh token /store >/etc/nginx/artifactd-store.conf
#
# The files of a release are made by this script too, by render.sh.
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
# artifactd takes no others: these need no encoding in a URL.
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
    # What that file says of itself.
    NR == 1 { is_head = 1 }
    is_head { is_head = $0 != ""; next }
    # Of the paths of artifactd each has the prefix; what is internal has not.
    /^location (=|\^~) / && $3 !~ /^\/\.artifactd/ { sub(/ \//, " " prefix "/") }
    # Each location passes by one file. What it passes by comes after who may.
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
