#!/bin/bash
# SPDX-License-Identifier: ISC
#
# Only artifactctl init makes a store, once. When there is none, the daemon
# refuses to start and says so, since the disk of the store may not be mounted.
. "$(dirname "$0")/lib.sh"
. "$HERE/ctl.sh"

# refused TEXT: artifactd does not start on this store, for good, says why, and
# leaves everything as it is.
refused()
{
	local before code

	before=$(ls -A "$STORE" 2>&1)
	timeout 20 "$ARTIFACTD" -c /dev/null --set listen="$SOCKET" \
	    --set secret_file="$SECRET" --set state_dir="$STORE" \
	    2>"$WORK/err" </dev/null
	code=$?
	equal "$code" 78 && equal "$(ls -A "$STORE" 2>&1)" "$before" &&
	    grep -q "event=store_refused .* cause=.*$1" "$WORK/err" || {
		sed 's/^/# /' "$WORK/err"
		return 1
	}
}

ctl check
check "no store: check says so" says 1 "holds no store: is its disk mounted"
check "no store: no start" refused 'is its disk mounted.*artifactctl init'
rmdir "$STORE"
check "no directory: no start" refused 'is its disk mounted.*artifactctl init'
ctl check
check "no directory: check says so" says 1 "is its disk mounted"

(umask 0177; ctl init; echo "$CODE" >"$WORK/code")
check "init makes both" equal "$(cat "$WORK/code") $(fact made)" "0 yes"
check "... for their owner alone" equal "$(stat -c %a "$STORE" \
    "$STORE"/{data.mdb,format} | xargs)" "700 600 600"
check "... and nothing else" equal "$(ls -A "$STORE" | xargs)" \
    "data.mdb format lock.mdb"
before=$(sha256sum "$STORE"/{data.mdb,format})
ctl init
check "a second time it finds one" equal "$CODE $(fact made)" "0 no"
check "... and leaves it alone" \
    equal "$(sha256sum "$STORE"/{data.mdb,format})" "$before"
start
ctl init --json
check "beside a service too" equal "$CODE" 0
check "... as JSON" grep -q '"made":false' "$WORK/out"
create
check "and it is served" equal "$STATUS" 201
daemon_stop
check "... whole" is_whole

# ---- where it makes none

mv "$STORE/format" "$WORK/format"
ctl init
check "a data.mdb without format is not taken" says 4 "no file format"
check "... nor started" refused "no file format"
mv "$WORK/format" "$STORE/format"
mv "$STORE/data.mdb" "$WORK/data.mdb"
ctl init
check "nor a format without data.mdb" says 4 "restore a backup"
check "... nor started" refused "restore a backup"
new_place
echo mine >"$STORE/notes"
ctl init
check "somebody's directory is not taken" says 1 "notes in it is nothing of"
check "... and is as it was" equal "$(ls -A "$STORE")" notes
check "... no start takes it either" refused "holds no store"
rm "$STORE/notes"
mkdir "$STORE/lost+found"
echo finished=1 >"$STORE/last-check"
ctl init
check "a new disk is, and what an old store left" equal "$CODE" 0
if [ "$(id -u)" = 0 ]; then
	chmod 711 "$WORK"
	new_place
	chown nobody: "$STORE"
	ctl init
	check "made by root it is the directory's user's" \
	    equal "$CODE $(fact user) $(stat -c %U "$STORE"/* | sort -u)" \
	    "0 nobody nobody"
	rm -rf "$STORE"
	chmod 700 "$WORK"
fi
STORE=/proc/artifactd ctl init
check "where no directory can be made: a sentence" says 1 "cannot be made"

# ---- killed

build_killat

# made: half a store is no store to a start, and another init makes one.
made()
{
	[ -s "$STORE/format" ] ||
	    refused 'artifactctl init' || return
	ctl init
	equal "$CODE" 0 && is_whole
}

gone()
{
	rm -rf "$STORE"
}

made_or_said()
{
	[ "$CODE" = 0 ] || [ -s "$WORK/err" ] || return
	made
}

at_each_kill "an init is killed" gone made init
at_each_failure "no space for an init" 28 gone made_or_said init

# ---- a disk that is not mounted

export LIBMOUNT_FSTAB=$WORK/fstab
mkdir "$WORK/disk" "$WORK/disk/backups"
printf '# a comment\n/dev/sda1 / ext4 defaults 0 1\n/dev/sda2 none swap sw 0 0
/dev/sda3\t%s xfs noauto 0 2\n' "$WORK/disk" >"$LIBMOUNT_FSTAB"
new_store
for way in "init" "restore $WORK/disk/backups"; do
	STORE=$WORK/disk ctl $way
	check "${way%% *} where nothing is mounted" \
	    says 1 "nothing is mounted on $WORK/disk, as fstab says"
	check "... makes nothing" equal "$(ls "$WORK/disk")" backups
done
STORE=$WORK/disk/store ctl init
check "nor below it" says 1 "nothing is mounted on $WORK/disk, as fstab says"
check "... not even a directory" equal "$(ls "$WORK/disk")" backups
ctl backup "$WORK/disk/backups"
check "nor is a backup made there" says 1 "nothing is mounted on $WORK/disk"
check "... which is noted" grep -q '^is_ok=0' "$STORE/last-backup"
ln -s "$WORK/disk/backups" "$WORK/link"
ctl backup "$WORK/link"
check "... nor behind a link" says 1 "nothing is mounted on $WORK/disk"
mkdir "$WORK/diskette"
ctl backup "$WORK/diskette"
check "a name that only begins so is another" equal "$CODE" 0
sed -i "s|xfs noauto|none bind|" "$LIBMOUNT_FSTAB"
ctl backup "$WORK/disk/backups"
check "what was to be bound there, likewise" \
    says 1 "nothing is mounted on $WORK/disk"
sed -i "s|none bind|tmpfs defaults|" "$LIBMOUNT_FSTAB"
# In a view of its own, which goes with it.
if unshare --mount true 2>/dev/null; then
	unshare --mount sh -c 'mount -t tmpfs none "$1" && mkdir "$1/backups" &&
	    shift && exec "$@"' sh "$WORK/disk" "$ARTIFACTCTL" backup \
	    "$WORK/disk/backups" --config /dev/null --set state_dir="$STORE" \
	    >"$WORK/out" 2>"$WORK/err"
	check "once it is mounted it goes there" equal "$?" 0
	# As systemd does for what a service may write to.
	unshare --mount sh -c 'mount --bind "$1" "$1" && shift && exec "$@"' \
	    sh "$WORK/disk" "$ARTIFACTCTL" backup "$WORK/disk/backups" \
	    --config /dev/null --set state_dir="$STORE" \
	    >"$WORK/out" 2>"$WORK/err"
	CODE=$?
	check "a directory that is mounted on itself is no disk" \
	    says 1 "nothing is mounted on $WORK/disk"
fi
finish
