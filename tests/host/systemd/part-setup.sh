# SPDX-License-Identifier: ISC
# shellcheck shell=bash
#
# part-setup.sh - an operator who has only sudo makes a service behind nginx
# from a Debian tree, with the commands of README.

# prepare: change the tree before it boots.
prepare()
{
	mkdir -p "$ROOT/home/admin/artifactd"
	# The sources, without what a build has made of them.
	tar -C "$TOP_SRCDIR" --exclude=./build\* --exclude=./.git \
	    --exclude=./var --exclude=./systemd-tree --exclude=./configure \
	    --exclude=./Makefile.in --exclude=./aclocal.m4 -cf - . |
	    tar -C "$ROOT/home/admin/artifactd" -xf -
	chroot "$ROOT" useradd -M -s /bin/bash admin
	chroot "$ROOT" chown -R admin: /home/admin
	echo 'admin ALL=(ALL) NOPASSWD: ALL' >"$ROOT/etc/sudoers.d/admin"
	# No terminal to log in at.
	chroot "$ROOT" systemctl -q mask console-getty.service
}

SECTION="On a host with nginx and systemd"

# as_operator COMMAND: a line of shell, in the source tree.
as_operator()
{
	inside runuser -l admin -c "cd artifactd && $1"
}

# type_readme PATTERN: the commands of README that match, by the operator.
type_readme()
{
	local line

	readme "$SECTION" "$1" >"$WORK/commands"
	check "README has commands" [ -s "$WORK/commands" ]
	while IFS= read -r line <&3; do
		check "README: $line" quietly as_operator "$line"
	done 3<"$WORK/commands"
}

install_as_readme()
{
	type_readme 'bootstrap|sysusers|daemon-reload|artifactctl init|artifactd.service'
	check "both are enabled" equal "$(inside systemctl is-enabled \
	    artifactd.socket artifactd.service | sort -u)" enabled
	check "the service is up" becomes ActiveState active
	mark
}

# With the lines of README, in a site beside Debian's default one.
nginx_as_readme()
{
	local files=/usr/local/share/artifactd/nginx includes

	includes=$(readme "$SECTION" '^include ')
	# "In http { }" is what conf.d is included in.
	grep http.conf <<<"$includes" >"$ROOT/etc/nginx/conf.d/artifactd.conf"
	cp "$ROOT$files/artifactd-server.conf" \
	    "$ROOT/etc/nginx/sites-enabled/artifactd"
	# "And in a server block of yours": here, Debian's.
	sed -i "0,/server_name _;/s|server_name _;|&\n$(
	    grep locations.conf <<<"$includes")|" \
	    "$ROOT/etc/nginx/sites-available/default"
	check "nginx takes the configuration" quietly inside nginx -t
	check "... and reloads" quietly inside systemctl reload nginx.service
	check "it is ready" ready
	create
	check "a create is 201" equal "$STATUS" 201
	FIRST=$ID
	check "... and can be read" still_there
	URL=http://127.0.0.1 http GET "/artifacts/$FIRST"
	check "... in the other server block too" equal "$STATUS" 200
}
