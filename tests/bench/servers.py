# SPDX-License-Identifier: ISC
"""servers.py - artifactd, the control and the peers, each behind an nginx.

Every nginx is the same program with two workers. artifactd and the control
have the configuration that artifactd ships; the peers have the one that their
own documentation recommends. All servers work in one directory, listen on
loopback, and are ended by their pids.
"""
import os
import pathlib
import socket
import subprocess
import time
import urllib.request

TOP = pathlib.Path(os.environ["TOP_SRCDIR"])
BUILD = pathlib.Path(os.environ["BENCH_BUILD"])
WORKERS = 32

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
        pids += [int(word) for word in tasks.read_text().split()]
    return pids


class Server:
    """One subject: its processes, of which nginx is the last, and its
    address."""

    started = []

    def __init__(self, directory, name):
        Server.started.append(self)
        self.name = name
        self.directory = pathlib.Path(directory) / name
        self.directory.mkdir(parents=True)
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.children = []

    def run(self, *command, **environment):
        log = open(self.directory / "log", "ab")
        self.children.append(subprocess.Popen(
            [str(word) for word in command], stdout=log, stderr=log,
            env={**os.environ, **environment}))
        return self.children[-1]

    def secret(self):
        """The file by which artifactd knows this nginx."""
        path = self.directory / "nginx-secret.conf"
        subprocess.run([TOP / "nginx/make-secret.sh", path, str(os.getgid())],
                       check=True)
        return path

    def artifactd(self, program, fcgi_socket, store):
        self.run(BUILD / program, "-c", "/dev/null", "--set",
                 f"listen={fcgi_socket}", "--set", f"state_dir={store}",
                 "--set", f"secret_file={self.secret()}")

    def shipped_nginx(self, fcgi_socket):
        subprocess.run([
            TOP / "nginx/render.sh", self.directory / "conf",
            f"PORT={self.port}", f"STATE_DIR={self.directory}",
            f"FCGI_SOCKET={fcgi_socket}", f"USER_LINE={user_line()}",
            f"SECRET_FILE={self.secret()}"], check=True)
        (self.directory / "nginx-tmp").mkdir()
        self.run("nginx", "-p", self.directory, "-c",
                 self.directory / "conf/nginx.conf")

    def peer_nginx(self, location, upstream=""):
        path = self.directory / "nginx.conf"
        path.write_text(PEER_NGINX.format(
            dir=self.directory, port=self.port, location=location,
            upstream=upstream, user=user_line()))
        self.run("nginx", "-p", self.directory, "-c", path)

    def wait(self, path):
        """Until it answers that path with anything."""
        for _ in range(300):
            try:
                urllib.request.urlopen(self.url + path, timeout=2).read()
                return self
            except urllib.error.HTTPError:
                return self
            except OSError:
                time.sleep(0.05)
        raise SystemExit(f"{self.name} does not answer; see "
                         f"{self.directory}/log")

    def pids(self):
        """{kind: its processes}: nginx, worker and, of artifactd, writer."""
        kinds = {"nginx": family(self.children[-1].pid), "worker": [],
                 "writer": []}
        for child in self.children[:-1]:
            kinds["worker"] += family(child.pid)
        if self.name.startswith("artifactd"):
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


def artifactd(directory, program="artifactd"):
    server = Server(directory, program)
    fcgi_socket = server.directory / "fcgi.sock"
    store = server.directory / "store"
    subprocess.run([BUILD / "artifactctl", "init", "--config", "/dev/null",
                    "--set", f"state_dir={store}"], check=True,
                   stdout=subprocess.DEVNULL)
    server.artifactd(program, fcgi_socket, store)
    server.shipped_nginx(fcgi_socket)
    return server.wait("/healthz")


def control(directory):
    server = Server(directory, "control")
    fcgi_socket = server.directory / "fcgi.sock"
    server.run(BUILD / "bench-control", fcgi_socket, WORKERS)
    server.shipped_nginx(fcgi_socket)
    return server.wait("/control/10")


def fastapi(directory):
    server = Server(directory, "fastapi")
    port = free_port()
    server.run("/usr/bin/python3", "-m", "uvicorn", "peer_fastapi:app",
               "--app-dir", TOP / "tests/bench", "--workers", 2,
               "--port", port, "--loop", "uvloop", "--http", "httptools",
               "--log-level", "warning", "--no-access-log",
               PEER_DATABASE=str(server.directory / "peer.db"),
               PYTHONDONTWRITEBYTECODE="1")
    server.peer_nginx(PROXY, "upstream peer { server 127.0.0.1:%d; "
                             "keepalive 64; }" % port)
    return server.wait("/artifacts?limit=1")


def registry(directory):
    server = Server(directory, "registry")
    port = free_port()
    path = server.directory / "registry.yml"
    path.write_text(REGISTRY.format(dir=server.directory, port=port))
    server.run("docker-registry", "serve", path)
    server.peer_nginx(PROXY, "upstream peer { server 127.0.0.1:%d; "
                             "keepalive 64; }" % port)
    return server.wait("/v2/")


def files(directory):
    """nginx alone: static files and WebDAV's PUT, which syncs nothing."""
    server = Server(directory, "files")
    root = server.directory / "root"
    root.mkdir()
    server.peer_nginx(f"root {root}; dav_methods PUT DELETE; "
                      "create_full_put_path on;")
    return server.wait("/")
