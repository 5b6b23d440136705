#!/bin/bash
# SPDX-License-Identifier: ISC
#
# /metrics counts exactly what was done, also when workers and the writer die;
# /readyz answers with and without room; each failed request has a log line.
. "$(dirname "$0")/lib.sh"

CONFIG=$WORK/artifactd.conf
SETTINGS=(listen="$SOCKET" state_dir="$STORE" workers=4)
echo 'reserve = 1048576' >"$CONFIG"

start

# ---- the format

http GET /metrics
check "GET /metrics is 200" equal "$STATUS" 200
check "... as Prometheus's text" equal "$(header Content-Type)" \
    "text/plain; version=0.0.4"
cp "$WORK/body" "$WORK/metrics"
if command -v promtool >/dev/null; then
	check "promtool finds nothing in it" equal \
	    "$(promtool check metrics <"$WORK/metrics" 2>&1)" ""
else
	echo "# promtool is not installed: its check is left out"
fi
http HEAD /metrics
check "HEAD has no body" equal "$STATUS $(wc -c <"$WORK/body")" "200 $(
    wc -c <"$WORK/headers")"
http POST /metrics
check "POST is 405" is_error 405
# From an address of ours that nginx cannot tell from another host's.
http GET /metrics --interface 127.0.0.2
check "another address is refused" is_error 403
http GET /healthz --interface 127.0.0.2
check "... for nothing else" equal "$STATUS" 200

# ---- counting

python_checks - <<'PYTHON'
import os
import random
import re
import time

import e2e

LINE = re.compile(r'(artifactd_[a-z_]+)(?:\{(.*)\})? ([0-9.]+)$')
client = e2e.Client()


def scrape():
    """{(name, labels): value}; each sample once, after its TYPE."""
    status, headers, payload = client.send("GET", "/metrics")
    if status != 200:
        raise RuntimeError(f"/metrics: {status}")
    samples = {}
    for line in payload.decode().splitlines():
        if line.startswith("#"):
            continue
        match = LINE.match(line)
        if match is None or match.group(1, 2) in samples:
            raise RuntimeError(f"/metrics has {line!r}")
        samples[match.group(1, 2)] = float(match[3])
    return samples


def one(samples, name, labels=None):
    return samples.get(("artifactd_" + name, labels), 0)


def requests(route, method, code):
    return "requests_total", f'route="{route}",method="{method}",code="{code}"'


def grown(before, wanted, tries=40):
    """What wanted counters grew by; a worker counts after its answer."""
    for _ in range(tries):
        after = scrape()
        got = {key: one(after, *key) - one(before, *key) for key in wanted}
        if got == wanted:
            break
        time.sleep(0.05)
    return got


artifact = client.create("metrics", content="12345")[1]["id"]
time.sleep(0.2)
before = scrape()
client.create("metrics", content="x" * 1000)
client.create("metrics", content="y" * 1000)
for _ in range(5):
    client.send("GET", f"/artifacts/{artifact}")
client.send("GET", f"/api/v1/artifacts/{artifact}")
client.send("HEAD", f"/artifacts/{artifact}")
client.send("PUT", f"/artifacts/{artifact}/raw", b"z" * 300000)
client.send("GET", f"/artifacts/{artifact}/raw")
client.send("GET", "/artifacts/" + "f" * 32)
client.send("GET", "/nowhere")
client.send("BREW", "/artifacts")
client.send("GET", "/artifacts?limit=x")
wanted = {
    requests("/artifacts", "POST", 201): 2,
    requests("/artifacts/{id}", "GET", 200): 6,
    requests("/artifacts/{id}", "HEAD", 200): 1,
    requests("/artifacts/{id}/raw", "PUT", 200): 1,
    requests("/artifacts/{id}/raw", "GET", 200): 1,
    requests("/artifacts/{id}", "GET", 404): 1,
    requests("other", "GET", 404): 1,
    requests("/artifacts", "other", 405): 1,
    requests("/artifacts", "GET", 422): 1,
    ("request_duration_seconds_count", 'route="/artifacts"'): 4,
    ("request_duration_seconds_count", 'route="/artifacts/{id}/raw"'): 2,
    ("request_duration_seconds_bucket",
     'route="/artifacts/{id}/raw",le="+Inf"'): 2,
}
got = grown(before, wanted)
for key, value in wanted.items():
    e2e.check(f"{key[0]}{{{key[1]}}} grows by {value}", got[key] == value,
              got[key])
after = scrape()
growth = one(after, "response_body_bytes_total") \
    - one(before, "response_body_bytes_total")
e2e.check("bytes out hold a download of 300,000 bytes", growth > 300000,
          growth)
growth = one(after, "request_body_bytes_total") \
    - one(before, "request_body_bytes_total")
e2e.check("bytes in hold an upload of 300,000 bytes and two creates",
          302000 < growth < 303000, growth)
commits = one(after, "batch_changes_count") - one(before, "batch_changes_count")
changes = one(after, "batch_changes_sum") - one(before, "batch_changes_sum")
e2e.check("the writer counts its commits", 3 <= commits <= changes,
          commits, changes)
e2e.check("... and their time", one(after, "commit_duration_seconds_count")
          == one(after, "batch_changes_count")
          and 0 < one(after, "commit_duration_seconds_sum") < 60)


def is_cumulative(samples):
    """Buckets only grow, the last one is the count."""
    last = {}
    for (name, labels), value in samples.items():
        if not name.endswith("_bucket"):
            continue
        rest, bound = re.fullmatch(r'(.*?),?le="(.*)"', labels).groups()
        key = name[:-7], rest or None
        if value < last.get(key, 0):
            return False
        last[key] = value
        if bound == "+Inf" and samples[(key[0] + "_count", key[1])] != value:
            return False
    return bool(last)


e2e.check("buckets sum up to the count", is_cumulative(after))
e2e.check("workers are busy (this one) or idle",
          (one(after, "workers", 'state="busy"'),
           one(after, "workers", 'state="idle"')) == (1, 3))
stat = {name: one(after, "store_" + name) for name in (
    "artifacts", "content_bytes", "staged_bytes", "pending_uploads")}
e2e.check("the store's figures are right", stat == {
    "artifacts": 3, "content_bytes": 302000, "staged_bytes": 0,
    "pending_uploads": 0}, stat)
size = os.stat(f"{os.environ['STORE']}/data.mdb").st_blocks * 512
e2e.check("... its size on the disk too, within a second or two", e2e.wait_for(
    lambda: one(scrape(), "store_file_bytes") == size, 5),
    one(scrape(), "store_file_bytes"), size)
disk = os.statvfs(os.environ["STORE"])
free = disk.f_bavail * disk.f_frsize
e2e.check("... and what is free", abs(one(after, "disk_free_bytes") - free)
          < free / 10 and one(after, "disk_reserve_bytes") == 1048576
          and one(after, "has_room", 'limit="disk"') == 1)
e2e.check("no label holds an id or what a client sent", not [
    key for key in after if key[1] and re.search(
        "[0-9a-f]{8}|nowhere|BREW|metrics\"", key[1].replace("/metrics", ""))])

# ---- killing

before = scrape()
killed = e2e.kill(random.choice(e2e.wait_for(e2e.workers)))
e2e.wait_for(lambda: len(e2e.workers()) == 4)
got = grown(before, {("child_ends_total", 'role="worker",reason="killed"'): 1,
                     ("child_starts_total", 'role="worker"'): 1})
e2e.check("a killed worker is counted, and its replacement",
          killed and set(got.values()) == {1}, got)
killed = e2e.kill(e2e.wait_for(e2e.writer))
e2e.check("with the writer killed a create still works",
          client.create("metrics")[0] == 201)
got = grown(before, {("child_ends_total", 'role="writer",reason="killed"'): 1,
                     ("child_starts_total", 'role="writer"'): 1})
e2e.check("a killed writer is counted, and its replacement",
          killed and set(got.values()) == {1}, got)
after = scrape()
down = [key for key in before if key[0].endswith(
    ("_total", "_count", "_sum", "_bucket")) and after.get(key, 0)
    < before[key]]
e2e.check("no counter went back", not down, down)
e2e.check("... and the writer's go on", one(after, "batch_changes_count")
          > one(before, "batch_changes_count"))
PYTHON

# ---- the notes of artifactctl

# sample NAME[LABELS]: its value in the last answer.
sample()
{
	sed -n "s/^artifactd_$1 //p" "$WORK/body"
}

# turns_to NAME VALUE: within five seconds.
turns_to()
{
	for _ in {1..50}; do
		http GET /metrics
		[ "$(sample "$1")" = "$2" ] && return
		sleep 0.1
	done
	echo "# $1 is $(sample "$1")"
	return 1
}

http GET /metrics
check "there was no check yet" \
    equal "$(sample last_check_timestamp_seconds)" 0
printf 'problems=2\nis_ok=0\nduration=7\nfinished=1764090000\n' \
    >"$STORE/last-check"
check "a check's note comes to the metrics" \
    turns_to last_check_timestamp_seconds 1764090000
check "... with its problems" equal \
    "$(sample last_check_problems) $(sample last_check_success)" "2 0"
printf 'is_ok=1\nbytes=123456\nduration=9\nfinished=1764090001\n' \
    >"$STORE/last-backup"
check "so does a backup's" turns_to last_backup_bytes 123456
check "... with its time" equal \
    "$(sample last_backup_timestamp_seconds) $(sample last_backup_success)" \
    "1764090001 1"
check "... and that it went well then" equal \
    "$(sample last_backup_success_timestamp_seconds)" 1764090001
printf 'is_ok=0\nsucceeded=1764090001\nfinished=1764090002\n' \
    >"$STORE/last-backup"
check "a backup that failed" turns_to last_backup_success 0
check "... leaves the one before" equal \
    "$(sample last_backup_success_timestamp_seconds)" 1764090001
echo 'finished=9' | head -c 5 >"$STORE/last-check"
check "half a note is none" turns_to last_check_timestamp_seconds 0

# ---- /readyz, and room

http GET '/readyz?verbose'
check "/readyz?verbose is 200" equal "$STATUS $(member status)" "200 ready"
check "... and lists each check" equal \
    "$(for i in 0 1 2 3; do
	echo "$(member checks.$i.name)=$(member checks.$i.status)"
    done | tr '\n' ' ')" "store=ok writer=ok disk=ok quota=ok "
http GET /readyz
check "without, it does not" equal "$(body)" '{"status":"ready"}'

# ready_turns STATUS: within ten seconds.
ready_turns()
{
	for _ in {1..100}; do
		http GET /readyz
		[ "$STATUS" = "$1" ] && return
		sleep 0.1
	done
	return 1
}

echo 'reserve = 4611686018427387904' >"$CONFIG"
kill -HUP "$DAEMON"
check "without room /readyz turns 503" ready_turns 503
check "... in JSON" is_error 503
check "... and names the numbers" \
    grep -qE '[0-9]+ bytes are free .* keeps 4611686018427387904,' \
    "$WORK/body"
http HEAD /readyz
check "... for HEAD too" equal "$STATUS" 503
http GET '/readyz?verbose'
check "... verbose: the disk failed" equal \
    "$STATUS $(member checks.2.name) $(member checks.2.status)" \
    "503 disk failed"
check "... and says so at the top" equal "$(member detail)" \
    "$(member checks.2.detail)"
http GET /healthz
check "it is alive all the same" equal "$STATUS" 200
http GET /metrics
check "the metrics say so" equal "$(sample 'has_room{limit="disk"}')" 0
check "the reload is counted" \
    equal "$(sample 'reloads_total{outcome="taken"}')" 1
http POST /artifacts -H 'X-Request-ID: refused-for-room' \
    -d '{"workflow_id":"w","artifact_type":"t","title":"t","content":"c"}'
check "a create is 507" is_error 507
check "... and one line of the log, with its id" equal \
    "$(grep -c 'request=refused-for-room' "$DAEMON_LOG")" 1
check "... as an error, in the journal's form" \
    grep -q '^<3>event=request_failed role=worker .*request=refused-for-room status=507 ' \
    "$DAEMON_LOG"
check "... without a cause that says nothing" \
    equal "$(grep -c 'cause=""' "$DAEMON_LOG")" 0
echo 'reserve = 1048576' >"$CONFIG"
kill -HUP "$DAEMON"
check "with room it is ready again" ready_turns 200
printf 'reserve = 1048576\nmax_bytes = 100\n' >"$CONFIG"
kill -HUP "$DAEMON"
check "with the quota used up it is not" ready_turns 503
check "... and says which" grep -q 'of the 100 bytes that the setting' \
    "$WORK/body"

# ---- the log

check "the log says once that there is no room, with numbers" equal \
    "$(grep -c '^<4>event=no_room role=writer .* free=[0-9]* reserve=4611686018427387904$' \
    "$DAEMON_LOG")" 1
for id in $(curl -s "$URL/artifacts?limit=200" | grep -o '"id":"[^"]*' |
    cut -d '"' -f 4); do
	http DELETE "/artifacts/$id"
done
check "with all deleted the quota has room" ready_turns 200
check "... which is a line too" grep -q '^<5>event=room_again role=writer ' \
    "$DAEMON_LOG"
check "... as was that it had none, once" equal "$(grep -c \
    '^<4>event=no_room role=writer .* used=[0-9]* max_bytes=100$' \
    "$DAEMON_LOG")" 1

http GET /artifacts/ffffffffffffffff -H 'X-Request-ID: not-there-at-all'
check "a 404 is one line, for information" equal \
    "$(grep 'request=not-there-at-all' "$DAEMON_LOG" | cut -d ' ' -f 1)" \
    "<6>event=request_refused"
http GET /healthz -H 'X-Request-ID: nothing-to-say'
check "a success is none" \
    equal "$(grep -c 'request=nothing-to-say' "$DAEMON_LOG")" 0
python_checks - <<'PYTHON'
import os
import signal
import threading
import time

import e2e

log = e2e.Path(os.environ["DAEMON_LOG"])
answers = []


def create():
    answers.append(e2e.Client().create(
        headers={"X-Request-ID": "taken-by-a-worker"}))


writer = e2e.wait_for(e2e.writer)
workers = e2e.workers()
os.kill(writer, signal.SIGSTOP)
thread = threading.Thread(target=create)
thread.start()
time.sleep(0.5)
# Whichever has it: all of them.
for pid in workers:
    e2e.kill(pid)
os.kill(writer, signal.SIGCONT)
thread.join()
e2e.check("a request that its worker takes with it is a 502",
          answers[0][0] == 502, answers)


def lines_about_it():
    return [line for line in log.read_text().splitlines()
            if "request=taken-by-a-worker" in line]


# nginx hears of the death before the master does.
e2e.wait_for(lines_about_it)
lines = lines_about_it()
e2e.check("... and one line of the log, how that worker ended", len(lines) == 1
          and lines[0].startswith("<4>event=child_ended role=master "), lines)
PYTHON
check "each start of a process is a line" equal \
    "$(grep -c 'event=child_started .*child=writer' "$DAEMON_LOG")" \
    "$(($(grep -c 'event=child_ended .*child=writer' "$DAEMON_LOG") + 1))"
check "every line has a priority" equal \
    "$(grep -cv '^<[0-7]>event=[a-z_]* role=' "$DAEMON_LOG")" 0
finish
