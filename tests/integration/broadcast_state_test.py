#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Rules that are broadcast: a real job, stopped with a savepoint and restored at other
parallelisms, gives the alerts that a loop over payments and rules gives. Every subtask's copy of
the rules is in the savepoint.

Usage: broadcast_state_test.py BIN_FOLDER
"""

import json
import pathlib
import random
import subprocess
import sys
import tempfile
import time

PAYMENTS = 20000
COUNTRIES = ["AT", "DE", "ES"]
DEADLINE = 60  # seconds to wait for anything


class Failed(Exception):
    pass


def expect(condition, message):
    if not condition:
        raise Failed(message)


def make_input(work, chance):
    start = 1767225600000
    payments = [{"account": f"acc-{chance.randrange(200):04}",
                 "amount": round(chance.uniform(0, 1000), 2),
                 "country": chance.choice(COUNTRIES),
                 "at": start + 100 * i + chance.randrange(4000)} for i in range(PAYMENTS)]
    rules = [{"id": f"rule-{chance.randrange(6)}",
              "country": chance.choice(["", *COUNTRIES]),
              "limit": chance.choice([-1, 700, 900, 990]),
              "at": start + PAYMENTS * 5 * i} for i in range(20)]
    for name, rows in ("payments.json", payments), ("rules.json", rules):
        (work / name).write_text("".join(json.dumps(row) + "\n" for row in rows))
    return payments, rules


def alerts_by_hand(payments, rules):
    alerts = []
    for payment in payments:
        in_force = {}
        for rule in rules:  # in the order of their times
            if rule["at"] <= payment["at"]:
                in_force[rule["id"]] = rule
        for rule in in_force.values():
            if (0 <= rule["limit"] < payment["amount"]
                    and rule["country"] in ("", payment["country"])):
                alerts.append((payment["account"], rule["id"], payment["amount"], payment["at"]))
    return sorted(alerts)


def alerts_in(folder):
    return sorted((alert["account"], alert["rule"], alert["amount"], alert["at"])
                  for path in folder.glob("part-*")
                  for alert in map(json.loads, path.read_text().splitlines()))


class Job:
    def __init__(self, bin_folder, work):
        self.bin = bin_folder
        self.work = work

    def command(self, output, *options, rate=0):
        return [str(self.bin / "dynamic_rules"), "--progress", "none", "--checkpoint-dir",
                "checkpoints", "--checkpoint-interval", "200ms", *options, "--", "--output", output,
                "--rate", str(rate)]

    def run(self, output, *options):
        done = subprocess.run(self.command(output, *options), cwd=self.work, text=True,
                              capture_output=True, timeout=DEADLINE)
        expect(done.returncode == 0, f"the job left with {done.returncode}: {done.stderr}")

    def weir(self, *arguments):
        done = subprocess.run([str(self.bin / "weir"), *arguments], cwd=self.work, text=True,
                              capture_output=True, timeout=DEADLINE)
        expect(done.returncode == 0, f"weir {arguments} left with {done.returncode}: {done.stderr}")
        return done.stdout

    def run_and_stop(self, output, *options):
        """Returns the savepoint that it was stopped with."""
        job = subprocess.Popen(self.command(output, *options, rate=1500), cwd=self.work, text=True,
                               stderr=subprocess.PIPE)
        until = time.monotonic() + DEADLINE
        while "RUNNING" not in self.weir("list"):
            expect(time.monotonic() < until and job.poll() is None, "the job does not run")
            time.sleep(0.1)
        time.sleep(1)  # lets it read something
        path = self.weir("stop", "checkpoints/dynamic-rules", "--savepoint", "savepoints").strip()
        expect(job.wait(timeout=DEADLINE) == 0, f"the job did not stop: {job.stderr.read()}")
        return path

    def check_rules(self, savepoint, parallelism, count):
        lines = self.weir("savepoint", "read", savepoint, "--operator", "apply-rules", "--state",
                          "rules", "--limit", "1000").splitlines()
        copies = {}
        for entry in map(json.loads, lines):
            copies.setdefault(entry["subtask"], []).append((entry["key"], entry["value"]))
        expect(len(copies) == parallelism, f"{len(copies)} copies of the rules in {savepoint}")
        for copy in copies.values():
            expect(copy == copies[0] and len(copy) == count, f"a copy of the rules: {copy}")
        text = self.weir("savepoint", "inspect", savepoint)
        expect("broadcast" in text, f"inspect does not show the kind of state: {text}")
        self.weir("savepoint", "verify", savepoint)


def main():
    bin_folder = pathlib.Path(sys.argv[1]).resolve() / "bin"
    with tempfile.TemporaryDirectory() as folder:
        work = pathlib.Path(folder)
        payments, rules = make_input(work, random.Random(11))
        expected = alerts_by_hand(payments, rules)
        expect(len(expected) > 500, "the run has too few alerts to tell anything")
        job = Job(bin_folder, work)
        job.run("undisturbed", "-p", "2")
        expect(alerts_in(work / "undisturbed") == expected, "the alerts differ")

        incremental = ("-D", "execution.checkpointing.incremental=true")
        first = job.run_and_stop("out", "-p", "2")
        job.check_rules(first, 2, len(rules))
        second = job.run_and_stop("out", "-p", "3", "--restore", first, *incremental)
        job.check_rules(second, 3, len(rules))
        expect(0 < len(alerts_in(work / "out")) < len(expected), "it was stopped too late")
        job.run("out", "-p", "1", "--restore", second, *incremental)
        expect(alerts_in(work / "out") == expected, "the alerts differ after restores")
    print("broadcast_state_test: all as it should be")


if __name__ == "__main__":
    try:
        main()
    except Failed as error:
        sys.exit(f"broadcast_state_test: {error}")
