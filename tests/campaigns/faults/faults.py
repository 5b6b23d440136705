# SPDX-License-Identifier: ISC
"""One failed call after the other.  faults.py POINTS STARTS [ONLY]

ONLY: "CALL ERROR NUMBER", one place while the daemon serves, and every answer
is printed. POINTS: places tried for each call and error while all endpoints are
used; STARTS: places tried while the daemon makes or opens its store. If POINTS
is large, these are all places in order; else the first ones and some random
ones.

After each it checks that every answer said what happened, that acknowledged
changes are there and refused ones are not, that the daemon serves again by
itself, and that the store is whole."""

import errno
import hashlib
import json
import mmap
import os
import random
import shutil
import struct
import sys
import time
from http.client import IncompleteRead, RemoteDisconnected
from pathlib import Path

import e2e

POINTS, STARTS = int(sys.argv[1]), int(sys.argv[2])
ONLY = sys.argv[3].split() if len(sys.argv) > 3 else None
SEED = int(os.environ["TEST_SEED"])
RANDOM = random.Random(SEED)
STORE = Path(os.environ["STORE"])
LOG = Path(os.environ["DAEMON_LOG"])
SERVES_WITHIN = 15  # seconds: a worker gives up on a writer after 10
STARTS_WITHIN = 80  # a writer that hangs before READY is killed after 60
UNKNOWN = (500, 502, 503, 504, 507)
ROLES = ("master", "writer", "worker")
HALF = 1000
ERRORS = {**errno.errorcode, HALF: "done by half"}
CONTENT = bytes(range(256)) * 600  # more than two chunks

# What each call may fail with, by its manual page.
E = errno
CALLS = {
    "pwrite": [E.EIO, E.ENOSPC, HALF], "writev": [E.EIO, E.ENOSPC, HALF],
    "write": [E.EIO, E.ENOSPC, HALF], "fdatasync": [E.EIO, E.ENOSPC],
    "fsync": [E.EIO, E.ENOSPC], "lseek": [E.EIO], "ftruncate": [E.EIO],
    "read": [E.EIO, E.ECONNRESET], "pread": [E.EIO],
    "recvmsg": [E.ENOMEM, E.EINTR],  # not what says that the peer is gone
    "sendmsg": [E.ENOBUFS, E.EINTR, E.ENOMEM],
    "send": [E.ENOBUFS, E.EINTR, E.ENOMEM],
    "accept4": [E.EMFILE, E.ENFILE, E.ENOMEM, E.ECONNABORTED, E.EINTR,
                E.EPROTO],
    "poll": [E.ENOMEM, E.EINTR], "setsockopt": [E.ENOMEM],
    "shutdown": [E.ENOTCONN], "socketpair": [E.EMFILE, E.ENFILE],
    "fork": [E.EAGAIN, E.ENOMEM], "waitpid": [E.EINTR],
    "fstatfs": [E.EIO], "fstatvfs": [E.EIO],
    "fcntl": [E.ENOLCK], "getrandom": [E.EINTR], "mmap": [E.ENOMEM],
    "munmap": [E.EINVAL], "malloc": [E.ENOMEM], "calloc": [E.ENOMEM],
    "realloc": [E.ENOMEM], "posix_memalign": [E.ENOMEM],
}
# What happens at a start only.
START_CALLS = {
    "open": [E.EMFILE, E.EACCES], "openat": [E.EMFILE, E.EACCES],
    "mkdir": [E.ENOSPC, E.EACCES], "renameat": [E.EIO, E.ENOSPC],
    "fchmod": [E.EPERM], "fchmodat": [E.EPERM], "fstatat": [E.EIO],
    "flock": [E.ENOLCK], "socket": [E.EMFILE], "bind": [E.EACCES],
    "listen": [E.EADDRINUSE], "chmod": [E.EPERM], "connect": [E.EPERM],
    "unlink": [E.EACCES], "signalfd": [E.EMFILE], "prctl": [E.EINVAL],
    "setrlimit": [E.EPERM],
}


class Orders:
    """What faults.c is told: struct orders."""

    def __init__(self):
        path = e2e.WORK / "faults"
        path.write_bytes(bytes(72))
        with open(path, "r+b") as file:
            self.map = mmap.mmap(file.fileno(), 72)

    def arm(self, call, error, number):
        self.disarm()
        self.map[40:56] = struct.pack("<qq", error, 0)
        self.map[32:40] = struct.pack("<q", number)
        self.map[0:32] = call.encode().ljust(32, b"\0")

    def disarm(self):
        self.map[0:40] = bytes(40)

    def failed(self):
        """The role of the process whose call failed, or None."""
        failed, role = struct.unpack("<qq", self.map[48:64])
        return ROLES[role] if failed else None


class Daemon(e2e.Daemon):
    """With faults.so, started again as a supervisor would."""

    def __init__(self):
        self.preloaded = {"FAULTS": str(e2e.WORK / "faults"),
                          "LD_PRELOAD": os.environ["FAULTS_SO"]}
        super().__init__(
            "workers=2", "io_timeout=2", "request_timeout=6",
            "reserve=1048576", **self.preloaded)
        self.ended = 0

    def serves(self, seconds=SERVES_WITHIN):
        """By itself, restarted if it has ended."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if self.has_ended():
                time.sleep(0.2)
                self.ended += 1
                self.start()
            self.comes_up(2)
            if not self.has_ended() and self.makes():
                return True
        return False

    def makes(self):
        """Is a create durable and readable?"""
        try:
            client = e2e.Client(20)
            status, answer = client.create("again")
            if status != 201:
                return False
            path = f"/artifacts/{answer['id']}"
            good = client.send("GET", path + "/raw")[2] == b"hello"
            return client.send("DELETE", path)[0] == 200 and good
        except (OSError, ValueError, IncompleteRead):
            return False


def digest(content):
    return hashlib.sha256(content).hexdigest()


class Script:
    """All endpoints once, and what may be there afterwards."""

    def __init__(self, name):
        self.name = name
        self.problems = []
        # A body that cannot be read to its end is the client's fault: 400.
        self.told = (*UNKNOWN, 400) if name.startswith("read") else UNKNOWN
        self.there = {}  # id -> digests that its content may have, None: gone
        self.open = 0  # creates of unknown end
        self.unknown = []  # changes of unknown end

    def ask(self, text, wanted, *request):
        """(was it done, JSON or bytes); None: nobody knows."""
        is_read = request[0] in ("GET", "HEAD")
        try:
            status, headers, payload = e2e.Client(20).send(*request)
        except (IncompleteRead, RemoteDisconnected) as error:
            # How a body is cut off that turned out wrong on its way.
            if not is_read:
                self.problems.append(f"{text}: {error!r}")
            return None, b""
        except OSError as error:
            self.problems.append(f"{text}: {error!r}")
            return None, b""
        if ONLY:
            print(text, status, payload[:200], flush=True)
        if status == wanted:
            return True, payload
        is_told = e2e.is_error((status, headers, payload), *self.told)
        if not is_told:
            self.problems.append(f"{text}: {status} {payload[:200]!r}")
        if status != 507 and not is_read:
            self.unknown.append(f"{text}: {status} {payload[:200]!r}")
        if status == 503 and "Retry-After" not in headers:
            self.problems.append(f"{text}: 503 without Retry-After")
        return (False if status in (400, 507) else None), payload

    def create(self, text, *request):
        done, payload = self.ask(text, 201, "POST", "/artifacts", *request)
        if done is None:
            self.open += 1
        return json.loads(payload)["id"] if done else None

    def write(self, text, made, value, *request):
        """A change after which the content has this digest."""
        if made is None:
            return
        done, _ = self.ask(text, 200, *request)
        if done:
            self.there[made] = {value}
        elif done is None:
            self.there[made].add(value)

    def read(self, text, made, path="", headers=None, wanted=200):
        if made is not None:
            self.ask(text, wanted, "GET", f"/artifacts/{made}{path}", None,
                     headers)

    def run(self):
        for path in ("/healthz", "/readyz", "/openapi.json", "/artifacts"):
            self.ask(path, 200, "GET", path)
        members = {"workflow_id": self.name, "artifact_type": "t"}
        body = {**members, "title": "one", "content": "c"}
        one = self.create("create", body, {"Idempotency-Key": self.name})
        if one:
            self.there[one] = {digest(b"c")}
            again = self.create("the same", body,
                                {"Idempotency-Key": self.name})
            if again not in (one, None):
                self.problems.append(f"{one} was made again as {again}")
        two = self.create("create from a file", *e2e.multipart(
            CONTENT, **members, title="two"))
        if two:
            self.there[two] = {digest(CONTENT)}
        if one:
            self.ask("update", 200, "PUT", f"/artifacts/{one}",
                     {"title": "new"})
        self.write("upload", one, digest(CONTENT), "POST",
                   f"/artifacts/{one}/upload", *e2e.multipart(CONTENT))
        self.write("put", two, digest(b"p" * 5000), "PUT",
                   f"/artifacts/{two}/raw", b"p" * 5000)
        self.write("put more", two, digest(b"q" * 200000), "PUT",
                   f"/api/v1/artifacts/{two}/raw", b"q" * 200000)
        for path in ("", "/content", "/raw"):
            self.read(f"get {path}", one, path)
        self.read("a range", one, "/raw", {"Range": "bytes=0-0"}, 206)
        self.read("a short id", one and one[:12])
        self.ask("a page", 200, "GET",
                 f"/artifacts?workflow_id={self.name}&limit=1")
        self.ask("the next pages", 200, "GET", "/artifacts?limit=200")
        self.ask("a head", 200, "HEAD", "/healthz")
        self.ask("nothing", 404, "GET", "/artifacts/nothing")
        self.ask("no JSON", 422, "POST", "/artifacts", b"{",
                 {"Content-Type": "application/json"})
        self.write("delete", two, None, "DELETE", f"/artifacts/{two}")
        return self

    def look(self):
        """When all is well again: is there what may be there?"""
        client = e2e.Client(20)
        listed = {found["id"] for found in client.pages(
            f"/artifacts?workflow_id={self.name}&limit=200")}
        for made, values in self.there.items():
            status, _, payload = client.send("GET", f"/artifacts/{made}/raw")
            found = digest(payload) if status == 200 else None
            if found not in values or (made in listed) != (status == 200):
                self.problems.append(f"{made} is {status} {found}, not "
                                     f"{values}")
        unknown = listed - set(self.there)
        if len(unknown) > self.open:
            self.problems.append(f"{len(unknown)} that nobody knows")
        for made in listed:
            client.send("DELETE", f"/artifacts/{made}")


class Campaign:
    """The sweeps, and what they came to."""

    def __init__(self):
        self.orders, self.daemon = Orders(), Daemon()
        self.points, self.roles = 0, dict.fromkeys(ROLES, 0)
        self.slowest = 0.0

    def note(self):
        """The role that the fault hit; None: it hit nothing."""
        role = self.orders.failed()
        if role:
            self.points += 1
            self.roles[role] += 1
        return role

    # ---- while it serves

    def running(self, call, error, number):
        """(was a call failed, problems)"""
        script = Script(f"{call}-{error}-{number}-{time.monotonic_ns()}")
        self.orders.arm(call, error, number)
        script.run()
        role = self.note()
        self.orders.disarm()
        began = time.monotonic()
        before = self.daemon.ended
        if not self.daemon.serves():
            return True, ["it does not serve again"]
        self.slowest = max(self.slowest, time.monotonic() - began)
        # Only the master's own memory is worth a restart.
        if self.daemon.ended != before and (
                role != "master" or error != E.ENOMEM):
            script.problems.append(f"the daemon ended of a {role}'s fault")
        if role == "writer":
            # Its death costs a pause: all is sent again to the next. Where
            # LMDB lacked memory nobody died, and nothing happened.
            script.problems += [
                told for told in script.unknown
                if error != E.ENOMEM or "Nothing happened" not in told]
        script.look()
        told = e2e.store_problems("-r")
        if told:
            script.problems.append(f"the store is not whole: {told}")
        return role is not None, script.problems

    # ---- while a store is made

    def making(self, call, error, number):
        """(was a call failed, problems)"""
        problems = []
        shutil.rmtree(STORE, ignore_errors=True)
        self.orders.arm(call, error, number)
        made = e2e.make_store(**self.daemon.preloaded)
        role = self.note()
        self.orders.disarm()
        if made.returncode != 0 and not made.stderr and error != E.ENOMEM:
            problems.append("it ended without a word")
        made = e2e.make_store()
        if made.returncode != 0:
            problems.append(f"it cannot be repeated: {made.stderr}")
        told = e2e.store_problems()
        if told:
            problems.append(f"the store is not whole: {told}")
        return role is not None, problems

    # ---- while it starts

    def starting(self, call, error, number):
        """(was a call failed, problems)"""
        problems = []
        size = LOG.stat().st_size
        self.orders.arm(call, error, number)
        self.daemon.start()
        self.daemon.comes_up(SERVES_WITHIN)
        role = self.note()
        self.orders.disarm()
        if self.daemon.has_ended():
            if b"cause=" not in LOG.read_bytes()[size:] and \
                    error != E.ENOMEM:
                problems.append("it ended without a word")
        if not self.daemon.serves(STARTS_WITHIN):
            problems.append("it does not serve: " + LOG.read_bytes()[
                size:].decode(errors="replace")[-600:])
        self.daemon.stop()
        told = e2e.store_problems()
        if told:
            problems.append(f"the store is not whole: {told}")
        return role is not None, problems

    # ---- sweeps

    def numbers(self, most, limit):
        """Which of the calls to fail: all of the first, or some of many."""
        if most >= 20:
            return range(1, most + 1)
        return [1] + sorted(RANDOM.randint(2, limit)
                            for _ in range(most - 1))

    def sweep(self, text, calls, most, limit, act):
        bad, began, tried = [], time.monotonic(), self.points
        for call, errors in calls.items():
            for error in errors:
                for number in self.numbers(most, limit):
                    at = LOG.stat().st_size
                    was_hit, problems = act(call, error, number)
                    log = LOG.read_bytes()[at:].decode(
                        errors="replace").splitlines()
                    if problems:
                        bad.append((call, ERRORS[error], number, problems))
                        print(*bad[-1], flush=True)
                        print(*log[-12:], sep="\n", flush=True)
                    if not was_hit:
                        break
        tried = self.points - tried
        print(f"{text}: {tried} calls failed in "
              f"{time.monotonic() - began:.0f} s")
        e2e.check(f"{text}: each fault is told, and it goes on",
                  not bad and tried > 5, len(bad), *bad[:5])


def main():
    campaign = Campaign()
    e2e.make_store()
    campaign.daemon.start()
    campaign.daemon.comes_up(20)
    if ONLY:
        found = campaign.running(ONLY[0], int(ONLY[1]), int(ONLY[2]))
        campaign.daemon.stop()
        e2e.check(f"{ONLY}: {found}", found == (True, []))
        return
    campaign.sweep("while it serves", CALLS, POINTS, 12, campaign.running)
    e2e.check("it ends well", campaign.daemon.stop() == 0)
    both = {**START_CALLS, **CALLS}
    campaign.sweep("while a store is made", both, STARTS, 4, campaign.making)
    campaign.sweep("while it opens a store", both, STARTS, 4,
                   campaign.starting)
    print(f"{campaign.points} calls failed: {campaign.roles}; the daemon "
          f"was started again {campaign.daemon.ended} times; it served "
          f"again within {campaign.slowest:.1f} s")


main()
