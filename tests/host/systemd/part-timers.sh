# SPDX-License-Identifier: ISC
# shellcheck shell=bash
#
# part-timers.sh - check, backup and retention run as services and by timers;
# then a backup is restored, as after a lost disk.

BACKUPS=/var/lib/artifactd-backup

# job NAME: its service, once, which ends well.
job()
{
	quietly inside systemctl start "artifactd-$1.service" && return
	inside journalctl -q -n 10 -o cat -u "artifactd-$1.service" |
	    sed 's/^/# /'
	return 1
}

# fires NAME: its timer, made to elapse each second, starts its service.
fires()
{
	local drop=$ROOT/etc/systemd/system/artifactd-$1.timer.d

	mkdir -p "$drop"
	printf '[Timer]\nOnCalendar=*:*:*\nRandomizedDelaySec=0\n%s\n' \
	    AccuracySec=100ms >"$drop/test.conf"
	inside systemctl daemon-reload
	for _ in {1..200}; do
		[ -z "$(show LastTriggerUSec "artifactd-$1.timer")" ] || break
		sleep 0.1
	done
	[ -n "$(show LastTriggerUSec "artifactd-$1.timer")" ]
	local code=$?
	rm "$drop/test.conf"
	inside systemctl daemon-reload
	return $code
}

backups()
{
	find "$ROOT$BACKUPS" -mindepth 1 -maxdepth 1 -name 'artifactd-*' |
	    sort
}

# tool ARGUMENT...: artifactctl, by an operator.
tool()
{
	inside /usr/local/bin/artifactctl "$@"
}

timers()
{
	local name count

	for name in check backup retention; do
		check "$name: its timer is off until it is asked for" equal \
		    "$(inside systemctl is-enabled "artifactd-$name.timer")" \
		    disabled
		check "... and its service runs" job "$name"
	done
	count=$(backups | wc -l)
	retained
	check "there is a backup" [ "$count" = 1 ]
	check "... which is the store's user's alone" equal "$(inside stat \
	    -c '%U %a' "$BACKUPS/$(basename "$(backups | head -n 1)")")" \
	    "artifactd 700"
	check "status tells of both" eval \
	    'tool --json status | grep -q "last_check_result\": *\"ok.*last_backup_result\": *\"ok"'
	under_load "backups under load" systemctl start \
	    artifactd-backup.service
	# It gets what others leave, so it ends when they have.
	under_load "checks under load" systemctl start --no-block \
	    artifactd-check.service
	check "... which end as well" becomes ActiveState inactive \
	    artifactd-check.service
	type_readme '[.]timer'
	for name in check backup retention; do
		check "$name: its timer has a next time" grep -q . <<<"$(show \
		    NextElapseUSecRealtime "artifactd-$name.timer")"
		check "... and starts the service" fires "$name"
	done
	check "a service that fails is seen to fail" failing
	restored
}

# What the configuration says, and no more.
retained()
{
	http POST /artifacts -d '{"workflow_id":"w","artifact_type":"log",
	    "title":"t","content":"c"}'
	ID=$(member id)
	mkdir -p "$ROOT/etc/artifactd"
	echo 'retention = { "-t log" }' >"$ROOT/etc/artifactd/artifactd.conf"
	check "retention with a rule runs" job retention
	http GET "/artifacts/$ID"
	check "... it deletes what the rule says" equal "$STATUS" 404
	check "... and nothing else" still_there
	rm "$ROOT/etc/artifactd/artifactd.conf"
}

# A check that cannot be made: systemd knows.
failing()
{
	mkdir -p "$ROOT/etc/systemd/system/artifactd-check.service.d"
	printf '[Service]\nExecStart=\n%s\n' \
	    "ExecStart=/usr/local/bin/artifactctl check --set state_dir=/nowhere" \
	    >"$ROOT/etc/systemd/system/artifactd-check.service.d/test.conf"
	inside systemctl daemon-reload
	# What a timer has begun is another.
	becomes ActiveState inactive artifactd-check.service
	! inside systemctl start artifactd-check.service 2>/dev/null &&
	    equal "$(show ActiveState artifactd-check.service)" failed
	local code=$?
	rm "$ROOT/etc/systemd/system/artifactd-check.service.d/test.conf"
	inside systemctl daemon-reload
	inside systemctl reset-failed artifactd-check.service
	return $code
}

# The store is lost; the newest backup takes its place.
restored()
{
	local newest

	job backup
	newest=$BACKUPS/$(basename "$(backups | tail -n 1)")
	inside systemctl stop artifactd.socket artifactd.service
	rm -rf "$ROOT/var/lib/artifactd"
	check "the store lost: restore says what is missing" \
	    eval 'tool restore "$newest" 2>&1 | grep -q "systemd-tmpfiles --create"'
	check "... which makes it" quietly inside systemd-tmpfiles --create
	check "... and then the newest backup is restored" quietly tool \
	    restore "$newest"
	check "... and belongs to the service" equal \
	    "$(inside stat -c %U /var/lib/artifactd/data.mdb)" artifactd
	check "... which starts" quietly inside systemctl start \
	    artifactd.socket artifactd.service
	check "... is ready" ready
	check "... and has everything" still_there
}
