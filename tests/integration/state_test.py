#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What `weir savepoint read` says of a job's state, compared with what the input says: state of
every kind that a function can have, as JSON and as CSV, in the last checkpoint of a finished job
and in a savepoint in the middle. And the same state under other keys, with which a version of the
job goes on that knows only those.

Usage: state_test.py BIN_FOLDER
"""
import csv
import io
import json
import pathlib
import subprocess
import sys
import tempfile
import time
import unittest

BIN = pathlib.Path(sys.argv.pop(1)).resolve() / "bin"
VISITS = 3000
ACCOUNTS = 37
FAR = 4102444800000  # milliseconds: the timer of visit 0
DEADLINE = 60  # seconds to wait for anything
JOB = "checkpoints/counts"


class StateTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.work = pathlib.Path(folder.name)
        self.visits = [(f"a{number * number % ACCOUNTS}", number) for number in range(VISITS)]
        with open(self.work / "in.json", "w", encoding="ascii") as file:
            for account, number in self.visits:
                file.write(json.dumps({"account": account, "number": number}) + "\n")

    def call(self, program, *arguments, status=0):
        done = subprocess.run([BIN / program, *arguments], cwd=self.work, text=True,
                              capture_output=True, timeout=DEADLINE)
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        return done.stdout

    def same(self, found, expected, what):
        """As assertEqual, which takes minutes to print what differs in long lists."""
        if found == expected:
            return
        if isinstance(found, dict):
            found, expected = sorted(found.items()), sorted(expected.items())
        pairs = [pair for pair in zip(found, expected) if pair[0] != pair[1]]
        self.fail(f"{what}: {len(found)} instead of {len(expected)}; first {str(pairs[:1])[:500]}")

    @staticmethod
    def command(version, *options, rate=0):
        return ["--progress", "none", "--checkpoint-interval", "100ms", "-p", "2", *options, "--",
                "--version", version, "--rate", str(rate)]

    def read(self, path, state, *options):
        return self.call("weir", "savepoint", "read", path, "--operator", "count", "--state", state,
                         *options)

    def entries(self, path, state):
        return [json.loads(line) for line in self.read(path, state).splitlines()]

    def by_key(self, path, state):
        entries = self.entries(path, state)
        found = {entry["key"]: entry["value"] for entry in entries}
        self.assertEqual(len(found), len(entries), "a key stands there twice")
        return found

    def numbers(self, seen):
        """What was seen of each account, in order."""
        found = {}
        for account, number in self.visits:
            if number in seen:
                found.setdefault(account, []).append(number)
        return found

    def check_kinds(self, path, seen):
        numbers = self.numbers(seen)
        self.same(self.by_key(path, "numbers"), numbers, "lists")
        self.same(self.by_key(path, "last"),
                  {account: {"account": account, "number": all_of[-1]}
                   for account, all_of in numbers.items()}, "values")
        sums = {account: sum(all_of) for account, all_of in numbers.items()}
        self.same(self.by_key(path, "sum"), sums, "reduced values")
        self.same(self.by_key(path, "mean"),
                  {account: [sum(all_of), len(all_of)] for account, all_of in numbers.items()},
                  "accumulators")
        rests = {}
        for account, all_of in numbers.items():
            for number in all_of:
                rests[account, number % 3] = rests.get((account, number % 3), 0) + 1
        self.same({(entry["key"], entry["user_key"]): entry["value"]
                   for entry in self.entries(path, "by-rest")}, rests, "maps")
        self.same(sorted((entry["key"], entry["time"])
                         for entry in self.entries(path, "processing-time-timers")),
                  sorted((account, FAR + number)
                         for account, all_of in numbers.items() for number in all_of), "timers")
        table = csv.DictReader(io.StringIO(self.read(path, "sum", "--format", "csv")))
        self.same({row["key"]: int(row["value"]) for row in table}, sums, "CSV")
        account = min(numbers)
        self.same([json.loads(line)["value"] for line in
                   self.read(path, "sum", "--key", account).splitlines()], [sums[account]], "a key")

    def committed(self):
        lines = []
        for path in (self.work / "out").glob("part-*"):
            lines += map(json.loads, path.read_text().splitlines())
        return lines

    def stopped(self, version, *options):
        """Starts a job, stops it in the middle with a savepoint, and returns that one's path."""
        command = [BIN / "weir_integration", *self.command(version, *options, rate=1000)]
        with subprocess.Popen(command, cwd=self.work) as job:
            try:
                until = time.monotonic() + DEADLINE
                # By the fifth, records have been read for some tenths of a second.
                while not any(int(path.parent.name[4:]) >= 5
                              for path in (self.work / JOB).glob("chk-*/_metadata")):
                    self.assertLess(time.monotonic(), until, "no checkpoints")
                    time.sleep(0.05)
                path = self.call("weir", "stop", JOB).strip()
                self.assertEqual(job.wait(timeout=DEADLINE), 0)
            finally:
                job.kill()
        self.assertIn(len(self.committed()), range(1, VISITS))
        return path

    def test_the_state_of_a_finished_job(self):
        self.call("weir_integration", *self.command("kinds"))
        last = max((self.work / JOB).glob("chk-*/_metadata"),
                   key=lambda path: int(path.parent.name[4:])).parent
        self.check_kinds(last, set(range(VISITS)))

    def test_the_state_in_the_middle_is_that_of_the_output(self):
        for option in ["false", "true"]:
            path = self.stopped("kinds", "-D", f"execution.checkpointing.incremental={option}",
                                "--checkpoint-dir", "checkpoints")
            self.check_kinds(path, {line["number"] for line in self.committed()})
            for folder in ["checkpoints", "out"]:
                (self.work / folder).rename(self.work / f"{folder}-{option}")

    def test_a_version_goes_on_with_other_keys(self):
        path = self.stopped("first")
        plan = ["plan", "--from", path, BIN / "weir_integration", "--", "--version", "numbered"]
        self.assertIn("key int64, was string; keys changed: rewrite with change_keys",
                      self.call("weir", *plan, status=1))
        plan[2] = self.call("weir_integration", "rewrite", path, "rewritten").strip()
        self.call("weir", "savepoint", "verify", plan[2])
        self.assertIn("can be restored", self.call("weir", *plan))
        counts = self.by_key(path, "visits")
        self.same(self.by_key(plan[2], "visits"),
                  {int(account[1:]): value for account, value in counts.items()}, "rewritten")
        self.call("weir_integration", *self.command("numbered", "--restore", plan[2]))
        counts, expected = {}, []
        for account, number in self.visits:
            counts[account] = counts.get(account, 0) + 1
            expected.append((number, account, counts[account]))
        self.same(sorted((line["number"], line["account"], line["count"])
                         for line in self.committed()), expected, "output")


if __name__ == "__main__":
    unittest.main()
