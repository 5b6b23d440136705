#!/bin/sh
# SPDX-License-Identifier: ISC
#
# layers.sh - floors and doors of src/, so that they stay what README says.
#
# A file may include headers of its own floor and of those below. A library's
# header stands behind one door. Only those who run something log. No file is
# over 1,000 lines, and README's source map names each.
#
# Takes a source tree as argument (or $TOP_SRCDIR, or the one around it).
# Fails with a sentence per offence.

top=${1:-${TOP_SRCDIR:-$(dirname "$0")/..}}
cd "$top" || exit 1

# The rules. A word may be a shell pattern; the first line that fits decides.
exec awk -f - src/*.[ch] README <<'END'
function floor_rule(floor, words,    i, n, list)
{
	n = split(words, list, " ")
	for (i = 1; i <= n; i++) {
		floor_prefix[++floors] = list[i]
		floor_number[floors] = floor
	}
}

function door_rule(header, pattern)
{
	door[header] = pattern
}

BEGIN {
	name[0] = "ground"; name[1] = "parsing"; name[2] = "model"
	name[3] = "store"; name[4] = "application"; name[5] = "processes"; name[6] = "tool"
	# Prefixes of file names; "=" is the whole name before the dot.
	floor_rule(0, "=result =limits =banned =mem =pack =log metrics")
	floor_rule(0, "=scoreboard =digest =note")
	floor_rule(1, "=fault =utf8 =query json multipart =request")
	floor_rule(2, "artifact =change")
	floor_rule(3, "store =upload =wire")
	floor_rule(4, "response =router handle config")
	floor_rule(5, "=fcgi process worker writer master")
	floor_rule(5, "=sandbox =sandbox_selftest =notify =listen =main")
	floor_rule(6, "ctl")

	door_rule("lmdb.h", "^store_lmdb[a-z_]*\\.[ch]$")
	door_rule("sodium.h", "^digest\\.c$")
	door_rule("xxhash.h", "^digest\\.c$")
	door_rule("json-c/.*", "^json\\.c$")
	door_rule("json.h", "^json\\.c$")
	door_rule("fcgi.*", "^fcgi\\.c$")
	door_rule("confuse.h", "^config(_file)?\\.c$")
	door_rule("seccomp.h", "^sandbox\\.c$")
	door_rule("linux/seccomp.h", "^sandbox\\.c$")
	door_rule("curl/.*", "^ctl_http[a-z_]*\\.[ch]$")
	door_rule("archive.*", "^ctl_tar[a-z_]*\\.c$")
	door_rule("magic.h", "^ctl_type\\.c$")

	# config_table only wants the names of the levels.
	logs = "^(log|config_table|main|master[a-z_]*|worker|writer[a-z_]*|ctl[a-z_]*)\\.[ch]$"
	most = 1000
}

function floor_of(file,    stem, i)
{
	stem = file
	sub(/\.([ch]|def)$/, "", stem)
	for (i = 1; i <= floors; i++) {
		if (floor_prefix[i] == "=" stem)
			return floor_number[i]
		if (substr(floor_prefix[i], 1, 1) != "=" &&
		    (stem == floor_prefix[i] ||
		    index(stem, floor_prefix[i] "_") == 1))
			return floor_number[i]
	}
	return -1
}

function offence(line, text)
{
	printf "src/%s:%d: %s\n", file, line, text
	offences++
}

FNR == 1 {
	file = FILENAME
	sub(/.*\//, "", file)
	is_source = FILENAME ~ /^src\//
	if (is_source) {
		files[file] = 1
		mine = floor_of(file)
		if (mine < 0)
			offence(1, "stands on no floor: tell tests/layers.sh")
	}
}

!is_source {
	map = map "\n" $0
	next
}

{
	lines[file] = FNR
}

/^[ \t]*#[ \t]*include[ \t]*"/ {
	split($0, part, "\"")
	other = floor_of(part[2])
	if (other < 0)
		offence(FNR, "includes \"" part[2] "\", which is on no floor")
	else if (other > mine)
		offence(FNR, "is on floor " name[mine] " and includes \"" \
		    part[2] "\" of floor " name[other] " above it")
	if (part[2] == "log.h" && file !~ logs)
		offence(FNR, "logs; only main, master, worker, writer and " \
		    "ctl do")
}

/^[ \t]*#[ \t]*include[ \t]*</ {
	split($0, part, "[<>]")
	for (header in door)
		if (part[2] ~ ("^" header "$") && file !~ door[header])
			offence(FNR, "includes <" part[2] ">, whose door " \
			    "is " door[header])
}

END {
	for (file in files) {
		if (lines[file] > most)
			offence(lines[file], "has " lines[file] \
			    " lines, more than " most)
		stem = file
		sub(/\.[ch]$/, "", stem)
		if (map !~ ("[^a-z_]" stem "(\\.[ch]|\\.c/h|\\.\\*)"))
			offence(1, "is not in the source map of README")
	}
	exit offences > 0
}
END
