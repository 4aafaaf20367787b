#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Savepoints of fraud_detection in the middle of its input, restored with everything that may
differ: parallelism, max parallelism, the state backend in both directions, and versions of the job
whose state has other fields. RocksDB gets so little memory that it must give back what it took. The
alerts must be those of a run that nobody disturbed; so they must be after `kill -9`.

Usage: restore_matrix_test.py BIN_FOLDER
"""
import json
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

BIN = pathlib.Path(sys.argv.pop(1)).resolve() / "bin"
EVENTS = 60000
ACCOUNTS = 12000  # of which about half are in the state at a time
RATE = 15000  # of a run that is to be stopped
DEADLINE = 60  # seconds to wait for anything
JOB = "checkpoints/fraud-detection"
HEAP = ["-D", "state.backend.type=heap"]
ROCKSDB = ["-D", "taskmanager.memory.process.size=1m"]  # too little for the state


def wait_for(condition, what):
    until = time.monotonic() + DEADLINE
    while not condition():
        if time.monotonic() > until:
            raise AssertionError(f"no {what} within {DEADLINE} s")
        time.sleep(0.02)


def number_after(text, words):
    """The last number that follows these words, perhaps of several operators; 0 without."""
    return max([int(number.replace(",", "")) for number in re.findall(words + r" ([\d,]+)", text)],
               default=0)


class Run:
    """A folder with the output of a job and its checkpoints; one program after the other."""

    def __init__(self, folder, output_of=None):
        self.folder = folder
        self.local = folder / "local"
        self.local.mkdir(parents=True)
        self.log = folder / "log.txt"
        if output_of is not None:
            shutil.copytree(output_of.folder / "out", folder / "out")

    def start(self, *options, program="fraud_detection", rate=RATE):
        command = [BIN / program, "--progress", "live", "-D", "progress.interval=50ms",
                   "-D", f"state.backend.rocksdb.localdir={self.local}",
                   "--checkpoint-interval", "200ms", *options, "--", "--input", "../in.json",
                   "--output", "out", "--rate", str(rate)]
        with open(self.log, "w", encoding="utf-8") as log:
            return subprocess.Popen(command, cwd=self.folder, stderr=log)

    def finish(self, *options, **more):
        """Runs to the end of the input."""
        self.end(self.start(*options, rate=0, **more))

    def end(self, job):
        try:
            if job.wait(timeout=DEADLINE) != 0:
                raise AssertionError(f"the job left with {job.returncode}: {self.text()[-2000:]}")
            if ", 0 restarts" not in self.text():
                raise AssertionError(f"the job failed in between: {self.text()[-5000:]}")
        finally:
            job.kill()
            job.wait()

    def wait_in_the_middle(self, job, records):
        """For so many records and a checkpoint."""
        wait_for(lambda: job.poll() is not None or (
            number_after(self.text(), r"transactions +out") >= records and
            list((self.folder / JOB).glob("chk-*/_metadata"))), "progress")

    def stop(self, *options, records, **more):
        """Starts a job, stops it after so many records, and returns its savepoint."""
        job = self.start(*options, **more)
        self.wait_in_the_middle(job, records)
        path = call("weir", "stop", self.folder / JOB).strip()
        self.end(job)
        return path

    def text(self):
        return self.log.read_text(encoding="utf-8")

    def loads(self):
        """How often the last program read a key back from RocksDB."""
        return number_after(self.text(), "read from disk")

    def alerts(self):
        lines = []
        for path in (self.folder / "out").glob("part-*"):
            lines += path.read_text().splitlines()
        return sorted(lines)


def call(program, *arguments):
    done = subprocess.run([BIN / program, *arguments], text=True, capture_output=True,
                          timeout=DEADLINE, check=False)
    if done.returncode != 0:
        raise AssertionError(f"{done.args} left with {done.returncode}: {done.stderr}")
    return done.stdout


class RestoreMatrixTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.work = pathlib.Path(folder.name)
        call("fraud_generator", "--events", str(EVENTS), "--accounts", str(ACCOUNTS), "--seed", "7",
             "--output", cls.work / "in.json", "--planted", cls.work / "planted.json")
        undisturbed = Run(cls.work / "undisturbed")
        undisturbed.finish("-p", "2", *HEAP)
        cls.undisturbed = undisturbed.alerts()
        cls.runs = 0

    def new_run(self, output_of=None):
        type(self).runs += 1
        return Run(self.work / f"run-{self.runs}", output_of)

    def check_part(self, alerts):
        self.assertTrue(0 < len(alerts) < len(self.undisturbed), f"{len(alerts)} alerts")
        self.assertTrue(set(alerts) < set(self.undisturbed), "alerts that nobody planted")

    def check_all(self, run):
        alerts = run.alerts()  # too many for assertEqual to show
        self.assertTrue(alerts == self.undisturbed,
                        f"{len(alerts)} alerts instead of {len(self.undisturbed)}, not expected "
                        f"{sorted(set(alerts) - set(self.undisturbed))[:3]}")
        self.assertEqual(list((run.folder / "out").glob(".*")), [], "hidden output is left")
        self.assertEqual(list(run.local.iterdir()), [], "local files are left")

    def check_restores(self, backend, cases):
        stopped = self.new_run()
        path = stopped.stop("-p", "2", "--max-parallelism", "128", *backend, records=EVENTS // 3)
        self.assertEqual(stopped.loads() > 0, backend == ROCKSDB)
        self.check_part(stopped.alerts())
        for name, options in cases.items():
            with self.subTest(name):
                run = self.new_run(output_of=stopped)
                run.finish("--restore", path, *options)
                self.check_all(run)
                self.assertEqual(run.loads() > 0, options[-2:] == ROCKSDB)

    def test_a_savepoint_from_rocksdb(self):
        self.check_restores(ROCKSDB, {
            "the same": ["-p", "2", *ROCKSDB],
            "other parallelism": ["-p", "3", *ROCKSDB],
            "more key groups": ["-p", "2", "--max-parallelism", "300", *ROCKSDB],
            "fewer key groups": ["-p", "2", "--max-parallelism", "7", *ROCKSDB],
            "on the heap": ["-p", "2", *HEAP],
            "everything": ["-p", "3", "--max-parallelism", "7", *HEAP]})

    def test_a_savepoint_from_the_heap(self):
        self.check_restores(HEAP, {
            "other parallelism": ["-p", "3", *HEAP],
            "on RocksDB": ["-p", "2", *ROCKSDB],
            "everything": ["-p", "1", "--max-parallelism", "300", *ROCKSDB]})

    def test_versions_whose_state_has_other_fields(self):
        """A field comes; it goes and another one comes; that goes: to the version before both."""
        run = self.new_run()
        path = run.stop("-p", "2", *ROCKSDB, records=EVENTS // 4, rate=10000)
        for program, options, changes in [
                ("fraud_detection_amount", ["-p", "2", *ROCKSDB], ["added 'amount' (double)"]),
                ("fraud_detection_payments", ["-p", "3", "--max-parallelism", "300", *ROCKSDB],
                 ["removed 'amount'", "added 'payments' (uint64)"])]:
            plan = call("weir", "plan", "--from", path, BIN / program)
            for change in changes:
                self.assertIn(change, plan)
            path = run.stop("--restore", path, *options, program=program,
                            records=EVENTS // 8, rate=10000)
            self.assertGreater(run.loads(), 0)
            self.check_part(run.alerts())
        seen = [json.loads(line)["value"] for line in call(
            "weir", "savepoint", "read", path, "--operator", "impossible-travel",
            "--state", "last-seen").splitlines()]
        self.assertEqual({",".join(value) for value in seen}, {"country,at,payments"})
        self.assertTrue({1, 2} <= {value["payments"] for value in seen}, "nothing was counted")
        self.assertIn("removed 'payments'", call("weir", "plan", "--from", path,
                                                 BIN / "fraud_detection"))
        run.finish("--restore", path, "-p", "1", *HEAP)
        self.check_all(run)

    def test_a_kill_with_state_in_rocksdb(self):
        run = self.new_run()
        job = run.start("-p", "2", *ROCKSDB)
        run.wait_in_the_middle(job, EVENTS // 3)
        self.assertGreater(run.loads(), 0)
        job.kill()
        self.assertEqual(job.wait(), -signal.SIGKILL)
        left = list(run.local.glob("weir-local-*"))
        self.assertEqual(len(left), 1, left)
        self.assertTrue(len(run.alerts()) < len(self.undisturbed))
        other = Run(self.work / "run-on-the-heap", output_of=run)
        for folder in ["checkpoints", "local"]:
            shutil.copytree(run.folder / folder, other.folder / folder, dirs_exist_ok=True,
                            ignore=shutil.ignore_patterns("*.sock"))
        for again, options in [(run, ["-p", "2", *ROCKSDB]), (other, ["-p", "3", *HEAP])]:
            again.finish(*options, "--restore", "latest")
            self.assertIn("restoring from checkpoint", again.text())
            self.check_all(again)
        self.assertGreater(run.loads(), 0)


if __name__ == "__main__":
    unittest.main()
