#!/bin/bash
# SPDX-License-Identifier: ISC
#
# Completion of artifactctl in each shell: the shell reads the installed file
# without an error, and completes commands, options and their values. No server
# is needed.
. "$(dirname "$0")/lib.sh"

CTL=$(dirname "$ARTIFACTD")/artifactctl
cd "$WORK" || exit 1
echo x >a-file-of-mine

"$CTL" completion csh 2>"$WORK/err"
check "a shell that is not known is wrong usage" equal \
    "$?:$(grep -c 'bash, zsh and fish' "$WORK/err")" 2:1
for shell in bash zsh fish; do
	"$CTL" completion $shell >"$WORK/completion.$shell"
	check "there is completion for $shell" [ -s "$WORK/completion.$shell" ]
done
"$CTL" completion | cmp -s - "$WORK/completion.bash"
check "... for bash where none is named" [ $? = 0 ]

# has_all FILE: each command and long option of the help is in it.
has_all()
{
	local command word
	for command in $("$CTL" help | sed -n 's/^  \([a-z]*\)  .*/\1/p'); do
		grep -qw -- "$command" "$1" || { echo "# $command"; return 1; }
		for word in $("$CTL" help "$command" |
		    grep -oE -- '^ .*--[a-z][a-z-]*' |
		    grep -oE -- '--[a-z][a-z-]*$'); do
			grep -qE -- "(--|-l )${word#--}\b" "$1" ||
			    { echo "# $word"; return 1; }
		done
	done
}
for shell in bash zsh fish; do
	check "$shell knows each command and option" \
	    has_all "$WORK/completion.$shell"
done

# ---- bash

# in_bash WORD...: what the last of these may become.
in_bash()
{
	bash --norc -c '. "$1"; shift
	COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMPREPLY=()
	_artifactctl; echo "${COMPREPLY[*]}"' - "$WORK/completion.bash" "$@"
}
check "bash completes a command" equal "$(in_bash artifactctl lis)" list
check "... and its options" equal "$(in_bash artifactctl put --rec)" \
    --recursive
check "... of several" equal "$(in_bash artifactctl put --t)" \
    '--type --title --timeout'

# ---- zsh

# in_zsh TEXT: what a line becomes by a tab behind it, as a user types it.
in_zsh()
{
	python3 - "$1" "$WORK" <<-'PYTHON'
	import os, pty, re, select, sys, time
	text, work = sys.argv[1:]
	pid, terminal = pty.fork()
	if pid == 0:
	    os.environ.update(TERM="xterm", HOME=work, ZDOTDIR=work)
	    os.execvp("zsh", ["zsh", "-d", "-i"])

	def until(pattern):
	    shown, end = "", time.monotonic() + 60
	    while not re.search(pattern, shown):
	        if time.monotonic() > end:
	            break
	        if select.select([terminal], [], [], 1)[0]:
	            try:
	                shown += os.read(terminal, 4096).decode()
	            except OSError:
	                break
	    return shown

	until("READY")
	os.write(terminal, text.encode() + b"\t")
	time.sleep(1)
	os.write(terminal, b"\n")
	found = re.search("GOT:(.*?) *:END", until("GOT:.*?:END"))
	print(found[1] if found else "")
	os.write(terminal, b"exit\n")
	os.close(terminal)
	os.waitpid(pid, 0)
	PYTHON
}
if command -v zsh >/dev/null; then
	mkdir "$WORK/functions"
	cp "$WORK/completion.zsh" "$WORK/functions/_artifactctl"
	cat >"$WORK/.zshrc" <<-'ZSH'
	PS1= fpath=($ZDOTDIR/functions $fpath)
	artifactctl() { print -r -- GOT:${(j: :)@}:END }
	autoload -Uz compinit
	compinit -u -d $ZDOTDIR/dump
	print READY
	ZSH
	zsh -n "$WORK/completion.zsh" 2>"$WORK/err"
	check "zsh reads it" equal "$?:$(cat "$WORK/err")" 0:
	check "zsh completes a command" equal "$(in_zsh 'artifactctl lis')" list
	check "... its options" equal "$(in_zsh 'artifactctl put --rec')" \
	    'put --recursive'
	check "... files" equal "$(in_zsh 'artifactctl put a-fi')" \
	    'put a-file-of-mine'
	check "... and shells" equal "$(in_zsh 'artifactctl completion fi')" \
	    'completion fish'
else
	echo "# zsh is not installed"
fi

# ---- fish

# in_fish TEXT: what it may become.
in_fish()
{
	HOME=$WORK XDG_CONFIG_HOME=$WORK fish --no-config -c 'source $argv[1]
	complete -C $argv[2]' "$WORK/completion.fish" "$1" | cut -f1 |
	    tr '\n' ' ' | sed 's/ $//'
}
if command -v fish >/dev/null; then
	fish --no-config -n "$WORK/completion.fish" 2>"$WORK/err"
	check "fish reads it" equal "$?:$(cat "$WORK/err")" 0:
	check "fish completes a command" equal "$(in_fish 'artifactctl lis')" \
	    list
	check "... its options" equal "$(in_fish 'artifactctl put --rec')" \
	    --recursive
	check "... files" equal "$(in_fish 'artifactctl put a-fi')" \
	    a-file-of-mine
	check "... and shells" equal "$(in_fish 'artifactctl completion fi')" \
	    fish
else
	echo "# fish is not installed"
fi
finish
