# SPDX-License-Identifier: ISC
"""What the clients of the end-to-end tests share: requests on connections
that stay open, raw bytes, checks, the daemon and its processes."""

import hashlib
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import threading
import time
from pathlib import Path

PORT = int(os.environ.get("PORT") or 0)
WORK = Path(os.environ.get("WORK", "."))
DAEMON = int(os.environ.get("DAEMON") or 0)
IS_FULL = os.environ.get("TEST_SCALE") == "full"


def check(text, is_ok, *facts):
    """A line for the script that runs us; facts are told on a failure."""
    print(("ok - " if is_ok else "not ok - ") + text, flush=True)
    if not is_ok and facts:
        print("#", *(str(fact)[:500] for fact in facts), flush=True)


class Client:
    """One client: requests one after the other, its connection kept."""

    def __init__(self, timeout=60):
        self.timeout = timeout
        self.connection = None

    def send(self, method, path, body=None, headers=None):
        """(status, headers, bytes)"""
        headers = dict(headers or {})
        if isinstance(body, (dict, list)):
            body = json.dumps(body).encode()
            headers.setdefault("Content-Type", "application/json")
        if self.connection is None:
            self.connection = http.client.HTTPConnection(
                "127.0.0.1", PORT, timeout=self.timeout)
        try:
            self.connection.request(method, path, body, headers)
            answer = self.connection.getresponse()
            payload = answer.read()
        except Exception:
            self.close()
            raise
        if answer.will_close:
            self.close()
        return answer.status, answer.headers, payload

    def json(self, method, path, body=None, headers=None):
        """(status, the answer's JSON)"""
        status, _, payload = self.send(method, path, body, headers)
        return status, json.loads(payload)

    def close(self):
        if self.connection is not None:
            self.connection.close()
        self.connection = None

    def create(self, workflow="w", title="t", content="hello", **more):
        """(status, JSON) of a create; headers= goes to the request."""
        headers = more.pop("headers", None)
        return self.json("POST", "/artifacts", {
            "workflow_id": workflow, "artifact_type": "plan",
            "title": title, "content": content, **more}, headers)

    def pages(self, target):
        """Every artifact of a list, page by page."""
        while target:
            status, headers, payload = self.send("GET", target)
            if status != 200:
                raise RuntimeError(f"{target}: {status} {payload[:200]!r}")
            yield from json.loads(payload)
            match = re.search('<([^>]+)>; rel="next"',
                              headers.get("Link", ""))
            target = match[1] if match else None


def raw(data, end=False, timeout=20):
    """Send bytes as they are, then nothing more (end closes our half);
    (status, headers, body) or None for no answer."""
    with socket.create_connection(("127.0.0.1", PORT), timeout) as peer:
        try:
            peer.sendall(data)
        except (BrokenPipeError, ConnectionResetError):
            pass  # refused early: the answer tells
        if end:
            peer.shutdown(socket.SHUT_WR)
        try:
            answer = http.client.HTTPResponse(peer)
            answer.begin()
            return answer.status, answer.headers, answer.read()
        except (http.client.HTTPException, OSError):
            return None


def is_error(answer, *statuses):
    """Is it one of these errors, as the contract has them?"""
    if answer is None or answer[0] not in statuses:
        return False
    try:
        detail = json.loads(answer[2])["detail"]
    except (ValueError, KeyError, TypeError):
        return False
    return bool(detail) and answer[1]["Content-Type"] == "application/json"


def multipart(content, filename="f", content_type="text/plain", **fields):
    """(body, headers) of a form with a file."""
    boundary = "boundary-of-a-test"
    body = b"".join(
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"'
        f"\r\n\r\n{value}\r\n".encode() for name, value in fields.items())
    body += (f'--{boundary}\r\nContent-Disposition: form-data; name="file"; '
             f'filename="{filename}"\r\nContent-Type: {content_type}'
             "\r\n\r\n").encode() + content
    return (body + f"\r\n--{boundary}--\r\n".encode(), {
        "Content-Type": f"multipart/form-data; boundary={boundary}"})


def in_threads(functions):
    """Run them at once; their errors are a failed check."""
    def guard(function):
        try:
            function()
        except Exception as error:  # told below
            errors.append(f"{type(error).__name__}: {error}")
    errors = []
    threads = [threading.Thread(target=guard, args=(function,))
               for function in functions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        check("no client lost its way", False, errors[:5])


def lost(known):
    """(id, status) of each in {id: SHA-256} that is not there, or not so."""
    client = Client()
    for made, digest in known.items():
        status, _, payload = client.send("GET", f"/artifacts/{made}/raw")
        if status != 200 or hashlib.sha256(payload).hexdigest() != digest:
            yield made, status


# ---- the daemon

def make_store(**environment):
    """A new store; how artifactctl ended, and what it said."""
    return subprocess.run(
        [os.environ["ARTIFACTCTL"], "init", "--config", "/dev/null", "--set",
         f"state_dir={os.environ['STORE']}"], capture_output=True, check=False,
        env={**os.environ, **environment})


class Daemon:
    """artifactd, started by us: with these settings beside socket and store,
    and these variables beside ours."""

    def __init__(self, *settings, config="/dev/null", **environment):
        self.arguments = [os.environ["ARTIFACTD"], "-c", config]
        for setting in (f"listen={os.environ['SOCKET']}",
                        f"secret_file={os.environ['SECRET']}",
                        f"state_dir={os.environ['STORE']}", *settings):
            self.arguments += ["--set", setting]
        self.environment = {**os.environ, **environment}
        self.process = None

    def start(self):
        global DAEMON
        with open(os.environ["DAEMON_LOG"], "ab") as log:
            self.process = subprocess.Popen(
                self.arguments, stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL, stderr=log, env=self.environment)
        DAEMON = self.process.pid

    def has_ended(self):
        return self.process is None or self.process.poll() is not None

    @staticmethod
    def is_ready():
        """Does a worker of ours answer? It may be about a disk without room.

        Those of a master that was killed may answer for a moment, while the
        new one would still die of a SIGHUP."""
        try:
            return bool(children()) and Client(5).send("GET", "/healthz")[0] == 200
        except OSError:
            return False

    def comes_up(self, seconds):
        """False: it has ended, or so many seconds went by."""
        return bool(wait_for(lambda: self.has_ended() or self.is_ready(),
                             seconds)) and not self.has_ended()

    def stop(self):
        """Its exit code."""
        if not self.has_ended():
            self.process.terminate()
            self.process.wait(60)
        return self.process.returncode


def store_problems(*options):
    """What storecheck finds in the store; "" is nothing."""
    found = subprocess.run(
        [os.environ["STORECHECK"], *options, os.environ["STORE"]],
        capture_output=True, text=True, check=False)
    return "" if found.returncode == 0 else \
        f"exit code {found.returncode}: {found.stdout[:500]}"


# ---- its processes

def children():
    """Pids of the daemon's children that still run."""
    path = f"/proc/{DAEMON}/task/{DAEMON}/children"
    return [int(pid) for pid in Path(path).read_text().split()
            if not is_zombie(pid)]


def is_zombie(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text() \
            .rpartition(")")[2].split()[0] in "ZX"
    except OSError:
        return True


def holds_the_store(pid):
    """The writer alone has data.mdb open to write."""
    for fd in Path(f"/proc/{pid}/fd").iterdir():
        try:
            if os.readlink(fd).endswith("/data.mdb"):
                info = Path(f"/proc/{pid}/fdinfo/{fd.name}").read_text()
                flags = int(re.search(r"flags:\s*(\d+)", info)[1], 8)
                if flags & os.O_ACCMODE != os.O_RDONLY:
                    return True
        except OSError:
            pass  # closed meanwhile
    return False


def writer():
    """Its pid, or None while there is none.

    It holds the lock on the store's directory. Where that cannot be seen
    (an overlay has other inodes), its descriptors tell, if we may look into
    a process that is not dumpable."""
    inode = os.stat(os.environ["STORE"]).st_ino
    alive = children()
    for line in Path("/proc/locks").read_text().splitlines():
        match = re.search(r"FLOCK .* (\d+) [0-9a-f]+:[0-9a-f]+:(\d+) ", line)
        if match and int(match[2]) == inode and int(match[1]) in alive:
            return int(match[1])
    for pid in alive:
        try:
            if holds_the_store(pid):
                return pid
        except OSError:
            pass  # ended meanwhile, or not ours to look into
    return None


def workers():
    """Pids of the children that are not the writer."""
    the_writer = writer()
    return [pid for pid in children() if pid != the_writer]


def kill(pid, number=signal.SIGKILL):
    """True if it was there."""
    try:
        os.kill(pid, number)
        return True
    except (ProcessLookupError, TypeError):
        return False


def deaths(number=r"\d+"):
    """The lines of the log about processes that a signal ended, any signal or
    the one with this number."""
    time.sleep(0.2)  # the master is told of a death a little later
    with open(os.environ["DAEMON_LOG"], encoding="utf-8",
              errors="replace") as log:
        return re.findall(rf"event=child_ended .*signal={number}\b.*",
                          log.read())


def wait_for(condition, seconds=10):
    """Until condition() is true; its last value."""
    deadline = time.monotonic() + seconds
    while not (value := condition()) and time.monotonic() < deadline:
        time.sleep(0.02)
    return value
