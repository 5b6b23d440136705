#!/bin/bash
# SPDX-License-Identifier: ISC
#
# The commands of doc/operations.md, section by section as they are there, with
# the paths and the service of this test instead of those of a host.
. "$(dirname "$0")/lib.sh"

mkdir -p "$WORK/srv" "$WORK/bin"
BACKUPS=$STORE-backup
mkdir -m 0700 "$BACKUPS"
# The backups are found beside the store, as on a host.
CONFIG=$WORK/artifactd.conf
printf 'listen = "%s"\nstate_dir = "%s"\nreserve = 1048576\nworkers = 4\n' \
    "$SOCKET" "$STORE" >"$CONFIG"
grep '^ *retention = ' "$TOP_SRCDIR/doc/operations.md" >>"$CONFIG"
SETTINGS=()
start
export ARTIFACT_URL=$URL

# ---- what a host has

sudo()
{
	"$@"
}

artifactctl()
{
	case $1 in
	list | put | rm | show) "${ARTIFACTD%d}ctl" "$@" ;;
	*) "${ARTIFACTD%d}ctl" "$@" --config "$CONFIG" ;;
	esac
}

# Of the service, and of others nothing.
systemctl()
{
	case "$*" in
	"stop artifactd.socket artifactd.service") daemon_stop ;;
	"start artifactd.socket artifactd.service")
		daemon_start
		wait_ready
		;;
	"start artifactd-backup.service")
		artifactctl backup "$BACKUPS" --keep 7
		;;
	esac
}

systemd-tmpfiles()
{
	mkdir -m 0700 -p "$STORE"
}

journalctl()
{
	:
}

# commands HEADING: of that section, one a line.
commands()
{
	sed -n "/^## $1/,/^## /p" "$TOP_SRCDIR/doc/operations.md" |
	    sed -n 's/^ \{4,\}\([a-z]\)/\1/p' |
	    sed -e 's/-o artifactd //' -e "s|/var/lib/artifactd|$STORE|g" \
		-e "s|/srv|$WORK/srv|g" -e "s|http://127.0.0.1:8137|$URL|g" \
		-e "s|FULL-ID|$ID|g" -e "s|OLD/artifactctl|artifactctl|"
}

# section HEADING [PATTERN]: do what it says, but lines of this pattern, and
# lines that are no commands of ours.
section()
{
	local line

	while IFS= read -r line <&3; do
		if [[ -n ${2-} && $line =~ $2 ]]; then
			continue
		fi
		check "$1: ${line//$WORK/}" eval "$line >/dev/null 3<&-"
	done 3< <(commands "$1")
}

for _ in 1 2 3; do
	create
done
section "What to watch"
section "Backup and restore"
check "… and nothing of the drill is left" [ ! -e "$WORK/srv/drill" ]

section "Retention" '^retention'
section "Full disk" '^artifactctl rm --older-than 90d$'
create lost
http GET "/artifacts/$ID"
artifactctl backup "$BACKUPS" >/dev/null
section "Lost disk" "/old|/raw|rm --yes|import|mv |tmpfiles|restore"
# A few: one is deleted, and comes back from the backup.
section "Lost disk" "mv |tmpfiles|restore $BACKUPS\$|check"
http GET "/artifacts/$ID"
check "a lost artifact is there again" equal "$STATUS" 200
# All: the store is put aside.
section "Lost disk" "old|/raw|rm --yes|import|check"
http GET "/artifacts/$ID"
check "all are there again" equal "$STATUS" 200
check "… and the old ones aside" [ -s "$STORE.damaged/data.mdb" ]
section "Upgrade" "bootstrap|daemon-reload|restart|nginx"
http GET "/artifacts/$ID"
check "… and it serves again" equal "$STATUS" 200
finish
