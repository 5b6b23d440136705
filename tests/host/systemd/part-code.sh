# SPDX-License-Identifier: ISC
# shellcheck shell=bash
#
# part-code.sh - only their own programs and the libraries of the system can be
# run from inside the services.

# The directories from which a service may run code.
PROBE=/usr/local/lib/execute
LIBRARIES=

# places UNIT: where it can write.
places()
{
	case $1 in
	*check*)
		echo /tmp /var/tmp /dev/shm /var/lib/artifactd
		sed -n 's/^state_dir = "\(.*\)"/\1/p' \
		    "$ROOT/etc/artifactd/artifactd.conf" 2>/dev/null
		;;
	*retention*) echo /tmp /var/tmp /dev/shm ;;
	*backup*) echo /tmp /var/tmp /dev/shm /var/lib/artifactd "$BACKUPS" ;;
	*) echo /tmp /var/tmp /dev/shm /var/lib/artifactd ;;
	esac
}

# settings UNIT [LINE...]: these in a drop-in of it, or without any, none.
settings()
{
	local drop=$ROOT/etc/systemd/system/$1.d/code.conf
	shift

	mkdir -p "${drop%/*}"
	rm -f "$drop"
	[ $# = 0 ] || printf '%s\n' '[Service]' "$@" >"$drop"
	inside systemctl daemon-reload
	# Of starts in a minute there may be only so many.
	inside systemctl reset-failed 2>/dev/null
}

# tries UNIT [LINE...]: it starts, with execute.c before all else, which leaves
# what it could run in $WORK/tried.
tries()
{
	local unit=$1 code
	shift

	mark
	settings "$unit" "ExecStartPre=$PROBE $(places "$unit" | paste -s -d ' ')" "$@"
	quietly inside systemctl restart "$unit"
	code=$?
	settings "$unit"
	for _ in {1..50}; do
		inside journalctl -q -u "$unit" --since "@$MARK" -o cat |
		    grep -E '^(can|cannot|code|tried) ?' | sort >"$WORK/tried"
		grep -q '^tried all' "$WORK/tried" && return "$code"
		sleep 0.1
	done
	return 1
}

# only_code PATH...: of all that was tried, nothing could be run but what lies
# there, where nothing can be changed.
only_code()
{
	{ echo "tried all"; printf 'code: %s\n' "$@"; } | sort |
	    diff - "$WORK/tried" | sed 's/^/# /' >"$WORK/differs"
	cat "$WORK/differs"
	[ ! -s "$WORK/differs" ]
}

# refused PROGRAM: for a process in the mounts of the service's own.
refused()
{
	if ! inside nsenter --mount --target "$(show MainPID)" "$1" \
	    >"$WORK/said" 2>&1 </dev/null; then
		grep -q 'failed to execute .*Permission denied' \
		    "$WORK/said" && return
	fi
	sed 's/^/# /' "$WORK/said"
	return 1
}

code()
{
	local unit program

	check "a program that tries to run others is built" quietly chroot \
	    "$ROOT" gcc -O2 -o "$PROBE" \
	    /home/admin/artifactd/tests/host/systemd/execute.c
	LIBRARIES="/usr/lib/$(chroot "$ROOT" gcc -print-multiarch) /usr/local/lib"
	[ ! -d "$ROOT/usr/lib64" ] || LIBRARIES+=" /usr/lib64"
	for unit in artifactd artifactd-check artifactd-backup \
	    artifactd-retention; do
		case $unit in
		artifactd) program="/usr/local/sbin/artifactd /usr/bin/kill" ;;
		*) program=/usr/local/bin/artifactctl ;;
		esac
		check "$unit.service does its work" tries "$unit.service"
		# shellcheck disable=SC2086 # words
		check "... and can run nothing but its own" \
		    only_code $program $LIBRARIES
	done
	check "without these settings" tries artifactd-check.service \
	    NoExecPaths= SystemCallFilter=memfd_create
	for program in "run /bin/sh" "run /var/lib/artifactd/" "run /dev/shm/" \
	    "run memory" "map /var/lib/artifactd/"; do
		check "... it can $program" grep -q "^can $program" \
		    "$WORK/tried"
	done
	check "another program of a drop-in is not run" eval \
	    '! settings_start ExecStartPre=/usr/bin/env'
	check "... unless the drop-in says so as operations.md does" \
	    settings_start ExecStartPre=/usr/bin/env ExecPaths=/usr/bin/env \
	    BindReadOnlyPaths=/usr/bin/env
	settings artifactd-check.service
	elsewhere
	rm "$ROOT$PROBE"
	by_hand
}

# A state_dir of the operator's, with the drop-in that doctor writes out.
elsewhere()
{
	local place=/srv/elsewhere

	inside install -d -m 0700 -o artifactd -g artifactd "$place"
	mkdir -p "$ROOT/etc/artifactd"
	echo "state_dir = \"$place\"" >"$ROOT/etc/artifactd/artifactd.conf"
	check "a store elsewhere" quietly tool init
	tool doctor 2>&1 | sed -n \
	    's/.* may not write: \(.*daemon-reload\)[.] .*/\1/p' >"$WORK/commands"
	check "... to which doctor says how units get" [ -s "$WORK/commands" ]
	check "... which is done" quietly inside sh -c "$(cat "$WORK/commands")"
	check "... is checked" tries artifactd-check.service
	# shellcheck disable=SC2086 # words
	check "... and nothing that lies there can be run" \
	    only_code /usr/local/bin/artifactctl $LIBRARIES
	rm "$ROOT/etc/artifactd/artifactd.conf" \
	    "$ROOT/etc/artifactd/service.d/state_dir.conf"
	inside systemctl daemon-reload
}

settings_start()
{
	settings artifactd-check.service "$@"
	quietly inside systemctl start artifactd-check.service
}

# The service that serves, and not one that was made to try.
by_hand()
{
	local program

	check "started as it is shipped" quietly inside systemctl restart \
	    artifactd.service
	cp "$ROOT/bin/true" "$ROOT/var/lib/artifactd/true"
	for program in /bin/sh /bin/true /var/lib/artifactd/true; do
		check "... $program cannot be run beside it" refused "$program"
	done
	rm "$ROOT/var/lib/artifactd/true"
	check "... it reloads" quietly inside systemctl reload \
	    artifactd.service
	# In the mounts of the service this was a mount of its own.
	check "... its program is replaced" inside sh -c \
	    'cd /usr/local/sbin && cp artifactd new && mv new artifactd'
	check "... it reloads" quietly inside systemctl reload \
	    artifactd.service
	check "... and is ready" ready
	check "everything is there" still_there
}
