#!/bin/bash
# SPDX-License-Identifier: ISC
#
# artifactctl over HTTP: each command, its output in each form, and its
# sentences when something is wrong.
. "$(dirname "$0")/lib.sh"

CTL=$(dirname "$ARTIFACTD")/artifactctl
export HOME=$WORK
unset ARTIFACT_TOKEN http_proxy https_proxy NO_COLOR

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

# says TEXT: stderr has it.
says()
{
	grep -qF -- "$1" "$WORK/err" || { sed 's/^/# /' "$WORK/err"; false; }
}

# exits CODE [TEXT]: with that exit code, and says that.
exits()
{
	equal "$CODE" "$1" && { [ -z "${2-}" ] || says "$2"; }
}

# of MEMBER: of the JSON object that was printed.
of()
{
	python3 -c 'import json, sys
value = json.loads(open(sys.argv[1], encoding="utf-8").read())
value = value[sys.argv[2]]
print(value if isinstance(value, str) else json.dumps(value))' \
	    "$WORK/out" "$1"
}

# terminal COMMAND [TERM]: as if on a terminal; what it shows in $WORK/out.
terminal()
{
	TERM=${2-xterm} script -qec "$1" /dev/null >"$WORK/out" 2>"$WORK/err" </dev/null
}

# ---- nobody there

nginx_render
export ARTIFACT_URL=$URL
ctl list
check "a server that is not there: exit code 8, try later" exits 8 \
    "cannot connect to $URL (Connection refused): is nginx running there"
ctl --url localhost:1 list
check "a URL without a scheme is wrong usage" exits 2 "http:// or https://"
ctl --url http://no-such-host.invalid list
check "a host that is not found is named" exits 1 \
    "cannot find the host of http://no-such-host.invalid"

start
# start has chosen another port.
export ARTIFACT_URL=$URL

# ---- create, show, content

ctl list
check "an empty store is an empty list" equal "$CODE:$(out)" 0:
ctl create -w w1 -t Plan -p p1 -s s1 --title 'A plan' -c 'hello
world'
check "create prints an id" equal "$CODE:$(out | tr -d '0-9a-f')" 0:----
plan=$(out)
ctl show "${plan:0:10}"
check "show takes a prefix" grep -qx "id	$plan" "$WORK/out"
check "... and shows the members" grep -qx "session_id	s1" "$WORK/out"
check "... the type in lower case" grep -qx "artifact_type	plan" "$WORK/out"
check "... and the content behind them" equal "$(tail -n 2 "$WORK/out")" \
    "hello
world"
ctl show --no-content "$plan"
check "--no-content leaves it out" equal "$(grep -c world "$WORK/out")" 0
ctl show "$plan" --json
check "--json is one line" equal "$(wc -l <"$WORK/out")" 1
check "... with the content in it" equal "$(of content)" "hello
world"
ctl content "$plan"
check "content prints the bytes and nothing else" \
    equal "$(od -An -c "$WORK/out" | tr -d ' \n')" 'hello\nworld'
ctl content --json "$plan"
check "... and an object with --json" equal "$(of size_bytes)" 11
printf 'from a file' >"$WORK/text"
ctl create -w w1 -t note --title n "$WORK/text" --json
check "create takes a file" equal "$(of status)" created
ctl content "$(of id)"
check "... and keeps what is in it" equal "$(out)" 'from a file'
printf 'from a pipe' | timeout 20 "$CTL" create -w w1 -t note --title p - \
    --content-type text/x-note >"$WORK/id" 2>"$WORK/err"
ctl show --json "$(cat "$WORK/id")"
check "create takes stdin" equal "$(of content)" 'from a pipe'
check "... and a media type" equal "$(of content_type)" text/x-note
printf '\377\376' >"$WORK/bytes"
ctl create -w w1 -t note --title b "$WORK/bytes"
check "create refuses what is no text, and says what takes it" \
    exits 1 'not text in UTF-8; artifactctl put'
ctl create -w w1 -t note --title b
check "create without content is wrong usage" exits 2 'content'
ctl create -t note --title b -c c
check "create without a workflow is wrong usage" exits 2 '--workflow'

# ---- what is wrong

ctl show 00000000-0000-4000-8000-000000000000
check "an id that is not there: exit code 3" exits 3 'Artifact not found: 0000'
ctl show ''
check "an empty id is wrong usage" exits 2 'an operand is empty'
ctl show "$plan-and-much-more"
check "so is one that is too long" exits 2 'no id'
ctl show 'a/../b?x=y#z'
check "so is what would be another path" exits 2 'no id'
ctl create -w w1 -t note -c c --title "$(head -c 1025 /dev/zero | tr '\0' x)"
check "faults of a request stand in lines of their own" exits 1 \
    '  body.title: String should have at most 1024 bytes'
ctl --url "$URL/no/such/path" list
check "a wrong path is told from a missing artifact" \
    exits 1 'not as a store does; is the URL right'
ctl --url "$URL/api/v1/" show "$plan"
check "a URL may have a path" exits 0
ctl update "$plan" --metadata '{broken'
check "metadata that is no JSON is wrong usage" exits 2 'metadata'
ctl update "$plan" --metadata '[1]'
check "so is metadata that is no object" exits 2 'valid dictionary'
ctl show one two
check "so are too many operands" exits 2 'two'
ctl list --limit 0
check "so is a limit of 0" exits 2 '--limit'
ctl list -w ''
check "so is an empty filter" exits 2 '--workflow is empty'

# ---- update

ctl update "${plan:0:9}" --title 'Better' --primary no \
    --metadata '{"n": 1.50, "a": [1,2]}'
check "update takes a prefix, and says nothing" equal "$CODE:$(out)" 0:
ctl show --json "$plan"
check "the title is another" equal "$(of title)" Better
check "it is no main deliverable" equal "$(of is_primary_deliverable)" false
check "numbers of the metadata stay as they were written" \
    grep -qF '"metadata":{"n":1.50,"a":[1,2]}' "$WORK/out"
etag=$(of etag)
echo '{"from": "a file"}' >"$WORK/metadata"
ctl update "$plan" --metadata "@$WORK/metadata" --if-match "$etag" --json
check "an etag that is right lets it pass" equal "$CODE:$(of status)" 0:updated
ctl update "$plan" --title 'Late' --if-match "$etag"
check "one that was right does not: exit code 6" exits 6 'is not in the state that If-Match'
ctl show --json "$plan"
check "... and nothing was changed" equal "$(of title)" Better
check "metadata came from the file" \
    grep -qF '{"from":"a file"}' "$WORK/out"
ctl update "$plan"
check "an update of nothing is wrong usage" exits 2 'update what'
ctl update ffff --title x
check "an update of nobody: 3" exits 3

# ---- lineage

ctl create -w w2 -t report --title Report -c r
report=$(out)
ctl create -w w2 -t summary --title Summary -c s
summary=$(out)
ctl create -w w3 -t note --title Elsewhere -c e
elsewhere=$(out)
gone=11111111-2222-4333-8444-555555555555
ctl update "$report" --derived-from "${plan:0:12}"
check "an update takes prefixes of parents" exits 0
ctl update "$report" --derived-from "$gone"
check "... that are there" exits 3
http PUT "/artifacts/$report" -d "{\"derived_from\":[\"$plan\",\"$gone\"]}"
ctl update "$summary" --derived-from "$report" --derived-from "$plan"
ctl update "$elsewhere" --derived-from "$summary"
ctl lineage "$summary" --ancestors
check "ancestors, each once, missing ones named" equal "$(cut -f1-4 \
    "$WORK/out")" "self	0	$summary	present
ancestor	1	$report	present
ancestor	2	$plan	present
ancestor	2	$gone	missing
ancestor	1	$plan	seen"
check "... without a word" equal "$(cat "$WORK/err")" ''
ctl lineage "${report:0:13}"
check "that children are not shown is said" exits 0 'ancestors only: the server'
check "... and they are not" equal "$(grep -c "$summary" "$WORK/out")" 0
ctl update "$plan" --derived-from "$elsewhere"
ctl lineage "$report"
# Plan, elsewhere, summary, which has report and plan again.
check "a circle ends" equal "$CODE:$(grep -c seen "$WORK/out")" 0:2
ctl update "$plan" --derived-from none
ctl show --json "$plan"
check "a parent of none is none" equal "$(of derived_from)" '[]'
terminal "$CTL lineage $summary"
check "on a terminal it is a tree" grep -qF "    ${plan:0:12}  plan  Better" \
    "$WORK/out"

# ---- forms of output

ctl create -w w4 -t odd -c x \
    --title $'a\tb\033[2Jc\302\233d \303\244 \360\237\230\200'
ctl list -w w4
check "no control character comes out between tabs" equal \
    "$(cut -f7 "$WORK/out")" $'a\\x09b\\x1b[2Jc\\xc2\\x9bd \303\244 \360\237\230\200'
ctl list -w w4 --json
check "JSON has the title as it is" equal "$(of title)" \
    $'a\tb\033[2Jc\302\233d \303\244 \360\237\230\200'
terminal "$CTL list"
check "a terminal gets headings, the title second" grep -qE \
    'id +title +workflow +phase +type +size +age' "$WORK/out"
check "... in bold" grep -q $'\033\[1m' "$WORK/out"
check "... and short ids" equal \
    "$(grep -c "^${plan:0:12}  Better " "$WORK/out")" 1
check "... and ages" grep -qE '^[0-9a-f-]{12} .* [0-9]+[sm]\b' "$WORK/out"
terminal "NO_COLOR=1 $CTL list -w w1"
check "... but no column that a filter names" grep -qE \
    '^id +title +phase +type +size +age' "$WORK/out"
terminal "NO_COLOR=1 $CTL list -w w1 -p p1"
check "... of several" grep -qE '^id +title +type +size +age' "$WORK/out"
terminal "NO_COLOR=1 $CTL list -w w2"
check "... nor one that is empty" grep -qE '^id +title +type +size +age' \
    "$WORK/out"
terminal "$CTL list -w nobody; $CTL list -w nobody --json"
check "an empty list is a sentence, once" equal "$(tr -d '\r' <"$WORK/out")" \
    'artifactctl: no artifact found'
terminal "$CTL list"
check "... and no title that steers it" \
    equal "$(grep -c $'\033\[2J' "$WORK/out")" 0
terminal "NO_COLOR=1 $CTL list"
check "NO_COLOR: nothing is bold" \
    equal "$(grep -c $'\033' "$WORK/out")" 0
terminal "$CTL list" dumb
check "nor where TERM is dumb" equal "$(grep -c $'\033' "$WORK/out")" 0
terminal "unset TERM; $CTL list"
check "... or unset" equal "$(grep -c $'\033' "$WORK/out")" 0
ctl create -w w4-of-a-very-long-name -t odd -c x --title "$(printf \
    'turned\342\200\256around\342\200\250broken, and then much more')"
# widest: in columns.
widest()
{
	python3 -c 'import sys
print(max(len(line.rstrip("\r\n")) for line in open(sys.argv[1], newline="\n")))' \
	    "$WORK/out"
}
terminal "NO_COLOR=1 $CTL list"
check "a row is a line of 80" equal "$(widest)" 80
check "... with a title that is cut" grep -qE '^[0-9a-f-]{12}  turned[^ ]*\.\.\.  ' \
    "$WORK/out"
check "... and an id that is not" equal "$(grep -cE '^[0-9a-f-]{12}  ' \
    "$WORK/out")" "$(($(wc -l <"$WORK/out") - 1))"
terminal "stty cols 100; NO_COLOR=1 $CTL list"
check "... or as wide as it is" equal "$(widest)" 100
terminal "stty cols 200; NO_COLOR=1 $CTL list"
check "... and all is there where it fits" grep -qF \
    'turned\xe2\x80\xaearound\xe2\x80\xa8broken, and then much more' \
    "$WORK/out"
terminal "stty cols 60; $CTL list --json"
check "JSON is not cut" grep -q 'and then much more"' "$WORK/out"
terminal "stty cols 60; $CTL list | cat"
check "... nor what goes into a pipe" grep -q 'and then much more' "$WORK/out"
ctl create -w w4 -t odd --title control -c $'one\033]0;x\atwo\tthree'
odd=$(out)
terminal "$CTL content $odd"
check "content steers no terminal" grep -qF 'one\x1b]0;x\x07two	three' \
    "$WORK/out"
ctl put -w w4 -t odd --content-type application/pdf "$WORK/text"
pdf=$(out)
terminal "$CTL content $pdf; echo code \$?"
check "what is no text is not for a terminal" \
    grep -q 'is application/pdf, nothing for a terminal' "$WORK/out"
terminal "$CTL show $pdf"
check "... but its facts are" grep -q "artifactctl get $pdf takes the content" \
    "$WORK/out"
ctl show --json "$pdf"
check "what is text has it in JSON, whatever it is called" \
    equal "$(of content):$(cat "$WORK/err")" 'from a file:'
for type in application/octet-stream text/plain; do
	ctl put -w w4 -t odd --content-type $type "$WORK/bytes"
	bytes=$(out)
	for command in show content; do
		ctl $command --json "$bytes"
		check "$command --json of bytes of $type has none that are wrong" \
		    equal "$CODE:$(of content):$(of size_bytes)" 0:null:2
		check "... and says so" says "is no text in UTF-8 ($type, 2 B)"
	done
	ctl show "$bytes"
	check "... and show points to them" equal "$(tail -n 1 "$WORK/out")" \
	    "(artifactctl get $bytes takes the content)"
done
terminal "$CTL content $bytes; echo code \$?"
check "... as does content on a terminal" \
    grep -q 'is no text in UTF-8, and so nothing for a terminal' "$WORK/out"
check "... which is a failure" grep -q 'code 1' "$WORK/out"
ctl help rm
check "help of a command has its options" grep -q -- --keep-newest "$WORK/out"

# ---- lists

python_checks - <<'PYTHON'
import e2e

clients = [e2e.Client() for _ in range(8)]


def make(number):
    for n in range(number, 450, 8):
        status, _ = clients[number].create(
            "many & more", title=f"{n:03}", phase_id=f"p{n % 3}")
        if status != 201:
            raise RuntimeError(status)


e2e.in_threads([lambda n=n: make(n) for n in range(8)])
PYTHON
ctl list -w 'many & more'
check "a list is 50 without another word" equal "$(wc -l <"$WORK/out")" 50
check "... and says that there are more" says 'the 50 newest, and there are more'
ctl list -w 'many & more' --limit 433
check "a limit may be larger than a page" \
    equal "$(sort -u "$WORK/out" | wc -l)" 433
check "... and there are more" says 'more'
ctl list -w 'many & more' --limit 450
check "all of them by their number" equal "$(sort -u "$WORK/out" | wc -l)" 450
check "... and no more" equal "$(cat "$WORK/err")" ''
ctl list -w 'many & more' --all --json
check "all of them" equal "$(sort -u "$WORK/out" | wc -l)" 450
ctl list -w 'many & more' -p p1 -t PLAN --all
check "filters are combined" equal "$(sort -u "$WORK/out" | wc -l)" 150
ctl list --all --limit 3
check "--all and --limit exclude each other" exits 2 '--limit'
first=$(ctl list --all; cut -c1 "$WORK/out" | sort | uniq -d | head -n 1)
ctl show "$first"
check "an ambiguous prefix is exit code 7, with candidates" \
    exits 7 "Ambiguous artifact ID '$first' matches"
check "... one a line" grep -q "^  - $first" "$WORK/err"
ctl get "$first" -o "$WORK/never"
check "... for get too" exits 7 Ambiguous
check "... which leaves no file" [ ! -e "$WORK/never" ]

# ---- rm

ctl rm
check "rm without any ID is wrong usage" exits 2 '--all'
ctl rm --yes --all -w w1
check "all of some is wrong usage" exits 2 '--all'
ctl rm -w '' --yes
check "so is an empty filter, which would be all" exits 2 '--workflow is empty'
ctl rm "$plan" -w w1 --yes
check "so are an id and a filter" exits 2
setsid -w "$CTL" rm -w w1 >"$WORK/out" 2>"$WORK/err" </dev/null
CODE=$?
check "so is nobody to ask" exits 2 '--yes'
ctl list -w 'many & more' -p p2 --limit 20
cp "$WORK/out" "$WORK/newest"
ctl rm -w 'many & more' -p p2 --keep-newest 20 --dry-run
check "a dry run: exit code 5" exits 5 '130 artifacts'
check "... shows each" equal "$(wc -l <"$WORK/out")" 130
sort "$WORK/out" | cut -f1 >"$WORK/dry"
ctl rm -w 'many & more' -p p7 -n
check "a dry run with nothing to do: 0" exits 0 '0 artifacts'
ctl list -w 'many & more' --all
cut -f1 "$WORK/out" | sort >"$WORK/before"
ctl rm -w 'many & more' -p p2 --keep-newest 20 --yes --json
check "rm of a filter says how many" equal "$CODE:$(of deleted)" 0:130
check "... and how much" equal "$(of size_bytes)" 650
ctl list -w 'many & more' --all
cut -f1 "$WORK/out" | sort >"$WORK/after"
check "what the dry run showed is gone, and nothing else" equal \
    "$(comm -23 "$WORK/before" "$WORK/dry" | md5sum)" \
    "$(md5sum <"$WORK/after")"
ctl list -w 'many & more' -p p2 --all
check "the newest were kept" cmp "$WORK/newest" "$WORK/out"
ctl rm -w 'many & more' --older-than 1h --yes
check "nothing is older than an hour" equal "$CODE:$(head -n 1 \
    "$WORK/out")" '0:deleted	0'
ctl rm -w 'many & more' --older-than 1x --yes
check "an age has a unit" exits 2 '90d'
{
	head -n 3 "$WORK/after"
	head -n 1 "$WORK/after" | cut -c1-20
	printf '\n%s\ttext behind a tab\n' "$gone"
	# As list shows them on a terminal, and as others indent them.
	sed -n '2s/$/  many \& more  plan   5 B/p;3s/^/ \t/p' "$WORK/after"
} >"$WORK/ids"
timeout 60 "$CTL" rm - -n <"$WORK/ids" >"$WORK/out" 2>"$WORK/err"
CODE=$?
check "ids on stdin count once each" exits 3 '3 artifacts, 15 B'
timeout 60 "$CTL" rm - --yes <"$WORK/ids" >"$WORK/out" 2>"$WORK/err"
CODE=$?
check "ids on stdin: what is not there is told" exits 3 "not found: $gone"
check "... and the others go, each once" \
    equal "$(head -n 1 "$WORK/out")" 'deleted	3'
ctl rm "$report" "$first" --yes
check "an ambiguous one ends it" exits 7 Ambiguous
ctl show "$report"
check "... before anything is deleted" exits 0
python_checks - "$CTL" "$report" "$summary" <<'PYTHON'
import os
import pty
import sys

import e2e

ctl, one, other = sys.argv[1:]


def asked(answer, *arguments):
    """(what the terminal showed, exit code)"""
    pid, terminal = pty.fork()
    if pid == 0:
        os.execv(ctl, [ctl, *arguments])
    shown = b""
    while True:
        try:
            piece = os.read(terminal, 4096)
        except OSError:
            break
        if not piece:
            break
        shown += piece
        if answer and b"[y/N]" in shown:
            os.write(terminal, answer)
            answer = b""
    return shown.decode(), os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def is_there(artifact):
    return e2e.Client().send("GET", f"/artifacts/{artifact}")[0] == 200


shown, code = asked(b"n\n", "rm", one, other)
e2e.check("a terminal is asked, with count and size",
          "Delete 2 artifacts, 2 B? [y/N]" in shown, shown)
e2e.check("n deletes nothing", code == 1 and is_there(one), code, shown)
shown, code = asked(b"\n", "rm", one)
e2e.check("nor does an empty answer", code == 1 and is_there(one), code)
shown, code = asked(b"y\n", "rm", one)
e2e.check("y deletes", code == 0 and not is_there(one) and is_there(other),
          code, shown)
PYTHON
ctl rm --all --yes
check "--all deletes all" exits 0
ctl list
check "... and nothing is left" equal "$(out)" ''

# ---- a full standard output, a closed pipe

ctl create -w w -t t --title t -c c
id=$(out)
"$CTL" show "$id" >/dev/full 2>"$WORK/err"
CODE=$?
check "a full standard output is a failure" exits 1 'standard output'
"$CTL" list --all >/dev/full 2>"$WORK/err"
CODE=$?
check "... of a list too" exits 1 'standard output'
head -c 300000 /dev/zero | tr '\0' x >"$WORK/long"
ctl put "$WORK/long" -w w -t t
long=$(out)
for command in show content 'get -o -'; do
	# shellcheck disable=SC2086 # words
	env --default-signal=PIPE "$CTL" $command "$long" 2>"$WORK/err" | true
	check "$command into a closed pipe ends as any tool does" equal \
	    "${PIPESTATUS[0]}:$(cat "$WORK/err")" 141:
	# shellcheck disable=SC2086 # words
	env --ignore-signal=PIPE "$CTL" $command "$long" 2>"$WORK/err" | true
	CODE=${PIPESTATUS[0]}
	check "... and says why where that signal is ignored" exits 1 \
	    'cannot write to standard output'
done
# unread COMMAND...: its end, where nobody reads what it prints.
unread()
{
	python3 - "$CTL" "$@" <<'PYTHON'
import os, subprocess, sys
reader, writer = os.pipe()
os.close(reader)
done = subprocess.run(sys.argv[1:], stdout=writer, stderr=subprocess.PIPE)
print(done.returncode, done.stderr.decode().strip())
PYTHON
}
check "a short list, too" equal "$(unread list)" "-13 "
check "... and facts" equal "$(unread show "$id")" "-13 "
check "... but an error is one" equal "$(unread show 00000000-0000-4000-8000-000000000000)" \
    "3 artifactctl: Artifact not found: 00000000-0000-4000-8000-000000000000"
finish
