#!/usr/bin/env python3
"""Power cuts: the gateway on SQLite is cut off at random moments, and its disk keeps what was flushed and a random part of the rest.

    tests/powercut/run.py [--cuts 20] [--seed N] [--binary PATH] [--flush-us N] [--keep FOLDER]

The gateway works on a file layer that forgets (forget.c, by LD_PRELOAD). Callers activate, with `Prefer: respond-async` and
without, and ask for runs. It is killed, and begins anew on what disk.py says that a disk may hold. Then
- the database opens, and is whole;
- whatever was answered with 2xx is known: every operation, every run, every activation;
- in the end every operation has ended as succeeded or superseded, each client has one record and is on the port of its
  last accepted wish: this is read from the pretend OZmap's own books, which no cut has touched.

Exit status 0 if nothing was lost. A failing seed makes the same cuts of the same journals, as far as the threads of both
programs allow; --keep keeps the disk before and after the cut that lost something.
"""

import argparse
import http.client
import os
import random
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from disk import Journal, after_cut  # noqa: E402
from stage import KEY, Gateway, Systems, activation, call, default_binary  # noqa: E402

CLIENTS = 24
CALLERS = 6
#: Accepted and not yet ended, for each client: more would only make the end longer.
MOST_WAITING = 2
LONGEST_QUIET = 180


def layer(folder):
    """The file layer, compiled."""
    source = os.path.join(os.path.dirname(os.path.abspath(__file__)), "forget.c")
    library = os.path.join(folder, "forget.so")
    subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-Wall", "-o", library, source, "-ldl", "-lpthread"], check=True)
    return library


#: Commits rows and says so, until it is killed.
WRITER = """
import sqlite3, sys
folder, level = sys.argv[1:]
database = sqlite3.connect(folder + "/rows.db", isolation_level=None)
database.execute("PRAGMA journal_mode = WAL")
database.execute(f"PRAGMA synchronous = {level}")
database.execute("PRAGMA wal_autocheckpoint = 50")
database.execute("CREATE TABLE IF NOT EXISTS rows (id INTEGER PRIMARY KEY, text TEXT)")
while True:
    added = database.execute("INSERT INTO rows (text) VALUES (hex(randomblob(500))) RETURNING id").fetchall()
    print(added[0][0], flush=True)
"""


def rows_lost(level, folder, library, chance, cuts=12):
    """How many rows SQLite has lost that it had committed at this level, over some cuts."""
    disk, work, journal = (os.path.join(folder, "layer-" + name) for name in ("disk", "work", "journal"))
    shutil.rmtree(disk, ignore_errors=True)
    os.makedirs(disk)
    last = lost = 0
    for _ in range(cuts):
        shutil.rmtree(work, ignore_errors=True)
        shutil.copytree(disk, work)
        if os.path.exists(journal):
            os.remove(journal)
        environment = {**os.environ, "LD_PRELOAD": library, "FORGET_FOLDER": work, "FORGET_JOURNAL": journal}
        # Debian's python3 and its SQLite, or whichever: the layer is below both.
        writer = subprocess.Popen([sys.executable, "-c", WRITER, work, level], stdout=subprocess.PIPE, env=environment)
        for _ in range(chance.randrange(5, 120)):
            line = writer.stdout.readline()
            if not line:
                raise SystemExit("the writer that tries the layer ended by itself")
            last = int(line)
        writer.kill()
        said = writer.communicate()[0].split()
        last = int(said[-1]) if said else last
        after_cut(disk, Journal(journal), os.path.join(folder, "layer-after"), chance)
        shutil.rmtree(disk)
        os.rename(os.path.join(folder, "layer-after"), disk)
        said = is_whole(disk, "rows.db")
        if said:
            raise SystemExit(f"SQLite itself lost its database at {level}: {said}: the layer is wrong")
        with sqlite3.connect(os.path.join(disk, "rows.db")) as database:
            try:
                kept = database.execute("SELECT COALESCE(MAX(id), 0) FROM rows").fetchone()[0]
            except sqlite3.OperationalError:
                kept = 0  # not even its table
        lost += max(0, last - kept)
        last = kept
    return lost


def prove(folder, library, chance):
    """The layer forgets, and only what was not flushed: else a quiet result would say nothing."""
    normal, full = (rows_lost(level, folder, library, chance) for level in ("NORMAL", "FULL"))
    print(f"the layer, on SQLite itself: {normal} committed rows lost at synchronous=NORMAL, {full} at FULL", flush=True)
    if normal == 0 or full > 0:
        raise SystemExit("the file layer is wrong: some are to be lost at NORMAL, and none at FULL")


class Client:
    """A client of ours with two ports of its own, and what it was promised."""

    def __init__(self, code, ports):
        self.code, self.ports = code, ports
        self.turn = 0
        self.wish = None  # the last accepted port
        self.maybe = set()  # ports of wishes since then that were not answered, or not with 2xx
        self.waiting = []  # operations that have not been seen to have ended


class Story:
    def __init__(self, systems, chance):
        self.systems, self.chance = systems, chance
        free = systems.free_ports()
        chance.shuffle(free)
        if len(free) < 2 * CLIENTS:
            raise SystemExit("the town has too few free ports")
        self.clients = [Client(str(880_000 + n), free[2 * n : 2 * n + 2]) for n in range(CLIENTS)]
        self.lock = threading.Lock()
        self.promised = 0  # 202
        self.done = 0  # 200, 201
        self.runs = []  # ids of runs that were accepted since the last look
        self.activations = []  # codes of clients activated with 2xx since the last look, with their time
        self.faults = []

    def fault(self, what):
        self.faults.append(what)
        print("LOST:", what, flush=True)

    def caller(self, gateway, clients, stop, seed):
        """One who asks until the lights go out."""
        chance = random.Random(seed)
        host, port = gateway.address.split(":")
        connection = http.client.HTTPConnection(host, int(port), timeout=30)
        ask = lambda *a, **k: call(*a, connection=connection, **k)
        while not stop.is_set():
            try:
                if chance.random() < 0.04:
                    status, _, body = ask(gateway.url + "/v1/sync-runs", "POST", {"dry_run": True}, {"x-api-key": KEY})
                    if status == 202:
                        with self.lock:
                            self.runs.append(body["id"])
                    continue
                self.activate(gateway, ask, chance.choice(clients), chance)
            except (OSError, http.client.HTTPException):
                connection.close()
                if gateway.process.poll() is not None:
                    return
        connection.close()

    def activate(self, gateway, ask, client, chance):
        stored = chance.random() < 0.75
        if stored and len(client.waiting) >= MOST_WAITING:
            time.sleep(0.005)
            return
        client.turn ^= 1
        place = client.ports[client.turn]
        headers = {"x-api-key": KEY, **({"prefer": "respond-async"} if stored else {})}
        client.maybe.add(place)
        body = {**activation(*place), "name": f"Cliente {client.code}", "address": "Rua das Orquídeas, 1"}
        status, _, answer = ask(f"{gateway.url}/v1/clients/{client.code}/activation", "PUT", body, headers)
        if status == 202:
            client.wish, client.maybe = place, set()
            client.waiting.append(answer["id"])
            with self.lock:
                self.promised += 1
        elif status in (200, 201):
            client.wish, client.maybe = place, set()
            with self.lock:
                self.done += 1
                self.activations.append(client.code)
        elif status not in (409, 429, 503):
            self.fault(f"client {client.code}: an activation was answered {status}: {answer}")

    def look(self, gateway):
        """Whatever was promised is known."""
        for client in self.clients:
            for operation in list(client.waiting):
                status, _, body = gateway.call(f"/v1/operations/{operation}")
                if status != 200:
                    self.fault(f"client {client.code}: operation {operation} was promised, and is answered {status}")
                    client.waiting.remove(operation)
                elif body["state"] in ("succeeded", "superseded"):
                    client.waiting.remove(operation)
                elif body["state"] != "pending":
                    self.fault(f"client {client.code}: operation {operation} ended as {body['state']}: {body['problem']}")
                    client.waiting.remove(operation)
        for run in self.runs:
            status, _, _ = gateway.call(f"/v1/sync-runs/{run}")
            if status != 200:
                self.fault(f"run {run} was answered 202, and is answered {status}")
        for code in self.activations:
            status, _, body = gateway.call(f"/v1/activations?code={code}&limit=200")
            ended = [a for a in body["activations"] if a["operation_id"] is None and a["result"] in ("created", "updated", "unchanged")]
            if not ended:
                self.fault(f"client {code}: an activation was answered 2xx, and none is in the record")
        self.runs, self.activations = [], []

    def quiet(self, gateway):
        """Waits until every operation has ended, and compares OZmap's books."""
        until = time.monotonic() + LONGEST_QUIET
        while any(client.waiting for client in self.clients):
            if time.monotonic() > until:
                waiting = {client.code: client.waiting for client in self.clients if client.waiting}
                self.fault(f"still pending after {LONGEST_QUIET} s: {waiting}")
                break
            self.look(gateway)
            time.sleep(0.1)
        owners = self.systems.owners()
        for client in self.clients:
            places = owners.get(client.code, [])
            allowed = {client.wish} | client.maybe
            if client.wish is None:
                continue
            if len(places) != 1 or places[0] not in allowed:
                self.fault(f"client {client.code} is on {places}, and was promised {client.wish} (or {client.maybe or 'nothing else'})")
        taken = [place for places in owners.values() for place in places]
        for place in {place for place in taken if taken.count(place) > 1}:
            self.fault(f"port {place} has two owners")


def is_whole(folder, name="gateway.db"):
    """Whether SQLite opens a copy and finds it whole; what it says if not."""
    with tempfile.TemporaryDirectory() as copy:
        for file in os.listdir(folder):
            shutil.copy(os.path.join(folder, file), copy)
        path = os.path.join(copy, name)
        if not os.path.exists(path):
            return None  # it never was
        try:
            with sqlite3.connect(path) as database:
                said = database.execute("PRAGMA integrity_check").fetchone()[0]
        except sqlite3.Error as error:
            said = str(error)
    return None if said == "ok" else said


def first_starts(cuts, story, options, folder, library, chance):
    """Cuts while the database is being made: what is left is no database, or one with which the gateway begins."""
    work, journal, after, empty = (os.path.join(folder, "first-" + name) for name in ("work", "journal", "after", "empty"))
    os.makedirs(empty)
    for number in range(cuts):
        for path in (work, after):
            shutil.rmtree(path, ignore_errors=True)
        os.makedirs(work)
        if os.path.exists(journal):
            os.remove(journal)
        environment = {"LD_PRELOAD": library, "FORGET_FOLDER": work, "FORGET_JOURNAL": journal, "FORGET_FLUSH_US": str(options.flush_us)}
        log = os.path.join(folder, "gateway.log")
        gateway = Gateway(options.binary, story.systems, work, environment=environment, log=log)
        # Until its first flushes, and then for as long as its tables take.
        until = time.monotonic() + 5
        while time.monotonic() < until and not (os.path.exists(journal) and os.path.getsize(journal)):
            time.sleep(0.001)
        time.sleep(chance.random() * 0.08)
        gateway.kill()
        after_cut(empty, Journal(journal), after, chance)
        again = Gateway(options.binary, story.systems, after, log=log)
        if not again.wait_ready():
            story.fault(f"the gateway does not begin after a cut at its first start:\n{again.log_tail()}")
            if options.keep:
                shutil.copytree(folder, os.path.join(options.keep, f"first-{number}"), dirs_exist_ok=True)
        again.kill()


def one_cut(number, story, options, folder, library, chance):
    """From a disk to the disk after the cut; returns writes, flushes and unflushed writes."""
    disk, work, journal = (os.path.join(folder, name) for name in ("disk", "work", "journal"))
    shutil.rmtree(work, ignore_errors=True)
    shutil.copytree(disk, work)
    if os.path.exists(journal):
        os.remove(journal)
    environment = {"LD_PRELOAD": library, "FORGET_FOLDER": work, "FORGET_JOURNAL": journal, "FORGET_FLUSH_US": str(options.flush_us)}
    gateway = Gateway(options.binary, story.systems, work, environment=environment, log=os.path.join(folder, "gateway.log"))
    try:
        # Some cuts come while it begins.
        if number % 10 == 7:
            time.sleep(chance.random() * 0.3)
        elif not gateway.wait_ready():
            story.fault(f"the gateway does not begin after cut {number - 1}:\n{gateway.log_tail()}")
        else:
            story.look(gateway)
            if number % 10 == 9:
                story.quiet(gateway)
            stop, threads = threading.Event(), []
            for n in range(CALLERS):
                mine = story.clients[n::CALLERS]
                threads.append(threading.Thread(target=story.caller, args=(gateway, mine, stop, chance.random())))
            for thread in threads:
                thread.start()
            time.sleep(0.05 + chance.random() * 0.8)
            gateway.kill()
            stop.set()
            for thread in threads:
                thread.join()
    finally:
        gateway.kill()
    read = Journal(journal)
    after_cut(disk, read, os.path.join(folder, "after"), chance)
    said = is_whole(os.path.join(folder, "after"))
    if said:
        story.fault(f"the database is broken after cut {number}: {said}")
    if story.faults and options.keep:
        shutil.copytree(folder, os.path.join(options.keep, f"cut-{number}"), dirs_exist_ok=True)
    shutil.rmtree(disk)
    os.rename(os.path.join(folder, "after"), disk)
    return read.writes, read.flushes, read.unflushed()


def run(options, folder):
    chance = random.Random(options.seed)
    library = layer(folder)
    prove(folder, library, chance)
    systems = Systems(options.binary, folder, latency_ms=options.latency)
    story = Story(systems, chance)
    totals, begun = [0, 0, 0], time.monotonic()
    try:
        first_starts(max(3, options.cuts // 20), story, options, folder, library, chance)
        os.makedirs(os.path.join(folder, "disk"))
        for number in range(options.cuts):
            figures = one_cut(number, story, options, folder, library, chance)
            totals = [total + figure for total, figure in zip(totals, figures)]
            if options.cuts > 50 and number % 50 == 49:
                print(f"{number + 1} cuts, {story.promised} promises, {len(story.faults)} lost", flush=True)
            if len(story.faults) > 20:
                print("enough was lost: no more cuts")
                break
        last = Gateway(options.binary, systems, os.path.join(folder, "disk"), log=os.path.join(folder, "gateway.log"))
        try:
            if last.wait_ready():
                story.look(last)
                story.quiet(last)
            else:
                story.fault(f"the gateway does not begin after the last cut:\n{last.log_tail()}")
        finally:
            last.stop()
    finally:
        systems.stop()
    print(
        f"{number + 1} cuts in {time.monotonic() - begun:.0f} s (seed {options.seed}): {story.promised} promises (202), {story.done} "
        f"activations (2xx); {totals[0]} writes, {totals[1]} flushes, {totals[2]} writes not flushed at a cut; {len(story.faults)} lost"
    )
    if story.promised < options.cuts:
        print("fewer promises than cuts: this has shown nothing")
        return 1
    return 1 if story.faults else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cuts", type=int, default=20)
    parser.add_argument("--seed", type=int, default=random.randrange(1_000_000))
    parser.add_argument("--binary", default=default_binary())
    parser.add_argument("--flush-us", type=int, default=500, help="how long a flush takes, in microseconds")
    parser.add_argument("--latency", type=int, default=10, help="of the pretend systems, in milliseconds")
    parser.add_argument("--keep", help="folder for the disks around a cut that lost something")
    options = parser.parse_args()
    options.binary = os.path.abspath(options.binary)
    with tempfile.TemporaryDirectory(prefix="powercut-") as folder:
        return run(options, folder)


if __name__ == "__main__":
    sys.exit(main())
