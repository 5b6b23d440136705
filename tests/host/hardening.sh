#!/bin/sh
# SPDX-License-Identifier: ISC
#
# hardening.sh - check that the program is built as doc/rules.md 29 asks,
# whatever the flags were: position independent, read-only after relocation,
# with canaries, checked libc calls and branch protection. It reads the program
# ($ARTIFACTD), not the makefile. A build with sanitizers is skipped.

program=${1:-${ARTIFACTD:-./artifactd}}
failed=0

if ! command -v readelf >/dev/null; then
	echo "readelf is missing: install binutils"
	exit 77
fi
if readelf -Ws "$program" | grep -q '__asan_init'; then
	echo "a build with sanitizers"
	exit 77
fi

# has TEXT PATTERN OPTION...: readelf with these options prints the pattern.
has()
{
	text=$1 pattern=$2
	shift 2
	if readelf -W "$@" "$program" 2>/dev/null | grep -qE "$pattern"; then
		echo "ok - $text"
	else
		echo "not ok - $text: no \"$pattern\" in readelf $*"
		failed=1
	fi
}

# lacks TEXT PATTERN OPTION...
lacks()
{
	text=$1 pattern=$2
	shift 2
	if readelf -W "$@" "$program" 2>/dev/null | grep -qE "$pattern"; then
		echo "not ok - $text"
		failed=1
	else
		echo "ok - $text"
	fi
}

has "it may be loaded anywhere (PIE)" 'FLAGS_1.*PIE' -d
has "its tables are read-only after relocation (RELRO)" 'GNU_RELRO' -l
has "... all of them, at its start (BIND_NOW)" 'BIND_NOW|FLAGS_1.*NOW' -d
has "its stack holds no code" 'GNU_STACK.* RW  ' -l
lacks "no segment is writable and code" 'LOAD.* RWE ' -l
lacks "no relocation changes code" 'TEXTREL' -d
lacks "no search path of its own" 'RPATH|RUNPATH' -d
has "functions have canaries" '__stack_chk_fail' -s --dyn-syms
has "libc calls are checked" '__(memcpy|vsnprintf|fprintf)_chk' -s --dyn-syms

# Flags that leave no trace in the program are in its debug information, if gcc
# wrote some. (Debian's own start files have no mark of branch protection, so
# the program has none either.)
if readelf -W --debug-dump=info "$program" 2>/dev/null |
    grep -q 'DW_AT_producer.*GNU C'; then
	for flag in -O2 -ftrivial-auto-var-init=zero \
	    -fstack-clash-protection -fstack-protector-strong \
	    -fcf-protection=full; do
		has "compiled with $flag" "DW_AT_producer.*GNU C.* $flag" \
		    --debug-dump=info
	done
fi
exit $failed
