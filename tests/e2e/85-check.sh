#!/bin/bash
# SPDX-License-Identifier: ISC
#
# artifactctl check and status: while a service writes, check finds no problem
# and does not make the file grow; in a damaged store it names what is damaged.
. "$(dirname "$0")/lib.sh"
. "$HERE/ctl.sh"

start
ctl status
check "a service that runs is told" equal "$CODE $(fact service)" \
    "0 running, or another artifactctl is at work"
check "... and that there is room, by the file" \
    equal "$(fact has_room)" "yes, by the configuration file"
ctl status --set reserve=1000000000000000
check "a reserve that it has not read is no refusal yet" eval \
    'fact has_room | grep -q "^no, .*, once the service has read it: .* bytes are free"'
check "... without a check yet" equal "$(fact last_check)" ""

# ---- under load: as many creates, deletes and replacements with a check as
# without one

python_checks - "$ARTIFACTCTL" <<'PYTHON'
import random
import sys
from e2e import *

SECONDS = 60 if IS_FULL else 6
STORE = os.environ["STORE"]
ends, written = [], [0]

def load(number):
    """So many artifacts stay: each that comes is one that goes."""
    client = Client()
    chance = random.Random(number)
    mine = []
    while not ends:
        # Whole chunks, so that what one leaves fits the next.
        content = "x" * chance.choice((20, 65512, 65512, 5 * 65512))
        written[0] += len(content)
        act = chance.random()
        if len(mine) < 30 or act < 0.3:
            status, answer = client.create(content=content)
            if status == 201:
                mine.append(answer["id"])
        elif act < 0.6:
            client.send("PUT", f"/artifacts/{chance.choice(mine)}/raw",
                        content.encode(), {"Content-Type": "text/plain"})
        if len(mine) > 30:
            client.send("DELETE", f"/artifacts/{mine.pop(0)}")

def size():
    return os.stat(f"{STORE}/data.mdb").st_size

def run(*arguments):
    done = subprocess.run(
        [sys.argv[1], "check", "--json", *arguments, "--config", "/dev/null",
         "--set", f"state_dir={STORE}"], capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr

threads = [threading.Thread(target=load, args=(i,)) for i in range(6)]
for thread in threads:
    thread.start()
time.sleep(6)
began = size()
time.sleep(SECONDS)
without = size() - began
began, before = size(), written[0]
# Slow enough to take about as long.
results = [run("--deep", "--rate", "3")]
within = size() - began
much = written[0] - before
print(f"grown by {without >> 10} KiB without, {within >> 10} KiB with a check, "
      f"of {much >> 10} KiB that came")
# Had the check held its view, it were more than a third.
check("the file does not grow by it", within <= (4 << 20) + much // 8,
      within, without, much)
results += [run("--deep") for _ in range(8)]
bad = [each for each in results if each[0] != 0 or
       '"problems":0' not in each[1] or '"counted":true' not in each[1]]
check(f"{len(results)} checks under load find nothing", not bad, *bad[:2])
ends.append(True)
for thread in threads:
    thread.join()
code, said = run("--deep")
check("nor is anything found in peace", code == 0, said)
PYTHON

# ---- what it keeps

ctl check --deep
check "its result is kept" equal "$CODE $(sed -n 's/^is_ok=//p; s/^deep=//p' \
    "$STORE/last-check" | xargs)" "0 1 1"
ctl status
check "... and shown" equal "$(fact last_check_result)" ok
daemon_stop
ctl status
check "a service that stopped is told" equal "$(fact service)" stopped
check "... which takes no creates, and is not said to" \
    equal "$(fact takes_creates)$(fact has_room)" \
    "yes, by the configuration file"
flock "$STORE" "$ARTIFACTCTL" status --config "$CONFIG" \
    --set state_dir="$STORE" >"$WORK/out"
check "another who is at work is not taken for it" \
    equal "$(fact service)" \
    "running, or another artifactctl is at work"
ctl status --json
check "as one object" python3 -c 'import json, sys
facts = json.loads(open(sys.argv[1]).read())
assert facts["service"] == "stopped" and facts["artifacts"] > 0
assert facts["file_bytes"] >= facts["content_bytes"] > 0
assert facts["disk_free_bytes"] > 0 and facts["last_check_result"] == "ok"' \
    "$WORK/out"

# ---- its rate

new_store
daemon_start
wait_ready || fail "it starts again"
fill 30
daemon_stop
began=$(date +%s%N)
ctl check --rate 2
took=$((($(date +%s%N) - began) / 1000000))
check "4.7 MB at 2 MiB/s take more than two seconds" \
    [ "$CODE" = 0 -a $took -gt 2000 -a $took -lt 15000 ]
ctl check --rate 0
check "no rate is wrong usage" equal "$CODE" 2

# ---- shortened by somebody while it is read

cp -a "$STORE" "$WORK/long"
(
	ctl check --rate 1
	exit "$CODE"
) &
checking=$!
sleep 1
truncate -s 65536 "$STORE/data.mdb"
wait $checking
CODE=$?
check "what is missing under the map is told" \
    says 4 "ended by signal 7 while it read a data.mdb"
check "... and kept" equal "$(sed -n 's/^is_ok=//p; s/^problems=//p' \
    "$STORE/last-check" | sort | xargs)" "0 1"
cp "$WORK/long/data.mdb" "$STORE/data.mdb"
ctl check
check "brought back, it is whole" equal "$CODE" 0

# ---- damage

offset=$(python3 -c 'import sys
data = open(sys.argv[1], "rb").read()
print(data.find(b"c" * 1000))' "$STORE/data.mdb")
cp -a "$STORE" "$WORK/sound"
flip "$STORE/data.mdb" $((offset + 500))
ctl check --json
check "a flipped bit is found without --deep" equal "$CODE" 4
check "... the artifact, its title, what and what to do are named" \
    python3 -c 'import json, sys
rows = [json.loads(line) for line in open(sys.argv[1])]
assert rows[0]["title"] == "t2" and len(rows[0]["artifact"]) == 36, rows
assert "is not whole: chunk" in rows[0]["problem"]
assert "is damaged" in rows[0]["problem"]
assert "upload the content again" in rows[0]["advice"]
assert rows[-1]["problems"] == 1, rows' "$WORK/out"
check "... and kept" equal "$(sed -n 's/^is_ok=//p; s/^problems=//p' \
    "$STORE/last-check" | sort | xargs)" "0 1"
ctl status
check "... and shown" equal "$(fact last_check_result)" "1 problem"

# Wherever it is: found, or of no account, and never a crash without a word.
python_checks - "$ARTIFACTCTL" "$WORK/sound" <<'PYTHON'
import random
import shutil
import sys
from e2e import *

STORE = os.environ["STORE"]
seed = int(os.environ.get("SEED") or time.time())
chance = random.Random(seed)
codes, bad = {}, []
data = open(f"{sys.argv[2]}/data.mdb", "rb").read()
for i in range(300 if IS_FULL else 40):
    page = chance.randrange(2, len(data) // 4096)
    broken = bytearray(data)
    broken[page * 4096:page * 4096 + 64] = chance.randbytes(64)
    with open(f"{STORE}/data.mdb", "wb") as file:
        file.write(broken)
    done = subprocess.run(
        [sys.argv[1], "check", "--deep", "--config", "/dev/null",
         "--set", f"state_dir={STORE}"], capture_output=True, text=True,
        timeout=120)
    codes[done.returncode] = codes.get(done.returncode, 0) + 1
    if done.returncode not in (0, 4) or \
            (done.returncode == 4 and not done.stdout + done.stderr):
        bad.append((page, done.returncode, done.stderr))
check(f"spoilt pages are told (seed {seed}, exits {codes})",
      not bad and codes.get(4, 0) > 20, *bad[:3])
PYTHON
cp "$WORK/sound"/* "$STORE/"
dd if=/dev/urandom of="$STORE/data.mdb" bs=8192 count=1 conv=notrunc 2>/dev/null
for command in check status "export $WORK/x.tar" "backup $BACKUPS"; do
	ctl $command
	check "overwritten at its start: ${command%% *} tells to restore" \
	    says 4 "data.mdb is damaged at its start; restore a backup"
done
rm -f "$STORE/data.mdb"
ctl check
check "a store without data.mdb is damaged" says 4 "the data is gone"
new_place
ctl check
check "no store is no store" says 1 "holds no store"
STORE=/nonexistent/artifactd ctl check
check "no directory is told with the setting" says 1 "setting state_dir"
finish
