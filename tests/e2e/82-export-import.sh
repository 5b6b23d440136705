#!/bin/bash
# SPDX-License-Identifier: ISC
#
# artifactctl export and import: the imported store is equal to the exported
# one; other programs read and write the file, and both commands are killed at
# any time.
. "$(dirname "$0")/lib.sh"

. "$HERE/ctl.sh"

OTHER=$WORK/other
export HERE PORT WORK

export_to()
{
	ctl export "$@"
}

import_from()
{
	STORE=$OTHER ctl import --set reserve=1048576 "$@"
	# A sanitizer that speaks is not missed where a failure is expected.
	cat "$WORK/err" >>"$DAEMON_LOG"
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

# ---- a store with all that is hard to keep

start
python_checks - <<'PYTHON'
import os
import e2e

client = e2e.Client()
ids = []
for i in range(300):
    status, answer = client.create(
        workflow=f"w{i % 3}", title=f"title {i} \0 \U0001f600",
        content="x" * i or "y", phase_id="" if i % 5 == 0 else None,
        session_id=f"s{i % 7}")
    ids.append(answer["id"])
for size in (0, 1, 65512, 65513, 700000):
    status, answer = client.json("POST", "/artifacts", (
        b"--b\r\nContent-Disposition: form-data; name=workflow_id\r\n\r\nw2\r\n"
        b"--b\r\nContent-Disposition: form-data; name=artifact_type\r\n\r\nBin"
        b"\r\n--b\r\nContent-Disposition: form-data; name=file; "
        b"filename*=UTF-8''a%2Fb%E2%82%AC.bin\r\n\r\n" + os.urandom(size) +
        b"\r\n--b--\r\n"), {"Content-Type": "multipart/form-data; boundary=b"})
    e2e.check(f"a file of {size} bytes is created", status == 201, answer)
    ids.append(answer["id"])
status, _ = client.json("PUT", f"/artifacts/{ids[7]}", {
    "metadata": {"n": 1.50, "é": ["\\u0000"]}, "derived_from": [ids[0],
    ids[1].upper()], "is_primary_deliverable": False})
e2e.check("members are set", status == 200)
status, _, _ = client.send("PUT", f"/artifacts/{ids[8]}/raw", b"\xff\xfe new")
e2e.check("content is replaced", status == 200)
for i in (20, 30):
    client.send("DELETE", f"/artifacts/{ids[i]}")
PYTHON

# everything FILE: all that the API tells of a store.
everything()
{
	WHERE=$1 python3 - <<'PYTHON'
import hashlib, json, os, sys
sys.path.insert(0, os.environ["HERE"])
import e2e
client = e2e.Client()
with open(os.environ["WHERE"], "w") as out:
    for a in client.pages("/artifacts?limit=200"):
        _, headers, body = client.send("GET", f"/artifacts/{a['id']}")
        _, raw_headers, raw = client.send("GET", f"/artifacts/{a['id']}/raw")
        print(json.dumps(a), body.decode(), headers["ETag"] is not None,
              hashlib.sha256(raw).hexdigest(), raw_headers["Last-Modified"],
              raw_headers["Content-Disposition"], raw_headers["Content-Type"],
              sep="\n", file=out)
PYTHON
}
# Last-Modified is sent when the second in which the content came is over.
sleep 1.1
everything "$WORK/before"
check "there is something to compare" [ "$(wc -l <"$WORK/before")" -gt 2000 ]

# ---- out

export_to "$WORK/all.tar"
check "export beside a live daemon" equal "$CODE" 0
check "... says how much" said '^exported 303 artifacts, .* of content$'
export_to "$WORK/again.tar"
check "the same store gives the same bytes" \
    cmp -s "$WORK/all.tar" "$WORK/again.tar"
export_to - && mv "$WORK/out" "$WORK/piped.tar"
check "- is standard output" cmp -s "$WORK/all.tar" "$WORK/piped.tar"
check "... and words go to the other one" grep -q '^exported 303' "$WORK/err"
check "no other file stays" equal "$(ls "$WORK" | grep -c 'tar\.')" 0
check "only its owner reads it" equal "$(stat -c %a "$WORK/all.tar")" 600
export_to --json "$WORK/again.tar"
check "--json" said '^\{"artifacts":303,"bytes":[0-9]*,"damaged":0\}$'
export_to -w w1 -s s3 "$WORK/some.tar"
check "filters" equal "$CODE" 0
check "... leave out the others" equal \
    "$(tar tf "$WORK/some.tar" | grep -c ^content/)" 14
export_to "$WORK/none/all.tar"
check "no directory: a sentence" said 'cannot open the directory .*: No such file'
check "... and a failure" equal "$CODE" 1
STORE=$WORK/none ctl export "$WORK/x.tar"
check "no store: a failure" equal "$CODE" 1
check "... and no file" [ ! -e "$WORK/x.tar" ]

mkdir "$WORK/tree"
check "GNU tar takes it apart" tar xf "$WORK/all.tar" -C "$WORK/tree"
python_checks - <<'PYTHON'
import hashlib, json, tarfile
import e2e

tar = tarfile.open(e2e.WORK / "all.tar")
names = tar.getnames()
e2e.check("Python reads it", names[0] == "artifactd.json"
          and names[-1] == "end.json")
e2e.check("all names are safe", all(
    not n.startswith("/") and ".." not in n for n in names))
records = [json.loads(line) for n in names if n.startswith("records/")
           for line in tar.extractfile(n).read().splitlines()]
e2e.check("a line for each artifact", len(records) == 303)
e2e.check("newest first", [r["created_at"] for r in records] == sorted(
    (r["created_at"] for r in records), reverse=True))
e2e.check("content is what its hash says", all(
    hashlib.sha256((e2e.WORK / "tree/content" / r["id"]).read_bytes())
    .hexdigest() == r["content_hash"] for r in records))
e2e.check("the name of a file is kept",
          records[0]["filename"] == "a/b€.bin", records[0])
PYTHON

# ---- in

empty_other
before=$(sha256sum <"$OTHER/data.mdb")
import_from --dry-run "$WORK/all.tar"
check "a dry run says that it would change something" equal "$CODE" 5
check "... and what" said '^would import 303 artifacts'
check "... and changes nothing" equal "$before" "$(sha256sum <"$OTHER/data.mdb")"
rm -rf "$OTHER"
mkdir "$OTHER"
import_from "$WORK/all.tar"
check "no store: it makes none" equal "$CODE $(ls "$OTHER")" "1 "
check "... and says who does" said 'artifactctl init'
import_from --dry-run "$WORK/all.tar"
check "... nor would it" said 'artifactctl init'
empty_other
import_from "$WORK/all.tar"
check "import" equal "$CODE" 0
check "... says how much" said '^imported 303 artifacts, .* of content$'
import_from - <"$WORK/all.tar"
check "a repeat, from standard input" equal "$CODE" 0
check "... brings nothing" said \
    '^imported 0 artifacts, 0 B of content; 303 were there already$'
import_from --dry-run "$WORK/all.tar"
check "a dry run with nothing to do" equal "$CODE" 0
STORE=$OTHER ctl export "$WORK/there.tar"
check "an export of it is the same file" \
    cmp -s "$WORK/all.tar" "$WORK/there.tar"
import_from - <"$WORK/some.tar"
check "a part of it brings nothing either" said '; 14 were there already$'

daemon_stop
daemon_start state_dir="$OTHER"
wait_ready
import_from "$WORK/all.tar"
check "a running service: a failure" equal "$CODE" 1
check "... with the way out" said 'systemctl stop artifactd.socket'
import_from --dry-run "$WORK/all.tar"
check "... but a dry run may look" equal "$CODE" 0
everything "$WORK/after"
check "the API tells the same of it" cmp "$WORK/before" "$WORK/after"
create "after the import"
http GET "/artifacts?limit=1"
check "a create is the newest" equal "$(member 0.id)" "$ID"

# ---- what differs

kept=$(tar xOf "$WORK/all.tar" records/000001.jsonl | tail -n 1 | cut -c 8-43)
http PUT "/artifacts/$kept" -d '{"title":"changed since"}'
http PUT "/artifacts/$kept/raw" -T "$WORK/some.tar"
daemon_stop
import_from "$WORK/all.tar"
check "what differs is kept" said '302 were there already; 1 differs and was kept'
check "... and named" said "$kept: .*--replace"
check "... which is no failure" equal "$CODE" 0
import_from --dry-run --replace "$WORK/all.tar"
check "--dry-run --replace" equal "$CODE" 5
import_from --replace "$WORK/all.tar"
check "--replace" said '^imported 1 artifact, .*; 1 of them replaced another; 302'
daemon_start state_dir="$OTHER"
wait_ready
http DELETE "/artifacts/$ID"
everything "$WORK/after"
check "... makes it what it was" cmp "$WORK/before" "$WORK/after"
daemon_stop

# ---- files that are not whole, or not meant well

empty_other
python_checks - "$ARTIFACTCTL" <<'PYTHON'
import hashlib, io, json, subprocess, sys, tarfile
import e2e

source = tarfile.open(e2e.WORK / "some.tar")
good = [(m, source.extractfile(m).read()) for m in source.getmembers()]
other = e2e.WORK / "other"


def write(members, **more):
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w", **more) as tar:
        for member, content in members:
            if content is None:
                tar.addfile(member)
            else:
                member = tarfile.TarInfo(member.name)
                member.size = len(content)
                tar.addfile(member, io.BytesIO(content))
    return data.getvalue()


def run(data, *more):
    (e2e.WORK / "bad.tar").write_bytes(data)
    done = subprocess.run(
        [sys.argv[1], "import", "--set", f"state_dir={other}", "--set",
         "reserve=1048576", *more, str(e2e.WORK / "bad.tar")],
        capture_output=True, text=True, errors="replace", timeout=60)
    return done.returncode, done.stdout + done.stderr


def refused(text, members, words, code=4, **more):
    data = members if isinstance(members, bytes) else write(members, **more)
    got, said = run(data)
    e2e.check(f"{text} is refused", got == code and words in said, got, said)


def named(name, content=b"", **more):
    info = tarfile.TarInfo(name)
    for key, value in more.items():
        setattr(info, key, value)
    info.size = len(content or b"")
    return info, content


def record(change):
    """The file, with a change to the first line."""
    lines = good[1][1].splitlines(keepends=True)
    first = json.loads(lines[0])
    change(first)
    lines[0] = json.dumps(first).encode() + b"\n"
    return [good[0], named(good[1][0].name, b"".join(lines)), *good[2:]]


whole = write(good)
refused("an empty file", b"", "no whole tar file")
refused("what is no tar", b"PK\3\4" * 1000, "no whole tar file")
refused("a compressed one", __import__("gzip").compress(whole),
        "decompress it")
refused("a tar of something else", [named("README", b"hello")],
        'member "README" stands where artifactd.json should')
refused("another format", [named("artifactd.json", b'{"format":"x"}')],
        "no export of artifactctl")
refused("no JSON", [named("artifactd.json", b"{")], "is no JSON object")
refused("a newer version", [named(
    "artifactd.json", b'{"format":"artifactd-export","version":2}')],
    "use a newer one")
refused("a huge head", [named("artifactd.json", b" " * 100000)],
        "no export has more than 4096")
refused("a path to climb", [good[0], named("../../etc/passwd", b"x")],
        'member "../../etc/passwd" stands where records/000001.jsonl')
refused("an absolute path", [good[0], good[1],
                             named("/etc/passwd", b"x")], 'stands where')
refused("a name that steers", [good[0], named("\x1b[2Jx", b"x")],
        '\\x1b[2Jx')
refused("a link", [good[0], named("records/000001.jsonl", None,
        type=tarfile.SYMTYPE, linkname="/etc/passwd")], "no plain file")
refused("a hard link", [good[0], named("records/000001.jsonl", None,
        type=tarfile.LNKTYPE, linkname="artifactd.json")], "no plain file")
refused("a device", [good[0], named("records/000001.jsonl", None,
        type=tarfile.CHRTYPE)], "no plain file")
refused("a directory", [good[0], named("records", None,
        type=tarfile.DIRTYPE)], "no plain file")
refused("content that comes first", [good[0], good[2], good[1]],
        "stands where records/000001.jsonl should")
refused("content out of order", [*good[:2], good[3], good[2], *good[4:]],
        "stands where content/")
refused("content twice", [*good[:3], good[2], *good[3:]],
        "stands where content/")
refused("a block that is missing", [good[0], named("records/000002.jsonl",
        good[1][1]), *good[2:]], "stands where records/000001.jsonl should")
refused("too many lines", [good[0], named(
    "records/000001.jsonl", good[1][1].splitlines(True)[0] * 257)],
    "more than 256 lines")
refused("a line that is no JSON", [good[0], named(
    "records/000001.jsonl", b"{}}\n")], "line 1: is no JSON")
refused("an endless block", [good[0], named(
    "records/000001.jsonl", b" " * (5 << 20))], "no export has more than")
refused("a longer content", [*good[:2], named(
    good[2][0].name, good[2][1] + b"x"), *good[3:]], "and its record says")
refused("a wrong count", [*good[:-1], named(
    "end.json", b'{"artifacts":13,"bytes":0}')], "its end counts 13")
refused("more behind its end", [*good, named("x")],
        "stands where nothing more should")
for text, words, change in (
        ("a long title", "title: String should have at most 1024",
         lambda r: r.update(title="x" * 1025)),
        ("no title", "title: Field required", lambda r: r.pop("title")),
        ("a number for a title", "title: Input should be a valid string",
         lambda r: r.update(title=5)),
        ("no hash", "content_hash or size_bytes is missing",
         lambda r: r.pop("content_hash")),
        ("half a hash", "content_hash: is no SHA-256",
         lambda r: r.update(content_hash="ab" * 31)),
        ("a strange id", "id: has to be a UUID",
         lambda r: r.update(id="../x")),
        ("no time", "created_at: is no time",
         lambda r: r.update(created_at="yesterday")),
        ("large metadata", "metadata: String should have at most 65536",
         lambda r: r.update(metadata={"x": "y" * 65536})),
        ("many parents", "derived_from: List should have at most 256",
         lambda r: r.update(derived_from=[r["id"]] * 257)),
        ("a size that is none", "size_bytes: is no whole number",
         lambda r: r.update(size_bytes=-1)),
        ("a size beyond reason", "and its record says",
         lambda r: r.update(size_bytes=2**63))):
    refused(text, record(change), words)
for size in range(0, len(whole), 4096 if e2e.IS_FULL else 9000):
    code, said = run(whole[:size])
    if code == 0 and size < len(whole) - 10240:
        e2e.check(f"cut off at {size}", False, code, said)
        break
else:
    e2e.check("a file that was cut off anywhere is refused", True)
refused("a file that lacks its end", good[:-1], "so it was cut off")
code, said = run(whole)
e2e.check("the whole file brings the rest, harmlessly", code == 0, said)

# A record of the future, and one whose content differs.
def ahead(r):
    r.update(id="00000000-0000-4000-8000-000000000001",
             created_at="2999-01-01T00:00:00Z")
members = record(ahead)
members[2] = named("content/00000000-0000-4000-8000-000000000001",
                   members[2][1])
code, said = run(write(members))
e2e.check("a time to come is refused, and named", code == 1 and
          "00000000-0000-4000-8000-000000000001 is not imported" in said
          and "1 could not be taken" in said, code, said)

def unlike(r):
    r.update(id="00000000-0000-4000-8000-000000000002",
             content_hash=hashlib.sha256(b"something else").hexdigest())
members = record(unlike)
members[2] = named("content/00000000-0000-4000-8000-000000000002",
                   members[2][1])
code, said = run(write(members))
e2e.check("content that does not match is refused, and named", code == 4 and
          "00000000-0000-4000-8000-000000000002 is not imported: its content"
          in said and "13 were there already; 1 is damaged" in said,
          code, said)
code, said = run(write(good, format=tarfile.GNU_FORMAT))
e2e.check("another tar's header is fine", code == 0, said)
PYTHON

# ---- killed at every call, and repeated

# One that has to be staged, and some that need not; and one that takes more
# than a commit.
tar xOf "$WORK/all.tar" records/000001.jsonl | sed -n '2,3p;90,93p' \
    >"$WORK/lines"
python3 - "$WORK" <<'PYTHON'
import hashlib, io, json, os, sys, tarfile

work = sys.argv[1]


def write(path, records):
    end = {"artifacts": len(records),
           "bytes": sum(r["size_bytes"] for r in records)}
    tar = tarfile.open(path, "w")
    for name, content in (
            ("artifactd.json", b'{"format":"artifactd-export","version":1}'),
            ("records/000001.jsonl",
             b"".join(json.dumps(r).encode() + b"\n" for r in records)),
            *((f"content/{r['id']}",
               open(f"{work}/tree/content/{r['id']}", "rb").read())
              for r in records),
            ("end.json", json.dumps(end).encode())):
        member = tarfile.TarInfo(name)
        member.size = len(content)
        tar.addfile(member, io.BytesIO(content))
    tar.close()


records = [json.loads(line) for line in open(f"{work}/lines", "rb")]
write(f"{work}/few.tar", records)
write(f"{work}/twice.tar", [*records, records[1]])
write(f"{work}/changed.tar", [*records, {**records[1], "title": "changed"}])
large = os.urandom(9 << 20)
record = {**records[0], "id": "00000000-0000-4000-8000-00000000000f",
          "size_bytes": len(large),
          "content_hash": hashlib.sha256(large).hexdigest()}
with open(f"{work}/tree/content/{record['id']}", "wb") as file:
    file.write(large)
write(f"{work}/large.tar", [record])
PYTHON
build_killat
LIVE=$STORE
STORE=$OTHER
new_store
ctl import --set reserve=1048576 "$WORK/few.tar"
check "a few of them are imported" equal "$CODE" 0
ctl export "$WORK/wanted.tar"
cp -a "$STORE" "$WORK/few"

# counts FILE ADDED REPLACED THERE KEPT [OPTION...]: into a new store.
counts()
{
	local file=$1 wanted="\"added\":$2,\"replaced\":$3,\"there\":$4,\"kept\":$5,"
	shift 5

	new_store
	ctl import --set reserve=1048576 "$file" --json "$@"
	equal "$CODE" 0 && grep -qF "$wanted" "$WORK/out" ||
	    { sed 's/^/# /' "$WORK/out" "$WORK/err"; return 1; }
}
few=$(wc -l <"$WORK/lines")
check "one that is twice in a file is there the second time" \
    counts "$WORK/twice.tar" "$few" 0 1 0
check "... with --replace, too" counts "$WORK/twice.tar" "$few" 0 1 0 --replace
check "... if it differs, the first is kept" \
    counts "$WORK/changed.tar" "$few" 0 0 1
check "... or, with --replace, replaced" \
    counts "$WORK/changed.tar" "$few" 1 0 0 --replace

# completed: a repeat makes it what it was to be.
completed()
{
	ctl import --set reserve=1048576 "$WORK/few.tar"
	equal "$CODE" 0 && ctl export "$WORK/there.tar" &&
	    cmp "$WORK/wanted.tar" "$WORK/there.tar" && is_whole
}

# An integrity failure would be a lie: nothing is damaged.
completed_or_said()
{
	[ "$CODE" -le 1 ] && completed
}

completed_large()
{
	ctl import --set reserve=1048576 "$WORK/large.tar"
	equal "$CODE" 0 && is_whole && ctl status &&
	    equal "$(fact artifacts)" 1
}

# Of several commits.
at_each_kill "an import is killed" new_store completed_large \
    import --set reserve=1048576 "$WORK/large.tar"
at_each_failure "no space for an import" 28 new_store completed_or_said \
    import --set reserve=1048576 "$WORK/few.tar"

# What a killed import leaves belongs to nobody: the service sweeps it.
leaves_one()
{
	local n

	for n in {30..1}; do
		new_store
		ctl_until "$n" import --set reserve=1048576 "$WORK/large.tar"
		[ "$CODE" = 137 ] || continue
		ctl status
		[ "$CODE" = 0 ] && [ "$(fact pending_uploads)" -gt 0 ] && return
	done
	return 1
}
check "a killed import may leave a pending upload" leaves_one
daemon_start state_dir="$OTHER"
wait_ready
swept()
{
	for _ in {1..100}; do
		ctl status
		[ "$(fact pending_uploads) $(fact sweep_backlog)" = "0 0" ] &&
		    return
		sleep 0.1
	done
	return 1
}
check "... which the service sweeps" swept
daemon_stop
ctl import --set reserve=1048576 "$WORK/large.tar"
check "... and a repeat completes it" equal "$CODE" 0
check "... the store is whole" is_whole
head -c 6000000 "$WORK/large.tar" >"$WORK/cut.tar"
new_store
ctl import --set reserve=1048576 "$WORK/cut.tar"
check "content that is cut off is an integrity failure" equal "$CODE" 4
ctl status
check "... of which nothing is staged" equal "$(fact pending_uploads)" 0

old_file()
{
	rm -rf "$WORK/exports"
	mkdir "$WORK/exports"
	echo old >"$WORK/exports/out.tar"
}

# No part of one is left: at most an empty file, or a second name of it.
old_or_new()
{
	local each

	for each in "$WORK/exports"/.art* "$WORK/exports"/out.tar.*; do
		[ ! -s "$each" ] || cmp "$each" "$WORK/wanted.tar" || return
	done
	grep -q '^old$' "$WORK/exports/out.tar" ||
	    cmp "$WORK/exports/out.tar" "$WORK/wanted.tar"
}

old_and_said_or_new()
{
	{ [ "$CODE" = 1 ] && grep -q '^old$' "$WORK/exports/out.tar"; } ||
	    cmp "$WORK/exports/out.tar" "$WORK/wanted.tar"
}

rm -rf "$STORE"
cp -a "$WORK/few" "$STORE"
at_each_kill "an export is killed" old_file old_or_new \
    export "$WORK/exports/out.tar"
at_each_failure "no space for an export" 28 old_file old_and_said_or_new \
    export "$WORK/exports/out.tar"
ctl export /dev/full
check "a full disk is called that" says 1 "No space left on device"
STORE=$LIVE

# ---- content that goes while it is read

daemon_start
wait_ready
python_checks - "$ARTIFACTCTL" <<'PYTHON'
import os, shutil, signal, subprocess, sys, threading, time
import e2e

ROUNDS = 20 if e2e.IS_FULL else 3
store, other = os.environ["STORE"], str(e2e.WORK / "other")
tar = str(e2e.WORK / "moving.tar")
stop = threading.Event()
errors = []


def write(seed):
    client = e2e.Client()
    ids = []
    while not stop.is_set():
        status, answer = client.create(workflow=f"m{seed}")
        ids.append(answer["id"])
        content = os.urandom(300000)
        for one in ids[-5:]:
            status, _, _ = client.send(
                "PUT", f"/artifacts/{one}/raw", content)
            if status != 200:
                errors.append(status)
        if len(ids) > 10:
            client.send("DELETE", f"/artifacts/{ids.pop(0)}")


def run(*words):
    return subprocess.run([sys.argv[1], *words, "--set", "reserve=1048576"],
                          capture_output=True, text=True, timeout=60)


def export(pause):
    """Stopped half way, until what it has listed was replaced and swept."""
    child = subprocess.Popen(
        [sys.argv[1], "export", tar, "--set", f"state_dir={store}"],
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
        start_new_session=True)
    time.sleep(pause)
    os.killpg(child.pid, signal.SIGSTOP)
    time.sleep(2.5)
    os.killpg(child.pid, signal.SIGCONT)
    _, said = child.communicate(timeout=60)
    return child.returncode, said


client = e2e.Client()
for i in range(60):
    status, answer = client.create(workflow="filler")
    client.send("PUT", f"/artifacts/{answer['id']}/raw", os.urandom(300000))
started = time.monotonic()
run("export", tar, "--set", f"state_dir={store}")
took = time.monotonic() - started
threads = [threading.Thread(target=write, args=(i,)) for i in range(4)]
for thread in threads:
    thread.start()
time.sleep(1)
wrong = []
for i in range(ROUNDS):
    code, said = export(took * (i + 1) / (ROUNDS + 1))
    if code != 0:
        wrong.append(said)
        continue
    shutil.rmtree(other)
    run("init", "--set", f"state_dir={other}")
    done = run("import", tar, "--set", f"state_dir={other}")
    if done.returncode != 0:
        wrong.append(done.stderr)
stop.set()
for thread in threads:
    thread.join()
e2e.check("each export of a busy store is whole", not wrong, wrong[:1])
e2e.check("... and nobody noticed", not errors, errors[:5])
PYTHON
daemon_stop

# ---- root, and a store that belongs to somebody else

if [ "$(id -u)" = 0 ]; then
	theirs=$(mktemp -d "${TMPDIR:-/tmp}/artifactd-e2e.XXXXXX")
	chmod 711 "$theirs"
	mkdir "$theirs/store"
	chown nobody "$theirs/store"
	STORE=$theirs/store ctl init
	check "root makes a store for another user" equal "$CODE" 0
	STORE=$theirs/store ctl import --set reserve=1048576 "$WORK/few.tar"
	check "root imports a file of its own for another user" equal "$CODE" 0
	check "... whose files are that user's" \
	    equal "$(find "$theirs/store" -type f ! -user nobody)" ""
	STORE=$theirs/store ctl export "$WORK/there.tar"
	check "... and exports where only root may" equal "$CODE" 0
	check "... the same" cmp "$WORK/wanted.tar" "$WORK/there.tar"
	check "... and left nothing of its own there" \
	    equal "$(find "$theirs" ! -user nobody | wc -l)" 1
	rm -rf "$theirs"
fi

# ---- no room

empty_other
STORE=$OTHER ctl import --set reserve=4611686018427387904 "$WORK/all.tar"
check "a full disk: a failure" equal "$CODE" 1
check "... with the way out" said 'the setting `reserve` keeps .*make room'
empty_other
import_from --set max_bytes=400000 "$WORK/all.tar"
check "the quota: a failure" equal "$CODE" 1
check "... with the way out" said '`max_bytes` allows are in use: raise it'
import_from "$WORK/all.tar"
check "... after which a repeat completes it" equal "$CODE" 0

# ---- damage

daemon_start state_dir="$OTHER"
wait_ready
http GET "/artifacts?artifact_type=bin&limit=1"
large=$(member 0.id)
daemon_stop
python3 - "$OTHER/data.mdb" "$WORK/tree/content/$large" <<'PYTHON'
import sys
data = bytearray(open(sys.argv[1], "rb").read())
wanted = open(sys.argv[2], "rb").read()[100000:100064]
at = data.find(wanted)
assert at > 0
while at >= 0:
    data[at] ^= 1
    at = data.find(wanted)
open(sys.argv[1], "r+b").write(data)
PYTHON
STORE=$OTHER ctl export "$WORK/damaged.tar"
check "damaged content is an integrity failure" equal "$CODE" 4
check "... and named" said "$large: its content is damaged"
check "... and counted" said "not in the export: 1 artifact;"
check "... and the others are exported" equal \
    "$(tar tf "$WORK/damaged.tar" | grep -c ^content/)" 302

# ---- many of one moment

# seconds FILE: an import of it takes.
seconds()
{
	local began

	empty_other
	began=$(date +%s%N)
	import_from "$1"
	echo $((($(date +%s%N) - began) / 1000000)) >"$WORK/took"
}

python3 - "$WORK" <<'PYTHON'
import hashlib, io, json, sys, tarfile, uuid

def add(file, name, data):
    member = tarfile.TarInfo(name)
    member.size = len(data)
    file.addfile(member, io.BytesIO(data))

def write_large(name, byte, size, id=str(uuid.UUID(int=1))):
    file = tarfile.open(f"{sys.argv[1]}/{name}.tar", "w")
    data = byte * size
    add(file, "artifactd.json",
        b'{"format": "artifactd-export", "version": 1}')
    add(file, "records/000001.jsonl", json.dumps({
        "id": id, "workflow_id": "w", "artifact_type": "t", "title": "t",
        "created_at": "2020-01-01T00:00:00Z", "size_bytes": size,
        "content_hash": hashlib.sha256(data).hexdigest()}).encode() + b"\n")
    add(file, f"content/{id}", data)
    add(file, "end.json", json.dumps({"artifacts": 1, "bytes": size}).encode())
    file.close()

write_large("small", b"s", 300000)
write_large("large", b"l", 600000)

def write(name, moment_of):
    file = tarfile.open(f"{sys.argv[1]}/{name}.tar", "w")
    add(file, "artifactd.json",
        b'{"format": "artifactd-export", "version": 1}')
    for block in range(COUNT // 250):
        ids = [str(uuid.uuid4()) for _ in range(250)]
        add(file, f"records/{block + 1:06}.jsonl", b"".join(
            json.dumps({
                "id": id, "workflow_id": "w", "artifact_type": "t",
                "title": "t", "size_bytes": 1,
                "content_hash": hashlib.sha256(b"x").hexdigest(),
                "created_at": moment_of(250 * block + i),
            }).encode() + b"\n" for i, id in enumerate(ids)))
        for id in ids:
            add(file, f"content/{id}", b"x")
    add(file, "end.json",
        json.dumps({"artifacts": COUNT, "bytes": COUNT}).encode())
    file.close()

COUNT = 15000
write("one", lambda i: "2020-01-01T00:00:00Z")
write("own", lambda i: f"2020-01-01T00:00:{i // 1000:02}.{i % 1000:03}Z")
PYTHON
seconds "$WORK/own.tar"
own=$(cat "$WORK/took")
seconds "$WORK/one.tar"
one=$(cat "$WORK/took")
check "all of 15000 of one moment are taken" said '^imported 15000 artifacts'
check "... in about the time that others take ($one ms, $own ms)" \
    [ "$one" -lt $((3 * own + 500)) ]
STORE=$OTHER ctl check
check "... and are whole" equal "$CODE" 0
import_from "$WORK/one.tar"
check "... and are known again" said '15000 were there already$'

# ---- what waits to be swept

# count NAME: a number of the store's status.
count()
{
	"$ARTIFACTCTL" status --set state_dir="$OTHER" | sed -n "s/^$1	//p"
}

empty_other
import_from --set max_bytes=400000 "$WORK/large.tar"
check "what is too large for the quota is not taken" equal "$CODE" 1
import_from --set max_bytes=400000 "$WORK/small.tar"
check "... and takes no room from what is not" equal "$CODE" 0
import_from --replace "$WORK/large.tar"
check "another content is put in its place" said '1 of them replaced another'
check "... which the old one waits to leave" equal "$(count sweep_backlog)" 1
before=$(stat -c %s "$OTHER/data.mdb")
STORE=$OTHER ctl compact
check "compact takes away what waits, too" equal "$CODE $(
    count sweep_backlog)" "0 0"
check "... and gives its room back" \
    [ "$(stat -c %s "$OTHER/data.mdb")" -lt $((before - 250000)) ]
STORE=$OTHER ctl check --deep
check "... and all is whole" equal "$CODE" 0
finish
