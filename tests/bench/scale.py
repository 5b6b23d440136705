#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""scale.py - measure how the time of requests grows with the store.

	scale.py [--tiny] [--out DIR] [COUNT ...]

It makes a store of each size (default: 1000, 100000 and 1000000), measures the
engine and then the whole stack, and prints one table. A million needs 5 GiB of
disk. The results are in scale.txt and, for gnuplot, in scale.dat.
"""
import argparse
import hashlib
import pathlib
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

import bench
import servers
from load import Request

WORKFLOW = "/artifacts?workflow_id=even"


def path_of(number):
    """Of the artifact that bench-fill made as this number."""
    text = hashlib.blake2b(number.to_bytes(8, "little"),
                           digest_size=16).hexdigest()
    parts = text[:8], text[8:12], text[12:16], text[16:20], text[20:]
    return "/artifacts/" + "-".join(parts)


def probe(store, count):
    text = subprocess.run([servers.BUILD / "bench-probe", store, str(count)],
                          check=True, capture_output=True, text=True).stdout
    return {line.split()[0]: float(line.split()[1])
            for line in text.splitlines()}


def start(directory, name):
    """The stack over a store that is there; seconds to the first answer."""
    server = servers.Server(directory, name)
    store = server.directory / "store"
    shutil.move(directory / "store", store)
    server.shipped_nginx()
    server.wait("/healthz", lambda status: True)  # nginx is up, and says 502
    began = time.monotonic()
    server.artifactd(store)
    while True:
        try:
            bench.call(server, "/artifacts?limit=1")
            return server, time.monotonic() - began
        except OSError:
            time.sleep(0.001)


def rate(server, request, scale, clients=16):
    return statistics.median(
        request.measure(server, clients, scale.turn * 2)["rate"]
        for _ in range(scale.turns))


def stack(server, directory, count, scale):
    """Rates through nginx; the ids are spread over the whole store."""
    paths = directory / "paths"
    # Every 7919th, as long as there are some; 7919 is prime.
    paths.write_text("".join(
        path_of(i * 7919 % count) + "?include_content=false\n"
        for i in range(min(count, 20000))))
    get = Request("/")
    get.environment["PATHS"] = str(paths)
    body = directory / "create.json"
    body.write_text(bench.Bench.artifact("wf-new"))
    create = Request("/artifacts", "POST", body, bench.JSON)
    return {"http_get": rate(server, get, scale),
            "http_page": rate(server, Request("/artifacts"), scale),
            "http_page_workflow": rate(server, Request(WORKFLOW), scale),
            "http_create_64": rate(server, create, scale, 64)}


def one_size(count, scale):
    directory = pathlib.Path(tempfile.mkdtemp(prefix="scale.",
                                              dir=servers.BUILD))
    directory.chmod(0o755)
    try:
        (directory / "store").mkdir()
        began = time.monotonic()
        subprocess.run([servers.BUILD / "bench-fill", directory / "store",
                        str(count)], check=True)
        row = {"fill_seconds": time.monotonic() - began}
        size = (directory / "store/data.mdb").stat().st_size
        row["bytes_each"] = size / count
        row |= probe(directory / "store", count)
        server, row["start_ms"] = start(directory, f"of-{count}")
        row["start_ms"] *= 1000
        row |= stack(server, directory, count, scale)
        for kind, size in bench.memory_now(server).items():
            row[f"{kind}_MiB"] = size / bench.MIB
        return row
    finally:
        servers.stop_all()
        shutil.rmtree(directory)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tiny", action="store_true",
                        help="only to see that everything runs")
    parser.add_argument("--out", type=pathlib.Path, default=servers.BUILD,
                        help="where scale.txt and scale.dat go")
    parser.add_argument("counts", metavar="COUNT", type=int, nargs="*",
                        default=[1000, 100000, 1000000])
    options = parser.parse_args()
    counts = options.counts
    scale = bench.TINY if options.tiny else bench.FULL
    scale.set_pause()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    rows = {}
    for count in counts:
        rows[count] = one_size(count, scale)
        print(f"{count} artifacts: done", flush=True)
    out = ["%-20s" % "" + "".join("%12d" % count for count in counts) +
           "%10s" % "ratio"]
    for name in rows[counts[0]]:
        figures = [rows[count][name] for count in counts]
        ratio = figures[-1] / figures[0]
        if name.startswith("http"):
            ratio = 1 / ratio
        out.append("%-20s" % name + "".join("%12.2f" % f for f in figures) +
                   "%10.2f" % ratio)
    print("\n".join(out))
    (options.out / "scale.txt").write_text("\n".join(out) + "\n")
    names = list(rows[counts[0]])
    (options.out / "scale.dat").write_text(
        "# count " + " ".join(names) + "\n" + "".join(
            f"{count} " + " ".join(str(rows[count][n]) for n in names) + "\n"
            for count in counts))


if __name__ == "__main__":
    main()
