#!/bin/sh
# SPDX-License-Identifier: ISC
#
# boundaries.sh - check which folder of src/ includes which, which headers of a
# folder others include, and which folder uses a library. Check also that the
# documents have the numbers to which comments refer.
#
# The argument is a source tree (default: $TOP_SRCDIR, or the tree around this
# script). Started in a build directory, the script also reads the libraries of
# the folders there, since a call needs no include. It prints a sentence for each
# fault, and then fails.

symbols=$(mktemp) && trap 'rm -f "$symbols"' EXIT || exit 1
! ls lib*.a >/dev/null 2>&1 || nm -A lib*.a >"$symbols" 2>/dev/null
cd "${1:-${TOP_SRCDIR:-$(dirname "$0")/..}}" || exit 1

# A rule, or a section, by its number: "doc/rules.md 14", "doc/design.md 1.5".
failed=$(grep -rohE 'doc/(rules|design|contract)\.md [0-9]+(\.[0-9]+)?' \
    src tests doc README nginx systemd | sort -u |
    while read -r document number; do
	grep -qE "^(\*\*|- \*\*|## )$number(\. | )" "$document" ||
	    echo "$document has no $number, which is referred to"
    done)
[ -z "$failed" ] || echo "$failed"

# shellcheck disable=SC2046 # no name has a space
awk -f - $(find src -name '*.[ch]' | sort) SYMBOLS=yes "$symbols" <<'END'
# A folder; those that it may include from; its headers for them (*: all).
function folder(name, below, public)
{
	may[name] = " " name " " below " "
	shows[name] = " " public " "
}

# A header of a library, and the only files that include it.
function door(header, files)
{
	opens[header] = files
}

BEGIN {
	engines = "store store/lmdb store/proxy model protocol base"
	folder("base", "", "*")
	folder("config", "base", "config.h note.h")
	folder("protocol", "base", "*")
	folder("model", "base protocol", "*")
	folder("store", "base model", "store.h engine.h")
	folder("store/lmdb", "store model base", "lmdb.h upkeep.h")
	folder("store/proxy", "store model base", "proxy.h wire.h")
	folder("api", "store model protocol config base", \
	    "request.h response.h router.h")
	folder("daemon", "api config " engines, "")
	folder("tool", "config " engines, "*")
	folder("tool/client", "tool config " engines, \
	    "file.h http.h http_text.h remote.h rm.h")
	folder("tool/local", "tool tool/client config " engines, \
	    "local.h")
	folder("tool/transfer", \
	    "tool tool/client tool/local config " engines, "")
	folder("tool/doctor", \
	    "tool tool/client tool/local config " engines, "")

	door("lmdb.h", "^src/store/lmdb/")
	door("(sodium|xxhash).h", "^src/base/digest.c$")
	door("json(-c/.*|.h)", "^src/protocol/json.c$")
	door("fcgi.*", "^src/daemon/fcgi.c$")
	door("(linux/)?seccomp.h", "^src/daemon/sandbox.c$")
	door("confuse.h", "^src/config/")
	door("curl/.*", "^src/tool/client/exchange.h$")
	door("archive.*", "^src/tool/transfer/tar.c$")
	door("magic.h", "^src/tool/client/source.c$")
}

function offence(text)
{
	printf "%s:%d: %s\n", FILENAME, FNR, text
	offences++
}

# "libtool-client.a:rm.o:0000 T ctl_rm": what a library has, or (U) wants.
SYMBOLS && NF < 3 { next }
SYMBOLS {
	split($1, part, ":")
	mine = part[1]
	gsub(/^lib|\.a$/, "", mine)
	sub(/^(lmdb|proxy)$/, "store/&", mine)
	sub(/-frame$/, "", mine)
	sub(/-/, "/", mine)
	if ($(NF - 1) == "U")
		wants[mine " " $NF] = part[2]
	else if ($(NF - 1) ~ /^[A-Z]$/)
		has[$NF] = mine
	next
}

FNR == 1 {
	mine = FILENAME
	sub(/^src\//, "", mine)
	sub(/\/[^\/]*$/, "", mine)
	if (!(mine in may))
		offence("src/" mine " is no folder that this script knows")
}

FNR == 1001 { offence("has over 1,000 lines: what is in it?") }

/^[ \t]*#[ \t]*include[ \t]*"/ {
	split($0, part, "\"")
	theirs = part[2]
	# Without a folder it is the includer's own.
	if (!sub(/\/[^\/]*$/, "", theirs))
		next
	name = part[2]
	sub(/.*\//, "", name)
	if (!index(may[mine], " " theirs " "))
		offence("src/" mine " may not include src/" part[2])
	else if (theirs == mine)
		offence("its own folder's " name " goes without the folder")
	else if (shows[theirs] != " * " && !index(shows[theirs], " " name " "))
		offence("src/" part[2] " is private to its folder")
}

/^[ \t]*#[ \t]*include[ \t]*</ {
	split($0, part, "[<>]")
	for (header in opens)
		if (part[2] ~ ("^" header "$") && FILENAME !~ opens[header])
			offence("<" part[2] "> has its door in " opens[header])
}

# Only those who run something speak.
/log_(open|request|event)[a-z_]*\(/ && mine !~ /^(base|daemon)$/ {
	offence("logs; only daemon does")
}

END {
	for (want in wants) {
		split(want, part, " ")
		theirs = has[part[2]]
		if (theirs == "" || index(may[part[1]], " " theirs " "))
			continue
		print wants[want] " of src/" part[1] " may not use " part[2] \
		    ", which src/" theirs " has"
		offences++
	}
	exit offences > 0
}
END
[ $? = 0 ] && [ -z "$failed" ]
