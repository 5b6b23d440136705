#!/bin/bash
# SPDX-License-Identifier: ISC
#
# artifactctl put and get: large files both ways, and the state of a file when
# the client is killed, the disk is full, or the server lies. Then tokens,
# redirections, waits and TLS.
. "$(dirname "$0")/lib.sh"

CTL=$(dirname "$ARTIFACTD")/artifactctl
export HOME=$WORK
unset ARTIFACT_TOKEN http_proxy https_proxy
liars=()

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

sum()
{
	sha256sum "$1" | cut -d ' ' -f 1
}

# lie [ARGUMENT...]: start a server that does, in LIAR; its log in $LOG.
lie()
{
	LOG=$WORK/liar${#liars[@]}.log
	: >"$LOG"
	setpriv --pdeathsig KILL python3 -S "$HERE/liar.py" "$@" \
	    >"$LOG" 2>"$LOG.errors" </dev/null &
	liars+=($!)
	for _ in {1..100}; do
		[ -s "$LOG" ] && break
		sleep 0.05
	done
	LIAR=127.0.0.1:$(head -n 1 "$LOG")
}

# sent MEMBER [PATTERN]: this header of each request to such a path.
sent()
{
	tail -n +2 "$LOG" | python3 -c 'import json, sys
for line in sys.stdin:
    request = json.loads(line)
    if sys.argv[2] in request["path"]:
        print(request["headers"].get(sys.argv[1], "-"))' "$1" "${2-}"
}

start
export ARTIFACT_URL=$URL
mkdir "$WORK/d" "$WORK/got"
cd "$WORK/got" || exit 1

# ---- large files

head -c 52428800 /dev/urandom >"$WORK/d/large.bin"
ctl put "$WORK/d/large.bin" -w w -t data --json
check "put sends 50 MiB" exits 0
check "... and prints the hash that the server has" \
    grep -qF "\"content_hash\":\"$(sum "$WORK/d/large.bin")\"" "$WORK/out"
large=$(python3 -c 'import json, sys
print(json.load(sys.stdin)["id"])' <"$WORK/out")
ctl get "${large:0:8}"
check "get brings them back, under the name they had" equal \
    "$CODE:$(out):$(sum large.bin)" "0:large.bin:$(sum "$WORK/d/large.bin")"
check "... as any file of ours would be" equal "$(stat -c %a large.bin)" \
    "$(printf '%o' $((0666 & ~$(umask))))"
echo mine >large.bin
ctl get "$large"
check "a file of that name stays" exits 1 'large.bin exists and stays as it is'
check "... as it is" equal "$(cat large.bin)" mine
ctl get "$large" --force
check "... unless --force is there" equal "$(sum large.bin)" \
    "$(sum "$WORK/d/large.bin")"
echo mine >here
ctl get "$large" -o here
check "-o replaces" equal "$CODE:$(sum here)" "0:$(sum large.bin)"
timeout 60 "$CTL" get "$large" -o - | cmp -s - large.bin
check "-o - is stdout" equal "${PIPESTATUS[*]}" '0 0'
ctl get "$large" -o /dev/null
check "a device stays one" [ -c /dev/null ]
mkdir sub
ctl get "$large" -o sub
check "into a directory it goes by its name" equal \
    "$CODE:$(out):$(sum sub/large.bin)" "0:sub/large.bin:$(sum large.bin)"
rm -r sub
ctl get "$large" -o no/such/directory/file
check "one that is not there is a failure" exits 1 no/such/directory
timeout 60 "$CTL" put - -w w -t data --title 'a pipe' \
    < <(cat "$WORK/d/large.bin") >"$WORK/id" 2>"$WORK/err"
ctl content "$(cat "$WORK/id")"
check "put takes a pipe" equal "$(sum "$WORK/out")" "$(sum large.bin)"
printf '' >"$WORK/d/empty"
ctl put "$WORK/d/empty" -w w -t data
empty=$(out)
ctl get "$empty" -o empty
check "nothing at all goes there and back" equal "$CODE:$(wc -c <empty)" 0:0
# Resident memory of put and of get, in KiB; sanitizers keep what was freed.
most=40000
! grep -q __asan_init "$CTL" || most=400000
check "neither holds a file in memory" python3 -c '
import resource, subprocess, sys
ctl, large, most = sys.argv[1:]
for command in (["get", large, "-o", "bounded"],
                ["put", "bounded", "-w", "w", "-t", "t"]):
    subprocess.run([ctl, *command], check=True, stdout=subprocess.DEVNULL)
size = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
print("#", size, "KiB")
sys.exit(size > int(most))' "$CTL" "$large" "$most"
rm -f bounded here empty

# ---- names and types

printf '\211PNG\r\n\032\n\0\0\0\rIHDR\0\0\0\1\0\0\0\1\b\6\0\0\0' \
    >"$WORK/d/picture"
echo '# Title' >"$WORK/d/read me.md"
echo plain >"$WORK/d/notes"
odd=$'-o\tdd "name" \303\244;%41.txt'
echo odd >"$WORK/d/$odd"
ctl put "$WORK/d/picture" "$WORK/d/read me.md" "$WORK/d/notes" "$WORK/d/$odd" \
    -w types -t file --json
check "several files are an artifact each" equal "$CODE:$(wc -l \
    <"$WORK/out")" 0:4
check "types are guessed from bytes and names" equal "$(python3 -c '
import json, sys
print(*[json.loads(line)["content_type"] for line in sys.stdin])' \
    <"$WORK/out")" 'image/png text/markdown text/plain text/plain'
oddly=$(tail -n 1 "$WORK/out" | python3 -c 'import json, sys
print(json.load(sys.stdin)["id"])')
ctl get "$oddly"
check "a name with everything in it comes back harmless" equal \
    "$(echo ./*dd*)" $'./_o_dd "name" \303\244;%41.txt'
rm -f ./*dd*
ctl put "$WORK/d/notes" "$WORK/d/none" "$WORK/d/picture" -w types \
    -t file --title one --content-type text/x-one
check "what fails is named, and the others are put" exits 1 "$WORK/d/none"
check "... and have an id each" equal "$(wc -l <"$WORK/out")" 2
ctl show --json "$(tail -n 1 "$WORK/out")"
check "title and type can be told" grep -q \
    '"title":"one".*"content_type":"text/x-one"' "$WORK/out"
ctl put "$WORK/d/notes" -w types -t file --metadata '{"k":[1]}' \
    --derived-from "${large:0:12}" --primary no
ctl show --json "$(out)"
check "so can all that an update says" grep -q '"is_primary_deliverable":false.*"derived_from":\["'"$large"'"\],"metadata":{"k":\[1\]}' "$WORK/out"

# refused CODE TEXT OPTION...: and nothing was stored, so it may be repeated.
refused()
{
	local code=$1 text=$2
	shift 2

	ctl put "$WORK/d/notes" -w refused -t file "$@"
	exits "$code" "$text" || return
	ctl list -w refused
	equal "$(out)" ""
}
many()
{
	python3 -c 'import sys; print(sys.argv[1] * int(sys.argv[2]))' "$@"
}
for value in '[1]' '"x"' 1 null; do
	check "metadata of $value: refused before anything is stored" \
	    refused 2 'Input should be a valid dictionary' --metadata "$value"
done
check "so is too much of it" refused 2 'at most 65536' \
    --metadata "{\"a\":\"$(many x 65536)\"}"
many ' ' 200000 >"$WORK/d/large"
check "... also from a file" refused 2 'takes 65536 bytes' \
    --metadata "@$WORK/d/large"
rm "$WORK/d/large"
check "... or with half a pair" refused 2 '--metadata: ' \
    --metadata '{"a":"\ud800"}'
deep=$(many '[' 63)$(many ']' 63)
check "... or nested as deeply as no body is" refused 2 'nested deeper' \
    --metadata "{\"a\":$deep}"
for value in 'no id!' '' "${large}0"; do
	check "no id to be derived from: \"$value\"" \
	    refused 2 '' --derived-from "$value"
done
check "... or an id of nothing" refused 3 '' \
    --derived-from 00000000-0000-4000-8000-000000000000
parents=()
for ((i = 0; i < 257; i++)); do parents+=(--derived-from "$large"); done
check "... or too many" refused 2 'takes 256' "${parents[@]}"
ctl put - -w w -t t </dev/null
check "what has no name needs a title" exits 2 '--title'
ctl put "$WORK/d/notes" -t t
check "a put without a workflow is wrong usage" exits 2 '--workflow'
head -c 52428801 /dev/zero >"$WORK/d/huge"
ctl put "$WORK/d/huge" -w w -t t
check "too large is a sentence, with one limit in bytes" exits 1 \
    "huge has 52428801 bytes, and $URL takes 52428800 at most, by its setting max_content: nothing was sent"
head -c 17000000 /dev/zero | tr '\0' x >"$WORK/d/huge"
ctl create -w w -t t --title t "$WORK/d/huge"
check "so is text that is too large for JSON" exits 1 \
    "takes 16777216 at most, by its setting max_json: nothing was sent"
rm "$WORK/d/huge"

# ---- killed, and a full disk

lie
# kill_get FILE: at half of its bytes.
kill_get()
{
	"$CTL" --url "http://$LIAR/slow" get 1234 -o "$1" >"$WORK/out" 2>&1 &
	local pid=$!
	for _ in {1..100}; do
		[ "$(sed -n 's/^pos:\t*//p' /proc/$pid/fdinfo/* \
		    2>/dev/null | sort -n | tail -n 1)" = 500000 ] && break
		sleep 0.05
	done
	kill -KILL $pid
	wait $pid 2>/dev/null
}
kill_get killed
check "a get that is killed half way leaves nothing" equal "$(ls)" large.bin
echo before >killed
kill_get killed
check "... and what was there before" equal "$(cat killed)" before
rm killed
(ulimit -f 1024; ctl get "$large" -o full; exit "$CODE")
CODE=$?
check "a full disk is a failure" exits 1 'cannot write'
check "... that leaves nothing" equal "$(ls -A)" large.bin

# ---- progress

script -qec "$CTL --url http://$LIAR/drip get 1234 -o slow" /dev/null \
    >"$WORK/out" 2>&1 </dev/null
check "a terminal sees how far a slow one is" grep -qE \
    '1234: [0-9.]+ KiB of 1.0 MiB, [0-9.]+ KiB/s, 0:0[0-9] left' "$WORK/out"
ctl --url "http://$LIAR/drip" get 1234 -o slow
check "nobody else does" equal "$CODE:$(cat "$WORK/err")" 0:
rm slow

# ---- lies

ctl --url "http://$LIAR/lie" get 1234 -o lie
check "bytes that do not match: exit code 4" exits 4 'is damaged'
check "... and no file" [ ! -e lie ]
echo before >lie
ctl --url "http://$LIAR/lie" get 1234 -o lie
check "... or the one that was there" equal "$(cat lie)" before
ctl --url "http://$LIAR/lie" content 1234
check "on stdout it is told too" exits 4 'is damaged'
ctl --url "http://$LIAR/undigested" get 1234 -o none
check "no digest is no proof" exits 4 'cannot be checked'
check "... and no file" [ ! -e none ]
ctl --url "http://$LIAR/short" get 1234 -o short
check "fewer bytes than promised: exit code 8, try later" exits 8 'lost the connection'
check "... and no file" [ ! -e short ]
ctl --url "http://$LIAR/cut" get 1234 -o gone-on
check "what was cut off goes on" exits 0
check "... twice, and is right" equal "$(wc -c <gone-on)" 1048576
ctl --url "http://$LIAR/replaced" get 1234 -o replaced
check "what was replaced meanwhile does not: exit code 6" exits 6 'was replaced'
check "... and leaves no file" [ ! -e replaced ]
ctl --url "http://$LIAR/evil" get 1234
check "a name that is a path is none" equal "$CODE:$(out)" '0:_evil__[2J'
check "... and stays here" [ -e '_evil__[2J' ]
ctl --url "http://$LIAR/unix" get 1234
check "lines may end without a return" equal "$CODE:$(out)" 0:unix
check "... and all of it is there" equal "$(stat -c %s unix)" 1048576
ctl --url "http://$LIAR/steer" put "$WORK/d/notes" -w w -t t
check "an id steers no terminal, nor does a hash" equal \
    "$CODE:$(grep -cF '\x1b[2J' "$WORK/err"):$(
    grep -c "$(printf '\033')" "$WORK/err")" 4:1:0
script -qec "timeout 20 '$CTL' --url http://$LIAR/dwarf lineage --ancestors \
    12345678-1234-4234-8234-123456789abc" /dev/null >"$WORK/out" </dev/null
check "an id of one letter is not read to the twelfth" \
    grep -q '^  87654321-432  t  y' "$WORK/out"
ctl --url "http://$LIAR/deaf" put "$WORK/d/notes" -w w -t t
check "a store that has other bytes: exit code 4" exits 4 'not as it is'
ctl --url "http://$LIAR/login" list
check "a page for people is no store" exits 1 '(text/html), not as a store does'
ctl --url "http://$LIAR/empty" list
check "nor is an empty answer" exits 1 'status 500'
ctl --url "http://$LIAR/missing-detail" show 1234
check "nor is any JSON" exits 1 'does not answer as a store does'
ctl --url "http://$LIAR/terminal" list
check "no server steers a terminal" equal "$(cat "$WORK/err")" \
    'artifactctl: a\x1b[2Jb
c'

check "... though it was told the digest" grep -qF "Repr-Digest: sha-256=:$(
    openssl dgst -sha256 -binary "$WORK/d/notes" | base64):" "$LOG"
# ---- files that are written to meanwhile

# grow FILE: a line each 10 ms, until it is killed: by pid, in GROWING.
grow()
{
	setpriv --pdeathsig KILL python3 -S - "$1" <<-'PYTHON' &
	import sys, time
	with open(sys.argv[1], "ab", buffering=0) as file:
	    while True:
	        file.write(b"one more line of a log\n")
	        time.sleep(0.01)
	PYTHON
	GROWING=$!
}

# is_prefix FILE: what the last put, with --json, says is how FILE begins.
is_prefix()
{
	python3 -c 'import hashlib, json, sys
row = json.loads(open(sys.argv[2], encoding="utf-8").read())
with open(sys.argv[1], "rb") as file:
    start = file.read(row["size_bytes"])
sys.exit(not 0 < len(start) == row["size_bytes"] or
         hashlib.sha256(start).hexdigest() != row["content_hash"])' \
	    "$1" "$WORK/out"
}

head -c 3000000 /dev/urandom >"$WORK/growing"
grow "$WORK/growing"
good=0
for _ in {1..10}; do
	ctl put "$WORK/growing" -w grows -t log --json
	equal "$CODE" 0 && is_prefix "$WORK/growing" && good=$((good + 1))
done
kill $GROWING
wait $GROWING 2>/dev/null
check "a file that grows is put as it was at the start, 10 of 10" equal $good 10
cp "$WORK/d/large.bin" "$WORK/growing"
"$CTL" --url "http://$LIAR/sluggish" put "$WORK/growing" -w w -t t \
    >"$WORK/out" 2>"$WORK/err" &
putting=$!
sleep 1
echo more >>"$WORK/growing"
wait $putting
CODE=$?
check "... while it is sent, too" exits 0
check "... and that it grew is told" grep -qF \
    'growing has grown to 52428805 bytes: the first 52428800 were sent' \
    "$WORK/err"
cp "$WORK/d/large.bin" "$WORK/growing"
"$CTL" --url "http://$LIAR/sluggish" put "$WORK/growing" -w w -t t \
    >"$WORK/out" 2>"$WORK/err" &
putting=$!
sleep 1
truncate -s 1000 "$WORK/growing"
wait $putting
CODE=$?
check "a file that shrinks while it is sent is a sentence" exits 1 \
    "growing was cut to 1000 bytes while it was sent as"
check "... and nothing else" equal "$(wc -l <"$WORK/err")" 1
rm "$WORK/growing"
ctl put /proc/version -w proc -t t --json
check "a file that tells no size is read to its end" is_prefix /proc/version

# ---- manners

ARTIFACT_TOKEN=s3cret ctl --url "http://$LIAR/busy" list --header 'X-Mine: 1'
check "a busy server is asked again" exits 0
check "... three times" equal "$(sent Host /busy/ | wc -l)" 3
check "... which is told, also where nobody watches" equal \
    "$(grep -c 'answers 503; trying again in 0.0 s' "$WORK/err")" 2
check "a token is sent" equal "$(sent Authorization /busy/ | sort -u)" \
    'Bearer s3cret'
check "so is a header" equal "$(sent X-Mine /busy/ | sort -u)" 1
echo "{\"k\": 1}" >"$WORK/d/small"
ctl --url "http://$LIAR/deaf" put "$WORK/d/small" -w w -t t
check "a server that tells no limits may take any" exits 4 'not as it is'
ctl --url "http://$LIAR/small" put "$WORK/d/small" "$WORK/d/small" -w w -t t
check "one that tells them is sent nothing more" exits 1 \
    "small has 9 bytes, and http://$LIAR/small takes 3 at most"
check "... at all" equal "$(sent Host /small | wc -l)" 0
ctl --url "http://$LIAR/busy-create" create -w w -t t --title t -c c
check "a create is repeated" exits 0
check "... with the key it had" equal \
    "$(sent Idempotency-Key /busy-create | sort | uniq -c | awk '{print $1}')" 3
for command in 'create -c c' "put $WORK/d/notes"; do
	ctl --url "http://$LIAR/deleted-create" $command -w w -t t --title t
	check "what is deleted before ${command%% *} knows is no success" \
	    exits 3 ', and somebody deleted it before'
done
ctl --url "http://$LIAR/always-busy" list
check "but not for ever: exit code 8" exits 8 'The store is away. (status 503, request request-42 in the log)'
ctl --url "http://$LIAR/much-later" list
check "... and not where it would take minutes" \
    equal "$CODE:$(sent Host /much-later | wc -l)" 8:1
ctl --url "http://$LIAR/always-busy" rm 1 2 3 4 5 6 7 8 --yes
check "... and of many requests that fail one is told" \
    equal "$CODE:$(grep -vc 'trying again' "$WORK/err")" 8:1
ARTIFACT_TOKEN=s3cret ctl --url "http://$LIAR/elsewhere" list \
    --header 'authorization: Basic eA=='
check "a header of one's own is stronger than the token" equal \
    "$(tail -n 1 "$LOG" | grep -c 'Bearer')" 0
ARTIFACT_TOKEN=s3cret ctl --url "http://$LIAR/elsewhere" list
check "a redirection is told, not followed" exits 1 \
    'redirects to http://127.0.0.1:9/stolen'
ctl --url "http://$LIAR/private" list
check "who is refused hears how to say who he is" exits 1 'ARTIFACT_TOKEN'
ctl --url "http://u:pass@$LIAR/private" list
check "no password comes out" [ "$(grep -c pass "$WORK/err")" = 0 ]
for url in "http://no-such-host.invalid" "http://127.0.0.1.invalid" \
    "http://localhost@no-such-host.invalid" "http://user:s3cret@a.invalid"; do
	ARTIFACT_TOKEN=s3cret ctl --url "$url" list
	check "no token goes to $url" exits 2 'is plain http'
done
check "... nor does it come out" equal "$(grep -c s3cret "$WORK/err")" 0
ctl --url "http://no-such-host.invalid" list --header 'authorization:Basic x'
check "nor does a header that is one" exits 2 'is plain http'
ctl --url "http://no-such-host.invalid" list --header 'X-Other: x'
check "... though others do" exits 1 'cannot find the host'
ARTIFACT_TOKEN=s3cret ctl --url "http://no-such-host.invalid" list --plain-http
check "--plain-http lets it" exits 1 'cannot find the host'
ARTIFACT_TOKEN=s3cret ARTIFACT_PLAIN_HTTP=1 ctl \
    --url "http://no-such-host.invalid" list
check "so does \$ARTIFACT_PLAIN_HTTP" exits 1 'cannot find the host'
ARTIFACT_TOKEN=s3cret ctl --url "https://no-such-host.invalid" list
check "over https it may go" exits 1 'cannot find the host'
ARTIFACT_TOKEN=$'a\nX-Other: b' ctl --url "http://$LIAR/busy" list
check "a token of two lines is wrong usage" exits 2 ARTIFACT_TOKEN
ctl --url "http://$LIAR/busy" list --header 'no colon'
check "so is a header that is none" exits 2 NAME:VALUE
ctl --url "http://$LIAR/page" list --all
check "pages follow the cursor, not the host" equal \
    "$CODE:$(cut -f7 "$WORK/out" | tr '\n' ' ')" '0:first second '
timeout 20 "$CTL" --url "http://$LIAR/circle" list --all >"$WORK/out" \
    2>"$WORK/err"
CODE=$?
check "a list that goes in a circle ends" exits 1 'in a circle'
for page in nothing-more the-same; do
	timeout 20 "$CTL" --url "http://$LIAR/$page" list --all >"$WORK/out" \
	    2>"$WORK/err"
	CODE=$?
	check "... also one of pages that are $page" exits 1 'never end'
done
# bounded COMMAND...: in so much memory, which sanitizers need more of.
bounded()
{
	grep -q __asan_init "$CTL" || ulimit -v 400000
	timeout 60 "$CTL" "$@"
}
(bounded --url "http://$LIAR/endless" list >"$WORK/out" 2>"$WORK/err")
CODE=$?
check "a list that has no end is not held" exits 1 'is larger than 16 MiB'
(bounded --url "http://$LIAR/endless" show --no-content 1234 >"$WORK/out" \
    2>"$WORK/err")
CODE=$?
check "... nor a detail" exits 1 'is larger than 16 MiB'
http_proxy=http://127.0.0.1:9 ctl list --limit 1
check "a proxy is not asked about this host" exits 0
ctl --url "http://$LIAR/old" rm -w w --older-than 2d --keep-newest 4 -n
check "ages go by the server's clock, to the microsecond" equal \
    "$(cut -c1 "$WORK/out" | tr '\n' ' ')" '4 5 '
ctl --url "http://$LIAR/old" rm -w w --older-than 2d --yes
check "what is older than two days goes" exits 0
check "... and nothing else" equal "$(tail -n +2 "$LOG" |
    sed -n 's|.*DELETE.*/old/artifacts/\(.\).*|\1|p' | sort | tr '\n' ' ')" \
    '3 4 5 '

# A service that is killed in the middle, and comes back within seconds.
mkdir "$WORK/many"
for n in {1..150}; do
	echo "$n" >"$WORK/many/$n"
done
: >"$WORK/ids"
timeout 120 "$CTL" put "$WORK"/many/* -w many -t t >"$WORK/ids" \
    2>"$WORK/err" &
putting=$!
for _ in {1..200}; do
	[ "$(wc -l <"$WORK/ids")" -ge 20 ] && break
	sleep 0.02
done
daemon_stop KILL
before=$(wc -l <"$WORK/ids")
sleep 0.5
daemon_start
wait $putting
CODE=$?
check "files are put while the service is killed (after $before of 150)" \
    exits 0
check "... each once" equal "$(sort -u "$WORK/ids" | wc -l)" 150
ctl list -w many --all
check "... and there are no others" equal "$(cut -f1 "$WORK/out" | sort |
    md5sum)" "$(sort "$WORK/ids" | md5sum)"
timeout 120 "$CTL" rm -w many --yes >"$WORK/out" 2>"$WORK/err" &
removing=$!
daemon_stop KILL
daemon_start
wait $removing
CODE=$?
check "they are deleted while it is killed, too" exits 0
ctl list -w many
check "... all of them" equal "$CODE:$(cat "$WORK/out")" 0:

# A server that comes back within seconds.
nginx_stop
(sleep 1; exec nginx -e "$NGINX_LOG" -p "$WORK" -c "$WORK/nginx/nginx.conf" \
    2>>"$NGINX_LOG" >&2 </dev/null) &
NGINX=$! # at_exit ends it
script -qec "$CTL list --limit 1" /dev/null >"$WORK/out" 2>&1 </dev/null
CODE=$?
check "a server that is away for a second is waited for" exits 0
check "... which is told on a terminal" grep -q 'trying again in' "$WORK/out"

# ---- TLS

openssl req -x509 -newkey rsa:2048 -nodes -keyout "$WORK/key" -out \
    "$WORK/cert" -days 2 -subj /CN=here -addext subjectAltName=IP:127.0.0.1 \
    2>"$WORK/openssl.log"
lie "$WORK/cert" "$WORK/key"
ctl --url "https://$LIAR/page" list
check "a certificate that nobody knows is not trusted" exits 1 --cacert
ctl --url "https://$LIAR/page" --cacert "$WORK/cert" list
check "--cacert makes it known" exits 0
ctl --url "http://$LIAR/page" list
check "http where TLS is spoken is a sentence" exits 8 "$LIAR"
ctl --url "https://${URL#http://}" list
check "so is TLS where http is" exits 1 'is it http rather than https'
ctl --url "https://$LIAR/page" --cacert "$WORK/none" list
check "so is a file of certificates that is not there" exits 1 --cacert

lie "$WORK/cert" "$WORK/key" ask
ctl --url "https://$LIAR/page" --cacert "$WORK/cert" list
check "who shows no certificate is not let in" exits 8 "https://$LIAR"
ctl --url "https://$LIAR/page" --cacert "$WORK/cert" --cert "$WORK/cert" \
    --key "$WORK/key" list
check "who shows his is" exits 0
ctl --url "https://$LIAR/page" --cacert "$WORK/cert" --cert "$WORK/none" list
check "one that is not there is a sentence" exits 1 --cert

kill "${liars[@]}"
finish
