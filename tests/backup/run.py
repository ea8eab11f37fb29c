#!/usr/bin/env python3
"""Backup and restore as docs/operation.md tells them, with the real program, on SQLite and on PostgreSQL.

    tests/backup/run.py [--binary PATH] [--only sqlite|postgres]

Promises are given while OZmap is away; a backup is made while others write; then the machine is lost. The gateway goes on
with what was restored, OZmap is back, and
- every promise from before the backup is kept: it is known, succeeds, and its port is the client's in OZmap's own books;
- one from after it is unknown (404) or kept, and nothing in between;
- the same request again is carried out, and no port has two owners: what is lost can be asked for again;
- the runs from before are there, and new ones, promises and activations work.
"""

import argparse
import glob
import http.client
import os
import pwd
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "powercut"))
from stage import Gateway, Systems, activation, default_binary, free_port  # noqa: E402

BEFORE = 24
WITHIN = 90


def expect(holds, what):
    if not holds:
        raise SystemExit(f"FAILED: {what}")


class Sqlite:
    """The embedded database."""

    name = "sqlite"

    def __init__(self, folder):
        self.path = os.path.join(folder, "gateway.db")
        self.copy = os.path.join(folder, "backup.db")
        self.restored = os.path.join(folder, "new", "gateway.db")
        self.url = "sqlite://" + self.path

    def backup(self):
        # The paper has the program sqlite3; the statement is the same.
        connection = sqlite3.connect(self.path, timeout=30)
        connection.execute("VACUUM INTO ?", (self.copy,))
        connection.close()

    def lose(self):
        for path in glob.glob(self.path + "*"):
            os.remove(path)

    def restore(self):
        os.makedirs(os.path.dirname(self.restored))
        shutil.copy(self.copy, self.restored)
        with sqlite3.connect(self.restored) as connection:
            expect(connection.execute("PRAGMA integrity_check").fetchone() == ("ok",), "the backup is whole")
        return "sqlite://" + self.restored

    def stop(self):
        pass


class Postgres:
    """A throw-away server."""

    name = "postgres"

    def __init__(self, folder):
        self.folder, self.port = os.path.join(folder, "pg"), free_port()
        found = sorted(glob.glob("/usr/lib/postgresql/*/bin"), key=lambda path: int(path.split("/")[4]))
        self.programs = found[-1] if found else os.path.dirname(shutil.which("initdb") or "")
        expect(self.programs, "PostgreSQL's server programs are on this machine (Debian: apt-get install postgresql)")
        os.makedirs(self.folder)
        self.user = None
        if os.geteuid() == 0:
            self.user = next(name for name in ("postgres", "nobody") if name in {entry.pw_name for entry in pwd.getpwall()})
            shutil.chown(self.folder, self.user)
            os.chmod(folder, 0o755)
        self.data, self.dump = os.path.join(self.folder, "data"), os.path.join(self.folder, "backup.dump")
        self.run("initdb", "--no-sync", "--auth=trust", "--username=gateway", "--encoding=UTF8", "--locale=C", "-D", self.data)
        options = f"-c listen_addresses=127.0.0.1 -p {self.port} -c unix_socket_directories= -c max_connections=60"
        self.run("pg_ctl", "start", "--wait", "-D", self.data, "-l", os.path.join(self.folder, "log"), "-o", options)
        self.run("createdb", *self.where(), "before")
        self.url = self.url_of("before")

    def where(self):
        return ["-h", "127.0.0.1", "-p", str(self.port), "-U", "gateway"]

    def url_of(self, database):
        return f"postgres://gateway:none@127.0.0.1:{self.port}/{database}"

    def run(self, program, *arguments):
        command = [os.path.join(self.programs, program), *arguments]
        with tempfile.TemporaryFile() as said:
            done = subprocess.run(command, user=self.user, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=said, stderr=said)
            said.seek(0)
            expect(done.returncode == 0, f"{program}: {said.read().decode(errors='replace')}")

    def backup(self):
        self.run("pg_dump", *self.where(), "--format=custom", f"--file={self.dump}", "before")

    def lose(self):
        self.run("dropdb", *self.where(), "before")

    def restore(self):
        self.run("createdb", *self.where(), "after")
        self.run("pg_restore", *self.where(), "--exit-on-error", "--single-transaction", "--dbname=after", self.dump)
        return self.url_of("after")

    def stop(self):
        self.run("pg_ctl", "stop", "--wait", "--mode=immediate", "-D", self.data)


def promise(gateway, code, place):
    body = {**activation(*place), "name": f"Cliente {code}", "address": "Rua das Orquídeas, 1"}
    status, _, answer = gateway.call(f"/v1/clients/{code}/activation", "PUT", body, {"prefer": "respond-async"})
    expect(status == 202, f"client {code} is promised its port: {status} {answer}")
    return answer["id"]


def ended(gateway, operations):
    """What each became, once none is pending; None where it is unknown."""
    until, states = time.monotonic() + WITHIN, {}
    while len(states) < len(operations):
        for operation in operations:
            status, _, body = gateway.call(f"/v1/operations/{operation}")
            if status == 404:
                states[operation] = None
            elif status == 200 and body["state"] != "pending":
                states[operation] = body["state"]
        expect(time.monotonic() < until, f"{len(operations) - len(states)} operations are pending after {WITHIN} s")
        time.sleep(0.05)
    return states


def story(database, binary, systems, folder):
    places = systems.free_ports()
    nowhere = f"http://127.0.0.1:{free_port()}"
    first = Gateway(binary, systems, folder, database.url, {"OZMAP_URL": nowhere}, os.path.join(folder, "first.log"))
    try:
        expect(first.wait_ready(), f"the gateway begins:\n{first.log_tail()}")
        status, _, run = first.call("/v1/sync-runs", "POST", {"dry_run": True})
        expect(status == 202, f"a run is accepted: {status}")
        codes = [str(870_000 + n) for n in range(4 * BEFORE)]
        wishes = dict(zip(codes, places))
        before = {promise(first, code, wishes[code]): code for code in codes[:BEFORE]}
        # Others write while the backup is made.
        after, stop = {}, threading.Event()

        def go_on():
            for code in codes[BEFORE:]:
                if stop.is_set():
                    return
                try:
                    after[promise(first, code, wishes[code])] = code
                except (OSError, http.client.HTTPException, SystemExit):
                    return

        writer = threading.Thread(target=go_on)
        writer.start()
        database.backup()
        stop.set()
        writer.join()
        late = promise(first, codes[-1], wishes[codes[-1]])
    finally:
        first.kill()
    database.lose()

    url = database.restore()
    second = Gateway(binary, systems, folder, url, log=os.path.join(folder, "second.log"))
    try:
        expect(second.wait_ready(), f"the gateway begins with what was restored:\n{second.log_tail()}")
        became = ended(second, before)
        broken = {before[operation]: state for operation, state in became.items() if state != "succeeded"}
        expect(not broken, f"what was promised before the backup is kept: {broken}")
        became = ended(second, after)
        expect(set(became.values()) <= {None, "succeeded"}, f"what came beside it is whole or not there: {became}")
        expect(second.call(f"/v1/operations/{late}")[0] == 404, "what came after the backup is unknown")
        expect(second.call(f"/v1/sync-runs/{run['id']}")[0] == 200, "the run from before is in the record")
        # Whoever got no end asks again.
        lost = [code for operation, code in after.items() if became[operation] is None] + [codes[-1]]
        again = {promise(second, code, wishes[code]): code for code in lost}
        expect(set(ended(second, again).values()) <= {"succeeded"}, "what was lost is carried out once asked for again")
        status, _, _ = second.call(f"/v1/clients/{codes[0]}/activation", "PUT", activation(*wishes[codes[0]]))
        expect(status == 200, f"an activation works: {status}")
        owners = systems.owners()
        for code in {*before.values(), *after.values(), codes[-1]}:
            expect(owners.get(code) == [wishes[code]], f"client {code} is on {owners.get(code)}, not on {wishes[code]}")
        expect(second.stop() == 0, "the gateway stops")
    finally:
        second.kill()
    print(f"{database.name}: {len(before)} promises from before the backup kept, {len(after)} beside it whole, {len(lost)} asked for again")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--binary", default=default_binary())
    parser.add_argument("--only", choices=("sqlite", "postgres"))
    options = parser.parse_args()
    binary = os.path.abspath(options.binary)
    for kind in (Sqlite, Postgres):
        if options.only in (None, kind.name):
            with tempfile.TemporaryDirectory(prefix="backup-") as folder:
                systems, database = Systems(binary, folder), None
                try:
                    database = kind(folder)
                    story(database, binary, systems, folder)
                finally:
                    if database:
                        database.stop()
                    systems.stop()


if __name__ == "__main__":
    main()
