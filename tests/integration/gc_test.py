#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""weir gc after a real job died in the middle of a savepoint: what it may delete goes, a running
job keeps everything, and the job goes on as if nothing had happened.

Usage: gc_test.py BIN_FOLDER
"""
import pathlib
import subprocess
import sys
import tempfile
import time

DEADLINE = 60  # seconds to wait for anything
JOB = "checkpoints/fraud-detection"


class Failed(Exception):
    pass


def expect(condition, message):
    if not condition:
        raise Failed(message)


def lines_of(folder):
    return sorted(line for path in folder.glob("part-*") for line in path.read_text().splitlines())


class Place:
    def __init__(self, bin_folder, work):
        self.bin, self.work = bin_folder, work

    def weir(self, *arguments):
        return subprocess.run([str(self.bin / "weir"), *arguments], cwd=self.work, text=True,
                              capture_output=True, timeout=DEADLINE)

    def gc(self, status, *arguments):
        done = self.weir("gc", *arguments)
        expect(done.returncode == status, f"gc {arguments}: {done.returncode} {done.stdout} "
                                          f"{done.stderr}")
        return done.stdout + done.stderr

    def start(self, *options, output="out", rate=5000):
        return subprocess.Popen(
            [str(self.bin / "fraud_detection"), "--progress", "none", "--checkpoint-interval",
             "300ms", "-p", "2", "-D", "execution.checkpointing.incremental=true", *options, "--",
             "--input", "in.json", "--output", output, "--rate", str(rate)],
            cwd=self.work, stderr=subprocess.PIPE, text=True)

    def finish(self, *options, output="out"):
        job = self.start(*options, output=output, rate=0)
        error = job.communicate(timeout=DEADLINE)[1]
        expect(job.returncode == 0, f"the job left with {job.returncode}: {error}")

    def files(self):
        return sorted(path.relative_to(self.work) for folder in ["checkpoints", "savepoints"]
                      for path in (self.work / folder).rglob("*"))


def die_in_a_savepoint(place):
    """Runs until a savepoint is about to become complete, and no further."""
    job = place.start("--fault-point", "metadata-synced:3")
    until = time.monotonic() + DEADLINE
    while not list((place.work / JOB).glob("chk-*/_metadata")):
        expect(time.monotonic() < until and job.poll() is None, "no checkpoint")
        time.sleep(0.02)
    incomplete = []
    while not incomplete:
        expect(time.monotonic() < until, "the job does not die in a savepoint")
        place.weir("savepoint", "trigger", JOB, "--to", "savepoints")
        if job.poll() is not None:
            incomplete = [path for path in (place.work / "savepoints").glob("savepoint-*")
                          if not (path / "_metadata").exists()]
            job = job if incomplete else place.start("--restore", "latest", "--fault-point",
                                                     "metadata-synced:3")
    return incomplete[0]


def check(place):
    incomplete = die_in_a_savepoint(place)
    (place.work / JOB / "runs/1-left-over").write_bytes(b"x" * 1000)
    before = place.files()
    said = place.gc(1, "--dry-run", "checkpoints", "savepoints")
    for wanted in [f"savepoints/{incomplete.name}  ", "a savepoint that was never completed",
                   f"{JOB}/runs/1-left-over  1000 bytes  a run that no completed checkpoint",
                   f"{JOB}/control.sock  0 bytes", "would be deleted"]:
        expect(wanted in said, f"{wanted!r} is not in {said}")
    expect(place.files() == before, "a dry run changes something")

    # The job runs again: the savepoint that its dead process left is gone already.
    job = place.start("--restore", "latest")
    until = time.monotonic() + DEADLINE
    while "RUNNING" not in place.weir("list").stdout:
        expect(time.monotonic() < until and job.poll() is None, "the job does not run")
        time.sleep(0.05)
    expect(not incomplete.exists(), "the next run leaves the savepoint")
    said = place.gc(0, "checkpoints", "savepoints")
    expect(f"left alone  {JOB}: its job runs" in said, said)
    expect(place.weir("cancel", JOB).returncode == 0, "cancel fails")
    job.wait(timeout=DEADLINE)

    incomplete = die_in_a_savepoint(place)
    place.gc(0, "checkpoints", "savepoints")
    place.gc(0, "--dry-run", "checkpoints", "savepoints")
    expect(not incomplete.exists(), "gc leaves the savepoint")
    complete = [str(path) for path in (place.work / "savepoints").iterdir()]
    expect(place.weir("savepoint", "verify", *complete,
                      *map(str, (place.work / JOB).glob("chk-*/_metadata"))).returncode == 0,
           "what gc left is damaged")
    place.finish("--restore", "latest")
    expect(lines_of(place.work / "out") == lines_of(place.work / "undisturbed"),
           "the alerts differ")
    place.gc(2, "nowhere")

    # What was there before a restore from elsewhere is its user's, until he says otherwise.
    place.finish("--restore", complete[0], output="other")
    expect(len(list((place.work / JOB).glob("chk-*/_metadata"))) == 2, "not two checkpoints")
    place.gc(0, "--retain", "1")
    expect(len(list((place.work / JOB).glob("chk-*/_metadata"))) == 1, "not one checkpoint")
    place.gc(0, "--dry-run")


def main():
    bin_folder = pathlib.Path(sys.argv[1]).resolve() / "bin"
    with tempfile.TemporaryDirectory() as folder:
        place = Place(bin_folder, pathlib.Path(folder))
        subprocess.run([str(bin_folder / "fraud_generator"), "--events", "40000", "--seed", "7",
                        "--output", "in.json", "--planted", "planted.json"],
                       cwd=place.work, check=True, capture_output=True)
        place.finish("--checkpoint-dir", "other-checkpoints", output="undisturbed")
        check(place)
    print("gc_test: all as it should be")


if __name__ == "__main__":
    try:
        main()
    except Failed as error:
        sys.exit(f"gc_test: {error}")
