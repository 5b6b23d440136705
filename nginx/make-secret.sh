#!/bin/sh
# SPDX-License-Identifier: ISC
#
# make-secret.sh FILE [GROUP] - make the secret by which artifactd recognises
# nginx.
#
# nginx includes FILE (artifactd-params.conf) and sends the secret with every
# request; artifactd reads FILE as well (the setting secret_file) and refuses a
# request without the secret. Only root and GROUP ("artifactd"), the group of
# the service, can read FILE.
#
# If FILE exists, nothing is done: an upgrade must not change the secret of an
# nginx that runs. To change it, remove FILE, run this script again, and reload
# artifactd and nginx.
set -eu

[ $# -ge 1 ] && [ $# -le 2 ] ||
    { echo "usage: make-secret.sh FILE [GROUP]" >&2; exit 2; }
file=$1
group=${2-artifactd}
[ ! -e "$file" ] || exit 0

directory=$(dirname "$file")
mkdir -p "$directory"
secret=$(od -An -v -N32 -tx1 /dev/urandom | tr -d ' \n')
[ "${#secret}" = 64 ] || { echo "make-secret.sh: no randomness" >&2; exit 1; }

# No other user may read the file, not even for a moment.
umask 077
new=$(mktemp "$directory/.secret.XXXXXX")
trap 'rm -f "$new"' EXIT
trap 'exit 1' INT TERM HUP
cat >"$new" <<END
# Made by make-secret.sh: nginx sends this, and artifactd takes no request
# without it. For root and the group of artifactd alone.
fastcgi_param ARTIFACTD_PARAMS $secret;
END
# If there is no such group yet, systemd-sysusers makes it and systemd-tmpfiles
# gives the file to it.
if [ "$(id -u)" = 0 ] && getent group "$group" >/dev/null; then
	chgrp "$group" "$new"
fi
chmod 0640 "$new"
# If a power cut left the file empty, nginx would not start with any site.
sync "$new" "$directory"
# If two scripts run at once, one makes the file, and neither changes it later.
ln "$new" "$file" 2>/dev/null || [ -e "$file" ] ||
    { echo "make-secret.sh: cannot make $file" >&2; exit 1; }
sync "$directory"
