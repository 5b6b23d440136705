#!/bin/bash
# SPDX-License-Identifier: ISC
#
# Ctrl-C, systemd or kill ends artifactctl backup, restore and compact at every
# call that changes a file: no unfinished file is left, the note of the last
# backup says that it failed, and the parent sees that the command died by the
# signal.
. "$(dirname "$0")/lib.sh"
. "$HERE/ctl.sh"

build_killat
start
fill 6
daemon_stop
cp -a "$STORE" "$WORK/sound"
wanted=$(rows)

fresh()
{
	rm -rf "$STORE" "$BACKUPS"
	mkdir "$BACKUPS"
	cp -a "$WORK/sound" "$STORE"
}

to_restore()
{
	fresh
	ctl backup "$BACKUPS"
	rm -f "$STORE"/{data.mdb,lock.mdb,format,last-backup}
}

# How the signals are when it begins: a script has what is behind & ignore some.
HELD=--default-signal=INT,TERM,HUP

# interrupt N SIGNAL TO COMMAND...: stopped before the Nth call that changes
# files, then sent SIGNAL, all of it or the one that was called, then let go
# on. CODE is that of a shell; STOPPED is empty if there was no such call.
interrupt()
{
	local n=$1 signal=$2 to=$3 leader
	shift 3

	rm -f "$WORK/count"
	KILLAT=$n KILLAT_STOP=yes KILLAT_COUNT=$WORK/count \
	    LD_PRELOAD=$WORK/killat.so setsid \
	    env "$HELD" "$ARTIFACTCTL" "$@" \
	    --config "$CONFIG" --set state_dir="$STORE" \
	    >"$WORK/out" 2>"$WORK/err" &
	leader=$!
	await_stop $leader
	if [ -n "$STOPPED" ]; then
		case $to in
		all) kill -"$signal" -- -$leader ;;
		one) kill -"$signal" $leader ;;
		esac
		kill -CONT -- -$leader
	fi
	wait $leader
	CODE=$?
}

# at_each_signal TEXT PREPARE VERIFY COMMAND...: the signals take turns, and
# whom they are for.
at_each_signal()
{
	local text=$1 prepare=$2 verify=$3 n signals=0 bad=0 signal to code
	local -a turns=("TERM all 143" "INT all 130" "TERM one 143"
		"HUP one 129" "INT one 130")
	shift 3

	for ((n = 1; n < 200; n += STRIDE)); do
		read -r signal to code <<<"${turns[signals % 5]}"
		"$prepare"
		interrupt $n "$signal" "$to" "$@"
		[ -n "$STOPPED" ] || break
		signals=$((signals + 1))
		if ! equal "$CODE" "$code" ||
		    find "$STORE" "$BACKUPS" | grep partial || ! "$verify"; then
			bad=$((bad + 1))
			echo "# SIG$signal to $to at $n"
			head -n 3 "$WORK/err" | sed 's/^/# /'
		fi
	done
	check "$text: $signals signals" equal $bad 0
	check "... and then it ends well" equal "$CODE" 0
	check "... there are places to end it at" [ $n -gt 5 ]
}

# told: a sentence, unless all was done when it came.
told()
{
	grep -q "ended by signal" "$WORK/err" || [ -s "$WORK/out" ]
}

noted()
{
	local count

	count=$(ls "$BACKUPS" | wc -l)
	told && [ "$count" -le 1 ] &&
	    equal "$(sed -n 's/^is_ok=//p' "$STORE/last-backup")" "$count"
}

at_each_signal "a backup is ended" fresh noted backup "$BACKUPS"

none_or_all()
{
	if [ -e "$STORE/data.mdb" ]; then
		is_whole && equal "$(rows)" "$wanted"
	else
		told && equal "$(ls "$STORE")" ""
	fi
}

at_each_signal "a restore is ended" to_restore none_or_all restore "$BACKUPS"

still_whole()
{
	told && is_whole && equal "$(rows)" "$wanted"
}

at_each_signal "a compaction is ended" fresh still_whole compact

# ---- with a store of another user, and backups in a directory of root's

if [ "$(id -u)" = 0 ]; then
	chmod 711 "$WORK"
	of_nobody()
	{
		fresh
		chown -R nobody "$STORE"
	}
	noted_by_nobody()
	{
		noted && equal "$(stat -c %U "$STORE/last-backup")" nobody
	}
	at_each_signal "a backup of nobody's store is ended" of_nobody \
	    noted_by_nobody backup "$BACKUPS"
fi

# ---- what is ignored stays so: nohup, and the & of a script

fresh
HELD=--ignore-signal=HUP
interrupt 8 HUP all backup "$BACKUPS"
check "nohup is respected" equal "$CODE $(ls "$BACKUPS" | wc -l)" "0 1"
# ---- stopped, and forgotten

# stopped_reader COMMAND...: it is stopped while it reads the store, which is
# when another process of its own watches it, and comes to an end nevertheless.
stopped_reader()
{
	local n leader

	for n in {1..20}; do
		rm -f "$WORK/count"
		KILLAT=$n KILLAT_STOP=yes KILLAT_COUNT=$WORK/count \
		    LD_PRELOAD=$WORK/killat.so setsid "$ARTIFACTCTL" "$@" \
		    --config "$CONFIG" --set state_dir="$STORE" \
		    >"$WORK/out" 2>"$WORK/err" &
		leader=$!
		await_stop $leader
		[ -n "$STOPPED" ] && [ -n "$(children_of $leader)" ] && break
		kill -CONT -- -$leader
		wait $leader
	done
	[ -n "$STOPPED" ] || return
	timeout 60 tail --pid=$leader -f /dev/null || {
		kill -KILL -- -$leader
		return 1
	}
	wait $leader
	CODE=$?
}

fresh
check "a backup that is stopped ends by itself" stopped_reader backup "$BACKUPS"
check "... which is said" says 1 "it was stopped for 30 seconds"
check "... and noted" grep -q '^is_ok=0' "$STORE/last-backup"
check "... and nothing of it is left" \
    equal "$(ls "$BACKUPS" | grep -v '^artifactd-[0-9TZ]*$')" ""
finish
