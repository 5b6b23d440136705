# SPDX-License-Identifier: ISC
# shellcheck shell=bash
#
# part-tools.sh - artifactctl as an operator types it; and at the end, what
# "make uninstall" leaves.

tools()
{
	check "status runs as root beside the service" quietly tool status
	check "... and leaves no file of root's in the store" eval \
	    '[ -z "$(inside find /var/lib/artifactd ! -user artifactd)" ]'
	doctor
	check "bash has the completion" quietly inside bash -n \
	    /usr/local/share/bash-completion/completions/artifactctl
}

# As README says, with backup and check: but for the one disk that there is,
# nothing is wrong; nor behind Debian's own site on port 80, to which our
# locations were added, but that it is open to whoever asks.
doctor()
{
	inside systemctl disable -q --now artifactd-retention.timer
	inside systemctl enable -q --now artifactd-check.timer \
	    artifactd-backup.timer
	job check
	job backup
	becomes ActiveState inactive artifactd-check.service
	tool doctor --nginx --verbose >"$WORK/said" 2>&1
	check "doctor finds that backups and nginx are on the disk of the store" \
	    equal "$(grep -cE '^warning *(backup|nginx_disk): .*file system of' \
	    "$WORK/said")" 2
	check "... and nothing else" eval '! grep -E "^(problem|warning)" \
	    "$WORK/said" | grep -vE " (nginx_disk|backup): " |
	    sed "s/^/# /" | grep .'
	check "... of much that it looked at" \
	    [ "$(grep -c '^ok' "$WORK/said")" -ge 22 ]
	tool doctor --nginx --verbose --url http://0.0.0.0 >"$WORK/said" 2>&1
	check "... and what is open to a network" grep -q \
	    '^warning *public_url: http://0.0.0.0 gives .* to whoever asks' \
	    "$WORK/said"
	check "... which is well but for that" \
	    equal "$(grep -cE '^ok *nginx_(answers|limit)$' "$WORK/said")" 2
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

# /srv and what was put aside are of part-operations.sh.
left()
{
	inside find / -xdev '(' -path /proc -o -path /home/admin -o \
	    -path '/var/lib/artifactd*' -o -path /srv -o -path /var/log -o \
	    -path /run -o -path /etc/artifactd -o -path /tmp ')' -prune -o \
	    -name '*artifact*' -print |
	    grep -vE '^/etc/systemd/system/artifactd.*\.d$|timers/stamp-'
}
