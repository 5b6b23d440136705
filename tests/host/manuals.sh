#!/bin/sh
# SPDX-License-Identifier: ISC
#
# manuals.sh - check that the manuals say what the programs do. Every option,
# setting, bound and default, log event, limit and sentence has to be in its
# manual, and no manual may have an option or setting that does not exist. The
# script takes them from the programs and from src/, never from a list of its
# own.
#
# Runs in a build directory. Environment: ARTIFACTD, TOP_SRCDIR.

artifactd=${ARTIFACTD:-./artifactd}
artifactctl=$(dirname "$artifactd")/artifactctl
top=${TOP_SRCDIR:-..}

if ! command -v mandoc >/dev/null; then
	echo "mandoc is not installed"
	exit 77
fi
. "$(dirname "$0")/lib.sh"

# same FILE FILE: compare two sets of lines, and print what differs.
same()
{
	sort -u "$1" >"$work/one"
	sort -u "$2" >"$work/two"
	[ -s "$work/one" ] || { echo "$1 is empty"; return 1; }
	diff "$work/one" "$work/two"
}

# is_clean FILE: mandoc finds no fault. It may complain of manuals that are not
# installed yet, and of lines that are long because names of directories are.
is_clean()
{
	mandoc -T lint -W style "$1" 2>&1 |
	    grep -v -e 'referenced manual not found' -e 'outdated mandoc.db' \
	    -e 'line longer than 80 bytes' && return 1
	return 0
}

# options_of_help: print the names of all options in the text of a --help.
options_of_help()
{
	sed -n 's/^ \{2,\}\(-.*\)/\1/p' | sed 's/  .*//' |
	    grep -oE -e '(^|[ ,])--?[A-Za-z0-9][a-z0-9-]*' | tr -d ' ,'
}

# options_of_manual FILE [SECTION]: print the options that have an entry in a
# manual, or in the subsection of it that is named.
options_of_manual()
{
	awk -v section="${2-}" '
	    /^\.S[hs] / { is_in = $0 == ".Ss " section }
	    section != "" && !is_in { next }
	    /^\.It Fl/ { for (i = 2; i < NF; i++)
		    if ($i == "Fl") print "-" $(i + 1) }' "$1"
}

# ---- artifactd

for page in doc/artifactd.8 doc/artifactd.conf.5 doc/artifactctl.1; do
	check "$page is clean" is_clean "$page"
done

"$artifactd" --help >"$work/help" || exit 1
options_of_help <"$work/help" >"$work/help.options"
options_of_manual doc/artifactd.8 >"$work/manual.options"
check "artifactd(8) has the options of artifactd --help" \
    same "$work/help.options" "$work/manual.options"

"$artifactd" -c /dev/null -T >"$work/defaults" || exit 1
sed -n 's/^\([a-z_]*\) = .*/\1/p' "$work/defaults" >"$work/settings"
sed -n 's/^\.It Ic //p' doc/artifactd.conf.5 >"$work/manual.settings"
check "artifactd.conf(5) has the settings of artifactd -T" \
    same "$work/settings" "$work/manual.settings"
awk '/^=+$/ { is_in = last == "Settings" } { last = $0 }
    is_in && /^[a-z_]+  / { print $1 }' \
    "$top/README" >"$work/readme.settings"
check "README has them" same "$work/settings" "$work/readme.settings"
sed -n 's/^# \([a-z_]*\) = .*/\1/p' "$top/doc/artifactd.conf" \
    >"$work/example.settings"
check "artifactd.conf has them" same "$work/settings" "$work/example.settings"

# Leave out places, which depend on this build, and the two lists, of which the
# example shows some items although the default is empty.
has_defaults()
{
	sed 's/^# \([a-z_]* = \)/\1/' "$top/doc/artifactd.conf" \
	    >"$work/example.conf"
	"$artifactd" -c "$work/example.conf" -T >"$work/example" || return
	for file in defaults example; do
		grep -vE '^(listen|state_dir|secret_file|artifact_types|retention) = ' \
		    "$work/$file" >"$work/$file.plain"
	done
	diff "$work/defaults.plain" "$work/example.plain"
}
check "artifactd.conf has the defaults" has_defaults

# Compare "form; default: value" of each setting with --help.
awk '/^  [a-z_]+ / { name = $1 }
    /; default: / { sub(/^ */, ""); print name "\t" tolower($0) "." }' \
    "$work/help" >"$work/bounds"
awk '/^\.It Ic / { name = $3; text = ""; next }
    name != "" && /^\.(Pp|El)/ { print name "\t" tolower(text); name = "" }
    { text = text (text == "" ? "" : " ") $0 }' \
    doc/artifactd.conf.5 >"$work/manual.bounds"
check "artifactd.conf(5) has bounds and default of each" \
    same "$work/bounds" "$work/manual.bounds"

# ---- artifactctl

"$artifactctl" help >"$work/help" || exit 1
sed -n 's/^  \([a-z]*\)  .*/\1/p' "$work/help" >"$work/commands"
awk '/^\.S[hs] / { is_in = $0 == ".Sh COMMANDS" || is_in && $1 == ".Ss"
	    if (is_in && $1 == ".Ss") print $2 }' \
    doc/artifactctl.1 >"$work/manual.commands"
check "artifactctl(1) has the commands of artifactctl help" \
    same "$work/commands" "$work/manual.commands"

# The manual has common options once, in a section of their own; a command may
# have some of them.
options_of_manual doc/artifactctl.1 "Common options" >"$work/common"
: >"$work/any"
mkdir "$work/helps"
has_options()
{
	"$artifactctl" help "$1" >"$work/helps/$1"
	options_of_help <"$work/helps/$1" >"$work/help.all"
	cat "$work/help.all" >>"$work/any"
	options_of_manual doc/artifactctl.1 "$1" >"$work/manual.options"
	grep -vxF -f "$work/common" "$work/help.all" >"$work/help.options"
	[ -s "$work/help.options" ] || [ -s "$work/manual.options" ] ||
	    return 0
	same "$work/help.options" "$work/manual.options"
}
while read -r command; do
	check "artifactctl(1) has the options of artifactctl help $command" \
	    has_options "$command"
done <"$work/commands"
grep -xF -f "$work/common" "$work/any" >"$work/any.common"
check "... and no other in common" same "$work/any.common" "$work/common"

# ---- what is said

cat >"$work/said.py" <<'END'
"""Literals of src/ against the text of the manuals."""
import glob
import os
import re
import subprocess
import sys

TOKEN = re.compile(r'/\*.*?\*/|"(?:\\.|[^"\\])*"|\'(?:\\.|[^\'\\])*\''
                   r'|[A-Za-z_]\w*|\s+|.', re.S)
# The values in a sentence of the programs.
VALUE = re.compile(r'%[-.*0-9]*(?:ll?|z)?[a-zA-Z]|\\n')
# The words that stand for these values in a manual, and the ends of clauses.
CLAUSE = re.compile(r'\b(?:NKB|N|NAME|PATH|DIRECTORY|DIR|REASON|ID|VALUE|FILE'
                    r'|URL|HASH|TYPE)\b|\.\.\.|[.,:;] ')
SD_NOTIFY = re.compile(r'[A-Z]+=')


def literals(path):
    """The strings of a C file, neighbours joined; PRIu64 is part of one."""
    with open(path, encoding="utf-8") as file:
        tokens = TOKEN.findall(file.read())
    text = None
    for token in tokens:
        if token[0] == '"':
            part = token[1:-1].replace('\\"', '"')
            text = part if text is None else text + part
        elif text is not None and token.startswith("PRI"):
            text += "u"
        elif not token.isspace() and not token.startswith("/*"):
            if text is not None:
                yield text
            text = None


def flat(page):
    text = subprocess.run(
        ["mandoc", "-T", "ascii", "-O", "width=1000", page],
        check=True, capture_output=True, text=True).stdout
    return " ".join(re.sub(".\b", "", text).split())


def missing(paths, text):
    """Sentences, of three words or more, that the text has not in full."""
    for path in paths:
        for literal in literals(path):
            parts = [" ".join(part.split()) for part in VALUE.split(literal)]
            if literal.count(" ") >= 2 and not SD_NOTIFY.match(literal) \
               and not all(part in text for part in parts):
                yield f"{os.path.basename(path)}: {literal}"


def sentences(pages, *names):
    """Files by pattern; those behind "!" are left out."""
    left_out = {path for name in names if name[0] == "!"
                for path in glob.glob(name[1:])}
    paths = {path for name in names if name[0] != "!"
             for path in glob.glob(name)}
    text = " ".join(map(flat, pages.split(",")))
    return list(missing(sorted(paths - left_out), text))


COMMAND = re.compile(r'\bartifactctl ([a-z]+)([^|`"&;\n]*)')


def commands(texts, *documents):
    """Commands and options in documents that no help (a file each) has."""
    for document in documents:
        with open(document, encoding="utf-8") as file:
            text = re.sub(r"^\.Dl .* (Fl|Ar) .*|\\e?\n", " ", file.read(),
                          flags=re.M)
        for command, rest in COMMAND.findall(text):
            path = os.path.join(texts, command)
            if not os.path.exists(path):
                if rest.startswith((" -", " /")):
                    yield f"{document}: there is no {command}"
                continue
            with open(path, encoding="utf-8") as file:
                known = file.read()
            for option in re.findall(r' (--?[a-z][a-z-]*)', rest):
                if not re.search(rf"[ ,]{option}\b(?!-)", known):
                    yield f"{document}: {command} has no {option}"


def stale(page, *names):
    """Sentences of the manual that none of these files has, by clauses."""
    said = []
    for name in names:
        for path in glob.glob(name):
            with open(path, encoding="utf-8") as file:
                said += literals(path) if path.endswith(".c") else [file.read()]
    said = " ".join(" ".join(said).replace("\\n", " ").split())
    with open(page, encoding="utf-8") as file:
        entries = re.findall(r'^\.It "(.*)"$', file.read(), re.M)
    for entry in entries:
        for part in CLAUSE.split(entry.replace('""', '"')):
            part = part.strip(" \"':[]().,;")
            if part.count(" ") >= 2 and part not in said:
                yield f"nobody says this: {part}"


def nginx(page, path):
    """What nginx says of its own errors."""
    with open(path, encoding="utf-8") as file:
        rows = re.findall(r'^\t\d{3} +"(.*)";', file.read(), re.M)
    text = flat(page)
    return [row for row in rows if row.split("@")[0] not in text]


EVENT = re.compile(r'(?:log_open|log_request)\([^;]*?"(\w+)"'
                   r'|\bfail\("(\w+)"|\bevent = "(\w+)"')


def events(page, *names):
    code = "".join(open(path, encoding="utf-8").read()
                   for name in names for path in glob.glob(name))
    have = {word for match in EVENT.findall(code) for word in match if word}
    with open(page, encoding="utf-8") as file:
        told = set(re.findall(r"^\.It Li (\w+) Pq", file.read(), re.M))
    return [f"{event}: in one of them only" for event in sorted(have ^ told)]


def limits(page, header):
    with open(header, encoding="utf-8") as file:
        rows = re.findall(r"^#define (LIMIT_\w+) ([(\d][\d *()]*)", file.read(),
                          re.M)
    text = flat(page)
    return [f"{name}: {value}" for name, value in rows
            if not re.search(rf"\b{eval(value)}\b", text)]


CALL = re.compile(r'\bctl_row_\w+\(')


def second(text, start):
    """The second argument of the call whose arguments begin there."""
    depth, commas, begin = 0, 0, start
    for i in range(start, len(text)):
        if text[i] in "([{":
            depth += 1
        elif text[i] in ")]}" and depth > 0:
            depth -= 1
        elif depth == 0 and text[i] in ",)":
            if commas == 1 or text[i] == ")":
                return text[begin:i] if commas == 1 else ""
            commas, begin = 1, i + 1
    return ""


def members(page, figures, *names):
    """Members of --json: those of the rows, and those of the manual."""
    have = set()
    for path in {path for name in names for path in glob.glob(name)}:
        with open(path, encoding="utf-8") as file:
            text = file.read()
        # Leave out functions that write for a terminal only.
        text = re.sub(r"^put_(for_people|age)\(.*?^}$", "", text,
                      flags=re.S | re.M)
        for call in CALL.finditer(text):
            have.update(re.findall(r'"([a-z_]+)"',
                                   second(text, call.end())))
        have.update(re.findall(r'"(last_[a-z_]+)"', text)
                    if path.endswith("tool/local/status.c") else [])
    with open(figures, encoding="utf-8") as file:
        have.update(re.findall(r'\{ "([a-z_]+)",\s+"[A-Z]', file.read()))
    with open(page, encoding="utf-8") as file:
        section = file.read().split("\n.Sh JSON\n")[1].split("\n.Sh ")[0]
    told = set()
    for line in re.findall(r"^\.Li (.*)", section, re.M):
        told.update(re.findall(r"[a-z_]+", line))
    return [f"{name}: in one of them only" for name in sorted(have ^ told)]


found = list(globals()[sys.argv[1]](*sys.argv[2:]))
print("\n".join(found))
sys.exit(bool(found))
END

said()
{
	PYTHONDONTWRITEBYTECODE=1 python3 "$work/said.py" "$@"
}

# Leave out texts that people do not see: dates, the calls of the sandbox,
# assertions; and those of --help and /metrics, which explain themselves.
check "artifactd(8) has each log event" \
    said events doc/artifactd.8 "$top/src/daemon/*.c" "$top/src/base/*.c" \
    "$top/src/api/*.c"
check "artifactd(8) has each limit" said limits doc/artifactd.8 \
    "$top/src/base/limits.h"
check "artifactd(8) has what nginx says" \
    said nginx doc/artifactd.8 "$top/nginx/artifactd-http.conf.in"
check "the manuals have each sentence" \
    said sentences doc/artifactd.8,doc/artifactd.conf.5,doc/artifactctl.1 \
    "$top/src/[!t]*/*.c" "$top/src/store/*/*.c" \
    "!$top/src/daemon/sandbox*" "!$top/src/daemon/main.c" \
    "!$top/src/config/table.c" "!$top/src/store/lmdb/check*" \
    "!$top/src/protocol/date.c" "!$top/src/base/mem.c" \
    "!$top/src/base/digest.c" "!$top/src/base/metrics*" \
    "!$top/src/store/lmdb/figures.c"
check "artifactctl(1) has each member of --json" \
    said members doc/artifactctl.1 "$top/src/store/lmdb/figures.c" \
    "$top/src/tool/*.c" "$top/src/tool/*/*.c"
check "what documents tell to run is there" \
    said commands "$work/helps" doc/artifactctl.1 doc/artifactd.8 \
    "$top/doc/operations.md" "$top/README" "$top/doc/artifactd.conf"
for page in doc/artifactd.8 doc/artifactd.conf.5 doc/artifactctl.1; do
	check "$page has no sentence that nobody says" \
	    said stale "$page" "$top/src/*/*.c" "$top/src/*/*/*.c" \
	    "$top/nginx/*.in"
done
exit $failed
