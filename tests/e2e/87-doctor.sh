#!/bin/bash
# SPDX-License-Identifier: ISC
#
# artifactctl doctor: each mistake of the setup is made once, and doctor names
# it and says what to do; doctor finds nothing where the setup is right.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/ctl.sh"

CONFIG=$WORK/artifactd.conf
right()
{
	cat >"$CONFIG" <<END
listen = "$SOCKET"
secret_file = "$SECRET"
reserve = 67108864
max_content = 65536
max_json = 65536
END
	printf '%s\n' "$@" >>"$CONFIG"
}
right
SETTINGS=(listen="$SOCKET" state_dir="$STORE" workers=2)

# A systemctl and a systemd-analyze that say what the files beside them say.
mkdir "$WORK/bin"
cat >"$WORK/bin/systemctl" <<'END'
#!/bin/sh
cd "${0%/*}"
shift
between=
for unit; do
	printf "$between"
	between='\n'
	[ -e "$unit" ] || { echo LoadState=not-found; continue; }
	while read -r line; do echo "$line"; done <"$unit"
done
END
cat >"$WORK/bin/systemd-analyze" <<'END'
#!/bin/sh
cat "${0%/*}/exposure"
END
chmod +x "$WORK"/bin/systemctl "$WORK"/bin/systemd-analyze
PATH=$WORK/bin:$PATH

# unit NAME LINE...: what systemctl shows of it.
unit()
{
	local name=$1
	shift
	printf '%s\n' LoadState=loaded ActiveState=active "$@" \
	    >"$WORK/bin/$name"
}

good_units()
{
	unit artifactd.service LimitNOFILE=4096 TasksMax=1024 \
	    TimeoutStopUSec=45s ProtectSystem=strict \
	    "ReadWritePaths=/somewhere $WORK" UnitFileState=enabled
	unit artifactd.socket "Listen=$SOCKET (Stream)"
	unit artifactd-check.service
	unit artifactd-backup.service
	unit artifactd-retention.service
	unit artifactd-check.timer
	unit artifactd-backup.timer
	unit artifactd-retention.timer ActiveState=inactive
	sed -i '/^ActiveState=active$/d' "$WORK/bin/artifactd-retention.timer"
	echo "Overall exposure level for artifactd.service: 0.2 SAFE" \
	    >"$WORK/bin/exposure"
}

# finds CHECK TEXT: it does, as a problem or warning, and exits 1. $ASKED is
# another URL.
finds()
{
	ctl doctor --nginx --url "${ASKED-$URL}"
	equal "$CODE" 1 && grep -E "^(problem|warning) +$1: " "$WORK/out" |
	    grep -qF -- "$2" || {
		head -n 5 "$WORK/out" "$WORK/err" | sed 's/^/# /'
		return 1
	}
}

# is_content: nothing is wrong. As root the store is root's here, which is a
# finding.
is_content()
{
	ctl doctor --nginx --url "$URL" "$@"
	[ "$(id -u)" != 0 ] || grep -q 'belongs to root' "$WORK/out" || return
	! grep -vE '^ok |"severity":"ok"|belongs to root' "$WORK/out" ||
	    return
	[ "$(id -u)" = 0 ] || equal "$CODE" 0
}

# backup: into a directory that the note says is on another disk.
backup()
{
	ctl backup "$BACKUPS"
	sed -i s/^place=1/place=2/ "$STORE/last-backup"
}

# answers PATH WHAT: what a site says to it, whoever asks.
answers()
{
	printf '\tlocation %s/ {\n\t\treturn %s;\n\t}\n' "$1" "$2"
}

chmod 0700 "$STORE"
nginx_render
# A site with the store behind a name and a password, and with other answers.
site=$(free_port)
{
	printf 'server {\n\tlisten 127.0.0.1:%s;\n' "$site"
	cat <<END
	location / {
		if (\$http_authorization = "") {
			return 401;
		}
		proxy_pass http://127.0.0.1:$PORT;
	}
END
	answers /forbidden 403
	answers /missing 404
	answers /login '302 https://login.example/?from=here'
	answers /tls '301 https://store.example$request_uri'
	answers /page '200 "<p>hello</p>"'
	answers /json '200 "{\"status\":\"ready\"}"'
	echo '}'
} >"$WORK/nginx/site.conf"
sed -i "s|^.*include .*/artifactd-server.conf.*|& include $WORK/nginx/site.conf;|" \
    "$WORK/nginx/nginx.conf"
good_units
check "before the first start: no store, and no socket" \
    finds socket "systemctl start artifactd.socket"
check "... which a new host has not" finds whole "artifactctl init"
make_store
daemon_start
nginx_start
wait_ready
chmod 0660 "$SOCKET"
create
check "without a check and a backup: it asks for them" \
    finds check "artifactd-check.timer"
check "... both" finds backup "artifactd-backup.timer"
ctl check
ctl backup "$BACKUPS"
check "a backup on the disk of the store" \
    finds backup "a lost disk takes the backups with it: mount another disk"
ctl backup "$WORK/missing"
check "... also behind one that failed" \
    finds backup "a lost disk takes the backups with it"
backup
check "all is well, and it says so" is_content
check "--verbose names what it looked at" is_content --verbose
check "... many things" [ "$(grep -c '^ok' "$WORK/out")" -ge 20 ]
check "--json gives objects" is_content --json --verbose
check "... which can be read" python3 -c '
import json, sys
for line in open(sys.argv[1]):
    assert set(json.loads(line)) == {"severity", "check", "finding"}' \
    "$WORK/out"

# ---- state_dir

mkdir "$STORE/compact.partial"
check "what a killed command left" finds leavings "compact.partial"
rmdir "$STORE/compact.partial"
right 'reserve = 1000000000000000'
check "a reserve that no disk has" finds reserve "and the whole disk has"
create
check "... which the service has not read, and takes creates" \
    equal "$STATUS" 201
check "... and it is not said to refuse them yet" \
    finds reserve "(507), if not yet then from the service's next reload"
right "reserve = $(($(stat -f -c '%b * %S' "$STORE") / 100 * 99))"
check "a disk at the reserve" finds reserve "make room on the disk"
right 'reserve = 1048576'
check "a reserve that is too small" finds reserve "1 GiB is the default"
right 'max_bytes = 3'
check "a quota that is used up" finds quota "creates are refused (507), if not yet"
right 'max_bytes = 4000000000000000000'
check "a quota that the disk has no room for" finds quota "is full first"
right
chmod 0755 "$STORE"
check "a store that others may enter" finds owner "chmod go="
chmod 0700 "$STORE"
chmod 0644 "$STORE/data.mdb"
check "a file of it that others may read" finds owner data.mdb
chmod 0600 "$STORE/data.mdb"
if [ "$(id -u)" = 0 ]; then
	check "a store of root's" finds owner "belongs to root"
	chown 12345 "$STORE/lock.mdb"
	check "a lock.mdb that is another's" finds owner "chown"
	chown 0 "$STORE/lock.mdb"
fi
mv "$STORE/format" "$WORK/format"
check "no format" finds whole "but not format"
mv "$WORK/format" "$STORE/format"
cp "$STORE/format" "$WORK/format"
printf 'artifactd 1\n' >"$STORE/format"
check "a store of an older format, which is not damaged" \
    finds store "cannot be read, for what was said above"
check "... and the way out is said" grep -q \
    "artifactctl export with the version that made it" "$WORK/err"
cp "$WORK/format" "$STORE/format"
sed -i 's/^problems=.*/problems=3/; s/^is_ok=1/is_ok=0/' "$STORE/last-check"
check "a check that found something" finds check "did not end well"
sed -i 's/^is_ok=0/is_ok=1/; s/^finished=.*/finished=1700000000/' \
    "$STORE/last-check"
check "a check of long ago" finds check "days ago"
ctl backup "$WORK/typo"
ctl doctor
check "a backup that failed, behind a good one" grep -q \
    '^warning  backup: .*did not end well, but that of 20..-.*Z did' \
    "$WORK/out"
sed -i 's/^problems=0/problems=1/' "$STORE/last-backup"
check "... but for damage" finds backup "did not end well: see"
sed -i 's/^problems=1/problems=0/; s/^succeeded=.*/succeeded=1700000000/' \
    "$STORE/last-backup"
check "... or where that is long ago" finds backup "did not end well: see"
echo nonsense >"$STORE/last-backup"
check "a note that is none" finds backup "cannot be read"
ctl check
backup

# A clock that is so many seconds away.
printf '%s\n' '#include <stdlib.h>' '#include <time.h>' \
    '#include <sys/syscall.h>' '#include <unistd.h>' \
    'int clock_gettime(clockid_t clock, struct timespec *t) {' \
    '	long code = syscall(SYS_clock_gettime, clock, t);' \
    '	if (clock == CLOCK_REALTIME && getenv("AWAY") != NULL)' \
    '		t->tv_sec += atol(getenv("AWAY"));' \
    '	return (int)code; }' >"$WORK/clock.c"
if ${CC:-cc} -shared -fPIC -o "$WORK/clock.so" "$WORK/clock.c"; then
	export LD_PRELOAD=$WORK/clock.so AWAY=-172801
	check "an artifact of the day after tomorrow" \
	    finds moments "ahead of the clock, so that creates are refused"
	AWAY=-3600
	check "one of the next hour" finds moments "it was set back"
	AWAY=-1500000000
	check "a clock that lost its battery" finds clock "timedatectl"
	AWAY=259200
	check "a backup of three days ago" finds backup "3 days ago"
	unset LD_PRELOAD AWAY
fi
right 'state_dir = "/nowhere"'
ctl_elsewhere()
{
	timeout 60 "$ARTIFACTCTL" doctor --config "$CONFIG" >"$WORK/out" 2>&1
	grep -q 'state_dir: there is no directory /nowhere' "$WORK/out"
}
check "a state_dir that is not there" ctl_elsewhere
tmpfs=$WORK/tmpfs
mkdir "$tmpfs"
if mount -t tmpfs -o mode=0700 tmpfs "$tmpfs" 2>/dev/null; then
	right
	ctl backup "$tmpfs"
	check "a backup on a disk of its own" is_content
	rm -r "$tmpfs"/artifactd-*
	STORE=$tmpfs
	check "a store in memory" finds file_system tmpfs
	STORE=$WORK/store
	umount "$tmpfs"
fi

# ---- the configuration

right 'nonsense = 1'
check "a setting that there is not" finds configuration "nonsense"
right 'retention = { "-t log", "--what" }'
check "a rule that cannot be followed" finds retention "number 2"
right
chmod 0666 "$CONFIG"
check "a configuration that anybody may write" finds configuration "chmod go-w"
if [ "$(id -u)" = 0 ]; then
	chmod 0600 "$CONFIG"
	chown 12345 "$STORE" "$STORE"/*
	check "one that the service cannot read" \
	    finds configuration "cannot be read by 12345"
	chown 0 "$STORE" "$STORE"/*
fi
chmod 0644 "$CONFIG"
chmod 0644 "$SECRET"
check "a secret for everybody" finds secret "chmod o= $SECRET"
chmod 0660 "$SECRET"
check "one that others may change" finds secret "chmod g-w $SECRET"
chmod 0640 "$SECRET"
if [ "$(id -u)" = 0 ]; then
	chown 12345 "$STORE" "$STORE"/*
	chmod 0600 "$SECRET"
	check "one that the service cannot read" \
	    finds secret "cannot be read by 12345"
	chmod 0640 "$SECRET"
	chown 0 "$STORE" "$STORE"/*
	chown 12345 "$SECRET"
	check "one that is another user's" finds secret "chown root: $SECRET"
	chown 0 "$SECRET"
fi
mv "$SECRET" "$SECRET.away"
check "no secret" finds secret "make-secret.sh $SECRET"
mv "$SECRET.away" "$SECRET"
check "all is well with the secret" is_content
chmod 0666 "$SOCKET"
check "a socket for everybody" finds socket "pass for any other"
chmod 0660 "$SOCKET"
mv "$SOCKET" "$SOCKET.away"
check "a socket that went" finds socket "there is no socket"
mv "$SOCKET.away" "$SOCKET"

# ---- who is let in

# asked URL SEVERITY TEXT: what doctor says when it has asked public_url.
asked()
{
	ctl doctor --verbose --set public_url="$1"
	grep -qE "^$2 +public_url$3" "$WORK/out" || {
		grep public_url "$WORK/out" | sed 's/^/# /'
		return 1
	}
}

# 0.0.0.0 gets to this host as well, and does not look like loopback.
site=http://0.0.0.0:$site
export ARTIFACT_TOKEN=at-least-32-random-characters
check "a store that is open" asked "http://0.0.0.0:$PORT" warning \
    ": http://0.0.0.0:$PORT gives its artifacts to whoever asks.*operations.md"
check "... is a finding" equal "$CODE" 1
check "... below its other base" asked "http://0.0.0.0:$PORT/api/v1" warning \
    ": .*whoever asks"
check "... for this host only" asked "http://127.0.0.1:$PORT" ok '$'
check "... whatever proxy others are asked through" eval \
    'http_proxy=http://127.0.0.1:1 asked "http://0.0.0.0:$PORT" warning \
    ": .*whoever asks"'
check "one that asks who is there, and is not told" asked "$site" ok '$'
check "... not even by the URL" \
    asked "http://me:secret@${site#http://}" ok '$'
check "one that lets nobody in" asked "$site/forbidden" ok '$'
check "one that leads to a login" asked "$site/login" ok '$'
check "one that leads to itself by another name" asked "$site/tls" unknown \
    ": .* leads to https://store.example/tls, where nobody was asked"
check "no store at all" asked "$site/missing" unknown ": .*status 404"
check "... but a page" asked "$site/page" unknown ": .*status 200"
check "nobody there" asked http://0.0.0.0:1 unknown ": .*does not answer"
check "... which is no finding" eval '! grep -vE "^(ok|unknown) |belongs to root" \
    "$WORK/out" && { [ "$(id -u)" = 0 ] || equal "$CODE" 0; }'
env python3 -S - >"$WORK/silent" <<'PYTHON' &
import socket, time
server = socket.create_server(("127.0.0.1", 0))
print(server.getsockname()[1], flush=True)
time.sleep(60)
PYTHON
silent=$!
while [ ! -s "$WORK/silent" ]; do sleep 0.05; done
began=$SECONDS
check "one that says nothing" asked "http://0.0.0.0:$(cat "$WORK/silent")" \
    unknown ": .*does not answer"
check "... which is not waited for" [ $((SECONDS - began)) -lt 20 ]
check "... nor by what asks nginx" eval 'ASKED=http://127.0.0.1:$(cat \
    "$WORK/silent") finds nginx_answers "gives no answer (Operation timed out"'
check "... which asks no further" \
    grep -q '^unknown *nginx_limit: nothing of artifactd' "$WORK/out"
check "... nor is it waited for" [ $((SECONDS - began)) -lt 30 ]
kill "$silent"
wait "$silent" 2>/dev/null
unset ARTIFACT_TOKEN

# ---- systemd

unit artifactd-backup.service ActiveState=failed Result=exit-code
sed -i '/^ActiveState=active$/d' "$WORK/bin/artifactd-backup.service"
check "a service that failed" finds units "journalctl -u artifactd-backup"
good_units
echo NeedDaemonReload=yes >>"$WORK/bin/artifactd.socket"
check "units that systemd has not read" finds units "daemon-reload"
good_units
sed -i s/enabled/disabled/ "$WORK/bin/artifactd.service"
check "a service that does not start with the machine" \
    finds units "systemctl enable"
good_units
cp "$WORK/bin/artifactd-retention.timer" "$WORK/bin/artifactd-check.timer"
check "a timer that is off" finds timers "enable --now artifactd-check.timer"
good_units
right 'retention = { "-t log" }'
check "rules without a timer" finds timers "artifactd-retention.timer"
right
cp "$WORK/bin/artifactd-check.timer" "$WORK/bin/artifactd-retention.timer"
check "a timer without rules" finds timers "retention is empty"
good_units
echo "Overall exposure level for artifactd.service: 4.2 OK" \
    >"$WORK/bin/exposure"
check "a unit that was opened" finds exposure \
    "4.2 of 10, and as it is shipped to 0.2:"
sed -i 's/4.2/0.3/' "$WORK/bin/exposure"
check "... a little" finds exposure "0.3 of 10"
good_units
right 'workers = 256'
check "workers and no descriptors for them" eval \
    'sed -i s/LimitNOFILE=4096/LimitNOFILE=256/ "$WORK/bin/artifactd.service"
    finds limits LimitNOFILE'
good_units
right 'drain_timeout = 60'
check "a drain that systemd cuts off" finds limits TimeoutStopSec
for time in "1min" "59s 999ms"; do
	sed -i "s/TimeoutStopUSec=.*/TimeoutStopUSec=$time/" \
	    "$WORK/bin/artifactd.service"
	check "... after $time" finds limits TimeoutStopSec
done
for time in "1min 1s" "1h" infinity; do
	sed -i "s/TimeoutStopUSec=.*/TimeoutStopUSec=$time/" \
	    "$WORK/bin/artifactd.service"
	check "... but not after $time" is_content
done
good_units
right
sed -i "s|ReadWritePaths=.*|ReadWritePaths=|" "$WORK/bin/artifactd.service"
check "a state_dir that the unit keeps closed" finds paths "ReadWritePaths=$STORE"
check "... and the drop-in for all is written out" finds paths \
    "printf '[Unit]\nRequiresMountsFor=$STORE\n[Service]\nReadWritePaths=$STORE\nNoExecPaths=$STORE\n' >"
good_units
unit artifactd-backup.service ProtectSystem=strict ReadWritePaths=
check "... also that only the backup's unit does" \
    finds paths "where artifactd-backup.service may not write"
good_units
for paths in / "-/ /somewhere" "$STORE" "$STORE/" "+$WORK//"; do
	sed -i "s|ReadWritePaths=.*|ReadWritePaths=$paths|" \
	    "$WORK/bin/artifactd.service"
	check "ReadWritePaths=$paths opens it" is_content
done
sed -i "s|ReadWritePaths=.*|ReadWritePaths=${STORE}s|" \
    "$WORK/bin/artifactd.service"
check "a directory whose name only begins so does not" \
    finds paths "ReadWritePaths=$STORE"
good_units
# What ReadWritePaths= opens has to be closed by its own name, or nearer.
for paths in / "/ /dev ${WORK}s" "/ ${WORK%/*}"; do
	echo "NoExecPaths=$paths" >>"$WORK/bin/artifactd.service"
	check "NoExecPaths=$paths lets it run what lies in the state_dir" \
	    finds paths "artifactd.service could run a program that lies there"
	good_units
done
for paths in "/ -$WORK/" "/ $STORE"; do
	echo "NoExecPaths=$paths" >>"$WORK/bin/artifactd.service"
	check "NoExecPaths=$paths does not" is_content
	good_units
done
unit artifactd.socket "Listen=/other.sock (Stream)"
check "a socket unit elsewhere" finds socket_unit /other.sock
good_units
check "all is well again" is_content

# ---- nginx

# reload: with what its files say now, which its next answers show.
reload()
{
	local before

	before=$(children_of "$NGINX")
	kill -HUP "$NGINX"
	for _ in {1..100}; do
		[ "$(children_of "$NGINX")" = "$before" ] || break
		sleep 0.05
	done
	for process in $before; do
		for _ in {1..200}; do
			kill -0 "$process" 2>/dev/null || break
			sleep 0.05
		done
	done
}

# sees CHECK TEXT FILE SCRIPT: nginx with this file changed by sed.
sees()
{
	local code

	cp -a "$WORK/nginx" "$WORK/nginx.right"
	sed -i "$4" "$WORK/nginx/$3"
	cmp -s "$WORK/nginx/$3" "$WORK/nginx.right/$3" && echo "# no change"
	reload
	finds "$1" "$2"
	code=$?
	rm -rf "$WORK/nginx"
	mv "$WORK/nginx.right" "$WORK/nginx"
	reload
	return $code
}

# leaves CHECK TEXT: it is not known, which is no finding.
leaves()
{
	ctl doctor --nginx --url "$ASKED"
	grep -E "^unknown +$1: " "$WORK/out" | grep -qF -- "$2" &&
	    ! grep -vE "^unknown |belongs to root" "$WORK/out"
}

# well CHECK: it finds nothing.
well()
{
	ctl doctor --nginx --verbose --url "${ASKED-$URL}"
	grep -qE "^ok +$1\$" "$WORK/out"
}

right
here=${site/0.0.0.0/127.0.0.1}
pass=artifactd-pass.conf
params=artifactd-params.conf
check "another secret" sees nginx_answers \
    "is not the secret of this service" $params \
    "s|^include.*|fastcgi_param ARTIFACTD_PARAMS $(printf '%064d' 0);|"
check "... and whose is right" grep -qF \
    "include the file that the setting \`secret_file\` names" "$WORK/out"
check "... by its name" grep -qF "is that of $SECRET." "$WORK/out"
check "no sentinel" sees nginx_answers "ARTIFACTD_PARAMS, is missing" \
    $params '/nginx-secret.conf/d'
check "another socket" sees nginx_answers "pass to $SOCKET as the setting" \
    artifactd-socket.conf 's|"unix:[^"]*"|"unix:/other.sock"|'
if [ "$(id -u)" = 0 ]; then
	check "workers that may not connect" sees nginx_answers \
	    "SocketUser and SocketGroup" nginx.conf \
	    's/^user .*/user nobody nogroup;/'
fi
check "no word of artifactd" sees nginx_answers \
    "gives no answer (Connection refused)" nginx.conf \
    '/artifactd-server.conf/d'
check "all is well through nginx" is_content

daemon_stop
check "a daemon that does not run" finds nginx_answers \
    "does not reach artifactd (502)"
check "... behind an nginx that tells its limit all the same" well nginx_limit
daemon_start reserve=1000000000000000
wait_ready
chmod 0660 "$SOCKET"
check "one that is not ready says why" finds nginx_answers \
    "/readyz answers 503: "
check "... itself" grep -q \
    'nginx_answers: .*of which the setting `reserve` keeps 1000000000000000' \
    "$WORK/out"
daemon_stop
daemon_start
wait_ready
chmod 0660 "$SOCKET"
nginx_stop
check "an nginx that does not run" finds nginx_answers "systemctl start nginx"
check "... is not asked for more" \
    grep -q '^unknown *nginx_limit: nothing of artifactd' "$WORK/out"
nginx_start
check "... and is well when it does" is_content

for path in /page /missing /json; do
	check "another server, at $path" eval 'ASKED=$here$path \
	    finds nginx_answers "is not artifactd: include artifactd-http.conf"'
done
check "one that leads elsewhere" eval 'ASKED=$here/tls \
    leaves nginx_answers "leads to https://store.example/tls/readyz"'
check "one that asks who is there" eval 'ASKED=$here \
    leaves nginx_answers "asks who is there (401)"'
check "... has told nothing of its limit" eval 'ASKED=$here \
    leaves nginx_limit "asks who is there (401)"'
export ARTIFACT_TOKEN=at-least-32-random-characters
check "... but to who shows that he may" eval 'ASKED=$here well nginx_answers'
check "... that too" eval 'ASKED=$here well nginx_limit'
check "... and it is closed to others" eval \
    'ctl doctor --nginx --plain-http --verbose --url "$site"
    grep -q "^ok *public_url" "$WORK/out" &&
	grep -q "^ok *nginx_answers" "$WORK/out"'
check "a token that would leave this host in plain http is kept" eval \
    'ASKED=$site leaves nginx_answers "was not asked, as was said above" &&
    grep -q "is plain http" "$WORK/err"'
unset ARTIFACT_TOKEN
check "one that is open to others" eval 'ASKED=http://0.0.0.0:$PORT \
    finds public_url "gives its artifacts to whoever asks"'
right "public_url = \"$here/page\""
ctl doctor --nginx
check "without --url it asks public_url" grep -qF \
    "what answers at $here/page (with status 200)" "$WORK/out"
right
ARTIFACT_URL=$here/page ctl doctor --nginx
check "... or that of all commands" grep -qF \
    "what answers at $here/page (with status 200)" "$WORK/out"

# ---- how much nginx takes

limit=$(sed -n 's/^client_max_body_size \(.*\)m;/\1/p' "$WORK/nginx/$pass")
right "max_content = $((limit * 1048576 - 4096))"
check "what fits into nginx's limit" well nginx_limit
right "max_content = $((limit * 1048576))"
check "content that alone fills it does not fit in a form" \
    finds nginx_limit "say \"client_max_body_size $((limit + 4))m;\""
check "... and how much would is said" \
    grep -q "(413) that artifactd takes, which are of up to $limit.0 MiB" \
    "$WORK/out"
right 'max_json = 100000000'
check "... nor does JSON that is larger" \
    finds nginx_limit '"client_max_body_size 99m;"'
right 'max_content = 1048576'
check "no limit at all: nginx's own is 1 MiB" sees nginx_limit \
    "of up to 1.0 MiB" $pass '/client_max_body_size/d'
check "... also where it asks who is there" eval 'ASKED=$here \
    finds nginx_limit "of up to 1.0 MiB"'
right

# A store that wants the body which is announced, and what then comes of it.
env python3 -S - "$WORK/came" >"$WORK/wanting" <<'PYTHON' &
import socket, sys
server = socket.create_server(("127.0.0.1", 0))
print(server.getsockname()[1], flush=True)
came = None
while came is None:
    peer = server.accept()[0]
    data = b""
    while True:
        piece = peer.recv(65536)
        if not piece:
            break
        data += piece
        if b"\r\n\r\n" not in data:
            continue
        if data.startswith(b"GET"):
            peer.sendall(b"HTTP/1.1 200 OK\r\nX-Request-ID: 12345678\r\n"
                b"Content-Length: 18\r\n\r\n{\"status\":\"ready\"}")
            data = b""
        elif came is None:
            head, came = data.split(b"\r\n\r\n", 1)
            peer.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        else:
            came += piece
with open(sys.argv[1], "wb") as file:
    file.write(head + b"\r\n\r\n" + came)
PYTHON
wanting=$!
while [ ! -s "$WORK/wanting" ]; do sleep 0.05; done
check "a body that is wanted is enough" eval \
    'ASKED=http://127.0.0.1:$(cat "$WORK/wanting") well nginx_limit'
wait "$wanting"
check "... and is announced whole" eval \
    '[ "$(sed -n "s/^Content-Length: \([0-9]*\).*/\1/p" "$WORK/came")" -gt \
    65536 ] && grep -q "^Expect: 100-continue" "$WORK/came"'
check "... but not sent" [ -z "$(sed '1,/^\r$/d' "$WORK/came")" ]

# ---- its disk

# An nginx that was built for other places.
built()
{
	cat >"$WORK/bin/nginx" <<-END
	#!/bin/sh
	echo "configure arguments: --with-cc-opt='-g -O2' $*" >&2
	END
	chmod +x "$WORK/bin/nginx"
}

there=$WORK/nginx-tmp
mkdir -p "$there/relative"
built "--prefix=$there" "--http-client-body-temp-path=$there/body" \
    --http-fastcgi-temp-path=relative
check "what the reserve holds is no matter" is_content
right 'max_content = 52428800'
check "bodies and answers on the disk of the store" \
    finds nginx_disk "in $there/body and $there/relative ("
check "... which are more than the reserve" \
    grep -q 'up to 50.0 GiB, .*reserve keeps 64.0 MiB.*"Sizing" in' "$WORK/out"
check "... or it has other places by now" \
    grep -q 'unless its configuration names another directory' "$WORK/out"
right 'max_json = 131072'
check "... JSON may be what is more" finds nginx_disk "up to 128.0 MiB"
right 'max_content = 52428800'
if [ "$(stat -c %d /dev/shm)" != "$(stat -c %d "$STORE")" ]; then
	built "--prefix=$there" --http-client-body-temp-path=/dev/shm \
	    --http-fastcgi-temp-path=relative
	check "bodies on another disk" finds nginx_disk "in $there/relative ("
	check "... are not counted" grep -q 'up to 25.0 GiB' "$WORK/out"
	built --http-client-body-temp-path=/dev/shm \
	    --http-fastcgi-temp-path=/dev/shm
	check "... answers as well" is_content
fi
rm "$WORK/bin/nginx"
theirs=$(nginx -V 2>&1 |
    sed -n 's/.*--http-client-body-temp-path=\([^ ]*\).*/\1/p')
if [ "$(stat -c %d "$theirs")" = "$(stat -c %d "$STORE")" ]; then
	check "the nginx of this host" finds nginx_disk "$theirs"
fi
right
# A search path without nginx, to which the tool does not add /usr/sbin.
without_nginx()
{
	timeout 60 env PATH="$WORK/bin:/usr/sbin/none" "$ARTIFACTCTL" doctor --nginx --url "$URL" \
	    --config "$CONFIG" --set state_dir="$STORE" >"$WORK/out" 2>&1
	grep -q '^unknown *nginx_disk: there is no program nginx' \
	    "$WORK/out"
}
check "an nginx on another host" without_nginx
finish
