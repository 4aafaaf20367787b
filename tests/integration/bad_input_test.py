#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Gives jobs what they cannot work with. Each time it must say what is wrong and name the
thing, must not crash, and may only end with status 0 if the work was done.

    bad_input_test.py BUILD_FOLDER
"""
import contextlib
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

BINARIES = pathlib.Path(sys.argv.pop(1) if len(sys.argv) > 1 else "build/dev").resolve() / "bin"
EVENTS = 5_000
EVENTS_OF_LARGE_STATE = 100_000  # small snapshots lie inside the metadata
SECONDS_MAX = 120
# Where a failure may pass (a full disk), a job starts again and again: not in a test.
NO_RESTART = ["-D", "restart-strategy.type=none"]


class Result:
    def __init__(self, status, text, memory_bytes):
        self.status = status
        self.text = text
        self.memory_bytes = memory_bytes


class BadInputTest(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="weir-bad-input-"))
        self.folder.chmod(0o777)
        self.addCleanup(shutil.rmtree, self.folder)
        self.input = self.folder / "transactions.json"
        self.output = self.folder / "alerts"
        self.checkpoints = self.folder / "checkpoints"
        self.generate(EVENTS)

    def generate(self, events):
        subprocess.run([BINARIES / "fraud_generator", "--events", str(events), "--output",
                        self.input, "--planted", self.folder / "planted.json"],
                       check=True, stdout=subprocess.DEVNULL)

    def run_job(self, *options, job=(), user=None, input=None):
        program = BINARIES / "fraud_detection"
        if user is not None:
            # Another user may not be let into the folders that lead to the build.
            program = shutil.copy(program, self.folder)
        command = [program, "--checkpoint-interval", "100ms",
                   "--checkpoint-dir", self.checkpoints, "--progress", "plain", *options,
                   "--", "--input", input or self.input, "--output", self.output, *job]
        log = self.folder / "log.txt"
        with open(log, "wb") as out:
            process = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT, user=user,
                                       cwd=self.folder)
        signal.signal(signal.SIGALRM, lambda *_: process.kill())
        signal.alarm(SECONDS_MAX)
        _, wait_status, usage = os.wait4(process.pid, 0)
        signal.alarm(0)
        process.returncode = os.waitstatus_to_exitcode(wait_status)
        text = log.read_text(errors="replace")
        self.assertGreaterEqual(process.returncode, 0, f"killed or crashed:\n{text}")
        self.assertNotIn("check failed", text)
        self.assertNotIn("Sanitizer", text)
        return Result(process.returncode, text, usage.ru_maxrss * 1024)

    def assert_fails(self, result, *texts):
        self.assertNotEqual(result.status, 0, result.text)
        for text in texts:
            self.assertIn(str(text), result.text)
        self.assertEqual(self.committed(), [])

    def committed(self):
        lines = []
        if self.output.is_dir():
            for path in self.output.glob("[!.]*"):
                lines += path.read_bytes().splitlines()
        return sorted(lines)

    def expected(self):
        """The alerts of the transactions as they were generated."""
        subprocess.run([BINARIES / "fraud_truth", "--input", self.input, "--output",
                        self.folder / "expected"], check=True, stdout=subprocess.DEVNULL)
        return sorted((self.folder / "expected").read_bytes().splitlines())

    @staticmethod
    def plain_user():
        """Somebody whom permissions hold back; None if that is us already."""
        return "nobody" if os.geteuid() == 0 else None

    # --- input -----------------------------------------------------------------------------------

    def test_missing_file(self):
        missing = self.folder / "missing.json"
        self.assert_fails(self.run_job(input=missing), missing)

    def test_pattern_without_files(self):
        pattern = self.folder / "day-*.json"
        self.assert_fails(self.run_job(input=pattern), pattern)

    def test_empty_folder(self):
        (self.folder / "empty").mkdir()
        self.assert_fails(self.run_job(input=self.folder / "empty"), self.folder / "empty")

    def test_unreadable_folder(self):
        secret = self.folder / "secret"
        secret.mkdir(mode=0o700)
        shutil.copy(self.input, secret)
        secret.chmod(0)
        self.assert_fails(self.run_job(input=secret, user=self.plain_user()), secret,
                          "Permission denied")
        secret.chmod(0o700)

    def test_unreadable_file(self):
        self.input.chmod(0)
        self.assert_fails(self.run_job(user=self.plain_user()), self.input, "Permission denied")

    def test_line_of_garbage_is_skipped_and_shown(self):
        expected = self.expected()
        lines = self.input.read_bytes().splitlines(keepends=True)
        garbage = b"\xff\x00 what is this?\n"
        offset = sum(map(len, lines[:1000]))
        self.input.write_bytes(b"".join(lines[:1000] + [garbage] + lines[1000:]))
        result = self.run_job()
        self.assertEqual(result.status, 0, result.text)
        self.assertEqual(self.committed(), expected)
        self.assertRegex(result.text, f"bad record.*file={self.input} offset={offset} ")
        self.assertRegex(result.text, r"(?m)transactions .*bad 1\b")

    def test_line_of_garbage_fails_the_job_if_asked_to(self):
        with open(self.input, "ab") as out:
            offset = out.tell()
            out.write(b"garbage\n")
        result = self.run_job(job=["--fail-on-bad-record"])
        self.assert_fails(result, f"'{self.input}' at byte {offset}")
        self.assertEqual(result.status, 1)

    def test_line_of_100_megabytes_is_skipped_and_not_held(self):
        expected = self.expected()
        offset = self.input.stat().st_size
        last = b'{"account":"acc-999999","amount":1.5,"country":"DE","at":1767225600795}\n'
        with open(self.input, "ab") as out:
            out.write(b'{"account":"')
            for _ in range(100):
                out.write(b"x" * 1_000_000)
            out.write(b'"}\n' + last)
        result = self.run_job("--parallelism", "2")
        self.assertEqual(result.status, 0, result.text)
        self.assertEqual(self.committed(), expected)
        self.assertRegex(result.text, f"file={self.input} offset={offset} .*longer than 16777216")
        self.assertEqual(len(re.findall("longer than", result.text)), 1)
        if "-fsanitize" not in os.environ.get("WEIR_TEST_FLAGS", ""):
            self.assertLess(result.memory_bytes, 400e6)

    def test_pipe_as_input(self):
        pipe = self.folder / "pipe"
        os.mkfifo(pipe)
        result = self.run_job(input=pipe)
        self.assert_fails(result, pipe)
        self.assertEqual(len(re.findall(r"(?m)^fraud-detection: .*", result.text)), 1)
        last = result.text.splitlines()[-1]
        self.assertEqual(last.count("transactions/splits"), 1, "the operator is named once")

    # --- standard output -------------------------------------------------------------------------

    def print_words(self, stdout, words=10, close=None):
        (self.folder / "words.txt").write_text("word\n" * words)
        command = [BINARIES / "word_count", "--checkpoint-dir", self.checkpoints, "--progress",
                   "plain", "--", "--input", "words.txt"]
        return subprocess.run(command, stdout=stdout, stderr=subprocess.PIPE, text=True,
                              cwd=self.folder, timeout=SECONDS_MAX, check=False,
                              preexec_fn=close and (lambda: os.close(close)))

    def test_full_standard_output(self):
        with open("/dev/full", "w") as full:
            result = self.print_words(full)
            self.assertEqual(result.returncode, 1, result.stderr)
            self.assertIn("standard output: No space left on device", result.stderr)
            for option in ["--help", "--explain", "--list-config"]:
                shown = subprocess.run([BINARIES / "word_count", option], stdout=full,
                                       stderr=subprocess.PIPE, text=True, check=False)
                self.assertEqual(shown.returncode, 1, option)
                self.assertIn("standard output: No space left on device", shown.stderr)

    def test_closed_standard_output(self):
        result = self.print_words(None, close=1)
        self.assertEqual(result.returncode, 1, result.stderr)
        self.assertIn("standard output: Bad file descriptor", result.stderr)

    def test_pipe_of_standard_output_without_a_reader(self):
        reader, writer = os.pipe()
        os.close(reader)
        result = self.print_words(writer)
        os.close(writer)
        self.assertEqual(result.returncode, 1, result.stderr)
        self.assertIn("standard output: Broken pipe", result.stderr)

    def test_closed_standard_error_does_not_write_into_other_files(self):
        result = self.print_words(subprocess.PIPE, close=2)
        self.assertEqual(result.returncode, 0)
        self.assertEqual(len(result.stdout.splitlines()), 10)
        self.assertEqual((self.checkpoints / "word-count" / ".lock").read_bytes(), b"")

    # --- options ---------------------------------------------------------------------------------

    def test_wrong_flag(self):
        self.assert_fails(self.run_job("--paralelism", "2"), "--paralelism")

    def test_wrong_flag_of_the_job(self):
        self.assert_fails(self.run_job(job=["--limits", "5"]), "--limits")

    def test_wrong_value_of_a_flag_of_the_job(self):
        self.assert_fails(self.run_job(job=["--limit", "much"]), "--limit", "much")

    def test_unknown_configuration_key(self):
        self.assert_fails(self.run_job("-D", "execution.checkpointing.intervall=1s"),
                          "execution.checkpointing.intervall", "execution.checkpointing.interval")

    def test_unknown_configuration_key_in_a_file(self):
        config = self.folder / "config.yaml"
        config.write_text("parallelism:\n  default: 2\nstate:\n  backends: heap\n")
        self.assert_fails(self.run_job("--config", config), f"{config}:4", "state.backends")

    def test_configuration_value_of_the_wrong_type(self):
        config = self.folder / "config.yaml"
        config.write_text("parallelism.default: two\n")
        self.assert_fails(self.run_job("--config", config), f"{config}:1", "parallelism.default",
                          "two")
        self.assert_fails(self.run_job("-D", "execution.checkpointing.timeout=soon"),
                          "execution.checkpointing.timeout", "soon")

    def test_empty_restore_does_not_start_afresh(self):
        self.assert_fails(self.run_job("--restore", ""), "--restore")

    def test_setting_that_cannot_work(self):
        self.assert_fails(self.run_job("-D", "heartbeat.interval=0s"), "heartbeat.interval")
        self.assert_fails(self.run_job("-D", "taskmanager.memory.process.size=256"),
                          "taskmanager.memory.process.size", "less than 1 mb")

    def test_missing_configuration_file(self):
        config = self.folder / "missing.yaml"
        self.assert_fails(self.run_job("--config", config), config)

    # --- checkpoints and output ------------------------------------------------------------------

    @contextlib.contextmanager
    def full_disk(self, path, size):
        path.mkdir()
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", path],
                                 capture_output=True, check=False)
        if mounted.returncode != 0:
            self.skipTest("mounting needs root")
        try:
            yield
        finally:
            subprocess.run(["umount", "-l", path], check=True)

    def test_full_checkpoint_directory(self):
        with self.full_disk(self.checkpoints, "8k"):
            (self.checkpoints / "ballast").write_bytes(b"x" * 8192)
            result = self.run_job(*NO_RESTART)
            self.assert_fails(result, self.checkpoints, "No space left on device")

    def test_full_output_directory(self):
        with self.full_disk(self.output, "8k"):
            result = self.run_job(*NO_RESTART, job=["--limit", "1", "--payments", "1"])
            self.assert_fails(result, self.output, "No space left on device")

    def test_read_only_checkpoint_directory(self):
        self.checkpoints.mkdir()
        self.checkpoints.chmod(0o555)
        self.assert_fails(self.run_job(user=self.plain_user()), self.checkpoints,
                          "Permission denied")

    def test_read_only_output_directory(self):
        self.output.mkdir()
        self.output.chmod(0o555)
        self.assert_fails(self.run_job(*NO_RESTART, user=self.plain_user()), self.output,
                          "Permission denied")

    def make_checkpoint(self, job=()):
        """Leaves what a run leaves that was killed, once it has a checkpoint with snapshot files
        and output that is not committed; returns the folder of its last checkpoint."""
        self.generate(EVENTS_OF_LARGE_STATE)
        command = [BINARIES / "fraud_detection", "--parallelism", "2", "--checkpoint-interval",
                   "50ms", "--checkpoint-dir", self.checkpoints, "--progress", "none", "--",
                   "--input", self.input, "--output", self.output,
                   "--rate", str(EVENTS_OF_LARGE_STATE // 5), *job]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            first = None  # checkpoint that was there when there was output
            while process.poll() is None:
                last = self.last_checkpoint()
                if self.hidden_output() and len(self.checkpoint_files(last)) > 1:
                    first = first or last
                    # One in between may have begun before.
                    if int(last.name[4:]) >= int(first.name[4:]) + 2:
                        break
                time.sleep(0.01)
        finally:
            process.kill()
        self.assertEqual(process.wait(), -signal.SIGKILL, "the job ended before it was killed")
        return self.last_checkpoint()

    def last_checkpoint(self):
        complete = [path.parent for path in self.checkpoints.glob("*/chk-*/_metadata")]
        return max(complete, key=lambda path: int(path.name[len("chk-"):]), default=None)

    @staticmethod
    def checkpoint_files(checkpoint):
        if checkpoint is None or not checkpoint.is_dir():
            return []
        with contextlib.suppress(FileNotFoundError):  # a newer one has replaced it
            return [path for path in sorted(checkpoint.iterdir()) if path.stat().st_size > 0]
        return []

    def hidden_output(self):
        return [path for path in self.output.glob(".part-*") if path.stat().st_size > 0]

    def test_damaged_checkpoint_file_is_refused(self):
        checkpoint = self.make_checkpoint()
        files = self.checkpoint_files(checkpoint)
        self.assertGreaterEqual(len(files), 2, files)
        damages = {
            "flipped": lambda content: content[:-9] + bytes([content[-9] ^ 1]) + content[-8:],
            "truncated": lambda content: content[:len(content) // 2],
            "emptied": lambda content: b"",
        }
        for path in files:
            content = path.read_bytes()
            for name, damage in damages.items():
                with self.subTest(file=path.name, damage=name):
                    path.write_bytes(damage(content))
                    result = self.run_job("--restore", "latest")
                    self.assert_fails(result, path)
            path.write_bytes(content)
        # What was refused was left as it was.
        result = self.run_job("--restore", "latest")
        self.assertEqual(result.status, 0, result.text)
        self.assertEqual(self.committed(), self.expected())

    def test_missing_snapshot_file_is_refused(self):
        checkpoint = self.make_checkpoint()
        path = next(path for path in self.checkpoint_files(checkpoint) if path.name != "_metadata")
        path.unlink()
        self.assert_fails(self.run_job("--restore", "latest"), path)

    def test_restore_from_a_path_that_is_no_checkpoint(self):
        missing = self.folder / "chk-7"
        self.assert_fails(self.run_job("--restore", missing), missing)

    def test_lost_output_of_a_checkpoint_is_refused(self):
        self.make_checkpoint(job=["--payments", "0"])  # many alerts
        for path in self.hidden_output():
            path.unlink()
        self.assert_fails(self.run_job("--restore", "latest"), self.output / ".part-")


if __name__ == "__main__":
    unittest.main(verbosity=2)
