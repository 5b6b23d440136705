# SPDX-License-Identifier: ISC
"""load.py TEXT COMMAND... - clients create and read all the time while the
command runs, and a little longer. The check TEXT passes if no request failed
and everything that was acknowledged can be read."""

import hashlib
import subprocess
import sys
import threading
import time

import e2e

text, *command = sys.argv[1:]
over = threading.Event()
made = {}
failed = []
waits = []


def client(number):
    one = e2e.Client()
    count = 0
    while not over.is_set():
        content = f"content {number} {count} " + "x" * (count % 5000)
        count += 1
        begun = time.monotonic()
        status, answer = one.create(content=content)
        if status != 201:
            failed.append(("POST", status, answer))
            continue
        made[answer["id"]] = hashlib.sha256(content.encode()).hexdigest()
        status, _, payload = one.send("GET", f"/artifacts/{answer['id']}/raw")
        if status != 200 or payload.decode() != content:
            failed.append(("GET", status, payload[:100]))
        waits.append(time.monotonic() - begun)


def run():
    time.sleep(0.5)
    for _ in range(3):
        done = subprocess.run(command, capture_output=True, text=True,
                              check=False)
        if done.returncode != 0:
            failed.append((command[-3:], done.returncode, done.stderr))
        time.sleep(0.7)
    over.set()


e2e.in_threads([run] + [lambda n=n: client(n) for n in range(8)])
lost = list(e2e.lost(made))
e2e.check(f"{text}: no request fails", made and not failed,
          len(failed), failed[:3])
e2e.check("... and all that was acknowledged is there", not lost, lost[:3])
print(f"{len(made)} creates, the longest pause {max(waits, default=0):.1f} s")
