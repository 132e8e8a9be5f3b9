#!/usr/bin/env python3
"""Runs the test programs that cargo has built, several at once: they wait more than they compute.

What cargo says (`--message-format json`) comes by the standard input. Each program runs where `cargo test` would run it,
and what it prints is shown when it has ended. Ends with 1 when one of them failed.
"""

import concurrent.futures
import json
import os
import pathlib
import subprocess
import sys
import time

AT_ONCE = 3
# Begun first, so that none of them is what everybody waits for in the end.
LONG = ["e2e", "faults", "schedules", "no_loss", "migrate", "journal", "running", "cli"]


def main():
    programs = [program for line in sys.stdin if (program := program_of(json.loads(line)))]
    programs.sort(key=lambda program: LONG.index(program[0]) if program[0] in LONG else len(LONG))
    failed, took = [], []
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as lanes:
        for ended in concurrent.futures.as_completed([lanes.submit(run, *program) for program in programs]):
            name, code, seconds, text = ended.result()
            print(f"\n== {name}: {seconds:.1f} s\n{text}", flush=True)
            took.append((seconds, name))
            failed += [name] if code != 0 else []
    longest = ", ".join(f"{name} {seconds:.0f} s" for seconds, name in sorted(took, reverse=True)[:8])
    print(f"\n{len(programs)} test programs; the longest: {longest}")
    if failed or not programs:
        sys.exit(f"failed: {', '.join(failed) or 'cargo built no test'}")


def program_of(message):
    if message["reason"] != "compiler-artifact" or not message["executable"] or not message["profile"]["test"]:
        return None
    folder = pathlib.Path(message["manifest_path"]).parent
    kind, target = message["target"]["kind"][0], message["target"]["name"]
    return target if kind == "test" else f"{target} ({kind})", message["executable"], folder


def run(name, executable, folder):
    began = time.monotonic()
    environment = {**os.environ, "CARGO_MANIFEST_DIR": str(folder)}
    done = subprocess.run(
        [executable], cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, errors="replace",
    )
    return name, done.returncode, time.monotonic() - began, done.stdout


if __name__ == "__main__":
    main()
