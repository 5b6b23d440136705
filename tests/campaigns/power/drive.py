# SPDX-License-Identifier: ISC
"""Four clients make changes of every kind through nginx at once, each to
artifacts of its own.  drive.py ROUNDS"""

import os
import random
import sys

import e2e

ROUNDS = int(sys.argv[1])
SEED = int(os.environ["TEST_SEED"])
SIZES = [10, 2000, 9000, 65513, 150000]


def client(number):
    rng = random.Random(SEED * 10 + number)
    peer = e2e.Client()
    mine = []
    for turn in range(ROUNDS):
        kind = rng.choice(["create", "file", "update", "put", "delete"])
        content = rng.randbytes(rng.choice(SIZES))
        title = f"{number}-{turn}"
        wanted = 200
        if kind == "create" or not mine:
            wanted = 201
            status, answer = peer.create("power", title, content[:3000].hex())
            mine.append(answer["id"])
        elif kind == "file":
            wanted = 201
            status, answer = peer.json("POST", "/artifacts", *e2e.multipart(
                content, workflow_id="power", artifact_type="t", title=title))
            mine.append(answer["id"])
        elif kind == "update":
            status, _ = peer.json(
                "PUT", f"/artifacts/{rng.choice(mine)}", {"title": title})
        elif kind == "put":
            status, _ = peer.json(
                "PUT", f"/artifacts/{rng.choice(mine)}/raw", content)
        else:
            status, _ = peer.json(
                "DELETE",
                f"/artifacts/{mine.pop(rng.randrange(len(mine)))}")
        if status != wanted:
            e2e.check(f"{kind} is {wanted}", False, status)


e2e.in_threads([lambda n=n: client(n) for n in range(4)])
