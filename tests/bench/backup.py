#!/usr/bin/env python3
"""How fast a database is backed up and restored, beside the tools that everybody has.

On one server, one after another: ours (compressed, encrypted, hashed, stored), `mariadb-dump | zstd`, mydumper; then
ours, the pipe back into the client, and myloader. Prints seconds and ratios, and fails when a target is missed or when
a restored table has other contents or keys than it had.

    cargo build --release -p jewel-backup --example backup
    tests/bench/backup.py --program target/release/examples/backup

Needs Debian's mariadb-server-core, mariadb-client, mydumper, sysbench and zstd, and 3 GB of disk. `--keep DIR` keeps the
database (of 1.2 million rows in each of four tables) for the next time; `--only ours` leaves the others out.
"""

import argparse
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile
import time

TABLES = 4
PASSWORD = "for-the-bench"
#: What is asked for: (what, the other tool, how many times as fast).
TARGETS = [
    ("back up", "mariadb-dump | zstd", 1.8),
    ("back up", "mydumper", 4.0),
    ("restore", "zstd | mariadb", 3.0),
    ("restore", "myloader", 1.5),
]
MEMORY_LIMIT_MB = 200


class Server:
    """A MariaDB of our own, on a port of our own."""

    def __init__(self, folder: pathlib.Path):
        self.folder = folder
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        user = ["--user=nobody"] if os.geteuid() == 0 else []
        if not (folder / "data").exists():
            folder.mkdir(parents=True, exist_ok=True)
            if user:
                shutil.chown(folder, "nobody")
            subprocess.run(
                ["mariadb-install-db", "--no-defaults", "--auth-root-authentication-method=normal", "--skip-test-db",
                 f"--datadir={folder}/data", *user],
                check=True, stdout=subprocess.DEVNULL,
            )
        self.process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "TERM", "--", shutil.which("mariadbd") or "/usr/sbin/mariadbd", "--no-defaults",
             f"--datadir={folder}/data", f"--socket={folder}/socket", f"--port={self.port}", "--bind-address=127.0.0.1",
             "--innodb-buffer-pool-size=1G", "--innodb-log-file-size=512M", "--skip-log-bin", "--local-infile=1", *user],
            stdout=subprocess.DEVNULL, stderr=open(folder / "log", "w"),
        )
        deadline = time.monotonic() + 90
        while subprocess.run(self.client("-e", "SELECT 1"), capture_output=True).returncode != 0:
            assert self.process.poll() is None, (folder / "log").read_text()
            assert time.monotonic() < deadline, "the server does not answer"
            time.sleep(0.1)
        self.sql(f"CREATE USER IF NOT EXISTS bench@'%' IDENTIFIED BY '{PASSWORD}'; GRANT ALL ON *.* TO bench@'%'")

    def client(self, *arguments):
        return ["mariadb", "--no-defaults", f"--socket={self.folder}/socket", "--user=root", "--batch", "--skip-column-names",
                *arguments]

    def sql(self, text: str) -> str:
        return subprocess.run(self.client("-e", text), check=True, capture_output=True, text=True).stdout

    def contents(self, schema: str):
        """Checksums and keys of all tables."""
        tables = [f"{schema}.sbtest{number}" for number in range(1, TABLES + 1)]
        sums = self.sql("CHECKSUM TABLE " + ", ".join(tables)).replace(schema + ".", "")
        keys = self.sql(
            "SELECT table_name, index_name, seq_in_index, column_name, non_unique FROM information_schema.statistics "
            f"WHERE table_schema = '{schema}' ORDER BY 1, 2, 3"
        )
        return sums, keys

    def stop(self):
        self.process.terminate()
        self.process.wait()


def prepare(server: Server, rows: int):
    for left in ("again", "piped", "loaded"):
        server.sql(f"DROP DATABASE IF EXISTS {left}")
    if server.sql("SHOW DATABASES LIKE 'shop'"):
        return
    print(f"filling {TABLES} tables of {rows} rows", flush=True)
    server.sql("CREATE DATABASE shop")
    subprocess.run(
        ["sysbench", "oltp_read_write", f"--tables={TABLES}", f"--table-size={rows}", "--threads=2", "--mysql-db=shop",
         "--mysql-host=127.0.0.1", f"--mysql-port={server.port}", "--mysql-user=bench", f"--mysql-password={PASSWORD}",
         "prepare"],
        check=True, stdout=subprocess.DEVNULL,
    )
    # Nothing of the filling is left to be written while others are measured.
    server.sql("SET GLOBAL innodb_max_dirty_pages_pct = 0")
    while int(server.sql("SHOW GLOBAL STATUS LIKE 'Innodb_buffer_pool_pages_dirty'").split()[1]) > 100:
        time.sleep(0.2)
    server.sql("SET GLOBAL innodb_max_dirty_pages_pct = 90")


def timed(what: str, tool: str, command: list, results: dict, rounds: int = 1, before=lambda: None, **options):
    best, output = None, ""
    for _ in range(rounds):
        before()
        subprocess.run(["sync"], check=True)
        start = time.monotonic()
        done = subprocess.run(command, check=True, text=True, capture_output=True, **options)
        seconds = time.monotonic() - start
        best = seconds if best is None else min(best, seconds)
        output = done.stdout + done.stderr
    results[what, tool] = best
    print(f"{what:8} {tool:20} {best:6.2f} s", flush=True)
    return output


def peak_mb(output: str) -> float:
    line = next(line for line in output.splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


def measure(server: Server, folder: pathlib.Path, program: str, only_ours: bool, rounds: int):
    results, memory = {}, {}
    at = f"bench@127.0.0.1:{server.port}"
    login = ["--host=127.0.0.1", f"--port={server.port}", "--user=bench", f"--password={PASSWORD}"]
    keys, store, plain, many = (folder / name for name in ("keys", "store", "dump.zst", "mydumper"))
    environment = {**os.environ, "DATABASE_PASSWORD": PASSWORD}

    def clear():
        for path in (store, many):
            shutil.rmtree(path, ignore_errors=True)

    subprocess.run([program, "keys", keys], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    output = timed("back up", "ours", [program, "create", keys, store, f"{at}/shop"], results, rounds,
                   lambda: shutil.rmtree(store, ignore_errors=True), env=environment)
    memory["back up"] = peak_mb(output)
    backup = output.splitlines()[-2]
    if not only_ours:
        dump = f"mariadb-dump --no-defaults {' '.join(login)} --single-transaction shop | zstd -q -f -o {plain}"
        timed("back up", "mariadb-dump | zstd", ["bash", "-o", "pipefail", "-c", dump], results, rounds)
        timed("back up", "mydumper", ["mydumper", *login, "--database=shop", "--threads=2", "--compress",
                                      f"--outputdir={many}"], results, 1, lambda: shutil.rmtree(many, ignore_errors=True))

    expected = server.contents("shop")
    same = True

    def check(schema):
        nonlocal same
        found = server.contents(schema) == expected
        same &= found
        if not found:
            print(f"{schema} is not what was backed up")
        server.sql(f"DROP DATABASE {schema}")

    output = timed("restore", "ours", [program, "restore", keys, store, f"{at}/again", backup], results, env=environment)
    memory["restore"] = peak_mb(output)
    check("again")
    if not only_ours:
        server.sql("CREATE DATABASE piped")
        pipe = f"zstd -d -c {plain} | mariadb --no-defaults {' '.join(login)} piped"
        timed("restore", "zstd | mariadb", ["bash", "-o", "pipefail", "-c", pipe], results)
        check("piped")
        timed("restore", "myloader", ["myloader", *login, "--database=loaded", "--threads=2", f"--directory={many}"], results)
        check("loaded")
    clear()
    plain.unlink(missing_ok=True)

    good = same
    for what, tool, target in TARGETS:
        if (what, tool) in results:
            ratio = results[what, tool] / results[what, "ours"]
            good &= ratio >= target
            print(f"{what:8} {ratio:5.2f} times as fast as {tool} (at least {target})")
    for what, found in memory.items():
        good &= found < MEMORY_LIMIT_MB
        print(f"{what:8} {found:5.0f} MB at most (below {MEMORY_LIMIT_MB})")
    return good


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", default="target/release/examples/backup")
    parser.add_argument("--rows", type=int, default=1_200_000, help="in each table")
    parser.add_argument("--rounds", type=int, default=1, help="of backing up; the best counts")
    parser.add_argument("--keep", type=pathlib.Path, help="where the database is, and stays")
    parser.add_argument("--only", choices=["ours", "fill"], help="leave the others out, or measure nothing")
    arguments = parser.parse_args()
    program = str(pathlib.Path(arguments.program).resolve())
    with tempfile.TemporaryDirectory(prefix="jewel-bench-") as scratch:
        folder = arguments.keep or pathlib.Path(scratch) / "server"
        os.chmod(scratch, 0o755)
        server = Server(folder)
        try:
            prepare(server, arguments.rows)
            if arguments.only == "fill":
                return 0
            return 0 if measure(server, pathlib.Path(scratch), program, arguments.only == "ours", arguments.rounds) else 1
        finally:
            server.stop()


if __name__ == "__main__":
    sys.exit(main())
