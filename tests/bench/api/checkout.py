#!/usr/bin/env python3
"""How many orders are acknowledged when the journal is far away: `python3 tests/bench/api/checkout.py`.

Each order is answered when it is in the database and in the journal, whose store answers after 30 ms as S3 does. Needs
wrk, node 20 and mariadb-server; JEWEL_MYSQLD names another server, JEWEL_API_BINARY a jewel-api that is built already.
"""

import argparse
import concurrent.futures
import contextlib
import http.client
import json
import os
import pathlib
import subprocess
import sys
import threading

import catalogue
from servers import HERE, NAME, ORIGIN, free_port, jewel_api, memory_mb, running
from speed import build, shop

# What the shop promises, and what a process may use.
ORDERS_A_SECOND, P99_MS, MEMORY_MB = 150, 250, 80


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--latency", type=int, default=30, help="milliseconds until the store answers")
    parser.add_argument("--connections", type=int, default=32)
    parser.add_argument("--seconds", type=int, default=10)
    parser.add_argument("--carts", type=int, default=8_000)
    arguments = parser.parse_args()
    binary = os.environ.get("JEWEL_API_BINARY") or build()
    with shop(1_000) as (database, folder), store(folder, arguments.latency) as address:
        database.run("UPDATE inventory SET on_hand = 1000000;", [NAME])
        journal = {
            "JEWEL_JOURNAL": "s3://backups/journal", "JEWEL_MEDIA_BUCKET": "media", "AWS_ENDPOINT_URL": address,
            "AWS_REGION": "eu-west-1", "AWS_ACCESS_KEY_ID": "bench", "AWS_SECRET_ACCESS_KEY": "bench",
        }
        with jewel_api(binary, database, folder, journal) as (port, process):
            requests = folder / "requests"
            requests.write_text("".join(carts(port, arguments.carts)))
            row = wrk(port, requests, arguments)
            memory = memory_mb(process)
        count = lambda query: int(database.run(query, [NAME]))
        orders = count("SELECT COUNT(*) FROM orders")
        unsaid = count("SELECT COUNT(*) FROM outbox WHERE kind = 'order.placed' AND journal_seq IS NULL")
    # wrk leaves when the time is up, without waiting for the last answers.
    sound = row["acknowledged"] <= orders <= row["acknowledged"] + arguments.connections and row["failed"] == 0
    print(f"{row['rate']:.0f} orders acknowledged a second (goal: {ORDERS_A_SECOND}), p50 {row['p50_ms']:.0f} ms, "
          f"p99 {row['p99_ms']:.0f} ms (goal: below {P99_MS}), memory {memory:.0f} MB (goal: below {MEMORY_MB})")
    print(f"{row['acknowledged']} acknowledged, {row['failed']} failed; {orders} in the database, {unsaid} of them not "
          f"journaled (not acknowledged either)")
    good = row["rate"] >= ORDERS_A_SECOND and row["p99_ms"] < P99_MS and memory < MEMORY_MB
    return 0 if sound and good else 1


@contextlib.contextmanager
def store(folder, latency):
    """A store for objects that is far away."""
    port = free_port()
    listening = lambda: subprocess.run(["curl", "-s", "-o/dev/null", f"http://127.0.0.1:{port}/"]).returncode == 0
    with running(["node", HERE / "store.mjs", port, latency], os.environ, folder / "store.log", listening):
        yield f"http://127.0.0.1:{port}"


def carts(port, count):
    """That many visitors with a piece in the cart: a line each with the cart's token and what it costs."""
    local = threading.local()

    def fill(number):
        if not hasattr(local, "connection"):
            local.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        body = json.dumps({"variant_id": str(catalogue.key("v", number % 1_000, number % 3)), "quantity": 1})
        headers = {"x-origin-verify": ORIGIN, "content-type": "application/json"}
        local.connection.request("POST", "/api/v1/cart/lines", body, headers)
        answer = local.connection.getresponse()
        cart = json.load(answer)
        if answer.status not in (200, 201):
            sys.exit(f"no cart: {cart}")
        return f"{cart['token']} {cart['quotes'][0]['total']['amount']}\n"

    with concurrent.futures.ThreadPoolExecutor(64) as pool:
        return list(pool.map(fill, range(count)))


def wrk(port, requests, arguments):
    command = [
        "wrk", "--threads", "2", "--connections", str(arguments.connections), "--duration", f"{arguments.seconds}s",
        "--timeout", "30s", "--script", str(HERE / "orders.lua"), f"http://127.0.0.1:{port}", "--", str(requests), ORIGIN,
    ]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout.splitlines()[-1])


if __name__ == "__main__":
    sys.exit(main())
