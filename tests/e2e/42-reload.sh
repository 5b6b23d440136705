#!/bin/bash
# SPDX-License-Identifier: ISC
#
# SIGHUP under load: no request fails, the new configuration is used, and when
# it is wrong the old one stays in force. No request fails when workers retire.
. "$(dirname "$0")/lib.sh"

CONFIG=$WORK/artifactd.conf
echo 'artifact_types = { "plan" }' >"$CONFIG"
start

# logged PATTERN: wait for it in what the log got since MARK.
logged()
{
	for _ in {1..200}; do
		tail -n "+$((MARK + 1))" "$DAEMON_LOG" | grep -q "$1" && return
		sleep 0.05
	done
	tail -n 5 "$DAEMON_LOG" | sed 's/^/# /'
	return 1
}

mark()
{
	MARK=$(wc -l <"$DAEMON_LOG")
}

# answers STATUS TYPE: a create of this type, once all workers are new.
answers()
{
	for _ in {1..200}; do
		http POST /artifacts -d '{"workflow_id":"w","artifact_type":
		    "'"$2"'","title":"t","content":"c"}'
		[ "$STATUS" = "$1" ] && return
		sleep 0.05
	done
	return 1
}

check "a configured type is taken" answers 201 plan
check "another is not" answers 400 code
echo 'artifact_types = { "plan", "code" }' >"$CONFIG"
mark
kill -HUP "$DAEMON"
check "a reload takes effect" answers 201 code
check "… and is logged" logged 'event=[a-z_]*reload'

echo 'workers = nonsense' >"$CONFIG"
before=$(children_of "$DAEMON")
mark
kill -HUP "$DAEMON"
check "a broken configuration is logged with its place" \
    logged 'artifactd.conf:1.*workers'
check "… and nothing is restarted" equal "$(children_of "$DAEMON")" "$before"
check "… and the old one counts" answers 201 code
printf 'artifact_types = { "plan", "code" }\nmax_content = 10\n' >"$CONFIG"
kill -HUP "$DAEMON"
big()
{
	for _ in {1..200}; do
		http PUT "/artifacts/$ID/raw" -d 'more than ten bytes'
		[ "$STATUS" = "$1" ] && return
		sleep 0.05
	done
	return 1
}
create
check "a right one counts again" big 413
printf 'artifact_types = { "plan", "code" }\nmax_bytes = 1000000000\n' \
    >"$CONFIG"
kill -HUP "$DAEMON"
check "… and once more" big 200

# The secret by which artifactd knows nginx.
cp "$SECRET" "$WORK/first-secret"
echo 'fastcgi_param ARTIFACTD_PARAMS complete;' >"$SECRET"
mark
kill -HUP "$DAEMON"
check "a reload with a secret that is none is refused" logged 'make-secret.sh'
check "… and the old one counts" answers 201 code
rm "$SECRET"
"$TOP_SRCDIR/nginx/make-secret.sh" "$SECRET" "$(id -g)"
check "another secret is another" \
    eval '! cmp -s "$SECRET" "$WORK/first-secret"'
"$TOP_SRCDIR/nginx/make-secret.sh" "$SECRET" "$(id -g)"
cp "$SECRET" "$WORK/second-secret"
"$TOP_SRCDIR/nginx/make-secret.sh" "$SECRET" "$(id -g)"
check "… and stays where there is one" cmp "$SECRET" "$WORK/second-secret"
check "… and is nobody else's" equal "$(stat -c %a "$SECRET")" 640
mark
kill -HUP "$DAEMON"
check "a reload takes it" answers 400 code
check "… and nginx with the old one is told so" \
    eval 'body | grep -q "not the secret of this service.*reload both"'
check "… and the log" logged '^<4>event=peer_refused'
kill -HUP "$NGINX"
check "… until it has read the new one" answers 201 code
check "no secret is in a log or in an answer" eval '! grep -qF \
    -e "$(grep -oE "[0-9a-f]{64}" "$WORK/first-secret")" \
    -e "$(grep -oE "[0-9a-f]{64}" "$SECRET")" \
    "$DAEMON_LOG" "$NGINX_LOG" "$WORK/body"'

# --set on the command line wins over the file, so these two need their own.
daemon_stop
printf 'state_dir = "%s"\n' "$STORE" >"$CONFIG"
SETTINGS=(listen="$SOCKET" workers=8 reserve=1048576)
daemon_start
wait_ready
printf 'state_dir = "%s"\n' "$WORK/other" >"$CONFIG"
mark
kill -HUP "$DAEMON"
check "a reload that moves the store is refused with a sentence" \
    logged state_dir
http GET /readyz
check "… and the old one serves" equal "$STATUS" 200
printf 'state_dir = "%s"\n' "$STORE" >"$CONFIG"

python_checks - <<'PYTHON'
import signal
import threading
import time

import e2e

RELOADS = 40 if e2e.IS_FULL else 8
done = threading.Event()
lock = threading.Lock()
bad = []
count = [0]


def work(number):
    client = e2e.Client()
    while not done.is_set():
        try:
            status, made = client.create("reload", content="x" * 3000)
            ok = status == 201
            answers = [(status, made)]
            for request, wanted in (
                    (("GET", f"/artifacts/{made.get('id')}"), 200),
                    (("POST", f"/artifacts/{made.get('id')}/upload",
                      *e2e.multipart(b"y" * 200000)), 200),
                    (("GET", "/artifacts?workflow_id=reload"), 200),
                    (("DELETE", f"/artifacts/{made.get('id')}"), 200)):
                status, answer = client.json(*request)
                ok = ok and status == wanted
                answers.append((status, str(answer)[:200]))
        except Exception as error:  # a broken connection is a failure too
            ok, answers = False, repr(error)
        with lock:
            count[0] += 5
            if not ok:
                bad.append(answers)


threads = [threading.Thread(target=work, args=(n,)) for n in range(5)]
for thread in threads:
    thread.start()
before = set(e2e.children())
time.sleep(0.3)
for _ in range(RELOADS):
    e2e.kill(e2e.DAEMON, signal.SIGHUP)
    time.sleep(0.4)
time.sleep(0.5)
done.set()
for thread in threads:
    thread.join()
e2e.check(f"{count[0]} requests during {RELOADS} reloads: none failed",
          not bad, len(bad), bad[:2])
e2e.check("the workers are others now",
          e2e.wait_for(lambda: len(set(e2e.workers()) - before) == 8),
          before, e2e.children())
PYTHON

daemon_stop
daemon_start requests_per_worker=20
wait_ready
python_checks - <<'PYTHON'
import e2e


def work():
    client = e2e.Client()
    for _ in range(150):
        status, _, _ = client.send("GET", "/artifacts?limit=1")
        if status != 200:
            bad.append(status)


bad = []
before = set(e2e.workers())
e2e.in_threads([work] * 4)
e2e.check("600 requests to workers that retire after 20: none failed",
          not bad, bad)
e2e.check("... and none of the first workers is left", e2e.wait_for(
    lambda: not before & set(e2e.workers())), before, e2e.workers())
PYTHON
finish
