#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""weir upgrade with real processes: a version with a field more, one that crashes, one that hangs,
one that cannot be restored, and wrong arguments. Each count must be written exactly once, over all
switches and whatever a version that failed had written.

Usage: upgrade_test.py BIN_FOLDER
"""
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

BIN = pathlib.Path(sys.argv.pop(1)).resolve() / "bin"
VISITS = 4000
ACCOUNTS = 37
DEADLINE = 60  # seconds to wait for anything
JOB = "checkpoints/counts"


def wait_for(condition, what):
    until = time.monotonic() + DEADLINE
    while not condition():
        if time.monotonic() > until:
            raise AssertionError(f"no {what} within {DEADLINE} s")
        time.sleep(0.05)


class UpgradeTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.work = pathlib.Path(self.folder.name)
        self.started = []
        self.addCleanup(self.end_jobs)
        self.expected, counts = [], {}
        with open(self.work / "in.json", "w", encoding="ascii") as file:
            for number in range(VISITS):
                account = f"a{number * number % ACCOUNTS}"
                counts[account] = counts.get(account, 0) + 1
                file.write(json.dumps({"account": account, "number": number}) + "\n")
                self.expected.append((account, number, counts[account]))

    def end_jobs(self):
        """Ends what this test started; what `weir upgrade` started is told by its job."""
        self.weir("cancel", JOB)
        for process in self.started:
            process.kill()
            process.communicate()

    def weir(self, *arguments):
        return subprocess.run([BIN / "weir", *arguments], cwd=self.work, text=True,
                              capture_output=True, timeout=DEADLINE)

    @staticmethod
    def options(*more):
        return ["--progress", "none", "--checkpoint-interval", "200ms", *more]

    @staticmethod
    def arguments(version="first", rate=1500, **more):
        words = ["--", "--version", version, "--rate", str(rate)]
        for name, value in more.items():
            words += [f"--{name}", str(value)]
        return words

    def start(self, program="weir_integration", folder=BIN, rate=1000):
        """Starts the old version and waits for its first checkpoint and its first output."""
        command = [folder / program, *self.options("-p", "2"), *self.arguments(rate=rate)]
        job = subprocess.Popen(command, cwd=self.work, stderr=subprocess.PIPE, text=True)
        self.started.append(job)
        wait_for(lambda: list((self.work / JOB).glob("chk-*/_metadata")), "checkpoint")
        return job

    def upgrade(self, status, *command, options=("--timeout", "30")):
        done = self.weir("upgrade", JOB, *options, "--", *command)
        text = done.stdout + done.stderr
        self.assertEqual(done.returncode, status, text)
        return text

    def new(self, version="first", options=(), **arguments):
        return [BIN / "weir_integration", *self.options(*options),
                *self.arguments(version, **arguments)]

    def script(self, text):
        """A program that can say its graph, and then does something else."""
        path = self.work / "new"
        path.write_text('#!/bin/sh\ncase "$*" in *--explain*|*--list-config*)\n'
                        f'exec {BIN}/weir_integration "$@";;\nesac\n{text}\n')
        path.chmod(0o755)
        return path

    def is_running(self):
        return "RUNNING" in self.weir("list").stdout

    def written(self):
        lines = []
        for path in (self.work / "out").glob("part-*"):
            lines += map(json.loads, path.read_text().splitlines())
        return sorted((line["number"], line["account"], line["count"]) for line in lines)

    def check_output(self):
        """Waits for the end of the input."""
        wait_for(lambda: "no job runs" in self.weir("list").stdout, "end of the job")
        expected = sorted((number, account, count) for account, number, count in self.expected)
        written = self.written()  # lists too long for assertEqual to show
        self.assertTrue(written == expected, f"{len(written)} lines instead of {len(expected)}, "
                        f"not expected {sorted(set(written) - set(expected))[:3]}")
        self.assertEqual(list((self.work / "out").glob(".*")), [], "hidden output is left")

    def test_a_version_with_a_field_more(self):
        old = self.start()
        said = self.upgrade(0, *self.new("second", options=["-p", "3"]))
        self.assertIn("migrated", said)
        self.assertIn("added 'country' (string)", said)
        self.assertIn("the new version has completed checkpoint", said)
        self.assertEqual(old.wait(timeout=DEADLINE), 0)
        self.assertTrue(self.is_running())
        # And once more, back to the first one: the field goes.
        self.assertIn("removed 'country'", self.upgrade(0, *self.new("first", rate=0)))
        self.check_output()

    def test_a_version_that_crashes_with_output_on_its_way(self):
        """Just before its first checkpoint is complete: all of its output is there but hidden."""
        self.start()
        said = self.upgrade(1, *self.new("second", ["--fault-point", "checkpoint-acknowledged"]))
        self.assertIn("ended with signal 9 before its first checkpoint", said)
        self.assertIn("the old version runs again", said)
        self.assertTrue(self.is_running())
        self.check_output()

    def test_a_version_that_crashes_at_once_shows_what_it_said(self):
        self.start()
        script = self.script("echo no such luck >&2; kill -9 $$")
        said = self.upgrade(1, script, *self.arguments())
        self.assertIn("ended with signal 9", said)
        self.assertIn("  no such luck", said)
        self.check_output()

    def test_a_version_that_hangs(self):
        self.start()
        said = self.upgrade(1, *self.new("second", hangs="true"), options=["--timeout", "3"])
        self.assertIn("no checkpoint within 3 s", said)
        self.check_output()

    def test_the_old_version_comes_back_though_its_file_was_replaced(self):
        place = self.work / "elsewhere"
        place.mkdir()
        shutil.copy(BIN / "weir_integration", place / "job")
        old = self.start("job", place)
        (place / "job").unlink()
        (place / "job").write_text("#!/bin/sh\nexit 9\n")
        self.upgrade(1, *self.new("second", ["--fault-point", "metadata-synced"]))
        self.assertEqual(old.wait(timeout=DEADLINE), 0)
        self.check_output()

    def test_an_incompatible_version_stops_nothing(self):
        old = self.start()
        said = self.upgrade(2, *self.new("incompatible"))
        self.assertIn("incompatible", said)
        self.assertIn("count: string, was int64", said)
        self.assertIn("the job was left as it is", said)
        self.assertIsNone(old.poll())
        self.assertEqual(list((self.work / JOB).glob("savepoints/*")), [])
        self.check_output()

    def test_wrong_arguments_stop_nothing(self):
        old = self.start(rate=400)
        for command, message in [
                ([self.work / "nothing"], "cannot run"),
                (["echo", "hello"], "did not print a job graph"),
                (self.new(options=["--parallelsim", "3"]), "ended with status 1"),
                (self.new(options=["--restore", "latest"]), "leave out --restore"),
                (self.new(options=["--checkpoint-dir=x"]), "leave out --restore"),
                (self.new(name="other"), "is job 'other', not the one of"),
                (self.new()[:3] + ["-D", "execution.checkpointing.interval=0ms",
                                   *self.arguments()],
                 "takes no checkpoints"),
                (self.new()[:3] + ["--checkpoint-interval", "1h", *self.arguments()],
                 "only after 1 h; --timeout must be longer"),
        ]:
            self.assertIn(message, self.upgrade(2, *command))
        self.assertEqual(self.weir("upgrade", JOB).returncode, 2)
        self.assertEqual(self.weir("upgrade", "nowhere", "--", "x").returncode, 2)
        # A savepoint cannot be made there: the job goes on.
        (self.work / "file").write_text("")
        said = self.upgrade(2, *self.new(), options=["--savepoint", "file/below"])
        self.assertIn("the job goes on as it was", said)
        self.assertIsNone(old.poll())
        self.check_output()
        said = self.upgrade(2, *self.new())
        self.assertIn("no job runs in", said)

    def test_what_a_version_committed_is_not_taken_back(self):
        """It dies after its first checkpoint, but before anybody looked: then nothing goes back."""
        self.start()
        script = self.script(
            f'{BIN}/weir_integration --fault-point checkpoint-notified "$@"; exit 4')
        with subprocess.Popen([BIN / "weir", "upgrade", JOB, "--", script,
                               *self.options(), *self.arguments()], cwd=self.work,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as weir:
            for line in weir.stdout:
                if "started the new version" in line:
                    break
            os.kill(weir.pid, signal.SIGSTOP)
            time.sleep(3)
            os.kill(weir.pid, signal.SIGCONT)
            said = weir.stdout.read()
        self.assertEqual(weir.returncode, 3, said)
        self.assertIn("What it wrote is committed", said)
        subprocess.run(self.new(options=["--restore", "latest"], rate=0), cwd=self.work, check=True,
                       timeout=DEADLINE)
        self.check_output()


if __name__ == "__main__":
    unittest.main()
