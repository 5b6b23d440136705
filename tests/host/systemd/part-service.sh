# SPDX-License-Identifier: ISC
# shellcheck shell=bash
#
# part-service.sh - an operator restarts, reloads, stops, starts and kills the
# service, and reads its journal.

service()
{
	under_load "restart under load" systemctl restart artifactd.service
	under_load "reload under load" systemctl reload artifactd.service
	under_load "another installation under load" sh -c \
	    'make -s -C /home/admin/artifactd/build install >/dev/null &&
	    systemctl daemon-reload && systemctl restart artifactd.service'
	check "it is active" equal "$(show ActiveState)" active
	check "systemd is told what it does" grep -q . <<<"$(show StatusText)"

	mkdir -p "$ROOT/etc/artifactd"
	echo 'workers = nonsense' >"$ROOT/etc/artifactd/artifactd.conf"
	check "a reload of a wrong configuration is refused" \
	    eval '! inside systemctl reload artifactd.service 2>/dev/null'
	check "... and the old one serves on" ready
	rm "$ROOT/etc/artifactd/artifactd.conf"

	mark
	check "it stops" quietly inside systemctl stop artifactd.service
	check "... and says so" log_has 'event=stopped'
	check "nothing is left of it" equal "$(show TasksCurrent)" "[not set]"
	http GET /readyz
	check "the next request starts it: its socket listens" \
	    equal "$STATUS" 200
	check "both stopped: nginx answers" inside systemctl stop \
	    artifactd.socket artifactd.service
	http GET /readyz
	check "... with its 502, in JSON" is_error 502
	check "started again" inside systemctl start artifactd.socket \
	    artifactd.service
	check "it is ready" ready
	check "everything is there" still_there
	exposure
}

# The machine starts again, and then once more without having been shut down.
reboots()
{
	create
	check "the machine shuts down in time" shut_down
	check "... starts again" boot
	check "... and the service with it" ready
	check "... with everything" still_there
	create
	kill -KILL "$LEADER"
	wait "$NSPAWN"
	LEADER=
	check "the machine killed: it starts again" boot
	check "... and the service with it" ready
	check "... with everything" still_there
	http GET "/artifacts/$ID"
	check "... even what was created last" equal "$STATUS" 200
}

# From inside, as it is loaded, and not only as it is written.
exposure()
{
	local unit most

	for unit in $(inside systemctl list-unit-files --no-legend \
	    'artifactd*.service' | cut -d ' ' -f 1); do
		# In tenths, as in tests/host/units.sh.
		case $unit in
		*retention*) most=9 ;;
		*) most=3 ;;
		esac
		check "$unit is exposed to $most tenths at most" quietly inside \
		    systemd-analyze security --no-pager --threshold=$most \
		    "$unit"
	done
}

# comes_back TEXT COMMAND...: with another main process, and all data.
comes_back()
{
	local text=$1 before
	shift

	before=$(show MainPID)
	mark
	check "$text" "$@"
	for _ in {1..100}; do
		[ "$(show MainPID)" = "$before" ] || break
		sleep 0.1
	done
	check "... it comes back" ready
	check "... as another process" [ "$(show MainPID)" != "$before" ]
	check "... with everything" still_there
}

killed()
{
	local before

	# Of starts in a minute there may be only so many.
	inside systemctl reset-failed artifactd.service
	comes_back "systemctl kill: SIGTERM to all" \
	    inside systemctl kill artifactd.service
	comes_back "SIGKILL to all" \
	    inside systemctl kill -s KILL artifactd.service
	check "... by systemd itself" equal "$(show NRestarts)" 1
	comes_back "SIGKILL to the main process" inside systemctl kill \
	    -s KILL --kill-whom=main artifactd.service
	comes_back "SIGABRT to the main process" inside systemctl kill \
	    -s ABRT --kill-whom=main artifactd.service

	before=$(show MainPID)
	mark
	# Seen from here, its processes have other ids.
	DAEMON=$(pgrep -P "$LEADER" -f sbin/artifactd)
	STORE=$ROOT/var/lib/artifactd python_checks "$here/load.py" \
	    "the writer killed under load" \
	    python3 -c 'import e2e; assert e2e.kill(e2e.writer())'
	check "... the service stays" equal "$(show MainPID)" "$before"
	check "... and the journal has a warning" \
	    log_has 'child=writer.*signal|signal.*child=writer' warning
	check "... whose priority is not part of it" \
	    eval '! grep -q "^<" "$WORK/journal"'
	watchdog
}

# A main process that lives but does nothing is missed by systemd.
watchdog()
{
	mkdir -p "$ROOT/etc/systemd/system/artifactd.service.d"
	printf '[Service]\nWatchdogSec=2\n' \
	    >"$ROOT/etc/systemd/system/artifactd.service.d/test.conf"
	inside systemctl daemon-reload
	inside systemctl restart artifactd.service
	sleep 5
	check "a watchdog of 2 s is fed" equal "$(show NRestarts)" 0
	comes_back "the main process stands still" inside systemctl kill \
	    -s STOP --kill-whom=main artifactd.service
	check "... it was the watchdog" eval \
	    'inside journalctl -q --since "@$MARK" -o cat _PID=1 |
	    grep -qi watchdog'
	rm "$ROOT/etc/systemd/system/artifactd.service.d/test.conf"
	inside systemctl daemon-reload
	inside systemctl restart artifactd.service
	check "it is ready" ready
}
