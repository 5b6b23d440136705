# SPDX-License-Identifier: ISC
# shellcheck shell=bash
#
# part-tools.sh - artifactctl as an operator types it, and the end of it all:
# what "make uninstall" leaves.

tools()
{
	check "status runs as root beside the service" quietly tool status
	check "... and leaves no file of root's in the store" eval \
	    '[ -z "$(inside find /var/lib/artifactd ! -user artifactd)" ]'
	check "bash has the completion" quietly inside bash -n \
	    /usr/local/share/bash-completion/completions/artifactctl
}

# What others have stays: the store, settings, and nginx's own files.
uninstalled()
{
	inside systemctl disable --now artifactd.socket artifactd.service \
	    artifactd-check.timer artifactd-backup.timer \
	    artifactd-retention.timer 2>/dev/null
	rm -f "$ROOT"/etc/nginx/conf.d/artifactd.conf \
	    "$ROOT"/etc/nginx/sites-enabled/artifactd
	check "README: it is uninstalled" quietly as_operator \
	    "sudo make -C build uninstall"
	check "... nothing is left but the store, backups and settings" \
	    eval '[ -z "$(left | tee "$WORK/said")" ] || { cat "$WORK/said"; false; }'
}

left()
{
	inside find / -xdev '(' -path /proc -o -path /home/admin -o \
	    -path /var/lib/artifactd -o -path /var/lib/artifactd-backup -o \
	    -path /var/log -o -path /run -o -path /etc/artifactd -o \
	    -path /tmp ')' -prune -o -name '*artifact*' -print |
	    grep -vE '^/etc/systemd/system/artifactd.*\.d$|timers/stamp-'
}
