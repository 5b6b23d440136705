#!/bin/bash
# SPDX-License-Identifier: ISC
#
# artifactctl with many artifacts: put of directories and lists; get of ids,
# filters and patterns into a directory; what happens when one of many fails,
# and when a name leads out of the directory.
. "$(dirname "$0")/lib.sh"

CTL=$(dirname "$ARTIFACTD")/artifactctl
export HOME=$WORK
unset ARTIFACT_TOKEN http_proxy https_proxy

# ctl ARGUMENT...: CODE, and what it printed in $WORK/out and $WORK/err.
ctl()
{
	timeout 120 "$CTL" "$@" >"$WORK/out" 2>"$WORK/err"
	CODE=$?
}

out()
{
	cat "$WORK/out"
}

# exits CODE [TEXT]: with that exit code, and stderr has the text.
exits()
{
	equal "$CODE" "$1" || { sed 's/^/# /' "$WORK/err"; return 1; }
	[ -z "${2-}" ] || grep -qF -- "$2" "$WORK/err" ||
	    { sed 's/^/# /' "$WORK/err"; false; }
}

# members NAME: of each JSON line that was printed.
members()
{
	python3 -c 'import json, sys
for line in sys.stdin:
    print(json.loads(line)[sys.argv[1]])' "$1" <"$WORK/out"
}

# titles WORKFLOW: of all in it, sorted.
titles()
{
	"$CTL" list -w "$1" --all --json | python3 -c 'import json, sys
print(*sorted(json.loads(line)["title"] for line in sys.stdin))'
}

# same_tree DIR DIR
same_tree()
{
	diff -r "$1" "$2" | head -n 5 | sed 's/^/# /'
	diff -qr "$1" "$2" >"$WORK/diff" 2>&1
}

start
export ARTIFACT_URL=$URL

# ---- what put means

tree=$WORK/tree
mkdir -p "$tree/docs/deep" "$tree/.hidden"
echo one >"$tree/one.md"
echo two >"$tree/two.txt"
echo three >"$tree/docs/three.md"
echo four >"$tree/docs/deep/four five.md"
: >"$tree/docs/empty"
echo secret >"$tree/.env"
echo secret >"$tree/.hidden/key"
echo outside >"$WORK/outside"
ln -s ../outside "$tree/link"
ln -s .. "$tree/docs/up"
mkfifo "$tree/pipe"

ctl put "$tree" -w flat -t t
check "put of a directory takes the files in it" equal \
    "$CODE:$(titles flat)" '0:one.md two.txt'
check "... and says that it has directories" exits 0 \
    '--recursive takes them too'
check "... that a link is left out" exits 0 'link is a symbolic link'
check "... a pipe" exits 0 'pipe is no regular file'
check "... and what is hidden" exits 0 '.env begins with a dot'
ctl put -r "$tree/" -w deep -t t --json
check "--recursive takes all of them, by where they lie" equal \
    "$CODE:$(titles deep)" \
    '0:docs/deep/four five.md docs/empty docs/three.md one.md two.txt'
check "... in the order of their names" equal "$(members title | tr '\n' ,)" \
    'docs/deep/four five.md,docs/empty,docs/three.md,one.md,two.txt,'
check "... with a file for each" equal "$(members file | head -n 2 | tail -n 1)" \
    "$tree/docs/empty"
check "no more than that is told" equal "$(wc -l <"$WORK/err")" 5
(cd "$tree" && find . -name '*.md' | sort) >"$WORK/list"
(cd "$tree" && timeout 60 "$CTL" put --files-from - -w list -t t) \
    <"$WORK/list" >"$WORK/out" 2>"$WORK/err"
CODE=$?
check "so does a list, by what it says" equal "$CODE:$(titles list)" \
    '0:docs/deep/four five.md docs/three.md one.md'
printf '%s\0' "$tree/one.md" "$tree/docs" $'/no\nsuch' >"$WORK/list"
ctl put -0 --files-from "$WORK/list" -w null -t t
check "with --null names may have lines in them" exits 1 'cannot open /no'
check "... a directory is left out" exits 1 'a list names files'
check "... and the others are put, by their name" equal "$(titles null)" one.md
ctl put --files-from "$WORK/list" -w null2 -t t
check "a list that needs --null says so" exits 1 --null
ctl put "$tree" - --title t --files-from - -w x -t t </dev/null
check "stdin is put, or a list, not both" exits 2 'only once'
ctl put -w x -t t
check "put of nothing is wrong usage" exits 2 'put needs FILE'
mkdir "$WORK/nothing"
ctl put "$WORK/nothing" -w x -t t
check "of an empty directory it is told" exits 0 'no file to put'
ctl put "$WORK/none" "$tree/one.md" "$tree/two.txt" -w some -t t
check "of several one may fail" exits 1 '2 files put, and 1 could not be'
check "... and the others are there" equal "$(titles some)" 'one.md two.txt'
ctl put "$tree/link" -w named -t t
check "a link that is named is followed" equal "$CODE:$(titles named)" 0:link

# ---- get, and back

ctl get -w deep -o "$WORK/back/"
check "get of a workflow" exits 0
rm -r "$tree/.env" "$tree/.hidden" "$tree/link" "$tree/docs/up" "$tree/pipe"
check "... is the same tree" same_tree "$tree" "$WORK/back"
check "... and prints each name" equal "$(sort "$WORK/out" | head -n 1)" \
    "$WORK/back/docs/deep/four five.md"
ctl shasum -w deep
cp "$WORK/out" "$WORK/sums"
check "shasum is what sha256sum checks" equal \
    "$(cd "$WORK/back" && sha256sum -c "$WORK/sums" 2>&1 | grep -c ': OK')" 5
ctl get -w deep -o "$WORK/back"
check "once more: all of it is there" exits 0
check "... and printed" equal "$(wc -l <"$WORK/out")" 5
echo mine >"$WORK/back/one.md"
rm "$WORK/back/two.txt"
ctl get -w deep -o "$WORK/back"
check "what differs stays" exits 1 \
    'one.md exists with another content and stays as it is'
check "... as it is" equal "$(cat "$WORK/back/one.md")" mine
check "... the others come" equal "$(cat "$WORK/back/two.txt")" two
check "... and a sum is told" exits 1 '4 of 5 artifacts are in'
ctl get -w deep -o "$WORK/back" --force
check "--force replaces it" equal "$CODE:$(cat "$WORK/back/one.md")" 0:one
ctl get -w deep --name 'docs/*.md' -o "$WORK/glob" --json
check "a pattern of titles" equal "$CODE:$(cd "$WORK/glob" && find . -type f |
    sort | tr '\n' ' ')" '0:./docs/deep/four five.md ./docs/three.md '
check "... with --json has a line for each" equal \
    "$(members content_hash | sort | tr '\n' ' ')" "$(
    sha256sum "$tree"/docs/*.md "$tree"/docs/deep/*.md | cut -d' ' -f1 |
    sort | tr '\n' ' ')"
ctl list -w deep --all
ids=$(cut -f1 "$WORK/out")
mkdir "$WORK/ids"
# shellcheck disable=SC2086 # words
(cd "$WORK/ids" && timeout 60 "$CTL" get $ids >"$WORK/out" 2>"$WORK/err")
check "several ids come into this directory" same_tree "$tree" "$WORK/ids"
check "... and are printed in their order" equal "$(tail -n 1 "$WORK/out")" \
    "$("$CTL" list -w deep --all | tail -n 1 | cut -f7)"
"$CTL" list -w deep --all | timeout 60 "$CTL" get - -o "$WORK/lines/" \
    >"$WORK/out" 2>"$WORK/err"
check "so do those of standard input" same_tree "$tree" "$WORK/lines"
# By its title: many are sent at once, so which is the newest is not said.
one=$("$CTL" list -w flat --all | awk -F '\t' '$7 == "two.txt" { print $1 }')
ctl get "$one" -o "$WORK/lines"
check "one id goes into a directory, too" equal "$CODE" 0
gone=11111111-2222-4333-8444-555555555555
# shellcheck disable=SC2086 # words
ctl get $ids $gone "${one:0:13}" "$one" -o "$WORK/with-gone"
check "one that is not there: exit code 3" exits 3 "not found: $gone"
check "... and the others are" equal \
    "$(find "$WORK/with-gone" -type f | wc -l)" 6
check "... and a sum is told" exits 3 '6 of 7 artifacts'
ctl get "$one" "$gone" -o -
check "many are not for standard output" exits 2 'takes one content'
ctl get "$one" "$gone" -o "$WORK/list"
check "nor for a file" exits 1 'cannot open the directory'
ctl get
check "get of nothing is wrong usage" exits 2 --all
ctl get "$one" -w flat
check "so are an id and a filter" exits 2 exclude
ctl get --all -w flat
check "so is all of some" exits 2 --all
ctl get -w nobody -o "$WORK/nobody"
check "a filter of nothing is nothing" equal "$CODE:$(out)" 0:

# ---- names

ctl put "$tree/one.md" -w twins -t t
ctl put "$tree/two.txt" "$tree/docs/three.md" -w twins -t t
for content in a b; do
	echo "$content" >"$WORK/one.md"
	ctl put "$WORK/one.md" -w twins -t t
done
newest=$(out)
ctl get -w twins -o "$WORK/twins"
check "of one name the newest has it" equal "$CODE:$(cat \
    "$WORK/twins/one.md")" 0:b
check "... and the others have their id in it" equal "$(cd "$WORK/twins" &&
    ls | grep -cE '^one\.[0-9a-f]{8}-[0-9a-f]{3}\.md$')" 2
ctl get -w twins -o "$WORK/twins"
check "... the same once more" equal "$CODE:$(ls "$WORK/twins" | wc -l)" 0:5
ctl get "$newest" "$newest" "${newest:0:14}" -o "$WORK/once"
check "an artifact that is named twice comes once" equal \
    "$CODE:$(ls "$WORK/once")" 0:one.md

# A title as a path, without a file's name beside it.
n=0
for title in '../evil' '/etc/evil' 'a/../../evil' 'a//b' '.ssh/keys' 'x/-rf' \
    'a\b' $'line\nbreak/x' 'good/path.txt' $'turned\342\200\256around' '..' \
    '.' '' 'good' "$(printf 'x%.0s' {1..300})/y"; do
	n=$((n + 1))
	ctl create -w evil -t t --title "$title" -c "$n"
	[ "$CODE" = 0 ] || fail "an artifact is called $title"
done
mkdir "$WORK/jail"
ctl get -w evil -o "$WORK/jail/in"
check "names that lead elsewhere do not" equal "$(ls -A "$WORK/jail")" in
check "... nor to /etc" [ ! -e /etc/evil ]
check "... nor are hidden, options, or steer" equal "$(find "$WORK/jail/in" \
    -mindepth 1 | grep -cE '/\.|/-|\\|[[:cntrl:]]')" 0
check "... what is a path becomes one, unless a file is in its way" equal \
    "$(cat "$WORK/jail/in/good/path.txt" 2>/dev/null || \
	cat "$WORK/jail/in/good")" 14
check "... which is told" exits 1 'good'
check "... and the others are there" equal \
    "$(find "$WORK/jail/in" -type f | wc -l)" 14
ln -s / "$WORK/jail/sly"
ctl create -w sly -t t --title sly/tmp-of-mine -c x
ctl get -w sly -o "$WORK/jail"
check "a link in the directory is not followed" exits 1 'cannot make the'
check "... so that nothing is outside" [ ! -e /tmp-of-mine ]

# ---- verify

ctl verify "${one:0:12}" "$tree/two.txt"
check "verify of what is the same" exits 0
ctl verify "$one" "$tree/two.txt" --json
check "... as JSON" equal "$CODE:$(members matches)" 0:True
ctl verify "$one" "$tree/one.md"
check "... and of what is not: exit code 4" exits 4 'is not'
ctl verify "$gone" "$tree/one.md"
check "... and of what is not there: 3" exits 3
timeout 20 "$CTL" verify "$one" - <"$tree/two.txt" >"$WORK/out" 2>"$WORK/err"
CODE=$?
check "it takes standard input" exits 0

# ---- 300 of them, and a server that is killed

mkdir "$WORK/many"
for n in {1..300}; do
	echo "$n" >"$WORK/many/$n.txt"
done
ctl put "$WORK/many" -w many -t t --json
check "300 files are put" equal "$CODE:$(members id | sort -u | wc -l)" 0:300
check "... in their order" equal "$(members title | md5sum)" \
    "$(ls "$WORK/many" | LC_ALL=C sort | md5sum)"
check "... each with what is in it" equal "$(members content_hash | md5sum)" \
    "$(cd "$WORK/many" && ls | LC_ALL=C sort | xargs sha256sum |
	cut -d' ' -f1 | md5sum)"
timeout 120 "$CTL" get -w many -o "$WORK/300" >"$WORK/out" 2>"$WORK/err" &
getting=$!
daemon_stop KILL
sleep 0.3
daemon_start
wait $getting
CODE=$?
check "they come while the service is killed" exits 0
check "... all of them, right" same_tree "$WORK/many" "$WORK/300"
"$CTL" get -w many -o "$WORK/cut" >"$WORK/out" 2>"$WORK/err" &
getting=$!
for _ in {1..200}; do
	[ -n "$(ls "$WORK/cut" 2>/dev/null)" ] && break
	sleep 0.01
done
kill -KILL $getting
wait $getting 2>/dev/null
check "a get that is killed leaves whole files only" python3 -c '
import os, sys
got, many = sys.argv[1:]
names = os.listdir(got)
print("#", len(names), "of 300")
for name in names:
    with open(f"{got}/{name}") as one, open(f"{many}/{name}") as other:
        if one.read() != other.read():
            sys.exit(name)' "$WORK/cut" "$WORK/many"
ctl get -w many -o "$WORK/cut"
check "... and the same command brings the others" equal \
    "$CODE:$(same_tree "$WORK/many" "$WORK/cut" && echo same)" 0:same

# ---- --quiet, --timeout

ctl put "$tree" -w quiet -t t --quiet
check "--quiet tells nothing of what was left out" equal \
    "$CODE:$(cat "$WORK/err")" 0:
ctl list -w many -q
check "... nor that there are more" equal "$CODE:$(cat "$WORK/err")" 0:
ctl get "$gone" -q
check "... but what is wrong" exits 3 'not found'
for value in 0 x 5x '' -1; do
	ctl list --timeout "$value"
	check "a timeout of \"$value\" is wrong usage" exits 2 --timeout
done
ctl list --timeout 1m -w nobody
check "one that is long enough changes nothing" exits 0
# Workers that answer nobody.
mapfile -t stopped < <(tr ' ' '\n' < <(children_of "$DAEMON") | grep .)
kill -STOP "$DAEMON" "${stopped[@]}"
began=$SECONDS
ctl list --timeout 2
check "a command that would wait ends" exits 8 \
    'not done in the time of --timeout, 2,'
ctl get -w many -o "$WORK/late" --timeout 2s
check "... also many requests" exits 8 'not done in the time of --timeout'
check "... which is told once" equal "$(wc -l <"$WORK/err")" 1
ctl put "$WORK/many" -w late -t t --timeout 2
check "... and changes, whose outcome is open" exits 1 'look before you'
check "... each in its time" [ $((SECONDS - began)) -lt 20 ]
kill -CONT "$DAEMON" "${stopped[@]}"
daemon_stop
ctl put "$WORK/many" -w away -t t
check "a server that is away ends it" [ "$CODE" != 0 ]
check "... once, not 300 times" [ "$(wc -l <"$WORK/err")" -lt 50 ]
finish
