#!/usr/bin/env python3
"""How long it takes to publish a site of which little has changed: `python3 tests/bench/site.py` (as root).

`jewelctl deploy site` and `aws s3 sync` by turns, on the local cloud, with the same 2,000 files of which 20 change each
time. JEWELCTL names a jewelctl that is built already.
"""

import argparse
import os
import pathlib
import random
import statistics
import subprocess
import sys
import tempfile
import time

from deploys import build

# At most this part of the time of `aws s3 sync`.
GOAL = 1 / 3
AWS_CLI = "awscli==1.46.3"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=2_000)
    parser.add_argument("--changed", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    program = pathlib.Path(os.environ.get("JEWELCTL") or build())
    with tempfile.TemporaryDirectory(prefix="jewel-site-", ignore_cleanup_errors=True) as folder:
        folder = pathlib.Path(folder)
        aws = aws_cli(folder)
        environment = {**os.environ, "JEWEL_TARGET": "local", "XDG_DATA_HOME": str(folder / "data"), "JEWEL_YES": "true"}

        def run(*command):
            done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
            if done.returncode != 0:
                sys.exit(f"{' '.join(map(str, command))} ended with {done.returncode}:\n{done.stderr}")
            return done.stdout

        run(program, "init", "--project", "site")
        try:
            run(program, "up")
            exports = run(program, "local", "env")
            for line in exports.splitlines():
                name, _, value = line.removeprefix("export ").partition("=")
                environment[name] = value.strip("'\"")
            run(aws, "s3", "mb", "s3://the-other-bucket")
            return measure(arguments, folder, lambda: run(program, "deploy", "site", "--dir", "site"),
                           lambda: run(aws, "s3", "sync", "site", "s3://the-other-bucket"))
        finally:
            run(program, "local", "down")


def measure(arguments, folder, ours, theirs):
    rng = random.Random(1)
    files = [folder / "site" / ("index.html" if n == 0 else f"part-{n % 50}/page-{n}.html") for n in range(arguments.files)]
    for file in files:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"<p>{file.name}</p>" + "x" * rng.randrange(500, 20_000))
    times = {"jewelctl": [], "aws": []}
    for number in range(arguments.rounds + 1):
        for side, publish in (("jewelctl", ours), ("aws", theirs)):
            began = time.monotonic()
            publish()
            # The first time all files are sent.
            times[side] += [time.monotonic() - began] if number > 0 else []
        for file in rng.sample(files, arguments.changed):
            file.write_text(f"<p>{number}</p>" + "x" * rng.randrange(500, 20_000))
    middle = {side: statistics.median(each) for side, each in times.items()}
    ratio = middle["jewelctl"] / middle["aws"]
    print(f"{arguments.files} files, {arguments.changed} changed: jewelctl {middle['jewelctl']:.2f} s, "
          f"aws s3 sync {middle['aws']:.2f} s, ratio {ratio:.2f} (goal: at most {GOAL:.2f})")
    return 0 if ratio <= GOAL else 1


def aws_cli(folder):
    subprocess.run([sys.executable, "-m", "venv", folder / "venv"], check=True)
    subprocess.run([folder / "venv/bin/pip", "install", "--quiet", AWS_CLI], check=True)
    return folder / "venv/bin/aws"


if __name__ == "__main__":
    sys.exit(main())
