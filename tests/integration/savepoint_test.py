#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A real job: a savepoint by the command line, a stop with one, and restores at another parallelism
and max parallelism. The alerts must be those of a run that nobody disturbed.

Usage: savepoint_test.py BIN_FOLDER
"""

import pathlib
import subprocess
import sys
import tempfile
import time

EVENTS = 60000
DEADLINE = 60  # seconds to wait for anything


class Failed(Exception):
    pass


def alerts_of(folder):
    lines = []
    for path in sorted(folder.glob("part-*")):
        lines += path.read_text().splitlines()
    return sorted(lines)


class Job:
    def __init__(self, bin_folder, work):
        self.bin = bin_folder
        self.work = work

    def command(self, output, *options, rate=0):
        return [str(self.bin / "fraud_detection"), "--progress", "none", "--checkpoint-dir",
                "checkpoints", "--checkpoint-interval", "500ms", *options, "--", "--input",
                "in.json", "--output", output, "--rate", str(rate)]

    def run(self, output, *options):
        done = subprocess.run(self.command(output, *options), cwd=self.work, text=True,
                              capture_output=True, timeout=DEADLINE * 3)
        if done.returncode != 0:
            raise Failed(f"the job left with {done.returncode}: {done.stderr}")
        return done.stderr

    def start(self, output, *options):
        job = subprocess.Popen(self.command(output, *options, rate=5000), cwd=self.work,
                               text=True, stderr=subprocess.PIPE)
        until = time.monotonic() + DEADLINE
        while "RUNNING" not in self.weir("list").stdout:
            if time.monotonic() > until or job.poll() is not None:
                raise Failed("the job does not run")
            time.sleep(0.1)
        time.sleep(2)  # lets it read something
        return job

    def weir(self, *arguments):
        return subprocess.run([str(self.bin / "weir"), *arguments], cwd=self.work, text=True,
                              capture_output=True, timeout=DEADLINE)

    def path_of(self, done):
        if done.returncode != 0:
            raise Failed(f"{done.args[1:]} left with {done.returncode}: {done.stderr}")
        path = pathlib.Path(done.stdout.strip())
        if not (path / "_metadata").is_file():
            raise Failed(f"there is no savepoint in {path}")
        return path


def expect(condition, message):
    if not condition:
        raise Failed(message)


def disturbed_run(job, undisturbed):
    first = job.start("out", "-p", "2", "--max-parallelism", "128")
    savepoint = job.path_of(job.weir("savepoint", "trigger", "checkpoints/fraud-detection",
                                     "--to", "savepoints"))
    stopped = job.path_of(job.weir("stop", "checkpoints/fraud-detection", "--savepoint",
                                   "savepoints"))
    expect(first.wait(timeout=DEADLINE) == 0, f"the job did not stop: {first.stderr.read()}")
    committed = alerts_of(job.work / "out")
    expect(0 < len(committed) < len(undisturbed), "the stop came too early or too late")
    expect(not list((job.work / "out").glob(".*")), "output of the savepoint is not visible")

    # Both steps of max parallelism: fewer groups than keys on the way, then more.
    second = job.start("out", "-p", "3", "--max-parallelism", "7", "--restore", str(stopped))
    expect(set(committed) <= set(alerts_of(job.work / "out")), "output was taken back")
    again = job.path_of(job.weir("stop", "checkpoints/fraud-detection", "--savepoint",
                                 "savepoints"))
    expect(second.wait(timeout=DEADLINE) == 0, f"the job did not stop: {second.stderr.read()}")
    job.run("out", "-p", "3", "--max-parallelism", "300", "--restore", str(again))
    expect(alerts_of(job.work / "out") == undisturbed, "the alerts differ")
    for path in (savepoint, stopped, again):
        expect((path / "_metadata").is_file(), f"{path} was deleted, though nobody claimed it")
    return savepoint, stopped


def after_a_move(job, savepoint, undisturbed):
    """An intermediate savepoint, moved, with the output of before it in another folder."""
    moved = job.work / "elsewhere"
    savepoint.rename(moved)
    job.run("unused", "-p", "1", "--restore", str(moved), "--claim-mode", "claim")
    expect(set(alerts_of(job.work / "unused")) <= set(undisturbed), "alerts that nobody planted")
    expect(not moved.exists(), "a claimed savepoint was not deleted")


def drained_run(job):
    running = job.start("drained", "-p", "2")
    path = job.path_of(job.weir("stop", "checkpoints/fraud-detection", "--drain"))
    expect(running.wait(timeout=DEADLINE) == 0, "the drained job did not finish")
    expect(path.parent == job.work / "checkpoints/fraud-detection/savepoints", str(path))
    expect(len(alerts_of(job.work / "drained")) > 0, "a drained job commits what it has")


def clear_messages(job, stopped):
    for arguments, message in [
            (["stop", "checkpoints/fraud-detection"], "no job runs in"),
            (["savepoint", "trigger", "nowhere"], "there is no job in 'nowhere'"),
            (["savepoint", "dispose", "nowhere"], "is no savepoint"),
    ]:
        done = job.weir(*arguments)
        expect(done.returncode != 0 and message in done.stderr, f"{arguments}: {done.stderr}")
    checkpoint = next(iter(sorted((job.work / "checkpoints/fraud-detection").glob("chk-*"))))
    done = job.weir("savepoint", "dispose", str(checkpoint))
    expect(done.returncode != 0 and checkpoint.exists(), "a checkpoint was disposed of")
    expect(job.weir("savepoint", "dispose", str(stopped)).returncode == 0, "dispose fails")
    expect(not stopped.exists(), "dispose leaves the savepoint")


def main():
    bin_folder = pathlib.Path(sys.argv[1]).resolve() / "bin"
    with tempfile.TemporaryDirectory() as folder:
        job = Job(bin_folder, pathlib.Path(folder))
        subprocess.run([str(bin_folder / "fraud_generator"), "--events", str(EVENTS), "--seed",
                        "7", "--output", "in.json", "--planted", "planted.json"],
                       cwd=job.work, check=True, capture_output=True)
        job.run("undisturbed", "-p", "2")
        undisturbed = alerts_of(job.work / "undisturbed")
        expect(len(undisturbed) > 50, "the run has too few alerts to tell anything")
        savepoint, stopped = disturbed_run(job, undisturbed)
        after_a_move(job, savepoint, undisturbed)
        drained_run(job)
        clear_messages(job, stopped)
    print("savepoint_test: all as it should be")


if __name__ == "__main__":
    try:
        main()
    except Failed as error:
        sys.exit(f"savepoint_test: {error}")
