#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""bench.py - measure artifactd, its control and its peers in one run.

	bench.py [--quick] [--only TEXT]

Each case is a row. Every subject that can do the work gets the same requests,
in rounds that alternate between the subjects; the table shows medians. The
control answers with as many bytes as artifactd.
"""
import argparse
import hashlib
import json
import os
import pathlib
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

import servers
from load import Request

JSON = "application/json"
BYTES = "application/octet-stream"
SMALL, MIB = 2048, 1024 ** 2
FILES = {"2k": SMALL, "1m": MIB, "10m": 10 * MIB, "50m": 50 * MIB}


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


class Bench:
    """What the cases need: bodies, artifacts to read, servers."""

    def __init__(self, directory):
        self.directory = pathlib.Path(directory)
        self.bodies = {}
        for name, size in FILES.items():
            path = self.directory / name
            # Not compressible, and the same in every run.
            path.write_bytes((b"%08x" % (size * 2654435761 % 2 ** 32)) *
                             (size // 8))
            self.bodies[name] = path
        self.create = self.directory / "create.json"
        self.create.write_text(self.artifact("wf-load"))
        self.ids = {}

    def start(self):
        self.artifactd = servers.artifactd(self.directory)
        self.single = servers.artifactd(self.directory, "artifactd-single")
        self.control = servers.control(self.directory)
        self.fastapi = servers.fastapi(self.directory)
        self.registry = servers.registry(self.directory)
        self.files = servers.files(self.directory)

    @staticmethod
    def artifact(workflow, number=0):
        return json.dumps({
            "workflow_id": workflow, "phase_id": f"phase-{number % 4}",
            "session_id": "session-1", "title": f"Plan {number}",
            "artifact_type": ("plan", "report")[number % 2],
            "content": text_of(SMALL)})

    def fill(self):
        """200 small artifacts, one to read and one to write of each size."""
        for server in (self.artifactd, self.single, self.fastapi):
            new = lambda workflow, number=0: json.loads(call(
                server, "/artifacts", "POST",
                self.artifact(workflow, number).encode(), JSON))["id"]
            for number in range(200):
                new(f"wf-{number % 2}", number)
            ids = self.ids[server.name] = {"text": new("wf-one")}
            for name, path in self.bodies.items():
                ids[name], ids["w" + name] = new("wf-raw"), new("wf-raw")
                call(server, f"/artifacts/{ids[name]}/raw", "PUT",
                     path.read_bytes(), BYTES)
        for name, path in self.bodies.items():
            shutil.copy(path, self.files.directory / "root" / name)
        (self.files.directory / "root").chmod(0o777)
        for name, path in self.bodies.items():
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
        self.ids.setdefault("registry", {})[path.name] = (
            f"/v2/bench/blobs/sha256:{digest}")

    # ---- the cases: {subject: request}

    def reading(self, suffix, which, peers=True):
        """GET of an artifact, by artifactd, FastAPI and the control."""
        path = f"/artifacts/{self.ids['artifactd'][which]}{suffix}"
        size = len(call(self.artifactd, path))
        row = {self.artifactd: Request(path),
               self.control: Request(f"/control/{size}")}
        if peers:
            row[self.fastapi] = Request(
                f"/artifacts/{self.ids['fastapi'][which]}{suffix}")
        return row

    def listing(self, query):
        path = f"/artifacts?limit=50{query}"
        size = len(call(self.artifactd, path))
        return {self.artifactd: Request(path), self.fastapi: Request(path),
                self.control: Request(f"/control/{size}")}

    def raw(self, name):
        row = self.reading("/raw", name)
        row[self.files] = Request("/" + name)
        row[self.registry] = Request(self.ids["registry"][name])
        return row

    def creating(self):
        post = lambda path: Request(path, "POST", self.create, JSON)
        return {self.artifactd: post("/artifacts"),
                self.control: post("/control/104"),
                self.fastapi: post("/artifacts")}

    def pushing(self):
        """Create, and what the registry calls so: two requests."""
        blob = self.bodies["2k"]
        request = Request("/v2/bench/blobs/uploads/", "POST", blob, BYTES,
                          follow="push", steps=2)
        request.environment["DIGEST"] = "sha256:" + sha256(blob)
        return self.creating() | {self.registry: request}

    def deleting(self):
        """Create and delete in turn."""
        request = Request("/artifacts", "POST", self.create, JSON,
                          follow="delete", steps=2)
        return {self.artifactd: request, self.fastapi: request}

    def uploading(self, name):
        put = lambda path: Request(path, "PUT", self.bodies[name], BYTES)
        return {
            self.artifactd: put(
                f"/artifacts/{self.ids['artifactd']['w' + name]}/raw"),
            self.control: put("/control/180"),
            self.fastapi: put(
                f"/artifacts/{self.ids['fastapi']['w' + name]}/raw"),
            self.files: put("/written-" + name)}

    def headers_only(self, name, headers):
        path = f"/artifacts/{self.ids['artifactd'][name]}/raw"
        return {self.artifactd: Request(path, headers=headers),
                self.files: Request("/" + name, headers=headers)}

    def unchanged(self):
        path = f"/artifacts/{self.ids['artifactd']['text']}"
        answer = urllib.request.urlopen(self.artifactd.url + path)
        tag = answer.headers["ETag"]
        return {self.artifactd: Request(
                    path, headers=f"If-None-Match: {tag}"),
                self.control: Request("/control/0")}

    def mixed(self):
        row = {}
        for server in (self.artifactd, self.fastapi):
            row[server] = Request(
                f"/artifacts/{self.ids[server.name]['text']}", "POST",
                self.create, JSON, writes=10, write_path="/artifacts")
        return row

    def cases(self):
        """Name, clients, what to show, the row."""
        both = self.creating() | {
            self.single: Request("/artifacts", "POST", self.create, JSON)}
        yield "create 2 KiB, 1 client", 1, self.creating()
        yield "create 2 KiB, 8 clients", 8, self.pushing()
        yield "create 2 KiB, 64 clients", 64, both
        yield "detail with content", 16, self.reading("", "text")
        yield "detail without content", 16, self.reading(
            "?include_content=false", "text")
        yield "detail, 304", 16, self.unchanged()
        yield "page of 50, all", 16, self.listing("")
        yield "page of 50, workflow", 16, self.listing("&workflow_id=wf-1")
        yield "page of 50, phase and type", 16, self.listing(
            "&phase_id=phase-1&artifact_type=report")
        yield "content of 2 KiB", 16, self.reading("/content", "2k", False)
        yield "content of 1 MiB", 4, self.reading("/content", "1m", False)
        yield "raw 2 KiB", 16, self.raw("2k")
        yield "raw 1 MiB", 4, self.raw("1m")
        yield "raw 10 MiB", 4, self.raw("10m")
        yield "raw 50 MiB", 4, self.raw("50m")
        yield "raw, 64 KiB range of 10 MiB", 16, self.headers_only(
            "10m", "Range: bytes=5000000-5065535")
        yield "upload 2 KiB", 8, self.uploading("2k")
        yield "upload 10 MiB, 1 client", 1, self.uploading("10m")
        yield "upload 10 MiB, 4 clients", 4, self.uploading("10m")
        yield "upload 50 MiB, 2 clients", 2, self.uploading("50m")
        yield "mixed 90/10", 16, self.mixed()
        yield "create and delete, 16 clients", 16, self.deleting()


def median_of(results):
    return {key: statistics.median(result[key] for result in results)
            for key in results[0]}


def measure(row, clients, rounds, duration):
    """{subject's name: figures}, the rounds alternating."""
    results = {}
    for turn in range(rounds):
        order = list(row.items())
        for server, request in order[::-1] if turn % 2 else order:
            results.setdefault(server.name, []).append(
                request.measure(server, clients, duration))
    return {name: median_of(each) for name, each in results.items()}


# ---- what wrk alone does not show

def private_memory(pid):
    """Bytes that are only this process's, the store's map left out: its
    pages are the page cache's."""
    total = 0
    with open(f"/proc/{pid}/smaps") as smaps:
        for line in smaps:
            if line.startswith("Private_"):
                total += 0 if is_store else int(line.split()[1]) * 1024
            elif "-" in line.split()[0]:
                is_store = line.rstrip().endswith(".mdb")
    return total


class MemoryWatch(threading.Thread):
    """The most private memory of any worker, and of the writer."""

    def __init__(self, server):
        super().__init__(daemon=True)
        self.pids = server.pids()
        self.most = {"writer": 0, "worker": 0}
        self.is_done = False

    def run(self):
        while not self.is_done:
            for kind in self.most:
                self.most[kind] = max(self.most[kind], *(
                    private_memory(pid) for pid in self.pids[kind]))
            time.sleep(0.1)


def memory(bench, name, request, clients, duration):
    watch = MemoryWatch(bench.artifactd)
    watch.start()
    request.measure(bench.artifactd, clients, duration)
    watch.is_done = True
    watch.join()
    return {"name": name, **watch.most}


def memories(bench, duration):
    big = bench.uploading("50m")[bench.artifactd]
    get = bench.raw("50m")[bench.artifactd]
    page = bench.listing("")[bench.artifactd]
    create = bench.creating()[bench.artifactd]
    wide = bench.directory / "wide.json"
    wide.write_text(json.dumps({
        "workflow_id": "wf-wide", "artifact_type": "plan", "title": "wide",
        "content": "x" * (15 * MIB)}))
    yield memory(bench, "page of 50, 16 clients", page, 16, duration)
    yield memory(bench, "create 2 KiB, 64 clients", create, 64, duration)
    yield memory(bench, "download 50 MiB, 4 clients", get, 4, duration)
    yield memory(bench, "upload 50 MiB, 4 clients", big, 4, duration + 2)
    yield memory(bench, "JSON create of 15 MiB", Request(
        "/artifacts", "POST", wide, JSON), 1, duration)


def beside_uploads(bench, server, measure, duration):
    """What measure(seconds) gives alone, and while eight clients upload
    50 MiB each to that server."""
    alone = measure(duration)
    load = bench.uploading("50m")[server].start(server, 8, duration + 2)
    time.sleep(1)
    beside = measure(duration)
    load.communicate()
    return alone, beside


def create_beside_uploads(bench, duration):
    create = bench.creating()[bench.artifactd]
    return [each["p99"] for each in beside_uploads(
        bench, bench.artifactd,
        lambda time: create.measure(bench.artifactd, 1, time), duration)]


def sync_beside_uploads(bench, duration):
    """The same for a bare write and fdatasync of 4 KiB, beside uploads that
    nginx alone takes: what the disk gives anybody."""
    return beside_uploads(
        bench, bench.files,
        lambda time: sync_p99(pathlib.Path(bench.directory) / "synced", time),
        duration)


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
    """Seconds for hashing, writing and syncing 10 MiB one by one."""
    text = subprocess.run(
        [servers.BUILD / "bench-floor", bench.directory, str(10 * MIB),
         str(rounds)], capture_output=True, text=True, check=True).stdout
    return float(text)


# ---- telling

def ratio(table, case, other):
    """None where the case was not asked for."""
    row = table.get(case)
    return row and row["artifactd"]["rate"] / row[other]["rate"]


LINE = "%-28s %-16s %7s %7.2f %7.2f %7.1f %7.0f %7.0f %7.0f %6.2f"
HEAD = "%-28s %-16s %7s %7s %7s %7s %7s %7s %7s %6s" % (
    "case", "subject", "req/s", "p50 ms", "p99 ms", "MB/s", "nginx", "worker",
    "writer", "ratio")


def show(name, row, out):
    ours = row["artifactd"]
    for subject, figures in row.items():
        out.append(LINE % (
            name, subject, round(figures["rate"]), figures["p50"] * 1e3,
            figures["p99"] * 1e3, figures["bytes"] / 1e6,
            figures["nginx"] * 1e6, figures["worker"] * 1e6,
            figures["writer"] * 1e6, ours["rate"] / figures["rate"]))
        name = ""
        print(out[-1], flush=True)


def goals(table, extra):
    """doc/design.md 5 and what was asked besides: goal, figure."""
    small = [case for case in table if "fastapi" in table[case] and
             "MiB" not in case]
    slowest = min(small, key=lambda case: ratio(table, case, "fastapi"))
    upload = table["upload 10 MiB, 1 client"]["artifactd"]
    yield ("detail, of the control's rate", ">= 0.90",
           ratio(table, "detail with content", "control"))
    yield ("page of 50, of the control's rate", ">= 0.80",
           ratio(table, "page of 50, all", "control"))
    yield ("create by 64, of the control's POST", ">= 0.40",
           ratio(table, "create 2 KiB, 64 clients", "control"))
    yield ("create by 64, of one change per commit", ">= 5",
           ratio(table, "create 2 KiB, 64 clients", "artifactd-single"))
    yield ("raw 10 MiB, of a static file's rate", ">= 0.80",
           ratio(table, "raw 10 MiB", "files"))
    yield ("upload 10 MiB, of hash + write + sync", ">= 0.60",
           extra["floor"] / upload["p50"])
    yield ("create's p99 beside 8 uploads / alone", "<= 5",
           extra["create"][1] / extra["create"][0])
    yield ("a bare sync's, beside 8 PUTs to nginx / alone", "",
           extra["sync"][1] / extra["sync"][0])
    yield (f"FastAPI, worst small ({slowest})", ">= 5",
           ratio(table, slowest, "fastapi"))
    yield ("registry, raw 2 KiB", ">= 3",
           ratio(table, "raw 2 KiB", "registry"))
    yield ("registry, raw 50 MiB", ">= 1",
           ratio(table, "raw 50 MiB", "registry"))
    yield ("registry, push of 2 KiB", ">= 3",
           ratio(table, "create 2 KiB, 8 clients", "registry"))
    for row in extra["memory"]:
        yield (f"MiB of a worker, {row['name']}",
               "<= 64" if "JSON" in row["name"] else "<= 16",
               row["worker"] / MIB)
        yield (f"MiB of the writer, {row['name']}", "",
               row["writer"] / MIB)


# What most goals need.
QUICK = {"create 2 KiB, 64 clients", "detail with content",
         "page of 50, all", "raw 2 KiB", "raw 10 MiB",
         "upload 10 MiB, 1 client"}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--only", default="", help="cases with this in them")
    options = parser.parse_args()
    rounds, duration = (1, 1) if options.quick else (3, 2)
    directory = tempfile.mkdtemp(prefix="bench.", dir=servers.BUILD)
    pathlib.Path(directory).chmod(0o755)
    bench, table, out = Bench(directory), {}, [HEAD]
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        bench.start()
        bench.fill()
        print(HEAD, flush=True)
        for name, clients, row in bench.cases():
            if options.only not in name:
                continue
            if options.quick and not options.only and name not in QUICK:
                continue
            table[name] = measure(row, clients, rounds, duration)
            show(name, table[name], out)
        if not options.only:
            extra = {"floor": floor(bench, 5 * rounds),
                     "create": create_beside_uploads(bench, 2 * rounds),
                     "sync": sync_beside_uploads(bench, 2 * rounds),
                     "memory": list(memories(bench, duration))}
            out.append("")
            for text, goal, figure in goals(table, extra):
                if figure is None:
                    continue
                out.append("%-50s %9s %9.2f" % (text, goal, figure))
                print(out[-1], flush=True)
            table["extra"] = extra
        (servers.BUILD / "bench.json").write_text(json.dumps(table))
        (servers.BUILD / "bench.txt").write_text("\n".join(out) + "\n")
    finally:
        servers.stop_all()
        shutil.rmtree(directory)


if __name__ == "__main__":
    sys.exit(main())
