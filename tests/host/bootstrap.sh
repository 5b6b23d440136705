#!/bin/bash
# SPDX-License-Identifier: ISC
#
# bootstrap.sh - check ./bootstrap: a copy of a tree with its build directory
# builds its own source, and no other user can read what "run" keeps.
#
# Runs anywhere. Environment: TOP_SRCDIR.

. "${TOP_SRCDIR:-$(dirname "$0")/../..}/bootstrap"

unset MAKEFLAGS MFLAGS MAKELEVEL
source_of=$top
root=$(mktemp -d) || exit 1
trap 'rm -rf "$root"' EXIT
failed_checks=0

# check_that TEXT COMMAND...
check_that()
{
	local text=$1
	shift
	# What dies ends only this.
	if ("$@") >"$root/said" 2>&1; then
		echo "ok - $text"
	else
		echo "not ok - $text"
		sed 's/^/# /' "$root/said"
		failed_checks=1
	fi
}

# A project that is as small as possible, and that bootstrap's functions build.
make_tree()
{
	mkdir -p "$top"
	cat >"$top/configure" <<-'END'
	#!/bin/sh
	# As autoconf does: the places are written down.
	source=$(cd "$(dirname "$0")" && pwd)
	cat >Makefile <<MAKE
	abs_top_srcdir = $source
	abs_builddir = $PWD
	.RECIPEPREFIX = >
	all: program
	program: $source/word.h program.o
	> cat $source/word.h program.o >program
	program.o:
	> echo object >program.o
	MAKE
	END
	chmod +x "$top/configure"
	touch "$top/configure.ac" "$top/Makefile.in" "$top/configure"
	touch -d '1 hour ago' "$top/configure.ac"
	echo first >"$top/word.h"
	build_in "$top/build"
}

# says WORD: the program of the present tree, $top, prints WORD.
says()
{
	build_in "$top/build" && cat "$top/build/program" &&
	    grep -qx "$1" "$top/build/program"
}

top=$root/first
check_that "a tree is built" make_tree
check_that "... from its source" says first
cp -a "$root/first" "$root/second"
top=$root/second
echo second >"$top/word.h"
check_that "a copy of it, with its build, is built from its own" says second
check_that "... once" eval '! build_in "$top/build" | grep -q anew'
mv "$root/second" "$root/third"
top=$root/third
echo third >"$top/word.h"
check_that "and so is one that was moved" says third
top=$root/first
check_that "the first one is as it was" grep -qx first "$root/first/build/program"

# ---- run

top=$source_of
umask 022
state=$root/state
mkdir -p "$state/store" "$state/nginx"
touch "$state/artifactd.log"
open_to_others()
{
	find "$root/state" ! -type l -perm /077 ! -name '*.conf' ! -path "$root/state"
}

# In a process of its own, since prepare_state changes the umask.
prepared()
{
	(prepare_state && touch "$state/new.log" && mkdir "$state/store/x") &&
	    [ -z "$(open_to_others)" ] || { open_to_others; return 1; }
}

check_that "what run keeps is for its owner alone, of an older run too" prepared
state=$root/fresh
check_that "... as is a directory that it makes" eval \
    '(prepare_state) && [ "$(stat -c %a "$state")" = 700 ]'
exit $failed_checks
