# SPDX-License-Identifier: ISC
# shellcheck shell=bash
#
# part-operations.sh - the operator types the commands of doc/operations.md as
# they are there; then their effects are checked.

# type_operations SECTION PATTERN [SCRIPT]: run the commands of the section that
# match the pattern; the sed script replaces placeholders.
type_operations()
{
	local line

	awk -v title="## $1" '$0 == title { on = 1; next } /^## / { on = 0 }
	    on && /^ (   |      )[^ ]/ { sub(/^ +/, ""); print }' \
	    "$TOP_SRCDIR/doc/operations.md" | grep -E "$2" |
	    sed "${3-}" >"$WORK/commands"
	check "operations.md has commands: $1" [ -s "$WORK/commands" ]
	while IFS= read -r line <&3; do
		check "$1: $line" quietly as_operator "$line"
	done 3<"$WORK/commands"
}

operations()
{
	# Of the journal, and of nothing else.
	chroot "$ROOT" usermod -a -G systemd-journal admin
	type_operations "First day" 'timer|artifactctl (put|list)'
	type_operations "What to watch" .
	type_operations "Backup and restore" .
	check "everything is there" still_there
	# It exits 5 when there is room to give back.
	type_operations "Full disk" 'artifactctl rm.*dry-run|stop|compact|start' \
	    's/compact --dry-run/& || [ $? = 5 ]/'
	check "it is ready" ready
	check "everything is there" still_there
	create damaged
	inside systemctl start artifactd-backup.service
	type_operations "Lost disk, damaged store" \
	    'check|/srv/old|artifactctl rm|systemctl' "s/FULL-ID/$ID/"
	check "it is ready" ready
	http GET "/artifacts/$ID"
	check "what was deleted is back from the backup" equal "$STATUS" 200
	type_operations "Lost disk, damaged store" \
	    'systemctl stop|mv|tmpfiles|restore .*-backup$|systemctl start'
	check "it is ready" ready
	check "everything is there" still_there
	type_operations "Upgrade" 'bootstrap|daemon-reload|restart|nginx -t'
	check "it is ready" ready
	check "everything is there" still_there
	type_operations "Retention" 'artifactctl|timer'
}
