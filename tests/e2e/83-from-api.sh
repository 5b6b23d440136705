#!/bin/bash
# SPDX-License-Identifier: ISC
#
# artifactctl import --from-api brings all artifacts of a server with the
# original API, or says what may be missing.
. "$(dirname "$0")/lib.sh"

OTHER=$WORK/other
ORIGINAL=

# original [OPTION...]: what $WORK/source.json has, at $FROM.
original()
{
	original_stop
	: >"$WORK/asked"
	rm -f "$WORK/source.fail"
	PYTHONDONTWRITEBYTECODE=1 env python3 -S "$HERE/original_api.py" \
	    "$WORK/source.json" "$@" >"$WORK/asked" 2>"$WORK/original.log" &
	ORIGINAL=$!
	for _ in {1..100}; do
		[ -s "$WORK/asked" ] && break
		sleep 0.05
	done
	FROM=http://127.0.0.1:$(head -n 1 "$WORK/asked")
}

original_stop()
{
	[ -n "$ORIGINAL" ] || return 0
	kill "$ORIGINAL" 2>/dev/null
	wait "$ORIGINAL" 2>/dev/null
	ORIGINAL=
}

trap 'original_stop; at_exit' EXIT

# import_from URL [OPTION...]
import_from()
{
	timeout 120 "$ARTIFACTCTL" import --set state_dir="$OTHER" \
	    --set reserve=1048576 --from-api "$@" \
	    >"$WORK/out" 2>"$WORK/err"
	CODE=$?
}

said()
{
	grep -qE -- "$1" "$WORK/out" "$WORK/err" ||
	    { sed 's/^/# /' "$WORK/out" "$WORK/err"; false; }
}

empty_other()
{
	rm -rf "$OTHER"
	make_store "$OTHER"
}

# source PYTHON: write source.json; artifact(n, …) makes one.
source_of()
{
	CODE_OF=$1 python3 - "$WORK/source.json" <<'PYTHON'
import json, os, sys

artifacts = []


def artifact(n, data=b"hello", **more):
    one = {
        "id": f"{n * 2654435761 % 2**32:08x}-0000-4000-8000-{n:012x}",
        "workflow_id": "w", "phase_id": None, "session_id": None,
        "artifact_type": "plan", "is_primary_deliverable": True,
        "content_type": "text/markdown", "title": f"title {n}",
        "derived_from": [], "created_by": None, "metadata": {},
        "created_at": f"2026-03-31T{n // 3600 % 24:02}:{n // 60 % 60:02}:"
                      f"{n % 60:02}+00:00",
        "bytes": data.hex(), **more}
    artifacts.append(one)
    return one


exec(os.environ["CODE_OF"])
json.dump(artifacts, open(sys.argv[1], "w"))
PYTHON
}

# compare [TEXT]: is all of the source in the store, as it was there?
compare()
{
	daemon_start state_dir="$OTHER"
	wait_ready
	EXPECT=${1-} python_checks - <<'PYTHON'
import datetime, json, os
import e2e

client = e2e.Client()
source = json.loads((e2e.WORK / "source.json").read_text())
skipped = set(os.environ["EXPECT"].split())
there = list(client.pages("/artifacts?limit=200"))
wrong = []


def moment(text):
    text = text.replace("Z", "+00:00").replace(" ", "T")
    time = datetime.datetime.fromisoformat(text)
    if time.tzinfo is None:
        time = time.replace(tzinfo=datetime.timezone.utc)
    return time.timestamp()


for one in source:
    if one["id"] in skipped:
        continue
    status, got = client.json("GET", f"/artifacts/{one['id']}")
    raw = client.send("GET", f"/artifacts/{one['id']}/raw")[2]
    ok = status == 200 and raw == bytes.fromhex(one["bytes"]) and all(
        got[m] == one[m] for m in (
            "id", "phase_id", "session_id", "is_primary_deliverable",
            "content_type", "derived_from", "created_by", "metadata")) and all(
        got[m] == (one[m] or "") for m in ("workflow_id", "title")) and (
        got["artifact_type"] == one["artifact_type"].lower()) and (
        one["created_at"] is None or 0 <= moment(got["created_at"]) -
        moment(one["created_at"]) < 0.001)
    if not ok:
        wrong.append((one, got))
e2e.check(f"{len(source) - len(skipped)} artifacts are as they were",
          not wrong, len(wrong), wrong[:1])
e2e.check("... and no others", len(there) == len(source) - len(skipped),
          len(there))
PYTHON
	daemon_stop
}

nginx_render
nginx_start

# ---- few artifacts, of every kind

source_of '
import os
artifact(1, created_at="2026-03-31T12:00:00.123456+00:00")
artifact(2, created_at="2026-03-31T12:00:01Z", phase_id="p", session_id="s")
artifact(3, created_at="2026-03-31 12:00:02.5", artifact_type="Code")
artifact(4, created_at=None, data="ä\0\U0001f600".encode())
artifact(5, metadata={"a": [1.5, None]}, derived_from=[artifacts[0]["id"]],
         is_primary_deliverable=False, created_by="somebody")
artifact(6, b"x" * 200000, content_type="text/plain; charset=utf-8")
for n in range(7, 12):
    artifact(n, created_at="2026-03-31T12:00:07+00:00")
artifact(12, created_at="2026-03-31 12:00:12.654321+00:00", workflow_id=None,
         title=None, content_hash=None, content_type="text/plain")
'
original
empty_other
import_from "$FROM" --dry-run
check "a dry run says that it would change something" equal "$CODE" 5
check "... and how much" said '^would import 12 artifacts'
import_from "$FROM"
check "import from the original API" equal "$CODE" 0
check "... says how much" said '^imported 12 artifacts, 195.4 KiB'
check "... and who has no time" said 'without created_at.*: 1 artifact$'
import_from "$FROM"
check "a repeat brings nothing" said '^imported 0 .*; 12 were there already$'
check "... and is fine" equal "$CODE" 0
compare

daemon_start state_dir="$OTHER"
wait_ready
import_from "$FROM"
check "a running service: a failure, with the way out" \
    said 'systemctl stop artifactd.socket'
http GET "/artifacts?limit=200"
check "of one time, the order of the list is kept" equal "$(
    tr '{' '\n' <"$WORK/body" | sed -n 's/.*"title \([0-9]*\)".*T12:00:07.*/\1/p' |
	tr '\n' ' ')" "7 8 9 10 11 "
http PUT "/artifacts/$(member 4.id)" -d '{"title":"changed since"}'
daemon_stop
import_from "$FROM"
check "what differs is kept, and named" said '11 were there already; 1 differs and was kept'
import_from "$FROM" --replace
check "--replace" said '1 of them replaced another; 11 were there'
compare

original --base /api/v1
empty_other
import_from "$FROM"
check "lists below /api/v1 are found" equal "$CODE" 0
compare
import_from "$FROM/api/v1"
check "... also when they are named" said '12 were there already'
import_from "$FROM/somewhere"
check "a wrong URL: a sentence" said 'is the URL right, with its path'
check "... and a failure" equal "$CODE" 1

# ---- content that is no text

source_of '
artifact(1)
artifact(2, bytes(range(256)), content_type="image/png")
artifact(3, bytes(range(256)) * 1000, storage_url="/artifacts/" +
         "f8a54a13-0000-4000-8000-000000000003/stored")
artifacts[-1]["id"] = "f8a54a13-0000-4000-8000-000000000003"
artifact(4, b"changed", content="changed on its way")
artifact(5, b"no hash", content_hash=None)
artifact(6, b"no hash \xff", content_hash=None)
artifact(7, b"characters \xc3\xa4", size_bytes=12)
artifact(8, b"gone", content=None)
artifact(9, b"\xfe", storage_url="s3://bucket/key\x1b[2J")
artifact(10, b"uploaded since", content_hash=None, size_bytes=5)
'
original
empty_other
import_from "$FROM"
check "bytes that do not match are an integrity failure" equal "$CODE" 4
check "... counted as what they are" \
    said '^imported 5 .*; 5 have content that does not come as text$'
check "... with what to do" said '^artifactctl: the content of 5 artifacts .*storage_url.* put .*--ids'
import_from "$FROM" --json
check "... also in JSON" said '"not_as_text":5,"damaged":0'
ids=$(python3 -c 'import json, sys
print(*(a["id"] for a in json.load(open(sys.argv[1]))))' "$WORK/source.json")
set -- $ids
check "... named" said "^artifactctl: $2 is not imported: .* no text, and it has no /raw"
check "... also text" said "^artifactctl: $4 is not imported"
check "... also without hash" said "^artifactctl: $6 is not imported: .*no content_hash"
check "... or without text" said "^artifactctl: $8 is not imported: .*is missing"
check "... with where it may be" said 'see its storage_url, s3://bucket/key\\x1b'
compare "$2 $4 $6 $8 $9"

# ---- a server that looks for the artifact before it looks at the path

source_of '
for n in range(1, 9):
    artifact(n, b"text %d" % n)
artifact(9, b"no hash", content_hash=None)
artifact(10, b"no time", created_at=None)
'
for status in 404 405; do
	original --id-first $status
	empty_other
	import_from "$FROM" --dry-run
	check "a /raw that is $status after all: a dry run" \
	    said '^would import 10 artifacts'
	import_from "$FROM"
	check "... the text does" equal "$CODE" 0
	check "... for all" said '^imported 10 artifacts'
	check "... each counted once" said 'without created_at.*: 1 artifact$'
	check "... and /raw is asked for once a run" equal 2 \
	    "$(grep -c '[^f]/raw' "$WORK/asked")"
	compare
done

source_of '
artifact(1, b"gone", content=None)
artifact(2, bytes(range(256)))
artifact(3, b"gone", content=None)
artifact(4, bytes(range(256)))
'
original --raw
empty_other
import_from "$FROM" --dry-run
check "a dry run asks for bytes until some come" equal 2 \
    "$(grep -c '[^f]/raw' "$WORK/asked")"
import_from "$FROM"
check "one content that is missing does not rule out /raw" \
    said '^imported 2 artifacts'
compare "$(python3 -c 'import json, sys
print(*(a["id"] for a in json.load(open(sys.argv[1]))[::2]))' \
    "$WORK/source.json")"

# ---- what does not fit

source_of '
artifact(1)
artifact(2, title="x" * 1025)
artifact(3, id="run-2026")
artifact(4, created_at="2999-01-01T00:00:00+00:00")
artifact(5, metadata={"x": "y" * 65536})
artifact(6, created_at="a while ago")
artifact(7, id="ABCDEF00-0000-4000-8000-00000000000a")
'
original
empty_other
import_from "$FROM"
check "what does not fit is a failure" equal "$CODE" 1
check "... counted" said '^imported 2 .*; 5 could not be taken$'
check "... named" said 'is not imported: title: String should have at most 1024'
check "... also ids" said 'run-2026 is not imported: its id is no UUID'
check "... but not for capitals" equal 1 \
    "$("$ARTIFACTCTL" export --set state_dir="$OTHER" - |
	grep -ac content/abcdef00-0000-4000-8000-00000000000a)"
check "... and times" said 'is of a time to come'
check "... and what is none" said 'created_at: is no time from 1970 to 9999'

# ---- more than a list holds

source_of '
for n in range(450):
    artifact(n, b"content %d" % n, workflow_id=f"w{n % 3}", artifact_type=(
        "plan", "code")[n % 2], phase_id="p", content_hash=None)
'
original
empty_other
import_from "$FROM"
check "lists that are full are said to be full" said \
    'ends its lists at 200, and this one is full: .* each workflow with --workflow'
check "... which is a failure" equal "$CODE" 1
check "... with the way out" said 'SELECT id FROM artifacts'
check "... and what came is kept" said '^imported 200 artifacts'
import_from "$FROM" -w w0 -w w1 --dry-run
check "--workflow" said '^would import 1[67][0-9] .*; 13[0-9] were there already$'
import_from "$FROM" -w w0 -w w1 -w w2
check "lists that are not full are known to be all" equal "$CODE" 0
check "... each workflow's" said '^imported 250 .*; 200 were there already$'
check "... without a word" equal "$(cat "$WORK/err")" ''
compare
import_from "$FROM" -w ''
check "an empty workflow is a wrong use" equal "$CODE" 2

# A workflow that nobody names: only its ids find it.
source_of '
for n in range(250):
    artifact(n, b"content %d" % n, workflow_id="hidden" if n < 10 else "w")
'
original
empty_other
import_from "$FROM"
check "what is in no list is missing" said '^imported 200 artifacts'
check "... and that is said" equal "$CODE" 1
import_from "$FROM" -w w
check "of a workflow, too, a list may be full" said \
    'the list of workflow "w" is full with 200: there may be more'
check "... which is a failure" equal "$CODE" 1
python3 -c 'import json, sys
for a in json.load(open(sys.argv[1])): print(a["id"])' \
    "$WORK/source.json" >"$WORK/ids"
import_from "$FROM" --ids "$WORK/ids"
check "ids find all" said '^imported 50 artifacts, .*; 200 were there'
check "... which is then known" equal "$CODE" 0
compare
{ cat "$WORK/ids"; echo; echo 00000000-0000-4000-8000-000000000bad; } \
    >"$WORK/more"
import_from "$FROM" --ids - <"$WORK/more"
check "an id that the server does not have is named" said \
    '00000000-0000-4000-8000-000000000bad is not imported: the server has no such'
check "... and is a failure" equal "$CODE" 1
head -c 8 "$WORK/ids" >"$WORK/more"
import_from "$FROM" --ids "$WORK/more"
check "the start of an id is no id" said 'is no UUID'
import_from "$FROM" --ids "$WORK/none"
check "no such file" said 'none cannot be read: No such file'

# ---- pages by number, as the newer API has them

source_of '
for n in range(450):
    artifact(n, b"content %d" % n, workflow_id=f"w{n % 3}")
'
original --numbered --base /api/v1
empty_other
import_from "$FROM"
check "pages by number are read to the last" said '^imported 450 artifacts'
check "... and that is known to be all" equal "$CODE" 0
check "... without a word" equal "$(cat "$WORK/err")" ''
check "... each once" equal "$(grep -c 'limit=200&page=' "$WORK/asked")" 4
compare
import_from "$FROM" -w w1
check "... of a workflow too" said '^imported 0 .*; 150 were there already$'
check "... which is all, too" equal "$CODE" 0
# While the second page is asked for, one of the first goes.
original --numbered --hide 1
empty_other
import_from "$FROM"
check "what moves to an earlier page meanwhile is found" \
    said '^imported 450 artifacts'
check "... and that is known" equal "$CODE" 0
compare
original --numbered --hide 400
empty_other
import_from "$FROM"
check "a list that never comes to its number is said" said \
    'a list of 4[0-9]* artifacts came to 4[0-9]*, the last of 5 times'
check "... which is a failure" equal "$CODE" 1
check "... that keeps what came" said '^imported 4[0-9]* artifacts'
original --numbered --ignore-page
empty_other
import_from "$FROM"
check "a server that knows no pages ends" said \
    'a list of 450 artifacts came to 200, the last of 5 times'
check "... with a failure" equal "$CODE" 1
source_of '
for n in range(200):
    artifact(n, b"content %d" % n)
'
original --numbered
empty_other
import_from "$FROM"
check "a page that is full can be all" said '^imported 200 artifacts'
check "... for certain" equal "$CODE" 0
source_of 'pass'
original --numbered
empty_other
import_from "$FROM"
check "so can none" said '^imported 0 artifacts'
check "... for certain" equal "$CODE" 0

# Ids of those before.
source_of '
for n in range(250):
    artifact(n, b"content %d" % n, workflow_id="hidden" if n < 10 else "w")
'
original

# ---- a server that does not feel well


empty_other
printf '503\n502\n504\n' >"$WORK/source.fail"
import_from "$FROM" --ids "$WORK/ids"
check "502, 503 and 504 are tried again" equal "$CODE" 0
compare
empty_other
original --fail-after 100
import_from "$FROM" --ids "$WORK/ids"
check "a server that fails half way is a failure" equal "$CODE" 1
check "... with the way out" said 'failures one after the other: .*repeat'
check "... and each is named" equal 5 \
    "$(grep -cxFf <(sed 's/^/artifactctl: that was /' "$WORK/ids") "$WORK/err")"
check "... and keeps what came" said '^imported 9[0-9] artifacts'
original
import_from "$FROM" --ids "$WORK/ids"
check "... and a repeat completes it" equal "$CODE" 0
compare
empty_other
mv "$WORK/source.json" "$WORK/kept.json"
source_of '
for n in range(20):
    artifact(n, content_hash="0" * 64)'
original --no-bytes
import_from "$FROM"
check "one that fails for each content" equal "$CODE" 1
check "... is left alone soon" said 'failures one after the other: .*repeat'
mv "$WORK/kept.json" "$WORK/source.json"
empty_other
head -n 20 "$WORK/ids" >"$WORK/some"
original
printf '%s\n' - - - - - 500 >"$WORK/source.fail"
import_from "$FROM" --ids "$WORK/some"
check "one that fails once does not end it" said '^imported 19 .*; 1 could not'
original_stop
import_from "$FROM"
check "nobody there: a sentence" said '127.0.0.1'
check "... and exit code 8, try later" equal "$CODE" 8

# ---- killed, and repeated

original
python_checks - "$ARTIFACTCTL" "$FROM" <<'PYTHON'
import os, random, shutil, signal, subprocess, sys, time
import e2e

seed = int(os.environ.get("TEST_SEED") or random.randrange(1 << 30))
print(f"# TEST_SEED={seed}")
rng = random.Random(seed)
other = e2e.WORK / "other"
words = [sys.argv[1], "import", "--set", f"state_dir={other}", "--set",
         "reserve=1048576", "--from-api", sys.argv[2], "--ids",
         str(e2e.WORK / "ids")]
export = [sys.argv[1], "export", "--set", f"state_dir={other}"]


def fresh():
    shutil.rmtree(other)
    subprocess.run([sys.argv[1], "init", "--set", f"state_dir={other}"],
                   check=True, timeout=60, capture_output=True)


def exported(name):
    subprocess.run([*export, str(e2e.WORK / name)], check=True, timeout=60,
                   capture_output=True)
    return (e2e.WORK / name).read_bytes()


fresh()
started = time.monotonic()
subprocess.run(words, check=True, capture_output=True, timeout=60)
took = time.monotonic() - started
whole = exported("whole.tar")
wrong, killed = [], 0
for i in range(40 if e2e.IS_FULL else 6):
    fresh()
    for _ in range(rng.randrange(1, 4)):
        child = subprocess.Popen(words, stdout=subprocess.DEVNULL,
                                 stderr=subprocess.DEVNULL)
        time.sleep(rng.random() * took)
        child.send_signal(signal.SIGKILL)
        killed += child.wait() != 0
    last = subprocess.run(words, capture_output=True, timeout=60)
    if last.returncode != 0 or exported("there.tar") != whole:
        wrong.append((i, last.stderr))
e2e.check("an import that was killed and repeated gives the same store",
          not wrong and killed > 0, killed, wrong)
PYTHON
original_stop

# ---- from another artifactd

python3 - "$WORK/source.json" <<'PYTHON'
import sys
open(sys.argv[1], "w").write("[]")
PYTHON
make_store
daemon_start
wait_ready
python_checks - <<'PYTHON'
import os
import e2e

client = e2e.Client()
for i in range(430):
    client.create(workflow="w", title=f"title {i}", content=f"content {i}")
for size in (0, 5, 300000):
    status, answer = client.create(workflow="w")
    client.send("PUT", f"/artifacts/{answer['id']}/raw", os.urandom(size))
PYTHON
empty_other
import_from "$URL"
check "import from artifactd" equal "$CODE" 0
check "... is complete, by its pages" said '^imported 433 artifacts'
import_from "$URL/api/v1" -w w
check "... as is a repeat, of a workflow" said '433 were there already$'
http GET "/artifacts?limit=200"
mv "$WORK/body" "$WORK/first"
http GET "/artifacts/$(python3 -c 'import json, sys
print(json.load(open(sys.argv[1]))[0]["id"])' "$WORK/first")/raw"
digest=$(header Repr-Digest)
daemon_stop
daemon_start state_dir="$OTHER"
wait_ready
http GET "/artifacts?limit=200"
check "the list is the same" cmp "$WORK/body" "$WORK/first"
http GET "/artifacts/$(member 0.id)/raw"
check "bytes that are no text are the same" equal "$(header Repr-Digest)" "$digest"
daemon_stop

import_from
check "no URL is a wrong use" equal "$CODE" 2
import_from "$FROM" "$WORK/x.tar"
check "a URL and a file are a wrong use" equal "$CODE" 2
finish
