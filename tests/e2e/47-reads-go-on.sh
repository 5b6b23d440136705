#!/bin/bash
# SPDX-License-Identifier: ISC
#
# Reads under full load while workers are killed, replaced by a reload, retire,
# and the whole service is restarted behind a socket that stays: no read fails.
# TEST_SCALE=full: a minute of each.
. "$(dirname "$0")/lib.sh"

command -v wrk >/dev/null || {
	echo "wrk is missing: apt-get install wrk"
	exit 77
}
nginx_render
make_store
nginx_start
python_checks - <<'PYTHON'
import os
import random
import re
import signal
import socket
import subprocess
import time

import e2e

SECONDS = 60 if e2e.IS_FULL else 3
CLIENTS = 32


class Service:
    """artifactd behind a socket of ours, as systemd starts it."""

    def __init__(self):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.bind(os.environ["SOCKET"])
        self.socket.listen(512)
        self.log = open(os.environ["DAEMON_LOG"], "ab")

    def start(self, requests_per_worker=1000000):
        fd = self.socket.fileno()
        self.process = subprocess.Popen(
            ["sh", "-c", 'LISTEN_FDS=1 LISTEN_PID=$$ exec "$@" 3<&' + str(fd),
             "sh", os.environ["ARTIFACTD"], "-c", "/dev/null",
             "--set", "listen=" + os.environ["SOCKET"],
             "--set", "state_dir=" + os.environ["STORE"],
             "--set", "secret_file=" + os.environ["SECRET"],
             "--set", "workers=8", "--set", "reserve=1048576",
             "--set", f"requests_per_worker={requests_per_worker}"],
            pass_fds=[fd], stderr=self.log)
        e2e.DAEMON = self.process.pid
        e2e.wait_for(self.answers)

    def answers(self):
        try:
            return e2e.Client().send("GET", "/healthz")[0] == 200
        except OSError:
            return False

    def stop(self):
        self.process.terminate()
        return self.process.wait()


def under_load(name, disturb):
    """disturb() again and again, while wrk reads."""
    load = subprocess.Popen(
        ["wrk", "-t1", f"-c{CLIENTS}", f"-d{SECONDS}", "--timeout", "20",
         f"http://127.0.0.1:{e2e.PORT}/artifacts/{artifact}"],
        stdout=subprocess.PIPE, text=True)
    disturbances = 0
    while load.poll() is None:
        disturbances += bool(disturb())
    text = load.stdout.read()
    reads = int(re.search(r"(\d+) requests in", text)[1])
    bad = re.findall(r"Non-2xx.*|Socket errors.*", text)
    e2e.check(f"{name}: no read fails", not bad, *bad)
    e2e.check(f"... {reads} reads, {disturbances} times",
              reads > 100 * SECONDS and disturbances > 0, text)


def kill_one():
    time.sleep(0.05)
    workers = e2e.workers()
    return workers and e2e.kill(random.choice(workers))


def reload():
    time.sleep(0.5)
    return e2e.kill(service.process.pid, signal.SIGHUP)


def retire():
    time.sleep(0.5)
    return True


def restart():
    time.sleep(0.5)
    if service.stop() == 0:
        service.start()
        return True
    return False


service = Service()
service.start()
artifact = e2e.Client().create("t", content="x" * 2048)[1]["id"]
under_load("workers are killed", kill_one)
under_load("the service is reloaded", reload)
under_load("the service is restarted", restart)
service.stop()
service.start(requests_per_worker=200)
under_load("workers retire", retire)
e2e.check("... and it ends well", service.stop() == 0)
killed = e2e.deaths("9")
other = [line for line in e2e.deaths() if line not in killed]
e2e.check("nobody died of another signal than ours", not other, other)
no_live = open(os.environ["NGINX_LOG"]).read().count("no live upstreams")
e2e.check("nginx found an entry to try each time", no_live == 0, no_live)
PYTHON
finish
