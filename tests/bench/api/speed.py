#!/usr/bin/env python3
"""How fast the catalogue is read: `python3 tests/bench/api/speed.py` (needs wrk, node 20, npm and mariadb-server).

    speed.py            jewel-api against the Node service in tests/bench/peer, by turns, on one database
    speed.py growth     list and search with 1,000, 10,000 and 100,000 products

Everything runs on this machine's cores at once: database, service and wrk. Figures of two machines, or of one machine
at different times, do not compare; the ratios of one run do. JEWEL_MYSQLD names another server than Debian's MariaDB,
JEWEL_API_BINARY a jewel-api that is built already.
"""

import argparse
import json
import os
import pathlib
import random
import statistics
import subprocess
import sys
import tempfile
import urllib.request

import catalogue
from servers import HERE, NAME, ORIGIN, ROOT, Database, jewel_api, memory_mb, peer

CONNECTIONS = 32
# How often the API must answer for each answer of the peer.
GOALS = {"list": 3.0, "detail": 4.0}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="?", choices=["speed", "growth"], default="speed")
    parser.add_argument("--products", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=5, help="how often the two sides take turns")
    parser.add_argument("--seconds", type=int, default=5, help="how long each turn is")
    arguments = parser.parse_args()
    binary = os.environ.get("JEWEL_API_BINARY") or build()
    if arguments.what == "growth":
        return growth(binary, arguments)
    return speed(binary, arguments)


def speed(binary, arguments):
    with shop(arguments.products) as (database, folder):
        with jewel_api(binary, database, folder) as (ours, process), peer(database, folder) as (theirs, _):
            same_answers(ours, theirs, arguments.products)
            rows = {}
            for kind, paths in (("list", catalogue.list_paths), ("detail", catalogue.detail_paths)):
                file = write_paths(folder, paths(arguments.products, random.Random(1)))
                sides = {"jewel-api": ours, "peer": theirs}
                for port in sides.values():
                    wrk(port, file, 2)
                turns = {side: [] for side in sides}
                for _ in range(arguments.rounds):
                    for side, port in sides.items():
                        turns[side].append(wrk(port, file, arguments.seconds))
                rows[kind] = {side: middle(results) for side, results in turns.items()}
            bare = bare_rate(database, folder, arguments.products)
            memory = memory_mb(process)
    good = memory < 80
    print(f"{'':8}{'side':10}{'requests/s':>12}{'p50 ms':>9}{'p99 ms':>9}{'failed':>8}{'of bare SELECT':>16}")
    for kind, sides in rows.items():
        for side, row in sides.items():
            share = row["rate"] / bare
            print(f"{kind:8}{side:10}{row['rate']:12.0f}{row['p50_ms']:9.1f}{row['p99_ms']:9.1f}{row['failed']:8}{share:16.1%}")
        api, other = sides["jewel-api"], sides["peer"]
        ratio = api["rate"] / other["rate"]
        good = good and ratio >= GOALS[kind] and api["p99_ms"] < other["p99_ms"] and api["failed"] == 0
        print(f"{kind:8}{ratio:.2f} times the peer (goal {GOALS[kind]:.0f}), p99 {api['p99_ms'] / other['p99_ms']:.2f} of the peer's")
    print(f"bare SELECT by primary key: {bare:.0f}/s; jewel-api's memory: {memory:.0f} MB (goal: below 80)")
    return 0 if good else 1


def growth(binary, arguments):
    kinds = {
        "list": catalogue.list_paths,
        "newest": catalogue.newest_paths,
        "cheapest": catalogue.cheapest_paths,
        "search": catalogue.search_paths,
        "detail": catalogue.detail_paths,
    }
    print(f"{'products':>9}  {'what':10}{'requests/s':>12}{'p50 ms':>9}{'p99 ms':>9}{'failed':>8}")
    for count in (1_000, 10_000, 100_000):
        with shop(count) as (database, folder), jewel_api(binary, database, folder) as (port, _):
            for kind, paths in kinds.items():
                file = write_paths(folder, paths(count, random.Random(1)))
                wrk(port, file, 2)
                # Few connections: this is about latency.
                row = middle([wrk(port, file, arguments.seconds, 2) for _ in range(3)])
                print(f"{count:9}  {kind:10}{row['rate']:12.0f}{row['p50_ms']:9.2f}{row['p99_ms']:9.2f}{row['failed']:8}")
    return 0


class shop:
    """A database with that many products, in a folder of its own."""

    def __init__(self, count):
        self.count = count

    def __enter__(self):
        self.directory = tempfile.TemporaryDirectory(prefix="jewel-bench-", ignore_cleanup_errors=True)
        folder = pathlib.Path(self.directory.name)
        folder.chmod(0o755)
        (folder / "db").mkdir()
        self.database = Database(folder / "db")
        self.serving = self.database.serve()
        self.serving.__enter__()
        self.database.migrate()
        self.database.load(catalogue.statements(self.count))
        return self.database, folder

    def __exit__(self, *error):
        self.serving.__exit__(*error)
        self.directory.cleanup()


def build():
    subprocess.run(
        ["cargo", "build", "--release", "-p", "jewel-api", "-p", "jewel-journal", "-p", "jewel-migrations"],
        cwd=ROOT, check=True,
    )
    return pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "release/jewel-api"


def wrk(port, file, seconds, connections=CONNECTIONS):
    command = [
        "wrk", "-t2", f"-c{connections}", f"-d{seconds}s", "-s", HERE / "load.lua", "-H", f"x-origin-verify: {ORIGIN}",
        f"http://127.0.0.1:{port}", "--", file,
    ]
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"wrk: {done.stderr}{done.stdout}")
    return json.loads(done.stdout.strip().splitlines()[-1])


def middle(results):
    row = {name: statistics.median(one[name] for one in results) for name in ("rate", "p50_ms", "p99_ms")}
    return {**row, "failed": sum(one["failed"] for one in results)}


def same_answers(ours, theirs, count):
    """A faster answer that says less would prove nothing."""
    rng = random.Random(3)
    for path in catalogue.list_paths(count, rng)[:20] + catalogue.detail_paths(count, rng)[:20]:
        one, other = read(ours, path), read(theirs, path)
        if "items" in one:
            mine, other["next_cursor"] = one.pop("next_cursor"), decoded(other["next_cursor"])
            one["next_cursor"] = decoded(mine)
        if one != other:
            sys.exit(f"the two sides disagree about {path}:\n{json.dumps(one)}\n{json.dumps(other)}")


def decoded(cursor):
    import base64

    return cursor and json.loads(base64.urlsafe_b64decode(cursor + "=="))


def read(port, path):
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", headers={"x-origin-verify": ORIGIN})
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


def bare_rate(database, folder, count):
    """What the server does when nobody is in between: one column by primary key."""
    rng, file = random.Random(2), folder / "bare.sql"
    keys = (catalogue.key("p", rng.randrange(count)).hex for _ in range(5_000))
    file.write_text(";".join(f"SELECT price_from_minor FROM products WHERE id = 0x{key}" for key in keys))
    queries = 200_000
    command = [
        "mariadb-slap", *database.client[1:], f"--create-schema={NAME}", "--no-drop", "--delimiter=;", f"--query={file}",
        f"--concurrency={CONNECTIONS}", f"--number-of-queries={queries}", "--csv", "--silent",
    ]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"mariadb-slap: {done.stderr}")
    return queries / float(done.stdout.split(",")[2])


def write_paths(folder, paths):
    file = folder / "paths"
    file.write_text("\n".join(paths) + "\n")
    return file


if __name__ == "__main__":
    sys.exit(main())
