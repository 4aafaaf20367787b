#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compiles one file and checks what the compiler says first.

Usage: compile_check.py FILE -- COMPILER ARGUMENT...

The file says in comments what must happen:
  // expect: TEXT     it does not compile, and the first line with an error holds TEXT
  // expect-none      it compiles without warnings
"""

import re
import subprocess
import sys


def expectation(path):
    """The expected text, or None if the file must compile."""
    with open(path, encoding="utf-8") as file:
        text = file.read()
    found = re.search(r"^// expect: (.+)$", text, re.MULTILINE)
    if found:
        return found.group(1).strip()
    if re.search(r"^// expect-none$", text, re.MULTILINE):
        return None
    sys.exit(f"{path}: neither '// expect: TEXT' nor '// expect-none'")


def main(arguments):
    if len(arguments) < 3 or arguments[1] != "--":
        sys.exit(__doc__)
    source, command = arguments[0], arguments[2:]
    expected = expectation(source)
    result = subprocess.run([*command, source], capture_output=True, text=True, check=False)
    output = result.stderr
    if expected is None:
        if result.returncode != 0 or output.strip():
            sys.exit(f"{source}: must compile in silence:\n{output}")
        return
    if result.returncode == 0:
        sys.exit(f"{source}: compiles, but must fail with '{expected}'")
    errors = [line for line in output.splitlines() if re.search(r"\berror:", line)]
    if not errors or expected not in errors[0]:
        first = errors[0] if errors else "(none)"
        sys.exit(f"{source}: the first error must hold\n  {expected}\nbut is\n  {first}\n{output}")


if __name__ == "__main__":
    main(sys.argv[1:])
