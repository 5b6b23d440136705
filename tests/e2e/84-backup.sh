#!/bin/bash
# SPDX-License-Identifier: ISC
#
# artifactctl backup and restore: while the service runs, verified, never half
# done, and refused where they would destroy a store; both are killed at every
# call that changes a file, and repeated.
. "$(dirname "$0")/lib.sh"
. "$HERE/ctl.sh"

build_killat
start
mkdir "$WORK/other"

# note NAME KEY: of a file in state_dir.
note()
{
	sed -n "s/^$2=//p" "$STORE/$1"
}

# ---- beside a service that is written to

fill 30
python_checks - "$ARTIFACTCTL" "$BACKUPS" "$WORK/known" <<'PYTHON'
import sys
from e2e import *

program, backups, known_path = sys.argv[1:]
known, ends = {}, []
lock = threading.Lock()

def load(number):
    client = Client()
    i = 0
    while not ends:
        i += 1
        content = f"{number} {i} ".encode() * (20 if i % 3 else 20000)
        status, answer = client.create(title=f"{number}-{i}",
                                       content=content.decode())
        if status == 201:
            with lock:
                known[answer["id"]] = hashlib.sha256(content).hexdigest()

threads = [threading.Thread(target=load, args=(i,)) for i in range(6)]
for thread in threads:
    thread.start()
time.sleep(1)
with lock:
    before = dict(known)
status = subprocess.run(
    [program, "backup", backups, "--config", "/dev/null",
     "--set", f"state_dir={os.environ['STORE']}"]).returncode
with lock:
    during = len(known) - len(before)
ends.append(True)
for thread in threads:
    thread.join()
check("a backup under load ends well", status == 0, status)
check(f"... {during} artifacts came in while it ran", during > 0)
with open(known_path, "w") as file:
    json.dump(before, file)
PYTHON
check "its note says so" equal "$(note last-backup is_ok)" 1
backup=$(echo "$BACKUPS"/artifactd-*)
check "it is a directory with data.mdb and format" \
    equal "$(ls "$backup" | xargs)" "data.mdb format"
check "... closed to others" \
    equal "$(stat -c %a "$backup" "$backup"/* | xargs)" "700 600 600"

# The copy begins with the writer's lock held: the service gets over that.
bad=0
for n in 1 2 3 4 5 6 7 8; do
	ctl_until $n backup "$WORK/other"
	create
	[ "$CODE $STATUS" = "137 201" ] || bad=$((bad + 1))
done
check "killed beside the service, which goes on" equal $bad 0
rm -rf "$WORK/other"

# ---- restored

ctl restore "$BACKUPS"
check "a restore while the service runs is refused" \
    says 1 "systemctl stop artifactd.socket artifactd.service"
daemon_stop
cp -a "$STORE" "$WORK/full"
ctl restore "$BACKUPS"
check "a store is not overwritten" says 1 "holds a store already"
cp "$WORK/err" "$WORK/said"
check "... and how to move it is said" grep -q 'mkdir .* && mv' "$WORK/err"
# As said, by any shell; a compaction leaves no lock.mdb.
ctl compact
rm -f "$STORE/lock.mdb"
sh -c "$(sed -n 's/.*\(mkdir .*\)/\1/p' "$WORK/said")" 2>"$WORK/err"
check "... which works" equal "$?:$(ls "$STORE" | grep -v '^last-' | xargs)" 0:
rm -r "$STORE.old"
new_place
ctl restore "$BACKUPS"
check "a directory of backups stands for the newest" equal "$CODE" 0
check "... which is said" equal "$(fact backup)" "$backup"
check "the store is closed to others" \
    equal "$(stat -c %a "$STORE/data.mdb" "$STORE/format" | xargs)" "600 600"
check "... nothing else is left" equal "$(ls "$STORE" | xargs)" \
    "data.mdb format"
daemon_start
wait_ready || fail "the restored store is served"
python_checks - "$WORK/known" <<'PYTHON'
import sys
from e2e import *
client = Client()
bad = []
known = json.load(open(sys.argv[1]))
for id, digest in known.items():
    status, _, body = client.send("GET", f"/artifacts/{id}/raw")
    if status != 200 or hashlib.sha256(body).hexdigest() != digest:
        bad.append((id, status))
check(f"each of {len(known)} artifacts acknowledged before it is there",
      not bad and known, bad[:3])
PYTHON
create
check "it takes more" equal "$STATUS" 201
daemon_stop

# ---- damage

cp -a "$backup" "$WORK/damaged"
offset=$(python3 -c 'import sys
data = open(sys.argv[1], "rb").read()
print(data.find(b"cccccccccccccccc"))' "$WORK/damaged/data.mdb")
flip "$WORK/damaged/data.mdb" $((offset + 5))
new_place
ctl restore "$WORK/damaged"
check "a damaged backup is refused" says 4 "is damaged, and was not restored"
# Which chunk it is hangs on how uploads fell into commits.
check "... naming the artifact" grep -qE "is not whole: chunk [0-9]+ of" \
    "$WORK/out"
check "... and nothing is left" equal "$(ls -A "$STORE")" ""
truncate -s 8192 "$WORK/damaged/data.mdb"
ctl restore "$WORK/damaged"
check "one that was cut off, too" equal "$CODE" 4
check "... and nothing is left" equal "$(ls -A "$STORE")" ""
printf 'artifactd 99\n' >"$WORK/damaged/format"
ctl restore "$WORK/damaged"
check "a newer format is refused" says 1 "of format 99"
ctl restore "$WORK"
check "a directory without backups is refused" says 1 "holds no backup"
# at_once COMMAND...: as ctl, but it may not wait for anything.
at_once()
{
	timeout 20 "$ARTIFACTCTL" "$@" --config "$CONFIG" \
	    --set state_dir="$STORE" >"$WORK/out" 2>"$WORK/err"
	CODE=$?
}
for name in data.mdb format; do
	rm -rf "$WORK/damaged"
	cp -a "$backup" "$WORK/damaged"
	rm "$WORK/damaged/$name"
	mkfifo "$WORK/damaged/$name"
	at_once restore "$WORK/damaged"
	check "a pipe in place of $name is not waited for" \
	    says 1 "this is no backup"
	check "... and nothing is left" equal "$(ls -A "$STORE")" ""
done
cp -a "$WORK/full/." "$STORE"
rm "$STORE/format"
mkfifo "$STORE/format"
for command in status check "backup $BACKUPS" doctor; do
	# shellcheck disable=SC2086 # words
	at_once $command
	check "a pipe in the store: $command ends" [ "$CODE" != 124 ]
done
new_store
cp -a "$WORK/full/." "$STORE"
flip "$STORE/data.mdb" $((offset + 5))
ctl backup "$BACKUPS"
check "of a damaged store there is no backup" says 4 "no backup was made"
check "... nothing new is left" equal "$(ls "$BACKUPS" | wc -l)" 1
check "... and the note says so" equal "$(note last-backup is_ok)" 0
flip "$STORE/data.mdb" $((offset + 5))
ctl backup "$WORK/missing"
check "a directory that is missing is not made" says 1 "is its disk mounted"
ctl backup "$STORE"
check "nor is a backup put into the store" says 1 "is the store itself"
ctl status
check "what failed leaves what status says of the last good one" equal \
    "$(fact last_backup_result) $(fact last_good_backup)" \
    "failed $(date -u -d @"$(sed -n s/^finished=//p \
	"$WORK/full/last-backup")" +%FT%TZ)"

# own: does status say that the backups are on the disk of the store?
own()
{
	ctl status
	fact backup_disk | grep -q "the store's own, so that a lost disk takes"
}

check "... and of where that one is" own
ctl status --json
check "... as does the object" grep -q \
    '"backup_disk":"the store.s own, so that a lost disk takes' "$WORK/out"
sed -i /^place=/d "$STORE/last-backup"
ctl status
check "a note that does not say where leaves it open" \
    equal "$(fact backup_disk)" ""

# ---- which are kept

sleep 1 # names are of seconds
ctl backup "$BACKUPS"
sleep 1
ctl backup "$BACKUPS" --keep 2 --dry-run
check "a dry run exits 5" equal "$CODE" 5
check "... and says what would go" \
    grep -q "^delete	$backup\$" "$WORK/out"
check "... which is still there" [ -d "$backup" ]
ctl backup "$BACKUPS" --keep 2
check "--keep 2 deletes the oldest" equal "$CODE $(fact deleted)" "0 1"
check "... two are left" equal "$(ls "$BACKUPS" | wc -l)" 2
check "... not that one" [ ! -e "$backup" ]
# Made when the clock was wrong, or it is now.
later=$BACKUPS/artifactd-29990101T000000Z
cp -a "$(echo "$BACKUPS"/*Z | cut -d ' ' -f 1)" "$later"
ctl backup "$BACKUPS" --keep 1
check "a backup of a later time does not make this one go" \
    [ "$CODE" = 0 -a -e "$(fact backup)/data.mdb" ]
check "... it goes itself" [ ! -e "$later" ]

# ---- killed

small=$WORK/small
new_store
daemon_start
wait_ready
fill 3
daemon_stop
cp -a "$STORE" "$small"

fresh()
{
	rm -rf "$STORE" "$BACKUPS"
	mkdir "$BACKUPS"
	cp -a "$small" "$STORE"
}

# all_restore: whatever has a final name is a backup; what has not goes.
all_restore()
{
	local each

	for each in "$BACKUPS"/*Z; do
		[ -d "$each" ] || continue
		new_place
		ctl restore "$each"
		[ "$CODE" = 0 ] || return
		is_whole || return
	done
	rm -rf "$STORE"
	cp -a "$small" "$STORE"
	ctl backup "$BACKUPS" --keep 1
	equal "$CODE" 0 && equal "$(ls "$BACKUPS" | wc -l)" 1
}

at_each_kill "a backup is killed" fresh all_restore \
    backup "$BACKUPS" --keep 1

one_more()
{
	fresh
	ctl backup "$BACKUPS"
	new_place
}

# restored_or_not: nothing was restored, or all, and it can be repeated. What
# may be left is an empty directory.
restored_or_not()
{
	[ -e "$STORE/data.mdb" ] || ctl restore "$BACKUPS"
	is_whole && equal "$(rows)" "$wanted" &&
	    equal "$(ls "$STORE/restore.partial" 2>/dev/null)" ""
}

# It may be the machine that died, which then starts the service.
bad=0
seen=0
for n in {4..12}; do
	one_more
	ctl_until $n restore "$BACKUPS"
	[ "$CODE" = 137 ] && [ -d "$STORE/restore.partial" ] || continue
	seen=$((seen + 1))
	timeout 10 "$ARTIFACTD" -c "$CONFIG" --set listen="$SOCKET" \
	    --set secret_file="$SECRET" --set state_dir="$STORE" 2>"$WORK/refused"
	[ ! -e "$STORE/data.mdb" ] && grep -q "restore a backup" \
	    "$WORK/refused" || bad=$((bad + 1))
done
check "behind $seen killed restores no service makes an empty store" \
    [ "$bad" = 0 -a "$seen" -gt 2 ]

fresh
wanted=$(rows)
at_each_kill "a restore is killed" one_more restored_or_not \
    restore "$BACKUPS"

# ---- without room

# no_half: nothing unfinished is left, and what is there is a backup.
no_half()
{
	! ls "$BACKUPS" | grep partial && all_restore
}

at_each_failure "no space for a backup" 28 fresh no_half \
    backup "$BACKUPS"
at_each_failure "no space for a restore" 28 one_more restored_or_not \
    restore "$BACKUPS"
if [ "$(id -u)" = 0 ] && mkdir "$WORK/tiny" &&
    mount -t tmpfs -o size=256k artifactd-test "$WORK/tiny" 2>/dev/null; then
	fresh
	ctl backup "$WORK/tiny"
	check "a disk that is too small is told with numbers" says 1 \
	    "has [0-9]* bytes free, and the backup takes [0-9]*"
	check "... and left empty" equal "$(ls -A "$WORK/tiny")" ""
	mount -o remount,size=64m "$WORK/tiny"
	ctl backup "$WORK/tiny"
	ctl status
	check "a disk that is not the store's" equal \
	    "$CODE $(fact backup_disk)" "0 another than the store's"
	umount "$WORK/tiny"
fi

# ---- as root, for the store of another user

if [ "$(id -u)" = 0 ]; then
	chmod 711 "$WORK"
	fresh
	rm -f "$STORE/lock.mdb"
	chown -R nobody "$STORE"
	ctl backup "$BACKUPS"
	check "root makes a backup of nobody's store" equal "$CODE" 0
	check "... its lock.mdb is nobody's" \
	    equal "$(stat -c %U "$STORE/lock.mdb")" nobody
	check "... so is the note" \
	    equal "$(stat -c %U "$STORE/last-backup")" nobody
	ctl check --deep
	check "... and checks it" equal "$CODE" 0
	new_place
	chown nobody "$STORE"
	ctl restore "$BACKUPS"
	check "what root restores is nobody's" equal \
	    "$CODE $(stat -c %U "$STORE/data.mdb" "$STORE/format" | xargs)" \
	    "0 nobody nobody"
	chmod 755 "$BACKUPS"
	chown nobody "$BACKUPS"
	sleep 1
	ctl backup "$BACKUPS"
	check "in nobody's directory it works as nobody" equal "$CODE \
$(stat -c %U "$BACKUPS"/* | sort -u)" "0 nobody"

	# Whatever nobody puts there, root does not follow.
	cp -a "$small/data.mdb" "$WORK/secret"
	chmod 600 "$WORK/secret"
	chown root "$WORK/secret"
	rm -f "$STORE"/*
	ln -s "$WORK/secret" "$STORE/data.mdb"
	printf 'artifactd 2\n' >"$STORE/format"
	chown -h nobody "$STORE"/*
	ctl check
	check "a link in nobody's store is not opened as root" \
	    says 1 "Permission denied; .artifactctl doctor. says whose"
	check "... and nothing is made by root" equal \
	    "$(find "$STORE" -user root)" ""
	latest=$(ls -d "$BACKUPS"/* | tail -n 1)
	ln -sf "$WORK/secret" "$latest/data.mdb"
	new_place
	chown nobody "$STORE"
	ctl restore "$BACKUPS"
	check "nor one in a backup of nobody's" equal "$CODE" 1
	check "... of which nothing is left" equal "$(ls -A "$STORE")" ""
fi
finish
