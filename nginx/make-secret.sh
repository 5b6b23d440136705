#!/bin/sh
# SPDX-License-Identifier: ISC
#
# make-secret.sh FILE [GROUP] - the secret by which artifactd knows nginx.
#
# nginx includes FILE (artifactd-params.conf) and sends what stands there with
# every request; artifactd reads it as well (the setting secret_file) and
# refuses a request without it. So FILE is for root and GROUP ("artifactd"),
# that of the service, alone.
#
# A file that is there is left alone: an upgrade must not change it under an
# nginx that runs. To change the secret remove FILE, run this again, and
# reload artifactd and nginx.
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

# Nobody else may read it, not even for a moment.
umask 077
new=$(mktemp "$directory/.secret.XXXXXX")
trap 'rm -f "$new"' EXIT
trap 'exit 1' INT TERM HUP
cat >"$new" <<END
# Made by make-secret.sh: nginx sends this, and artifactd takes no request
# without it. For root and the group of artifactd alone.
fastcgi_param ARTIFACTD_PARAMS $secret;
END
# Before systemd-sysusers has made the group, systemd-tmpfiles gives it later.
if [ "$(id -u)" = 0 ] && getent group "$group" >/dev/null; then
	chgrp "$group" "$new"
fi
chmod 0640 "$new"
# nginx starts with none of its sites if it is empty after a power cut.
sync "$new" "$directory"
# Of two that run at once one makes it, and neither changes what the other did.
ln "$new" "$file" 2>/dev/null || [ -e "$file" ] ||
    { echo "make-secret.sh: cannot make $file" >&2; exit 1; }
sync "$directory"
