#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Kills fraud_detection with SIGKILL, at random instants and at every named step of publishing a
checkpoint and of committing files, several times in a row, and restores it from the latest
checkpoint. What is committed must be, at every moment, a part of what an undisturbed run writes,
and in the end all of it: byte for byte after sorting.

    kill_test.py BUILD_FOLDER [--kills N] [--seed S]
"""
import argparse
import collections
import pathlib
import random
import re
import shutil
import subprocess
import sys
import tempfile

SOURCE = pathlib.Path(__file__).resolve().parents[2]
EVENTS = 30_000
RATE = 25_000  # records a second, so that a run lasts longer than starting it
SECONDS_MAX = 120  # of one run, before it is taken for hung
# Directories whose fault points are steps of a checkpoint or of a commit.
FAULT_POINT_FOLDERS = ["connectors/files", "jobmanager", "state", "taskmanager"]


def fault_points():
    """All names in the sources, so that a new step is killed at without being listed here."""
    names = set()
    for folder in FAULT_POINT_FOLDERS:
        for path in sorted((SOURCE / folder).rglob("*.cc")):
            names.update(re.findall(r'fault_point\("([^"]+)"\)', path.read_text()))
    return sorted(names)


class Job:
    """One output folder with its checkpoints, and the runs that write to it."""

    def __init__(self, binaries, folder, transactions, is_incremental=False):
        self.is_incremental = is_incremental
        self.binaries = binaries
        self.folder = folder
        self.transactions = transactions
        self.log = folder / "log.txt"
        folder.mkdir()

    def start(self, parallelism, rate=0, fault_point=None):
        command = [self.binaries / "fraud_detection", "--parallelism", str(parallelism),
                   "--checkpoint-interval", "100ms",
                   "--checkpoint-dir", self.folder / "checkpoints",
                   "-D", f"execution.checkpointing.incremental={str(self.is_incremental).lower()}",
                   "--progress", "plain", "-D", "progress.interval=200ms", "--restore", "latest"]
        if fault_point is not None:
            command += ["--fault-point", fault_point]
        command += ["--", "--input", self.transactions, "--output", self.folder / "alerts",
                    "--roll-interval", "150ms", "--rate", str(rate)]
        log = open(self.log, "ab")
        log.write(f"\n$ {' '.join(map(str, command))}\n".encode())
        log.flush()
        return subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)

    def finish(self, parallelism):
        """Runs to the end; returns the exit status."""
        process = self.start(parallelism)
        try:
            return process.wait(SECONDS_MAX)
        finally:
            process.kill()
            process.wait()

    def committed(self):
        lines = []
        for path in (self.folder / "alerts").glob("[!.]*"):
            lines += path.read_bytes().splitlines()
        return sorted(lines)


def shuffled_for_ever(rng, items):
    """Every item comes once before one comes again."""
    while True:
        yield from rng.sample(items, len(items))


def kill_once(job, rng, points):
    """Starts a run and kills it. Returns how, or None if the run ended before that."""
    parallelism = rng.randint(1, 3)
    if rng.random() < 0.6:
        point = f"{next(points)}:{rng.choice([1, 1, 2, 3, 5])}"
        process = job.start(parallelism, RATE, point)
        how, seconds = f"at {point}", SECONDS_MAX
    else:
        seconds = rng.uniform(0, 1.5 * EVENTS / RATE)
        process = job.start(parallelism, RATE)
        how = f"after {seconds:.3f} s"
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
    status = process.wait()
    if status == -9:
        return f"{how}, parallelism {parallelism}"
    if status != 0:
        raise AssertionError(f"the job failed with status {status}")
    return None


def check_part(found, expected, when):
    surplus = collections.Counter(found) - collections.Counter(expected)
    if surplus:
        raise AssertionError(f"{when}: {sum(surplus.values())} lines too many, such as "
                             f"{next(iter(surplus))!r}")


def run_one_job(job, rng, points, expected, kills_left):
    """Several kills in a row, then a run to the end. Returns how many kills there were."""
    kills = 0
    for _ in range(min(kills_left, rng.randint(1, 4))):
        how = kill_once(job, rng, points)
        if how is None:
            break
        kills += 1
        print(f"  killed {how}: {len(job.committed())} of {len(expected)} alerts are committed",
              flush=True)
        check_part(job.committed(), expected, f"killed {how}")
    status = job.finish(rng.randint(1, 3))
    if status != 0:
        raise AssertionError(f"the last run ended with status {status}")
    if job.committed() != expected:
        check_part(job.committed(), expected, "at the end")
        raise AssertionError(f"at the end: {len(job.committed())} of {len(expected)} alerts")
    return kills


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    binaries = arguments.build.resolve() / "bin"
    folder = pathlib.Path(tempfile.mkdtemp(prefix="weir-kill-test-"))
    transactions = folder / "transactions.json"
    subprocess.run([binaries / "fraud_generator", "--events", str(EVENTS), "--seed",
                    str(arguments.seed), "--output", transactions, "--planted",
                    folder / "planted.json"], check=True, stdout=subprocess.DEVNULL)

    undisturbed = Job(binaries, folder / "undisturbed", transactions)
    assert undisturbed.finish(2) == 0, undisturbed.log.read_text()
    expected = undisturbed.committed()
    assert len(expected) > 100, len(expected)

    points = fault_points()
    assert len(points) > 10, points
    print(f"seed {arguments.seed}, {len(expected)} alerts, fault points: {', '.join(points)}")
    rng = random.Random(arguments.seed)
    points = shuffled_for_ever(rng, points)
    kills = jobs = 0
    while kills < arguments.kills:
        jobs += 1
        print(f"job {jobs}")
        job = Job(binaries, folder / f"job-{jobs}", transactions, is_incremental=jobs % 2 == 1)
        try:
            kills += run_one_job(job, rng, points, expected, arguments.kills - kills)
        except (AssertionError, subprocess.TimeoutExpired) as error:
            sys.stdout.write(job.log.read_text(errors="replace")[-5000:])
            print(f"FAILED with seed {arguments.seed}, see {job.folder}: {error}")
            return 1
        shutil.rmtree(job.folder)
    shutil.rmtree(folder)
    print(f"{kills} kills in {jobs} jobs: every output is the same")
    return 0


if __name__ == "__main__":
    sys.exit(main())
