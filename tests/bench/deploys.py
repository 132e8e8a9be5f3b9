#!/usr/bin/env python3
"""Deploys under load, and how many requests fail: `python3 tests/bench/deploys.py` (as root, on the local cloud).

A shop is brought up in a folder of its own. Visitors read and order through its public address, each from an address
of this machine's own and with a connection that is kept, while one release after another is put into service and every
third one taken back. JEWELCTL names a jewelctl that is built already, with its jewel-api beside it.
"""

import argparse
import collections
import http.client
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse
import uuid

ROOT = pathlib.Path(__file__).resolve().parents[2]
# A visitor may make 20 requests a second.
PAUSE = 0.06


class Load:
    """Visitors that go on until they are told to stop, and what became of their requests."""

    def __init__(self, url, readers, buyers):
        self.address = urllib.parse.urlsplit(url)
        self.stopping = threading.Event()
        self.lock = threading.Lock()
        self.counts, self.failures, self.times = collections.Counter(), [], []
        self.threads = [threading.Thread(target=self.visit, args=(self.read, number)) for number in range(readers)]
        self.threads += [threading.Thread(target=self.visit, args=(self.buy, readers + n)) for n in range(buyers)]

    def __enter__(self):
        self.variants = self.find_variants()
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.stopping.set()
        for thread in self.threads:
            thread.join()

    def visit(self, act, number):
        own = (f"127.0.{1 + number // 250}.{1 + number % 250}", 0)
        connection = http.client.HTTPConnection(self.address.hostname, self.address.port, timeout=30, source_address=own)
        while not self.stopping.is_set():
            act(connection, number)
            time.sleep(PAUSE)

    def ask(self, connection, what, method, path, body=None, headers=None):
        began = time.monotonic()
        try:
            connection.request(method, path, body and json.dumps(body), {"content-type": "application/json", **(headers or {})})
            answer = connection.getresponse()
            text, status = answer.read(), answer.status
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            text, status = repr(error).encode(), 0
        took = time.monotonic() - began
        with self.lock:
            self.counts[what] += 1
            self.times.append(took)
            if not 200 <= status < 300:
                self.failures.append(f"{what}: {status} {text[:200]!r}")
        return json.loads(text) if 200 <= status < 300 else None

    def read(self, connection, number):
        self.ask(connection, "reads", "GET", f"/api/v1/products?limit=24&min_price={number}")

    def buy(self, connection, number):
        variant = self.variants[number % len(self.variants)]
        cart = self.ask(connection, "carts", "POST", "/api/v1/cart/lines", {"variant_id": variant, "quantity": 1})
        if cart is None:
            return
        order = {
            "email": "ada@example.com", "shipping_method": "standard", "payment_method": "cash_on_delivery",
            "expected_total_minor": cart["quotes"][0]["total"]["amount"],
            "address": {"name": "Ada Tan", "line1": "10 Anson Road", "city": "Singapore", "postal_code": "079903",
                        "country": "SG"},
        }
        headers = {"x-cart-token": cart["token"], "idempotency-key": str(uuid.uuid4())}
        placed = self.ask(connection, "orders", "POST", "/api/v1/orders", order, headers)
        if placed is not None:
            # So that there is always enough of it.
            path, token = f"/api/v1/orders/{placed['order']['id']}/cancel", {"x-order-token": placed["order_token"]}
            self.ask(connection, "cancellations", "POST", path, None, token)

    def find_variants(self):
        """What there is enough of."""
        connection = http.client.HTTPConnection(self.address.hostname, self.address.port, timeout=30)

        def get(path):
            connection.request("GET", path)
            return json.load(connection.getresponse())

        details = [get(f"/api/v1/products/{one['slug']}") for one in get("/api/v1/products?limit=100")["items"]]
        variants = [variant for detail in details for variant in detail["variants"]]
        return [variant["id"] for variant in sorted(variants, key=lambda it: -it["available"])]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--deploys", type=int, default=50)
    parser.add_argument("--readers", type=int, default=8)
    parser.add_argument("--buyers", type=int, default=2)
    arguments = parser.parse_args()
    program = pathlib.Path(os.environ.get("JEWELCTL") or build())
    with tempfile.TemporaryDirectory(prefix="jewel-deploys-", ignore_cleanup_errors=True) as folder:
        folder = pathlib.Path(folder)
        environment = {**os.environ, "JEWEL_TARGET": "local", "XDG_DATA_HOME": str(folder / "data"), "JEWEL_YES": "true"}

        def jewelctl(*words):
            done = subprocess.run([program, *words, "--json"], cwd=folder, env=environment, capture_output=True, text=True)
            if done.returncode != 0:
                sys.exit(f"jewelctl {' '.join(words)} ended with {done.returncode}:\n{done.stderr}")
            return json.loads(done.stdout.splitlines()[-1])

        releases = [folder / "one", folder / "two"]
        for number, release in enumerate(releases):
            shutil.copy(program.with_name("jewel-api"), release)
            # What follows the last section of a program is not read, and makes it another release.
            with release.open("ab") as file:
                file.write(f"release {number}".encode())
        jewelctl("init", "--project", "deploys")
        try:
            url = jewelctl("up")["url"]
            return measure(arguments, url, releases, jewelctl)
        finally:
            jewelctl("local", "down")


def measure(arguments, url, releases, jewelctl):
    took = collections.defaultdict(list)
    with Load(url, arguments.readers, arguments.buyers) as load:
        for number in range(arguments.deploys):
            began = time.monotonic()
            if number % 3 == 2:
                jewelctl("rollback")
                took["rollbacks"].append(time.monotonic() - began)
            else:
                jewelctl("deploy", "api", "--binary", str(releases[number % 2]))
                took["deploys"].append(time.monotonic() - began)
    for kind, times in took.items():
        print(f"{len(times)} {kind}: median {statistics.median(times):.1f} s, slowest {max(times):.1f} s")
    times = sorted(load.times)
    counts = ", ".join(f"{count} {what}" for what, count in sorted(load.counts.items()))
    print(f"meanwhile {counts}: {len(load.failures)} failed; p50 {times[len(times) // 2] * 1e3:.0f} ms, "
          f"p99 {times[len(times) * 99 // 100] * 1e3:.0f} ms, slowest {times[-1] * 1e3:.0f} ms")
    for failure in load.failures[:10]:
        print(f"  {failure}")
    return 1 if load.failures else 0


def build():
    subprocess.run(["cargo", "build", "--workspace", "--bins"], cwd=ROOT, check=True)
    return pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "debug/jewelctl"


if __name__ == "__main__":
    sys.exit(main())
