# SPDX-License-Identifier: ISC
"""load.py - one measurement: wrk sends one request to one server."""
import os
import pathlib
import re
import signal
import subprocess

HERE = pathlib.Path(__file__).parent
UNITS = {"us": 1e-6, "ms": 1e-3, "s": 1, "m": 60}
SIZES = {"B": 1, "KB": 1024, "MB": 1024 ** 2, "GB": 1024 ** 3}
LONGEST = 60  # seconds of a turn


def seconds(text):
    number, unit = re.match(r"([\d.]+)([a-z]+)", text).groups()
    return float(number) * UNITS[unit]


def parse(text):
    """What wrk printed, as numbers; raises if an answer was no success."""
    if "Non-2xx" in text or "Socket errors" in text:
        raise RuntimeError("failed requests")
    rate = float(re.search(r"Requests/sec:\s+([\d.]+)", text).group(1))
    size, unit = re.search(r"Transfer/sec:\s+([\d.]+)([KMG]?B)",
                           text).groups()
    count = int(re.search(r"(\d+) requests in", text).group(1))
    return {"rate": rate, "bytes": float(size) * SIZES[unit],
            "count": count,
            "p50": seconds(re.search(r"^ +50% +(\S+)", text, re.M).group(1)),
            "p99": seconds(re.search(r"^ +99% +(\S+)", text, re.M).group(1))}


def cpu(pids):
    """CPU seconds that these processes and the children they have waited for
    have used, of user and system: a worker that retired is its master's."""
    total = 0
    for pid in pids:
        try:
            stat = pathlib.Path(f"/proc/{pid}/stat").read_text()
        except (FileNotFoundError, ProcessLookupError):
            continue  # it has just retired
        fields = stat.rpartition(")")[2].split()
        total += sum(int(field) for field in fields[11:15])
    return total / os.sysconf("SC_CLK_TCK")


class Load:
    """A wrk that runs until it is told to stop. It is under way when this
    returns: a body of 50 MiB takes it a second or more to prepare."""

    def __init__(self, request, server, clients):
        self.what = f"{server.name} {request.path}"
        # wrk ends by itself only after whole seconds, but soon (it looks
        # every 100 ms) after SIGINT.
        self.process = subprocess.Popen(
            ["stdbuf", "-oL", "wrk", "-t1", f"-c{clients}", "-d3600", "--latency",
             "--timeout", "30", "-s", str(HERE / "load.lua"),
             server.url + request.path],
            env={**os.environ, **request.environment}, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        for line in self.process.stdout:
            if line.startswith("Running"):
                break

    def end(self, after=0):
        """Figures of these seconds."""
        text = None
        while text is None:
            try:
                text, _ = self.process.communicate(timeout=after)
            except subprocess.TimeoutExpired:
                # Once more later: wrk may have been about to sleep.
                self.process.send_signal(signal.SIGINT)
                after = 0.3
        try:
            return parse(text)
        except (RuntimeError, AttributeError) as error:
            raise SystemExit(f"{self.what}: {error}\n{text}")


class Request:
    """What one client sends again and again. An operation that takes two
    requests (steps) counts as one; its latency is a request's."""

    def __init__(self, path, method="GET", body=None, kind=None,
                 headers=None, writes=None, write_path=None, follow=None,
                 steps=1):
        self.path = path
        self.steps = steps
        self.environment = {"METHOD": method}
        if body:
            self.environment |= {"BODY": str(body), "TYPE": kind}
        if headers:
            self.environment["HEADERS"] = headers
        if writes:
            self.environment |= {"WRITES": str(writes),
                                 "WRITE_PATH": write_path}
        if follow:
            self.environment["FOLLOW"] = follow

    def measure(self, server, clients, duration):
        """Figures of a turn of so many seconds. A turn in which no request
        ended says nothing, and a longer one follows."""
        while True:
            before = {kind: cpu(each)
                      for kind, each in server.pids().items()}
            result = Load(self, server, clients).end(duration)
            if result["count"]:
                break
            duration *= 2
            if duration > LONGEST:
                raise SystemExit(f"{server.name} {self.path}: no answer")
        result["rate"] /= self.steps
        for kind, each in server.pids().items():
            result[kind] = ((cpu(each) - before[kind]) * self.steps /
                            result["count"])
        return result
