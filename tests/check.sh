# SPDX-License-Identifier: ISC
# shellcheck shell=bash
#
# check.sh - run the tests of a build directory, and count the checks that
# passed. bootstrap and .ci/run use it; they install the packages and build.

passed=0
failed=0

count()
{
	passed=$((passed + $1))
	failed=$((failed + $2))
}

# program_check TRS: count a program of make check by its result, and a
# campaign by each of its checks.
program_check()
{
	local log=${1%.trs}.log

	case $(sed -n 's/^:test-result: //p' "$1") in
	PASS) ;;
	SKIP)
		say "left out: ${log%.log}: $(sed 's/^# *//; q' "$log")"
		return
		;;
	*)
		say "failed: ${log%.log}, see $log"
		grep -E -A 20 '^not ok ' "$log" | grep -v '^ok ' >&2
		grep -q '^not ok ' "$log" || { count 0 1; return; }
		;;
	esac
	if grep -qE '^(not )?ok ' "$log"; then
		count "$(grep -c '^ok ' "$log")" "$(grep -c '^not ok ' "$log")"
	else
		count 1 0
	fi
}

# criterion_check LOG: count each unit test in the log.
criterion_check()
{
	local line numbers

	line=$(grep 'Synthesis:' "$1" 2>/dev/null | tail -n 1)
	printf '%s\n' "$line"
	numbers=$(printf '%s\n' "$line" | tr -dc '0-9|' | tr '|' ' ')
	# shellcheck disable=SC2086 # words
	set -- $numbers
	# Tested, passing, failing, crashing
	count "${2:-0}" "$((${3:-1} + ${4:-0}))"
}

# make_check DIR TARGET: make the target in DIR, and count each program.
make_check()
{
	local directory=$1 target=$2 result began=$SECONDS

	say "make $target in $directory"
	find "$directory" -name '*.trs' -delete
	make -C "$directory" -j"$(nproc)" --no-print-directory "$target" \
	    >"$directory/$target.log" 2>&1 ||
	    tail -n 200 "$directory/$target.log" >&2
	for result in $(find "$directory/tests" -name '*.trs' | sort); do
		program_check "$result"
	done
	say "that took $((SECONDS - began)) s"
}

# unit_check DIR: run all tests except the campaigns, and count each unit test.
unit_check()
{
	make_check "$1" check-quick
	criterion_check "$1/unit.log"
	criterion_check "$1/unit-ctl.log"
}

# plain_check DIR: the unit tests without Criterion, which takes longer over
# the start of a test than the test takes.
plain_check()
{
	local directory=$1 program line began=$SECONDS

	say "unit tests of $directory"
	for program in plain-unit plain-unit-ctl; do
		make -C "$directory" -s -j"$(nproc)" $program \
		    >"$directory/$program.log" 2>&1 &&
		    "$directory/$program" -j"$(nproc)" \
		    >>"$directory/$program.log" 2>&1
		line=$(tail -n 1 "$directory/$program.log")
		case $line in
		[0-9]*" passed, 0 failed") count "${line%% *}" 0 ;;
		*)
			tail -n 100 "$directory/$program.log" >&2
			count 0 1
			;;
		esac
	done
	say "that took $((SECONDS - began)) s"
}

campaigns_check()
{
	make_check "$1" check-campaigns
}

# e2e_check DIR [SCRIPT...]: run the end-to-end tests with the artifactd of
# DIR. The output and logs of a script that failed stay in DIR/e2e.
e2e_check()
{
	local directory=$1 line began=$SECONDS
	shift

	say "end-to-end tests of $directory"
	# Not "tee /dev/stderr": opening it would cut off a log file.
	ARTIFACTD=$directory/artifactd TOP_SRCDIR=$top \
	    "$top/tests/e2e/run" -l "$directory/e2e" "$@" |
	    tee "$directory/e2e.log"
	line=$(tail -n 1 "$directory/e2e.log")
	case $line in
	[0-9]*" passed, "[0-9]*" failed")
		count "${line%% *}" "$(set -- $line; echo "$3")" ;;
	*) count 0 1 ;;
	esac
	say "that took $((SECONDS - began)) s"
}

# Print the last line, and return the exit code.
sum_up()
{
	printf '%s passed, %s failed\n' "$passed" "$failed"
	[ "$failed" = 0 ] && [ "$passed" != 0 ]
}
