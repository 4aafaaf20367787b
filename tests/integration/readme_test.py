#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The job in the README compiles, and every script and document that it names exists."""

import os
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]


def compile_job(text):
    block = re.search(r"```cpp\n(.*?)```", text, re.S)
    if block is None:
        return ["README.md has no C++ block"]
    with tempfile.TemporaryDirectory() as folder:
        source = pathlib.Path(folder) / "job.cc"
        source.write_text(block.group(1))
        result = subprocess.run(
            [os.environ.get("CXX", "c++"), "-std=c++20", "-fsyntax-only", "-Wall", "-Wextra",
             "-Werror", f"-I{ROOT}", f"-I{ROOT}/api/include", f"-I{ROOT}/connectors/include",
             str(source)],
            capture_output=True, text=True)
    if result.returncode == 0:
        return []
    return ["the job in README.md does not compile:\n" + result.stderr[:4000]]


def missing_files(text):
    named = set(re.findall(r"`((?:scripts|docs)/[\w./-]+)`", text))
    return [f"README.md names {name}, which does not exist" for name in sorted(named)
            if not (ROOT / name).exists()]


def main():
    text = (ROOT / "README.md").read_text()
    mistakes = missing_files(text) + compile_job(text)
    print("\n".join(mistakes) if mistakes else "the README holds")
    return 1 if mistakes else 0


if __name__ == "__main__":
    sys.exit(main())
