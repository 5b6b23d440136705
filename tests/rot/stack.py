# SPDX-License-Identifier: ISC
"""Damaged stores behind the whole stack.

stack.py COUNT: a store is made through the API, and damaged COUNT times in
one place; each time the daemon starts over it. It serves what is sound, says
500 for the rest, and never a byte that was not stored. An answer that is half
out when it meets damage ends before its end, whatever it is."""

import http.client
import os
import random
import subprocess
import sys
import time
from pathlib import Path

import e2e

COUNT = int(sys.argv[1])
RANDOM = random.Random(int(os.environ["TEST_SEED"]))
STORE = Path(os.environ["STORE"])
SIZES = [5, 900, 3000, 65513, 150000]


class Daemon:
    """artifactd over the store, until it answers."""

    def __init__(self):
        self.log = open(os.environ["DAEMON_LOG"], "ab")
        self.start = self.log.tell()
        self.process = subprocess.Popen(
            [os.environ["ARTIFACTD"], "-c", "/dev/null"] + [
                word for setting in (
                    f"listen={os.environ['SOCKET']}", f"state_dir={STORE}",
                    "workers=4", "reserve=1048576")
                for word in ("--set", setting)],
            stderr=self.log, stdin=subprocess.DEVNULL)

    def is_ready(self):
        """True: it answers. False: it ended, or 15 s went by."""
        def answers():
            try:
                return self.process.poll() is not None or e2e.Client(
                    2).send("GET", "/readyz")[0] in (200, 503)
            except OSError:
                return False
        return bool(e2e.wait_for(answers, 15)) and \
            self.process.poll() is None

    def refusal(self):
        """Its sentence, if it gave one."""
        with open(self.log.name, "rb") as log:
            log.seek(self.start)
            return [line for line in log if b"event=store_refused" in line]

    def stop(self):
        self.process.terminate()
        self.process.wait(30)
        self.log.close()


def fill():
    """{id: content}, through the API."""
    client = e2e.Client()
    known = {}
    for number in range(60):
        content = RANDOM.randbytes(SIZES[number % len(SIZES)])
        status, answer = client.json("POST", "/artifacts", *e2e.multipart(
            content, workflow_id=f"w{number % 3}", artifact_type="t",
            title=f"artifact {number}"))
        assert status == 201, answer
        known[answer["id"]] = content
    return known


def damage(image):
    """A bit, in any byte or among those that are no content."""
    image = bytearray(image)
    pages = len(image) // 4096
    page = RANDOM.randrange(pages)
    if RANDOM.random() < 0.8:
        while not image[page * 4096 + 10] & 0x0b:
            page = RANDOM.randrange(pages)
    place = page * 4096 + RANDOM.randrange(
        64 if RANDOM.random() < 0.5 else 4096)
    image[place] ^= 1 << RANDOM.randrange(8)
    return image, f"byte {place % 4096} of page {page}"


def look(known):
    """(sound, refused, wrong) answers for all artifacts."""
    sound, refused, wrong = 0, 0, []
    for made, content in known.items():
        try:
            status, _, payload = e2e.Client(20).send(
                "GET", f"/artifacts/{made}/raw")
        except Exception:  # cut off: an error too
            status, payload = 0, b""
        if status != 200:
            refused += 1
        elif payload == content:
            sound += 1
        else:
            wrong.append((made, len(payload)))
    return sound, refused, wrong


def cut_short(image, known):
    """A bit behind the first chunk of one artifact."""
    made, content = next((made, content) for made, content in known.items()
                         if len(content) == max(SIZES))
    image = bytearray(image)
    image[image.index(content[-100:])] ^= 1
    (STORE / "data.mdb").write_bytes(image)
    daemon = Daemon()
    if not daemon.is_ready():
        e2e.check("damage behind a first chunk: it serves", False)
    for target in (f"/artifacts/{made}", f"/artifacts/{made}/content",
                   f"/artifacts/{made}/raw"):
        try:
            answer = e2e.Client(10).send("GET", target)[0]
        except TimeoutError:
            answer = "the client was left waiting"
        except (http.client.HTTPException, OSError):
            answer = None
        e2e.check(f"{target[len(made) + 11:] or 'detail'} of damaged content "
                  "is cut short", answer is None, answer)
    daemon.stop()


def main():
    daemon = Daemon()
    e2e.check("a daemon over an empty store", daemon.is_ready())
    known = fill()
    daemon.stop()
    image = (STORE / "data.mdb").read_bytes()
    cut_short(image, known)
    served, refused_starts, sound, refused = 0, 0, 0, 0
    for _ in range(COUNT):
        bad, text = damage(image)
        (STORE / "data.mdb").write_bytes(bad)
        daemon = Daemon()
        if daemon.is_ready():
            served += 1
            now = look(known)
            sound += now[0]
            refused += now[1]
            if now[2]:
                e2e.check(f"{text}: not a wrong byte", False, now[2])
            if daemon.process.poll() is not None:
                e2e.check(f"{text}: it lives on", False)
        elif daemon.refusal():
            refused_starts += 1
            print(text, daemon.refusal()[:1])
        else:
            e2e.check(f"{text}: it serves, or says why not", False)
        if daemon.process.poll() is None:
            daemon.stop()
    print(f"{COUNT} damages: {served} served, {refused_starts} refused with "
          f"a sentence; {sound} answers sound, {refused} errors")
    e2e.check("most of what was sound is served",
              sound > 0.6 * served * len(known), sound, served)
    e2e.check("most starts serve", served > 0.6 * COUNT, served)


main()
