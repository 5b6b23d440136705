# SPDX-License-Identifier: ISC
"""Damaged stores behind the whole stack.

stack.py COUNT: a store is made through the API, and damaged COUNT times in
one place; each time the daemon starts with that store. It serves sound
artifacts, answers 500 for others, and never sends a byte that was not stored.
An answer that meets damage after its head was sent ends before its length."""

import http.client
import os
import random
import sys
from pathlib import Path

import e2e

COUNT = int(sys.argv[1])
RANDOM = random.Random(int(os.environ["TEST_SEED"]))
STORE = Path(os.environ["STORE"])
LOG = Path(os.environ["DAEMON_LOG"])
SIZES = [5, 900, 3000, 65513, 150000]


class Daemon(e2e.Daemon):
    """Over the store as it is, and what it says of it."""

    def __init__(self):
        super().__init__("workers=4", "reserve=1048576")
        self.log_size = LOG.stat().st_size
        self.start()

    def answers(self):
        return self.comes_up(15)

    def refusal(self):
        """Its sentence, if it gave one."""
        with open(LOG, "rb") as log:
            log.seek(self.log_size)
            return [line for line in log if b"event=store_refused" in line]


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
    if not daemon.answers():
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
    e2e.check("a daemon over an empty store", daemon.answers())
    known = fill()
    daemon.stop()
    image = (STORE / "data.mdb").read_bytes()
    cut_short(image, known)
    served, refused_starts, sound, refused = 0, 0, 0, 0
    for _ in range(COUNT):
        bad, text = damage(image)
        (STORE / "data.mdb").write_bytes(bad)
        daemon = Daemon()
        if daemon.answers():
            served += 1
            now = look(known)
            sound += now[0]
            refused += now[1]
            if now[2]:
                e2e.check(f"{text}: not a wrong byte", False, now[2])
            if daemon.has_ended():
                e2e.check(f"{text}: it lives on", False)
        elif daemon.refusal():
            refused_starts += 1
            print(text, daemon.refusal()[:1])
        else:
            e2e.check(f"{text}: it serves, or says why not", False)
        daemon.stop()
    print(f"{COUNT} damages: {served} served, {refused_starts} refused with "
          f"a sentence; {sound} answers sound, {refused} errors")
    e2e.check("most of what was sound is served",
              sound > 0.6 * served * len(known), sound, served)
    e2e.check("most starts serve", served > 0.6 * COUNT, served)


main()
