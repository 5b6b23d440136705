# SPDX-License-Identifier: ISC
"""servers.py - artifactd, the control and the peers, each behind an nginx.

Every nginx is the same program with two workers. artifactd and the control
have the configuration that artifactd ships; the peers have the one that their
own documentation recommends. All servers work in one directory, listen on
loopback, and are ended by their pids.
"""
import importlib.util
import os
import pathlib
import re
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.request

TOP = pathlib.Path(os.environ["TOP_SRCDIR"])
BUILD = pathlib.Path(os.environ["BENCH_BUILD"])
# Of the control. Few take less CPU than many (32 took up to a fifth more, and
# 160 with one connection each took twice as much), since a worker that finds
# the next request at once does not sleep.
CONTROL_WORKERS = 4

PEER_NGINX = """
daemon off;
worker_processes 2;
{user}
pid {dir}/nginx.pid;
error_log {dir}/error.log;
events {{ worker_connections 2048; }}
http {{
	access_log {dir}/access.log;
	sendfile on;
	client_max_body_size 0;
	client_body_buffer_size 64k;
	client_body_temp_path {dir}/body;
	proxy_temp_path {dir}/proxy;
	fastcgi_temp_path {dir}/fastcgi;
	uwsgi_temp_path {dir}/uwsgi;
	scgi_temp_path {dir}/scgi;
	{upstream}
	server {{
		listen 127.0.0.1:{port};
		location / {{
			{location}
		}}
	}}
}}
"""
PROXY = """proxy_pass http://peer;
			proxy_http_version 1.1;
			proxy_set_header Connection "";
			proxy_set_header Host $http_host;
			proxy_set_header X-Forwarded-Proto $scheme;
			proxy_read_timeout 900;"""
REGISTRY = """version: 0.1
log: {{level: error}}
storage:
  filesystem: {{rootdirectory: {dir}/data}}
http: {{addr: 127.0.0.1:{port}}}
"""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def user_line():
    return "user root;" if os.getuid() == 0 else ""


def family(pid):
    """A process and its children, and theirs."""
    pids = [pid]
    for each in pids:
        tasks = pathlib.Path(f"/proc/{each}/task/{each}/children")
        try:
            pids += [int(word) for word in tasks.read_text().split()]
        except (FileNotFoundError, ProcessLookupError):
            pass  # a worker that has just retired
    return pids


class Build:
    """A build directory, and the source tree that it was configured for."""

    def __init__(self, path):
        """The directory, or the artifactd in it."""
        path = pathlib.Path(path).resolve()
        self.directory = path if path.is_dir() else path.parent
        makefile = self.directory / "Makefile"
        for name in (makefile, self.program("artifactd"),
                     self.program("artifactctl")):
            if not name.exists():
                raise SystemExit(f"{name} does not exist: {path} is not a "
                                 "build directory of artifactd")
        self.top = pathlib.Path(re.search(
            r"^abs_top_srcdir = (.*)$", makefile.read_text(), re.M).group(1))

    def program(self, name):
        return self.directory / name


class Server:
    """One subject: its processes and its address."""

    started = []
    sockets = None  # their directory: a path in BUILD may be too long

    def __init__(self, directory, name, build=None):
        Server.started.append(self)
        Server.sockets = Server.sockets or tempfile.mkdtemp(prefix="bench.")
        self.name = name
        self.build = build or Build(BUILD)
        self.directory = pathlib.Path(directory) / name
        self.directory.mkdir(parents=True)
        self.socket = f"{Server.sockets}/{name}.sock"
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.children = []
        self.nginx = None
        self.has_writer = False

    def run(self, *command, **environment):
        with open(self.directory / "log", "ab") as log:
            self.children.append(subprocess.Popen(
                [str(word) for word in command], stdout=log, stderr=log,
                env={**os.environ, **environment}))
        return self.children[-1]

    def secret(self):
        """The file by which artifactd knows this nginx."""
        path = self.directory / "nginx-secret.conf"
        subprocess.run([self.build.top / "nginx/make-secret.sh", path,
                        str(os.getgid())], check=True)
        return path

    def init(self, store):
        subprocess.run([self.build.program("artifactctl"), "init", "--config",
                        "/dev/null", "--set", f"state_dir={store}"],
                       check=True, stdout=subprocess.DEVNULL)

    def artifactd(self, store, program="artifactd"):
        self.has_writer = True
        self.run(self.build.program(program), "-c", "/dev/null", "--set",
                 f"listen={self.socket}", "--set", f"state_dir={store}",
                 "--set", f"secret_file={self.secret()}")

    def shipped_nginx(self, edit=None):
        """With the configuration of the build's source tree. edit changes the
        text of artifactd-http.conf, which has the upstreams."""
        subprocess.run([
            self.build.top / "nginx/render.sh", self.directory / "conf",
            f"PORT={self.port}", f"STATE_DIR={self.directory}",
            f"FCGI_SOCKET={self.socket}", f"USER_LINE={user_line()}",
            f"SECRET_FILE={self.secret()}"], check=True)
        if edit:
            path = self.directory / "conf/artifactd-http.conf"
            path.write_text(edit(path.read_text()))
        (self.directory / "nginx-tmp").mkdir()
        self.nginx = self.run("nginx", "-p", self.directory, "-c",
                              self.directory / "conf/nginx.conf")

    def peer_nginx(self, location, upstream=""):
        path = self.directory / "nginx.conf"
        path.write_text(PEER_NGINX.format(
            dir=self.directory, port=self.port, location=location,
            upstream=upstream, user=user_line()))
        self.nginx = self.run("nginx", "-p", self.directory, "-c", path)

    def wait(self, path, is_ready=lambda status: status < 500):
        """Until it answers that path with such a status; a minute at most."""
        end = time.monotonic() + 60
        while time.monotonic() < end:
            try:
                with urllib.request.urlopen(self.url + path, timeout=2) as it:
                    status = it.status
            except urllib.error.HTTPError as error:
                status = error.code
            except OSError:
                status = None
            if status and is_ready(status):
                return self
            time.sleep(0.02)
        raise SystemExit(f"{self.name} does not answer:\n" +
                         (self.directory / "log").read_text())

    def pids(self):
        """{kind: its processes}: nginx, worker and, of artifactd, writer.
        "worker" is everything else, the master as well."""
        kinds = {"nginx": family(self.nginx.pid), "worker": [], "writer": []}
        for child in self.children:
            if child is not self.nginx:
                kinds["worker"] += family(child.pid)
        if self.has_writer and len(kinds["worker"]) > 1:
            # The master starts the writer first.
            kinds["writer"] = [kinds["worker"].pop(1)]
        return kinds

    def stop(self):
        for child in reversed(self.children):
            child.terminate()
        for child in self.children:
            child.wait(timeout=60)


def stop_all():
    for server in Server.started:
        server.stop()
    Server.started.clear()
    if Server.sockets:
        shutil.rmtree(Server.sockets)
        Server.sockets = None


# ---- the subjects. Each returns at once; Server.wait waits until it answers.

def artifactd(directory, name="artifactd", program="artifactd", build=None):
    server = Server(directory, name, build)
    server.init(server.directory / "store")
    server.artifactd(server.directory / "store", program)
    server.shipped_nginx()
    return server


def without_keepalive(text):
    return re.sub(r"^\s*keepalive\w*\s[^;]*;", "", text, flags=re.M)


def with_keepalive(text):
    """As many connections for reads as there are clients, without an end."""
    text, count = re.subn(
        r"^upstream artifactd_read \{",
        "\\g<0>\n\tkeepalive 64;\n\tkeepalive_requests 1000000000;",
        without_keepalive(text), flags=re.M)
    if count != 1:
        raise SystemExit("no upstream artifactd_read in nginx's configuration")
    return text


def control(directory, name="control", edit=with_keepalive):
    server = Server(directory, name)
    server.run(BUILD / "bench-control", server.socket, CONTROL_WORKERS)
    server.shipped_nginx(edit)
    return server


def closing_control(directory):
    """nginx opens a connection for each request."""
    return control(directory, "control-closing", without_keepalive)


KEEPALIVE = "upstream peer {{ server 127.0.0.1:{}; keepalive 64; }}"


def fastapi(directory):
    """None if it is not installed."""
    for module in ("fastapi", "uvicorn", "uvloop", "httptools"):
        if importlib.util.find_spec(module) is None:
            print(f"fastapi is left out: python has no {module}", flush=True)
            return None
    server = Server(directory, "fastapi")
    port = free_port()
    server.run("/usr/bin/python3", "-m", "uvicorn", "peer_fastapi:app",
               "--app-dir", TOP / "tests/bench", "--workers", 2,
               "--port", port, "--loop", "uvloop", "--http", "httptools",
               "--log-level", "warning", "--no-access-log",
               PEER_DATABASE=str(server.directory / "peer.db"),
               PYTHONDONTWRITEBYTECODE="1")
    server.peer_nginx(PROXY, KEEPALIVE.format(port))
    return server


def registry(directory):
    """None if it is not installed."""
    if shutil.which("docker-registry") is None:
        print("registry is left out: there is no docker-registry", flush=True)
        return None
    server = Server(directory, "registry")
    port = free_port()
    path = server.directory / "registry.yml"
    path.write_text(REGISTRY.format(dir=server.directory, port=port))
    server.run("docker-registry", "serve", path)
    server.peer_nginx(PROXY, KEEPALIVE.format(port))
    return server


def files(directory):
    """nginx alone: static files and WebDAV's PUT, which syncs nothing."""
    server = Server(directory, "files")
    root = server.directory / "root"
    root.mkdir()
    server.peer_nginx(f"root {root}; dav_methods PUT DELETE; "
                      "create_full_put_path on;")
    return server
