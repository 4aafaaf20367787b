#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks the rules of style that a program can check, over the whole tree.

Usage: tidy.py [ROOT]     prints "path:line: rule: message" for each finding; exit status 1 if any.

A rule is a function that yields (path, line, message); RULES names them all. A line that must break
a rule says so: "tidy: allow <rule> - <reason>" in a comment on the line or on the one before it.
Every rule has bad samples in tidy_test.py which it must find.
"""

import re
import sys
from pathlib import Path

from layering import layering
from source_tree import Tree, is_allowed

ENGINE = ("types", "core", "api", "state", "taskmanager", "jobmanager", "connectors", "examples")
LINES_MAX = 800
COLUMNS_MAX = 100
FUNCTION_LINES_MAX = 70
BUDGET_LINES_MAX = 9000
BUDGET_FOLDERS = ("core/", "taskmanager/task/", "taskmanager/io/", "jobmanager/checkpoint/")


def matches(tree, pattern, message, kind, where=lambda file: True):
    """Yields each line of code files on which the pattern occurs; `kind` is a view of the file."""
    expression = re.compile(pattern)
    for file in tree.cpp_files:
        if not where(file):
            continue
        for number, line in enumerate(getattr(file, kind), 1):
            found = expression.search(line)
            if found:
                yield file.path, number, message.format(found.group(0).strip())


def line_length(tree):
    for file in tree.text_files:
        if file.path.suffix == ".md" or file.path.name == "LICENSE":
            continue
        for number, line in enumerate(file.lines, 1):
            if len(line) > COLUMNS_MAX:
                yield file.path, number, f"line of {len(line)} columns, at most {COLUMNS_MAX}"


def white_space(tree):
    for file in tree.text_files:
        if file.text and not file.text.endswith("\n"):
            yield file.path, len(file.lines), "no end of line at the end of the file"
        for number, line in enumerate(file.lines, 1):
            if "\r" in line:
                yield file.path, number, "carriage return"
            if "\t" in line:
                yield file.path, number, "tab"
            if line != line.rstrip() and file.path.suffix != ".md":
                yield file.path, number, "blanks at the end of the line"


def file_length(tree):
    for file in tree.text_files:
        if file.path.suffix in (".h", ".cc", ".py") and len(file.lines) > LINES_MAX:
            yield file.path, 1, f"{len(file.lines)} lines, at most {LINES_MAX}"


def function_length(tree):
    for file in tree.cpp_files:
        for first, last in file.functions():
            length = last - first + 1
            if length > FUNCTION_LINES_MAX:
                yield file.path, first, f"function of {length} lines, at most {FUNCTION_LINES_MAX}"


COMMENT_STARTS = {".h": "// ", ".cc": "// ", ".proto": "// ", ".py": "# ", ".sh": "# ",
                  ".cmake": "# "}


def first_lines(tree):
    licence = "SPDX-License-Identifier: Apache-2.0"
    for file in tree.text_files:
        comment = COMMENT_STARTS.get(file.path.suffix)
        if comment is None and (file.lines or [""])[0].startswith("#!"):
            comment = "# "
        if comment is None:
            continue
        start = 1 if file.lines and file.lines[0].startswith("#!") else 0
        if file.lines[start:start + 1] != [comment + licence]:
            yield file.path, 1, f"the file does not start with '{comment}{licence}'"
            continue
        purpose = (file.lines[start + 1:start + 2] or [""])[0]
        if not re.match(r'(//|#|""") ?\S', purpose) or purpose.startswith(("#include", "#pragma")):
            yield file.path, start + 2, "the second line does not say what lives here"


def pragma_once(tree):
    for file in tree.cpp_files:
        if file.path.suffix == ".h" and "#pragma once" not in file.lines:
            yield file.path, 1, "a header without '#pragma once'"


def banned_names(tree):
    words = r"(?:utils?|helpers?|common|misc)"
    name = re.compile(rf"(?:^|_){words}(?:_|$)|^manager2$", re.IGNORECASE)
    for file in tree.text_files:
        for part in [*file.path.parts[:-1], file.path.stem]:
            if name.search(part):
                yield file.path, 1, f"'{part}' attracts what has no place: name what it is"
    yield from matches(tree, r"\b(?:class|struct)\s+\w*(?:Utils?|Helpers?|Common|Misc)\b",
                       "'{}' attracts what has no place: name what it is", "code")


# The "never say" column of docs/GLOSSARY.md, as far as a word has no other meaning in the engine.
NEVER_SAY = {
    r"pipelines?": "job or operator chain",
    r"topolog(?:y|ies)": "job graph",
    r"shard(?:s|ed|ing)?": "key group",
    r"throttl(?:e|es|ed|ing)": "back pressure",
    r"event queue": "mailbox",
    r"task instances?": "subtask",
    r"quer(?:y|ies)": "job",
    r"ckpts?|chkpts?|chks?(?!-)": "checkpoint",
    r"wms?": "watermark",
}


def glossary_words(tree):
    words = "|".join(f"(?P<w{i}>{word})" for i, word in enumerate(NEVER_SAY))
    # Parts of identifiers count as words: checkpoint_pipeline, PipelineState, pipeline_.
    expression = re.compile(rf"(?<![a-z0-9])(?:{words})(?![a-z0-9])")
    for file in tree.cpp_files:
        if file.module not in ENGINE + ("base", "launch"):
            continue
        for number, line in enumerate(file.words, 1):
            split = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", line).lower()
            found = expression.search(split)
            if found:
                instead = list(NEVER_SAY.values())[int(found.lastgroup[1:])]
                yield file.path, number, f"never say '{found.group(0)}'; say {instead}"


def unfinished(tree):
    yield from matches(tree, r"\bTODO\b(?!\(#\d+\))", "'{}' without an issue: TODO(#12)", "lines")
    yield from matches(tree, r"\b(?:FIXME|XXX|HACK)\b", "'{}': finish it or write TODO(#12)",
                       "lines")
    yield from matches(tree, r"\bDISABLED_\w+", "'{}' is a test that does not run", "code")


THREADS_AND_TIME = (
    r"std::(?:jthread|thread|async)\b|\bpthread_create\b|"
    r"\bsleep_(?:for|until)\b|\b(?:nano|u)?sleep\s*\(|"
    r"\b(?:system|steady|high_resolution)_clock::now\b|\bclock_gettime\b|\bgettimeofday\b|"
    r"std::time\s*\(|\b(?:std::)?s?rand\s*\(|\brandom_device\b|\bmt19937(?:_64)?\b|\bgetenv\b")


def ambient_effects(tree):
    yield from matches(
        tree, THREADS_AND_TIME,
        "'{}': time comes from Clock, work from Executor, chance from Rng, settings from options",
        "code", lambda file: file.module in ENGINE)
    yield from matches(
        tree, r"\bsleep_(?:for|until)\b|\b(?:nano|u)?sleep\s*\(",
        "'{}': a test waits for a condition, never for a time", "code",
        lambda file: str(file.path).startswith(
            ("tests/unit/", "tests/scenario/", "tests/simulation/", "testing/")))


def pointer_order(tree):
    yield from matches(
        tree, r"std::(?:map|set)<(?:const )?[\w:]+(?:<[\w:, ]*>)? ?\*",
        "'{}' is ordered by addresses, which differ from run to run", "code",
        lambda file: file.module in ENGINE + ("base",))


def assertions(tree):
    yield from matches(tree, r"\bassert\s*\(|<cassert>|<assert\.h>",
                       "'{}': WEIR_CHECK stays on in release", "code")


def header_namespaces(tree):
    yield from matches(tree, r"^using namespace\b", "'{}' in a header reaches every includer",
                       "code", lambda file: file.path.suffix == ".h")


def class_comments(tree):
    for file in tree.cpp_files:
        if file.path.suffix != ".h" or file.module in ("tests", "bench"):
            continue
        for number, name in file.uncommented_classes():
            yield file.path, number, f"'{name}' has no comment that says what it does"


LINK = re.compile(r"(?<!!)\[[^\]\n]*\]\(([^)\s]+)\)|!\[[^\]\n]*\]\(([^)\s]+)\)")


def heading_anchor(heading):
    """The anchor that a forge makes of a heading."""
    text = re.sub(r"[`*]", "", heading.strip().lower())
    return re.sub(r"[^\w\- ]", "", text).replace(" ", "-")


def doc_links(tree):
    for file in tree.markdown_files:
        for number, line in enumerate(file.without_code_blocks(), 1):
            for found in LINK.finditer(re.sub(r"`[^`]*`", "", line)):
                target = found.group(1) or found.group(2)
                if re.match(r"[a-z]+:", target):
                    continue
                name, _, anchor = target.partition("#")
                place = (file.path.parent / name) if name else file.path
                page = tree.by_path.get(str(normal(place)))
                if page is None and not (tree.root / place).is_dir():
                    yield file.path, number, f"the link '{target}' leads nowhere"
                elif page is not None and anchor and page.path.suffix == ".md":
                    headings = {heading_anchor(line.lstrip("#")) for line in
                                page.without_code_blocks() if line.startswith("#")}
                    if anchor not in headings:
                        yield file.path, number, f"'{target}': no such heading"


def normal(path):
    """The path without '..', which need not exist."""
    parts = []
    for part in path.parts:
        if part == ".." and parts:
            parts.pop()
        elif part != ".":
            parts.append(part)
    return Path(*parts)


def glossary_spellings(tree):
    glossary = tree.by_path.get("docs/GLOSSARY.md")
    if glossary is None:
        return
    known = set()
    for file in tree.cpp_files:
        if file.module != "tests":
            for line in file.code:
                known.update(re.findall(r"\w+", line))
    for number, line in enumerate(glossary.lines, 1):
        cells = line.split("|")
        if len(cells) < 4:
            continue
        for spelling in re.findall(r"`(\w+)[^`]*`", cells[2]):
            if spelling not in known:
                yield glossary.path, number, f"'{spelling}' does not exist in the code"


def mirrored_tests(tree):
    for file in tree.cpp_files:
        path = str(file.path)
        if not (path.startswith("tests/unit/") and path.endswith("_test.cc")):
            continue
        subject = path[len("tests/unit/"):-len("_test.cc")]
        if not any(exists(tree, name) for name in subjects(subject)):
            yield file.path, 1, f"tests what is not there: no {subject}.h or .cc"


def subjects(name):
    """What a test may be of: file_sink_crash tests an aspect of file_sink."""
    folder, _, stem = name.rpartition("/")
    words = stem.split("_")
    return [f"{folder}/{'_'.join(words[:count])}" for count in range(len(words), 0, -1)]


def exists(tree, subject):
    """Whether a source file, or a public header, has this path without its ending."""
    module, _, rest = subject.partition("/")
    public = f"{module}/include/weir"
    # connectors/files/files_test.cc is of <weir/connectors/files.h>.
    stem = rest.rpartition("/")[2]
    places = [subject, f"{public}/{rest}", f"{public}/{module}/{rest}", f"{public}/{module}/{stem}"]
    return any(f"{place}{end}" in tree.by_path for place in places for end in (".h", ".cc"))


def line_budget(tree):
    files = [file for file in tree.cpp_files if str(file.path).startswith(BUDGET_FOLDERS)]
    total = sum(len(file.lines) for file in files)
    if total > BUDGET_LINES_MAX:
        yield Path(BUDGET_FOLDERS[0]), 1, (
            f"{total} lines in {', '.join(BUDGET_FOLDERS)} together, at most {BUDGET_LINES_MAX}")


MACHINE_PATH = re.compile(
    r"(?<![\w./$}-])/(?:work|home|root|Users)/\w|"
    r"https?://[\w.-]*\b(?:mirror|proxy|artifactory)[\w.-]*")


def machine_paths(tree):
    for file in tree.text_files:
        for number, line in enumerate(file.lines, 1):
            found = MACHINE_PATH.search(line)
            if found:
                yield file.path, number, f"'{found.group(0)}' is of one machine"


def dead_headers(tree):
    included = set()
    for file in tree.cpp_files:
        for _, name, _ in file.includes():
            included.add(name)
    for file in tree.cpp_files:
        path = str(file.path)
        if file.path.suffix != ".h":
            continue
        public = path.partition("/include/")[2]
        if path not in included and public not in included:
            yield file.path, 1, "no file includes this header"


def script_help(tree):
    for file in tree.text_files:
        if str(file.path).startswith("scripts/") and "--help" not in file.text:
            yield file.path, 1, "a script without --help"


RULES = {
    "layering": layering,
    "line-length": line_length,
    "white-space": white_space,
    "file-length": file_length,
    "function-length": function_length,
    "first-lines": first_lines,
    "pragma-once": pragma_once,
    "banned-names": banned_names,
    "glossary-words": glossary_words,
    "unfinished": unfinished,
    "ambient-effects": ambient_effects,
    "pointer-order": pointer_order,
    "assertions": assertions,
    "header-namespaces": header_namespaces,
    "class-comments": class_comments,
    "doc-links": doc_links,
    "glossary-spellings": glossary_spellings,
    "mirrored-tests": mirrored_tests,
    "line-budget": line_budget,
    "machine-paths": machine_paths,
    "dead-headers": dead_headers,
    "script-help": script_help,
}


def findings(tree, names=None):
    """Yields (path, line, rule, message) of the named rules, or of all."""
    for name in names or RULES:
        for path, number, message in RULES[name](tree):
            file = tree.by_path.get(str(path))
            if file is None or not is_allowed(file, number, name):
                yield path, number, name, message


def main(arguments):
    if any(argument in ("-h", "--help") for argument in arguments):
        print(__doc__)
        return 0
    default = Path(__file__).resolve().parents[2]
    tree = Tree.read(Path(arguments[0]) if arguments else default)
    found = sorted(set(findings(tree)), key=lambda f: (str(f[0]), f[1]))
    for path, number, rule, message in found:
        print(f"{path}:{number}: {rule}: {message}")
    used = sum(len(file.lines) for file in tree.cpp_files
               if str(file.path).startswith(BUDGET_FOLDERS))
    print(f"{len(tree.text_files)} files, {len(RULES)} rules, {len(found)} findings; "
          f"line budget {used} of {BUDGET_LINES_MAX}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
