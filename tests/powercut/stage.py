"""The stage of the tests that play with the real program: both pretend systems, apart, and a gateway that can be killed.

Used by tests/powercut, tests/backup and tests/deploy. Standard library only.
"""

import http.client
import json
import os
import signal
import socket
import subprocess
import time
import urllib.parse

KEY = "the-key-of-this-gateway"
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def default_binary():
    target = os.environ.get("CARGO_TARGET_DIR") or os.path.join(ROOT, "target")
    return os.path.join(target, "debug", "int6-ozmap-gateway")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def call(url, method="GET", body=None, headers=None, timeout=30, connection=None):
    """Status, headers and JSON (or text) of an answer; raises OSError or HTTPException without one."""
    parts = urllib.parse.urlsplit(url)
    mine = connection or http.client.HTTPConnection(parts.hostname, parts.port, timeout=timeout)
    path = parts.path + ("?" + parts.query if parts.query else "")
    data = None if body is None else json.dumps(body).encode()
    sent = {"content-type": "application/json"} if data else {}
    try:
        mine.request(method, path, data, {**sent, **(headers or {})})
        answer = mine.getresponse()
        text = answer.read()
    finally:
        if connection is None:
            mine.close()
    try:
        value = json.loads(text) if text else None
    except ValueError:
        value = text.decode(errors="replace")
    return answer.status, answer.headers, value


class Systems:
    """The sandbox: a pretend OZmap and a pretend INT6 in a process of their own (and a gateway that nobody uses)."""

    def __init__(self, binary, folder, clients=400, latency_ms=0):
        self.log = open(os.path.join(folder, "systems.log"), "wb")
        arguments = [binary, "sandbox", "--clients", str(clients), "--interval", "0", "--drift", "0", "--latency", str(latency_ms)]
        environment = {k: v for k, v in os.environ.items() if not k.startswith(("GATEWAY_", "OZMAP_", "INT6_", "DATABASE_"))}
        self.process = subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=self.log, env=environment)
        self.settings = {}
        for line in self.process.stdout:
            if line.startswith(b"export "):
                self.settings = dict(pair.split("=", 1) for pair in line.decode().split()[1:])
                break
        if not self.settings:
            raise SystemExit("the sandbox did not start: see " + self.log.name)
        self.ozmap = self.settings["OZMAP_URL"] + "/api/v2"
        self.key = {"authorization": self.settings["OZMAP_API_KEY"]}

    def listed(self, what):
        """Every record of a kind."""
        rows, path = [], f"/api/v2/{what}?limit=500"
        while path:
            status, _, page = call(self.settings["OZMAP_URL"] + path, headers=self.key)
            if status != 200:
                raise SystemExit(f"the pretend OZmap answers {status} to {path}")
            rows += page["rows"]
            path = page.get("nextUrl") if page.get("hasNextPage") else None
        return rows

    def free_ports(self):
        """Splitter and port of each on which a client may be connected, and nobody is."""
        sites = {site["id"]: site for what in ("boxes", "buildings") for site in self.listed(what)}
        ports = []
        for splitter in self.listed("splitters"):
            site = sites.get(splitter["parent"])
            if splitter["isDrop"] and site and not site.get("draft"):
                blocked = {port["index"] for port in splitter["ports"] if port["blocked"]}
                outputs = splitter["connectables"]["output"]
                ports += [(splitter["id"], n) for n, held in enumerate(outputs, 1) if held is None and n not in blocked]
        return ports

    def owners(self):
        """Client code -> every place that OZmap's properties hold for it; one code twice shows as two places."""
        owners = {}
        for home in self.listed("properties"):
            client = home.get("client")
            code = client.get("code") if isinstance(client, dict) else None
            if code is not None:
                owners.setdefault(str(code), []).extend((c["id"], c["port"]) for c in home["connections"])
        return owners

    def stop(self):
        self.process.terminate()
        self.process.wait(30)
        self.log.close()


class Gateway:
    """`serve` of the real program."""

    def __init__(self, binary, systems, folder, database=None, environment=None, log=None, listen=None):
        self.address = listen or f"127.0.0.1:{free_port()}"
        self.url = "http://" + self.address
        self.log_path = log or os.path.join(folder, "..", "gateway.log")
        names = ("OZMAP_URL", "OZMAP_API_KEY", "INT6_URL", "INT6_EMAIL", "INT6_TOKEN")
        self.settings = {
            **{name: systems.settings[name] for name in names},
            "GATEWAY_API_KEY": KEY,
            "GATEWAY_LISTEN": self.address,
            "GATEWAY_LOG": os.environ.get("GATEWAY_LOG", "warn"),
            "DATABASE_URL": database or "sqlite://" + os.path.join(folder, "gateway.db"),
            "SYNC_INTERVAL_SECONDS": "0",
            **(environment or {}),
        }
        base = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ}
        with open(self.log_path, "ab") as log_file:
            self.process = subprocess.Popen(
                [binary, "serve"], cwd=folder, env={**base, **self.settings}, stdin=subprocess.DEVNULL, stdout=log_file, stderr=log_file
            )

    def call(self, path, method="GET", body=None, headers=None, **more):
        return call(self.url + path, method, body, {"x-api-key": KEY, **(headers or {})}, **more)

    def wait_ready(self, within=60):
        """Whether it became ready; false if it ended before, or never did."""
        until = time.monotonic() + within
        while time.monotonic() < until:
            if self.process.poll() is not None:
                return False
            try:
                if call(self.url + "/health/ready", timeout=5)[0] == 200:
                    return True
            except (OSError, http.client.HTTPException):
                pass
            time.sleep(0.02)
        return False

    def kill(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
        self.process.wait(30)

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
        return self.process.wait(60)

    def log_tail(self, lines=15):
        with open(self.log_path, errors="replace") as log:
            return "".join(log.readlines()[-lines:])


def activation(splitter, port):
    return {"splitter_id": splitter, "port": port}
