#!/bin/bash
# SPDX-License-Identifier: ISC
#
# A client lists 10,000 artifacts page by page, without a gap or a repeat, while
# others are created and deleted.
. "$(dirname "$0")/lib.sh"

start workers=16
python_checks - <<'PYTHON'
import random
import threading

import e2e

COUNT = 10000
CLIENTS = 12


def make(number):
    client = e2e.Client()
    for n in range(number, COUNT, CLIENTS):
        status, answer = client.create(
            "keep", title=str(n), phase_id=f"p{n % 7}", session_id="s")
        if status != 201:
            raise RuntimeError(f"{status} {answer}")
        kept[n] = answer["id"]


def churn(number):
    """Create and delete between and around the ones that stay."""
    client = e2e.Client()
    rng = random.Random(number)
    mine = []
    while not done.is_set():
        if len(mine) < 50 or rng.random() < 0.5:
            workflow = rng.choice(["keep", "other"])
            status, answer = client.create(workflow, title="churn",
                                           session_id="s")
            if status != 201:
                raise RuntimeError(f"{status} {answer}")
            mine.append(answer["id"])
        else:
            gone = mine.pop(rng.randrange(len(mine)))
            status, answer = client.json("DELETE", f"/artifacts/{gone}")
            if status != 200:
                raise RuntimeError(f"{status} {answer}")
        churned[number] += 1


def read(target, wanted):
    """One walk through a list; what is wrong with it, or None."""
    client = e2e.Client()
    seen = [a["id"] for a in client.pages(target)]
    if len(seen) != len(set(seen)):
        return f"{len(seen) - len(set(seen))} repeated"
    order = [i for i in seen if i in wanted]
    if len(order) != len(wanted):
        return f"{len(wanted) - len(order)} of {len(wanted)} missing"
    if [numbers[i] for i in order] != sorted(
            (numbers[i] for i in order), reverse=True):
        return "not newest first"
    return None


def walk(name, target, wanted):
    results.append((name, read(target, wanted)))


kept = {}
churned = [0] * 4
results = []
e2e.in_threads([lambda n=n: make(n) for n in range(CLIENTS)])
e2e.check(f"{COUNT} artifacts are created by {CLIENTS} clients",
          len(set(kept.values())) == COUNT, len(kept))
everything = set(kept.values())
# Creation order is what a list says when nothing moves.
client = e2e.Client()
listed = [a["id"] for a in client.pages("/artifacts?limit=200")]
numbers = {i: len(listed) - n for n, i in enumerate(listed)}
e2e.check("a quiet list has each of them once",
          len(listed) == COUNT and set(listed) == everything)
if len(numbers) == COUNT:
    done = threading.Event()
    churners = [threading.Thread(target=churn, args=(n,)) for n in range(4)]
    for thread in churners:
        thread.start()
    phase = {kept[n] for n in range(3, COUNT, 7)}
    e2e.in_threads([
        lambda: walk("all by 200", "/artifacts?limit=200", everything),
        lambda: walk("all by 50", "/artifacts", everything),
        lambda: walk("the workflow by 97",
                     "/artifacts?workflow_id=keep&limit=97", everything),
        lambda: walk("a phase by 13",
                     "/api/v1/artifacts?phase_id=p3&limit=13", phase),
        lambda: walk("workflow, session and phase by 31", "/artifacts?"
                     "workflow_id=keep&session_id=s&phase_id=p3&limit=31",
                     phase),
        lambda: walk("the type by 200",
                     "/artifacts?artifact_type=PLAN&limit=200", everything),
    ])
    done.set()
    for thread in churners:
        thread.join()
    for name, wrong in results:
        e2e.check(f"{name}: no gap, no repeat, in order", not wrong, wrong)
    e2e.check("every walk came to its end", len(results) == 6)
    e2e.check(f"others came and went meanwhile ({sum(churned)} changes)",
              all(churned))
PYTHON
finish
