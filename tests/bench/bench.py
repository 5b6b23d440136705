#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""bench.py - measure artifactd, its control and its peers in one run.

	bench.py [--quick | --tiny] [--only TEXT] [--other DIR] [--out DIR]

Each case is a row. Every subject that can do the work gets the same requests,
in short turns: A B C, B A C, B C A and so on. A ratio is of two subjects in the
same turn; the table shows medians, and how far the ratios of the turns are
apart. The control answers with as many bytes as artifactd.
"""
import argparse
import concurrent.futures
import hashlib
import json
import os
import pathlib
import random
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import typing
import urllib.request

import servers
from load import Load, Request

JSON = "application/json"
BYTES = "application/octet-stream"
SMALL, MIB = 2048, 1024 ** 2
FILES = {"2k": SMALL, "1m": MIB, "10m": 10 * MIB, "50m": 50 * MIB}


class Scale(typing.NamedTuple):
    """How long, how often, and how large."""
    turn: float  # seconds; twice as long where bodies are large
    turns: int
    goal_turns: int  # of small requests that a goal is about
    settle: float  # seconds until a background load is under way, or over
    largest: int = 50 * MIB
    at_once: int = 1  # subjects that are measured at the same time
    memory: float = 1  # seconds of load while the memory is looked at
    artifacts: int = 200  # in a store
    pause: str = ""  # milliseconds, of a client between two requests

    def set_pause(self):
        """For every wrk from here on: load.lua reads it."""
        if self.pause:
            os.environ["PAUSE"] = self.pause


# Of seven figures the second lowest and the second highest, of four the lowest
# and the highest have the true median between them in seven of eight runs.
FULL = Scale(0.6, 4, 7, 0.5, memory=2)
QUICK = Scale(0.6, 4, 4, 0.5)
# Only so that all of this runs: no figure of it means anything. Clients pause
# between requests, so that the processor has time to start what comes next.
TINY = Scale(0.06, 1, 1, 0.05, 256 * 1024, 8, 0.1, 10, "20")


def call(server, path, method="GET", body=None, kind=None):
    headers = {"Content-Type": kind} if kind else {}
    request = urllib.request.Request(server.url + path, body, headers,
                                     method=method)
    return urllib.request.urlopen(request, timeout=60).read()


def text_of(size):
    line = "An agent's plan, line after line, \"quoted\" now and then.\n"
    return (line * (size // len(line) + 1))[:size]


def sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


class Case(typing.NamedTuple):
    name: str
    clients: int
    row: typing.Callable  # {subject: request}
    # Requests that the same subject gets meanwhile, from other clients.
    beside: typing.Optional[typing.Callable] = None
    beside_clients: int = 0

    def is_large(self):
        """Its bodies are; the case of 64 KiB of 10 MiB does not count."""
        return "MiB" in self.name and "KiB" not in self.name

    def seconds(self, scale):
        return scale.turn * (2 if self.is_large() or self.beside else 1)

    def turns(self, scale):
        return (scale.goal_turns if self.name in GOAL_CASES and
                not self.is_large() else scale.turns)


class Bench:
    """What the cases need: bodies, artifacts to read, servers."""

    def __init__(self, directory, scale):
        self.directory = pathlib.Path(directory)
        self.artifacts = scale.artifacts
        self.bodies = {}
        for name, size in FILES.items():
            size = min(size, scale.largest)
            path = self.directory / name
            # Not compressible, and the same in every run.
            path.write_bytes((b"%08x" % (size * 2654435761 % 2 ** 32)) *
                             (size // 8))
            self.bodies[name] = path
        self.create = self.directory / "create.json"
        self.create.write_text(self.artifact("wf-load"))
        self.ids = {}
        self.single = self.closing = self.registry = None

    def start(self, other, is_short):
        """is_short: without the subjects that the quick run leaves out."""
        self.artifactd = servers.artifactd(self.directory)
        self.builds = [self.artifactd]
        if other:
            self.builds.append(servers.artifactd(self.directory, "other",
                                                 build=other))
        self.control = servers.control(self.directory)
        self.fastapi = servers.fastapi(self.directory)
        self.files = servers.files(self.directory)
        if not is_short:
            self.single = servers.artifactd(
                self.directory, "artifactd-single", "artifactd-single")
            self.closing = servers.closing_control(self.directory)
            self.registry = servers.registry(self.directory)
        for server in servers.Server.started:
            server.wait("/control/10" if "control" in server.name else
                        "/v2/" if server is self.registry else
                        "/" if server is self.files else "/artifacts?limit=1")

    @staticmethod
    def artifact(workflow, number=0):
        return json.dumps({
            "workflow_id": workflow, "phase_id": f"phase-{number % 4}",
            "session_id": "session-1", "title": f"Plan {number}",
            "artifact_type": ("plan", "report")[number % 2],
            "content": text_of(SMALL)})

    def fill(self):
        """Small artifacts, one to read and one to write of each size."""
        for server in self.builds + self.having(self.single, self.fastapi):
            new = lambda workflow, number=0: json.loads(call(
                server, "/artifacts", "POST",
                self.artifact(workflow, number).encode(), JSON))["id"]
            for number in range(self.artifacts):
                new(f"wf-{number % 2}", number)
            ids = self.ids[server] = {"text": new("wf-one")}
            for name, path in self.bodies.items():
                ids[name], ids["w" + name] = new("wf-raw"), new("wf-raw")
                call(server, f"/artifacts/{ids[name]}/raw", "PUT",
                     path.read_bytes(), BYTES)
        for name, path in self.bodies.items():
            shutil.copy(path, self.files.directory / "root" / name)
        (self.files.directory / "root").chmod(0o777)
        if self.registry:
            for path in self.bodies.values():
                self.push(path)

    def push(self, path):
        """A blob as docker push sends it."""
        digest = sha256(path)
        start = urllib.request.Request(
            self.registry.url + "/v2/bench/blobs/uploads/", b"",
            method="POST")
        place = urllib.request.urlopen(start).headers["Location"]
        end = urllib.request.Request(
            f"{place}&digest=sha256:{digest}", path.read_bytes(),
            {"Content-Type": BYTES}, method="PUT")
        urllib.request.urlopen(end).read()
        self.ids.setdefault(self.registry, {})[path.name] = (
            f"/v2/bench/blobs/sha256:{digest}")

    # ---- the cases: {subject: request}

    @staticmethod
    def having(*subjects):
        """Those that run."""
        return [subject for subject in subjects if subject]

    def of_builds(self, make):
        """The same request to this build and to the other."""
        return {server: make(self.ids[server]) for server in self.builds}

    def reading(self, suffix, which, peers=True, closing=False):
        """GET of an artifact, by artifactd, FastAPI and the control."""
        get = lambda ids: Request(f"/artifacts/{ids[which]}{suffix}")
        row = self.of_builds(get)
        size = len(call(self.artifactd, row[self.artifactd].path))
        row[self.control] = Request(f"/control/{size}")
        if closing and self.closing:
            row[self.closing] = Request(f"/control/{size}")
        if peers and self.fastapi:
            row[self.fastapi] = get(self.ids[self.fastapi])
        return row

    def listing(self, query):
        path = f"/artifacts?limit=50{query}"
        size = len(call(self.artifactd, path))
        return (self.of_builds(lambda ids: Request(path)) |
                {self.control: Request(f"/control/{size}")} |
                {server: Request(path)
                 for server in self.having(self.fastapi)})

    def raw(self, name):
        row = self.reading("/raw", name)
        row[self.files] = Request("/" + name)
        if self.registry:
            row[self.registry] = Request(self.ids[self.registry][name])
        return row

    def creating(self, *more):
        post = lambda path: Request(path, "POST", self.create, JSON)
        return (self.of_builds(lambda ids: post("/artifacts")) |
                {self.control: post("/control/104")} |
                {server: post("/artifacts")
                 for server in self.having(self.fastapi, *more)})

    def pushing(self):
        """Create, and what the registry calls so: two requests."""
        row = self.creating()
        if self.registry:
            blob = self.bodies["2k"]
            push = Request("/v2/bench/blobs/uploads/", "POST", blob, BYTES,
                           follow="push", steps=2)
            push.environment["DIGEST"] = "sha256:" + sha256(blob)
            row[self.registry] = push
        return row

    def deleting(self):
        """Create and delete in turn."""
        request = Request("/artifacts", "POST", self.create, JSON,
                          follow="delete", steps=2)
        return {server: request
                for server in self.builds + self.having(self.fastapi)}

    def uploading(self, name):
        put = lambda path: Request(path, "PUT", self.bodies[name], BYTES)
        ours = lambda ids: put(f"/artifacts/{ids['w' + name]}/raw")
        row = self.of_builds(ours) | {self.control: put("/control/180")}
        if self.fastapi:
            row[self.fastapi] = ours(self.ids[self.fastapi])
        row[self.files] = put("/written-" + name)
        return row

    def part(self):
        headers = "Range: bytes=%d-%d"
        size = self.bodies["10m"].stat().st_size
        first, count = size // 2, min(65536, size // 4)
        headers %= first, first + count - 1
        row = self.of_builds(lambda ids: Request(
            f"/artifacts/{ids['10m']}/raw", headers=headers))
        row[self.control] = Request(f"/control/{count}")
        row[self.files] = Request("/10m", headers=headers)
        return row

    def unchanged(self):
        row = {}
        for server in self.builds:
            path = f"/artifacts/{self.ids[server]['text']}"
            tag = urllib.request.urlopen(server.url + path).headers["ETag"]
            row[server] = Request(path, headers=f"If-None-Match: {tag}")
        return row | {self.control: Request("/control/0")}

    def mixed(self):
        return {server: Request(
                    f"/artifacts/{self.ids[server]['text']}", "POST",
                    self.create, JSON, writes=10, write_path="/artifacts")
                for server in self.builds + self.having(self.fastapi)}

    def small_reads(self):
        return self.of_builds(lambda ids: Request(f"/artifacts/{ids['text']}"))

    def small_creates(self):
        return {self.artifactd: self.creating()[self.artifactd]}

    def cases(self):
        detail = "detail with content"
        return (
            Case("create 2 KiB, 1 client", 1, self.creating),
            Case("create 2 KiB, 8 clients", 8, self.pushing),
            Case("create 2 KiB, 64 clients", 64,
                 lambda: self.creating(self.single)),
            Case(detail, 16,
                 lambda: self.reading("", "text", closing=True)),
            Case(detail + ", 64 clients", 64,
                 lambda: self.reading("", "text")),
            Case("detail without content", 16,
                 lambda: self.reading("?include_content=false", "text")),
            Case("detail, 304", 16, self.unchanged),
            Case("page of 50, all", 16, lambda: self.listing("")),
            Case("page of 50, workflow", 16,
                 lambda: self.listing("&workflow_id=wf-1")),
            Case("page of 50, phase and type", 16, lambda: self.listing(
                "&phase_id=phase-1&artifact_type=report")),
            Case("content of 2 KiB", 16,
                 lambda: self.reading("/content", "2k", False)),
            Case("content of 1 MiB", 4,
                 lambda: self.reading("/content", "1m", False)),
            Case("raw 2 KiB", 16, lambda: self.raw("2k")),
            Case("raw 1 MiB", 4, lambda: self.raw("1m")),
            Case("raw 10 MiB", 4, lambda: self.raw("10m")),
            Case("raw 50 MiB", 4, lambda: self.raw("50m")),
            Case("raw, 64 KiB of 10 MiB", 16, self.part),
            Case("upload 2 KiB", 8, lambda: self.uploading("2k")),
            Case("upload 10 MiB, 1 client", 1,
                 lambda: self.uploading("10m")),
            Case("upload 10 MiB, 4 clients", 4,
                 lambda: self.uploading("10m")),
            Case("upload 50 MiB, 2 clients", 2,
                 lambda: self.uploading("50m")),
            Case("mixed 90/10", 16, self.mixed),
            Case("create and delete", 16, self.deleting),
            Case("detail beside 8 uploads", 16, self.small_reads,
                 lambda: self.uploading("50m"), 8),
            Case("detail beside 4 downloads", 16, self.small_reads,
                 lambda: self.reading("/raw", "50m"), 4),
            Case("detail beside 64 creating", 16, self.small_reads,
                 self.creating, 64),
            Case("create beside 8 uploads", 1, self.small_creates,
                 lambda: self.uploading("50m"), 8))


# What most goals need, and the subjects that take part in it.
QUICK_CASES = {
    "create 2 KiB, 64 clients": {"artifactd", "other", "control"},
    "detail with content": {"artifactd", "other", "control", "fastapi"},
    "page of 50, all": {"artifactd", "other", "control", "fastapi"},
    "raw 2 KiB": {"artifactd", "other", "control", "fastapi", "files"},
    "raw 10 MiB": {"artifactd", "other", "files"},
    "upload 10 MiB, 1 client": {"artifactd", "other"}}


def median_of(results):
    return {key: statistics.median(result[key] for result in results)
            for key in results[0]}


def measure_one(case, server, request, load, scale):
    """One turn of one subject. Processes of two loads cannot be told apart, so
    their CPU is not shown."""
    if load:
        meanwhile = Load(load, server, case.beside_clients)
        time.sleep(scale.settle)
    result = request.measure(server, case.clients, case.seconds(scale))
    if load:
        other = meanwhile.end()
        time.sleep(scale.settle)
        result |= {"nginx": 0, "worker": 0, "writer": 0,
                   "beside": other["rate"]}
    return result


def orders(row, turns):
    """The subjects in another order in each turn, the same in every run. None
    goes on where a turn ended, since it would find its caches warm."""
    chance, last = random.Random(1), None
    for _ in range(turns):
        order = list(row)
        chance.shuffle(order)
        if order[0] is last:
            order = order[1:] + order[:1]
        last = order[-1]
        yield order


def measure(case, row, scale):
    """{subject's name: the figures of its turns}"""
    loads = case.beside() if case.beside else {}
    results = {server.name: [] for server in row}
    with concurrent.futures.ThreadPoolExecutor(scale.at_once) as pool:
        for order in orders(row, case.turns(scale)):
            for server, result in zip(order, pool.map(
                    lambda server: measure_one(case, server, row[server],
                                               loads.get(server), scale),
                    order)):
                results[server.name].append(result)
    return results


# ---- what wrk alone does not show

def private_memory(pid):
    """Bytes that are only this process's, the store's map left out: its
    pages are the page cache's. 0: it has ended."""
    total = 0
    try:
        with open(f"/proc/{pid}/smaps") as smaps:
            for line in smaps:
                if line.startswith("Private_"):
                    total += 0 if is_store else int(line.split()[1]) * 1024
                elif "-" in line.split()[0]:
                    is_store = line.rstrip().endswith(".mdb")
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return total


def memory_now(server):
    """The private memory of the largest worker, and of the writer."""
    pids = server.pids()
    return {kind: max([private_memory(pid) for pid in pids[kind]], default=0)
            for kind in ("writer", "worker")}


def most_memory(server, is_over):
    """The most that memory_now says until it is over."""
    most = {"writer": 0, "worker": 0}
    while True:
        for kind, size in memory_now(server).items():
            most[kind] = max(most[kind], size)
        if is_over.wait(0.1):
            return most


def memory(bench, name, request, clients, duration):
    is_over = threading.Event()
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        most = pool.submit(most_memory, bench.artifactd, is_over)
        try:
            request.measure(bench.artifactd, clients, duration)
        finally:
            is_over.set()
    return {"name": name, **most.result()}


def memories(bench, scale):
    ours = lambda row: row[bench.artifactd]
    wide = bench.directory / "wide.json"
    wide.write_text(json.dumps({
        "workflow_id": "wf-wide", "artifact_type": "plan", "title": "wide",
        "content": "x" * min(15 * MIB, scale.largest)}))
    for name, request, clients in (
            ("detail, 128 clients", ours(bench.small_reads()), 128),
            ("page of 50, 16 clients", ours(bench.listing("")), 16),
            ("create 2 KiB, 64 clients", ours(bench.creating()), 64),
            ("download 50 MiB, 4 clients", ours(bench.raw("50m")), 4),
            ("upload 50 MiB, 4 clients", ours(bench.uploading("50m")), 4),
            ("JSON create of 15 MiB",
             Request("/artifacts", "POST", wide, JSON), 1)):
        yield memory(bench, name, request, clients, scale.memory)


def sync_beside_uploads(bench, scale):
    """The 99th percentile of a bare write and fdatasync of 4 KiB, alone and
    beside uploads that nginx alone takes: what the disk gives anybody."""
    path, duration = bench.directory / "synced", scale.turn * 4
    alone = sync_p99(path, duration)
    load = Load(bench.uploading("50m")[bench.files], bench.files, 8)
    time.sleep(scale.settle)
    beside = sync_p99(path, duration)
    load.end()
    return alone, beside


def sync_p99(path, duration):
    times, end = [], time.monotonic() + duration
    with open(path, "ab", buffering=0) as file:
        while time.monotonic() < end:
            began = time.monotonic()
            file.write(bytes(4096))
            os.fdatasync(file.fileno())
            times.append(time.monotonic() - began)
    return sorted(times)[len(times) * 99 // 100]


def floor(bench, rounds):
    """Seconds for hashing, writing and syncing an upload's bytes one by one."""
    size = bench.bodies["10m"].stat().st_size
    text = subprocess.run(
        [servers.BUILD / "bench-floor", bench.directory, str(size),
         str(rounds)], capture_output=True, text=True, check=True).stdout
    return float(text)


# ---- telling

def spread(values):
    """Low, median, high. Of seven or more the lowest and the highest do not
    count."""
    values = sorted(values)
    drop = 1 if len(values) >= 7 else 0
    return (values[drop], statistics.median(values), values[-1 - drop])


def rate_ratios(one, other):
    """Of each turn: how often one's rate has the other's in it."""
    return [a["rate"] / b["rate"] for a, b in zip(one, other)]


LINE = ("%-26s %-16s %7s %7.2f %7.2f %7.1f %7.0f %7.0f %7.0f %6.2f "
        "%6.2f..%.2f")
HEAD = "%-26s %-16s %7s %7s %7s %7s %7s %7s %7s %6s %s" % (
    "case", "subject", "req/s", "p50 ms", "p99 ms", "MB/s", "nginx", "worker",
    "writer", "ratio", "  spread")


def show(name, results, say):
    for subject, turns in results.items():
        figures = median_of(turns)
        low, ratio, high = spread(rate_ratios(results["artifactd"], turns))
        say(LINE % (
            name, subject, round(figures["rate"]), figures["p50"] * 1e3,
            figures["p99"] * 1e3, figures["bytes"] / 1e6,
            figures["nginx"] * 1e6, figures["worker"] * 1e6,
            figures["writer"] * 1e6, ratio, low, high) +
            ("  beside %.0f/s" % figures["beside"]
             if "beside" in figures else ""))
        name = ""


# Case, the subject whose rate is 1, the least that artifactd's has to be.
RATE_GOALS = (
    ("detail with content", "control", 0.85),
    ("raw 2 KiB", "control", 0.85),
    ("detail, 304", "control", 0.85),
    ("raw, 64 KiB of 10 MiB", "control", 0.85),
    ("page of 50, all", "control", 0.80),
    ("page of 50, workflow", "control", 0.80),
    ("page of 50, phase and type", "control", 0.80),
    ("create 2 KiB, 64 clients", "control", 0.40),
    ("create 2 KiB, 64 clients", "artifactd-single", 5),
    ("raw 2 KiB", "files", 0.55),
    ("raw 10 MiB", "files", 0.80),
    ("detail with content", "fastapi", 2.5),
    ("detail without content", "fastapi", 2.5),
    ("raw 2 KiB", "fastapi", 2.5),
    ("raw 2 KiB", "registry", 3),
    ("raw 50 MiB", "registry", 1),
    ("create 2 KiB, 8 clients", "registry", 3),
    ("detail with content", "other", 1.8),
    ("raw 2 KiB", "other", 1.8),
    ("detail, 304", "other", 1.8),
    ("raw, 64 KiB of 10 MiB", "other", 1.8),
    ("page of 50, all", "other", 1.3),
    ("page of 50, workflow", "other", 1.3),
    ("page of 50, phase and type", "other", 1.3),
    ("mixed 90/10", "other", 1.4),
    ("create 2 KiB, 64 clients", "other", 1),
    ("upload 10 MiB, 1 client", "other", 1),
    ("upload 10 MiB, 4 clients", "other", 1),
    ("raw 10 MiB", "other", 1),
    ("raw 50 MiB", "other", 1))
# Case, subject or case, the most that artifactd's 99th percentile may be of
# that subject's, or of its own in that case.
LATENCY_GOALS = (
    ("detail beside 8 uploads", "other", 1),
    ("detail beside 4 downloads", "other", 1),
    ("detail beside 64 creating", "other", 1),
    ("create beside 8 uploads", "create 2 KiB, 1 client", 5))
GOAL_CASES = {goal[0] for goal in RATE_GOALS}


def goals(table, extra):
    """Text, ">=" or "<=", the goal or None, the figure of each turn."""
    for case, subject, wanted in RATE_GOALS:
        row = table.get(case, {})
        if subject in row:
            yield (f"{case}, of {subject}'s rate", ">=", wanted,
                   rate_ratios(row["artifactd"], row[subject]))
    for case, that, wanted in LATENCY_GOALS:
        row = table.get(case, {})
        base = row.get(that) or table.get(that, {}).get("artifactd")
        if row and base:
            yield (f"{case}, of {that}'s p99", "<=", wanted,
                   [a["p99"] / b["p99"]
                    for a, b in zip(row["artifactd"], base)])
    if "sync" in extra:
        alone, beside = extra["sync"]
        yield ("p99 of a bare sync beside 8 PUTs to nginx, of alone", "<=",
               None, [beside / alone])
    if "floor" in extra:
        yield ("upload 10 MiB, 1 client, of hash + write + sync", ">=", 0.60,
               [extra["floor"] / turn["p50"] for turn in
                table["upload 10 MiB, 1 client"]["artifactd"]])
    for row in extra.get("memory", ()):
        most = (64 if "JSON" in row["name"] else
                4 if "128" in row["name"] else 16)
        yield (f"MiB of a worker, {row['name']}", "<=", most,
               [row["worker"] / MIB])
        yield (f"MiB of the writer, {row['name']}", "<=", None,
               [row["writer"] / MIB])


def judge(sign, wanted, low, high):
    """Met only if the worse end of the spread meets it, not met only if the
    better end does not."""
    if wanted is None:
        return ""
    if sign == "<=":
        low, high, wanted = -high, -low, -wanted
    return ("met" if low >= wanted else "not met" if high < wanted else
            "not known")


def show_goals(table, extra, say):
    """The goals with figures, for the file of results."""
    told = []
    for text, sign, wanted, values in goals(table, extra):
        low, middle, high = spread(values)
        verdict = judge(sign, wanted, low, high)
        goal = "" if wanted is None else f"{sign} {wanted:.2f}"
        say("%-52s %7s %6.2f %6.2f..%-6.2f %s" % (
            text, goal, middle, low, high, verdict))
        told.append({"goal": text, "sign": sign, "wanted": wanted,
                     "low": low, "median": middle, "high": high,
                     "verdict": verdict})
    return told


def run(bench, options, scale, say):
    """All results, as they go into the file."""
    is_short = options.quick and not options.only
    bench.start(options.other, is_short)
    bench.fill()
    table, extra = {}, {}
    if options.other:
        say(f"other: {options.other.directory}")
    say(HEAD)
    for case in bench.cases():
        if options.only not in case.name or (
                is_short and case.name not in QUICK_CASES):
            continue
        row = {server: request for server, request in case.row().items()
               if not is_short or server.name in QUICK_CASES[case.name]}
        table[case.name] = measure(case, row, scale)
        show(case.name, table[case.name], say)
    if not options.only:
        extra = {"floor": floor(bench, scale.turns * 4),
                 "memory": [*memories(bench, scale)]}
        if not is_short:
            extra["sync"] = sync_beside_uploads(bench, scale)
    say("")
    return {"cases": {name: {subject: {**median_of(turns), "turns": turns}
                             for subject, turns in results.items()}
                      for name, results in table.items()},
            "goals": show_goals(table, extra, say), **extra}


def main():
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true",
                        help="a minute: what most goals need")
    parser.add_argument("--tiny", action="store_true",
                        help="seconds: only to see that everything runs")
    parser.add_argument("--only", default="", help="cases with this in them")
    parser.add_argument("--other", type=servers.Build, metavar="DIR",
                        default=os.environ.get("BENCH_OTHER") or None,
                        help="another build directory of artifactd, measured "
                        "beside this one (BENCH_OTHER)")
    parser.add_argument("--out", type=pathlib.Path, default=servers.BUILD,
                        help="where bench.txt and bench.json go")
    options = parser.parse_args()
    scale = TINY if options.tiny else QUICK if options.quick else FULL
    scale.set_pause()
    directory = tempfile.mkdtemp(prefix="bench.", dir=servers.BUILD)
    pathlib.Path(directory).chmod(0o755)
    lines = []

    def say(line):
        lines.append(line)
        print(line, flush=True)

    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        results = run(Bench(directory, scale), options, scale, say)
        (options.out / "bench.json").write_text(json.dumps(results, indent=1))
        (options.out / "bench.txt").write_text("\n".join(lines) + "\n")
    finally:
        servers.stop_all()
        shutil.rmtree(directory)


if __name__ == "__main__":
    sys.exit(main())
