#!/bin/sh
# SPDX-License-Identifier: ISC
#
# install.sh - does "make install" put everything where it belongs, with every
# name filled in, and does "make uninstall" leave nothing of it?
#
# Runs in a build directory; environment: TOP_SRCDIR.

root=$(mktemp -d) || exit 1
trap 'rm -rf "$root"' EXIT
failed=0

# check TEXT COMMAND...
check()
{
	text=$1
	shift
	if "$@" >"$root/said" 2>&1; then
		echo "ok - $text"
	else
		echo "not ok - $text"
		sed 's/^/# /' "$root/said"
		failed=1
	fi
}

# quiet_make TARGET...: below $root/of, and nowhere else.
quiet_make()
{
	env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL make -s "$@" \
	    DESTDIR="$root/of" prefix=/usr sysconfdir=/etc localstatedir=/var \
	    runstatedir=/run
}

# nothing_found WHERE FIND-EXPRESSION...
nothing_found()
{
	found=$(find "$@")
	[ -z "$found" ] || { echo "$found"; return 1; }
}

no_name_left()
{
	! grep -rIn '@[A-Z_a-z]*@' "$root/of" --include='*.conf' \
	    --include='*.service' --include='*.socket' --include='*.timer' \
	    --include='*.[158]'
}

# Each setting in the table of the program is in the example.
has_every_setting()
{
	./artifactd -c /dev/null -T | sed -n 's/^\([a-z_]*\) = .*/\1/p' |
	    while read -r name; do
		grep -q "^# $name = " "$root/of/usr/share/doc/artifactd/artifactd.conf" ||
		    echo "$name is not in it"
	done >"$root/missing"
	cat "$root/missing"
	[ ! -s "$root/missing" ]
}

check "it can be installed" quiet_make install
for file in sbin/artifactd bin/artifactctl lib/systemd/system/artifactd.service \
    lib/systemd/system/artifactd.socket lib/sysusers.d/artifactd.conf \
    lib/tmpfiles.d/artifactd.conf share/artifactd/nginx/artifactd-http.conf \
    share/artifactd/nginx/artifactd-server.conf \
    share/bash-completion/completions/artifactctl share/doc/artifactd/README \
    share/doc/artifactd/artifactd.conf share/man/man8/artifactd.8; do
	check "/usr/$file is there" test -s "$root/of/usr/$file"
done
for job in check backup retention; do
	check "... and artifactd-$job, to be enabled" \
	    test -s "$root/of/usr/lib/systemd/system/artifactd-$job.timer" -a \
	    -s "$root/of/usr/lib/systemd/system/artifactd-$job.service"
done
check "nothing is outside of /usr: settings and data are the host's" \
    nothing_found "$root/of" -type f ! -path "$root/of/usr/*"
check "every name is filled in" no_name_left
check "everybody may read it, and only its owner change it" \
    nothing_found "$root/of" '(' -perm /022 -o ! -perm -444 ')' ! -type l
check "the example has every setting" has_every_setting
check "bash takes the completion" \
    bash -n "$root/of/usr/share/bash-completion/completions/artifactctl"

# What others have there stays.
mkdir -p "$root/of/usr/share/doc/other"
check "it can be uninstalled" quiet_make uninstall
check "... and no file is left" nothing_found "$root/of" ! -type d
check "... nor a directory of its own" \
    nothing_found "$root/of" -name '*artifact*'
check "... while those of others are" test -d "$root/of/usr/share/doc/other"
exit $failed
