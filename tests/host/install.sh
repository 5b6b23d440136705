#!/bin/sh
# SPDX-License-Identifier: ISC
#
# install.sh - check that "make install" puts every file in its place, with
# every name filled in, and that "make uninstall" removes them all.
#
# Runs in a build directory; environment: TOP_SRCDIR.
. "$(dirname "$0")/lib.sh"
root=$work

# quiet_make TARGET...: make the target, which writes only below $root/of.
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

# equal_count NUMBER DIRECTORY: it has this number of files, with hidden ones.
equal_count()
{
	[ "$(find "$2" -mindepth 1 | wc -l)" = "$1" ]
}

# An installation on the host itself, below a prefix of its own.
make_here()
{
	env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL make -s "$@" \
	    prefix="$root/here" sysconfdir="$root/here/etc" \
	    localstatedir="$root/here/var" runstatedir="$root/here/run"
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
    share/bash-completion/completions/artifactctl \
    share/zsh/site-functions/_artifactctl \
    share/fish/vendor_completions.d/artifactctl.fish share/doc/artifactd/README \
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
check "the secret is left to the host that is installed on" \
    nothing_found "$root/of" -name 'nginx-secret*'
make_secret=$root/of/usr/share/artifactd/nginx/make-secret.sh
check "its script comes along" "$make_secret" "$root/made/secret.conf" "$(id -g)"
check "... and makes what nginx can include and nobody else can read" \
    sh -c 'grep -qxE "fastcgi_param ARTIFACTD_PARAMS [0-9a-f]{64};" "$1" &&
	[ "$(stat -c %a "$1")" = 640 ]' sh "$root/made/secret.conf"
cp "$root/made/secret.conf" "$root/first.conf"
check "... once" "$make_secret" "$root/made/secret.conf" "$(id -g)"
check "... and never another" cmp "$root/made/secret.conf" "$root/first.conf"
check "... leaving nothing else" equal_count 1 "$root/made"
check "bash takes the completion" \
    bash -n "$root/of/usr/share/bash-completion/completions/artifactctl"

# Files of others in these directories stay.
mkdir -p "$root/of/usr/share/doc/other"
check "it can be uninstalled" quiet_make uninstall
check "... and no file is left" nothing_found "$root/of" ! -type d
check "... nor a directory of its own" \
    nothing_found "$root/of" -name '*artifact*'
check "... while those of others are" test -d "$root/of/usr/share/doc/other"

secret=$root/here/etc/artifactd/nginx-secret.conf
check "on the host itself it can be installed" make_here install
check "... which makes the secret" test -s "$secret"
cp "$secret" "$root/first.conf" 2>/dev/null
check "... and again" make_here install
check "... which leaves it alone: nginx runs with it" \
    cmp "$secret" "$root/first.conf"
check "... and so does uninstalling" make_here uninstall
check "... all but settings" sh -c '[ -z "$(find "$1" -type f \
    ! -path "$1/etc/artifactd/*")" ] && [ -s "$2" ]' sh "$root/here" "$secret"
exit $failed
