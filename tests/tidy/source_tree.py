# SPDX-License-Identifier: Apache-2.0
"""The files of the tree, in the forms that rules look at: lines, code, words, functions."""

import re
from functools import cached_property
from pathlib import Path

SKIPPED_FOLDERS = {".git", ".cache", "__pycache__", "build", "node_modules"}
TEXT_SUFFIXES = {".h", ".cc", ".proto", ".py", ".sh", ".cmake", ".md", ".txt", ".json", ".yaml",
                 ".yml"}

PLAIN_STRUCT_LINES_MAX = 8

# Comments and literals. A quote after a digit separates digits.
TOKEN = re.compile(
    r"""(?P<comment>//[^\n]*|/\*.*?\*/)
      | (?P<raw>R"(?P<tag>[^()\s]*)\(.*?\)(?P=tag)")
      | (?P<string>"(?:\\.|[^"\\\n])*")
      | (?P<char>(?<![0-9a-fA-F])'(?:\\.|[^'\\\n])+')""",
    re.VERBOSE | re.DOTALL)


def blanked(text):
    return re.sub(r"[^\n]", " ", text)


def is_allowed(file, number, rule):
    """Whether the line, or a comment just above it, allows breaking the rule, with a reason."""
    mark = re.compile(rf"tidy: allow {re.escape(rule)} - \S")
    return any(mark.search(line) for line in file.lines[max(0, number - 2):number])


class SourceFile:
    """One file and its views. Paths are relative to the root of the tree."""

    def __init__(self, path, text):
        self.path = Path(path)
        self.text = text
        self.lines = text.split("\n")
        if self.lines and self.lines[-1] == "":
            self.lines.pop()

    @property
    def module(self):
        return self.path.parts[0]

    @cached_property
    def code(self):
        """Lines with comments and the insides of literals blanked."""
        def blank(found):
            if found.lastgroup in ("string", "char") or found.group("raw"):
                text = found.group(0)
                return text[0] + blanked(text[1:-1]) + text[-1]
            return blanked(found.group(0))
        return TOKEN.sub(blank, self.text).split("\n")[:len(self.lines)]

    @cached_property
    def words(self):
        """Lines with the insides of literals blanked: identifiers and comments."""
        def blank(found):
            return found.group(0) if found.group("comment") else blanked(found.group(0))
        return TOKEN.sub(blank, self.text).split("\n")[:len(self.lines)]

    def includes(self):
        """Yields (line, name, quoted or angled) of each include."""
        for number, line in enumerate(self.lines, 1):
            found = re.match(r'\s*#\s*include\s*(["<])([^">]+)[">]', line)
            if found:
                yield number, found.group(2), "quoted" if found.group(1) == '"' else "angled"

    def without_code_blocks(self):
        """Lines of a page, with those of fenced blocks empty."""
        result = []
        is_code = False
        for line in self.lines:
            fence = line.lstrip().startswith("```")
            result.append("" if fence or is_code else line)
            is_code = is_code != fence
        return result

    @cached_property
    def scopes(self):
        """All braces outside of functions, as (kind, head, first line, last line, outer kinds).

        Kinds are namespace, class, function and other. The head is the text before the brace back
        to the end of what stands before it.
        """
        text = "\n".join(self.without_directives())
        result = []
        stack = []
        head_start = 0
        for found in re.finditer(r"[{};]", text):
            if found.group(0) == "{":
                head = text[head_start:found.start()]
                # A macro call at namespace scope ends without a semicolon.
                macro = re.match(r"(?:\s*WEIR_[A-Z_]+\([^{}]*?\)\s*?\n)+", head)
                if macro:
                    head_start += macro.end()
                    head = head[macro.end():]
                kinds = [entry[0] for entry in stack]
                kind = "other" if "function" in kinds else scope_kind(head)
                first = text.count("\n", 0, head_start + len(head) - len(head.lstrip())) + 1
                stack.append((kind, head.strip(), first, kinds))
            elif found.group(0) == "}" and stack:
                kind, head, first, kinds = stack.pop()
                if "function" not in kinds:
                    last = text.count("\n", 0, found.start()) + 1
                    result.append((kind, head, first, last, kinds))
            head_start = found.end()
        return sorted(result, key=lambda scope: scope[2])

    def without_directives(self):
        """Code lines with preprocessor directives and their continuations empty."""
        result = []
        is_directive = False
        for line in self.code:
            is_directive = is_directive or line.lstrip().startswith("#")
            result.append("" if is_directive else line)
            is_directive = is_directive and line.endswith("\\")
        return result

    def functions(self):
        """Yields the first and last line of each function that is not inside of another."""
        for kind, _, first, last, _ in self.scopes:
            if kind == "function":
                yield first, last

    def uncommented_classes(self):
        """Yields (line, name) of classes at namespace scope without a comment above them.

        A plain struct of a few lines may let its name and fields speak.
        """
        for kind, head, first, last, outer in self.scopes:
            if kind != "class" or "class" in outer or "function" in outer:
                continue
            declaration = last_declaration(head)
            name = re.search(r"\b(?:class|struct|union)\s+(?:WEIR_\w+(?:\(.*?\))?\s+)?"
                             r"([\w:]+)(<)?", re.sub(r"\[\[.*?\]\]", "", declaration))
            if not name or name.group(2) or name.group(1).startswith("std::"):
                continue  # a specialisation
            body = "\n".join(self.code[first - 1:last])
            is_plain = (last - first <= PLAIN_STRUCT_LINES_MAX and "(" not in body
                        and "struct" in declaration)
            above = self.lines[first - 2].strip() if first > 1 else ""
            if is_plain or above.startswith(("//", "*/")) or self.is_internal(first):
                continue
            yield first, name.group(1)

    def is_internal(self, line):
        """Whether the line lies in a namespace that is not for others."""
        for kind, head, first, last, _ in self.scopes:
            if kind == "namespace" and first <= line <= last and (
                    re.search(r"\b(?:detail|internal)\b", head) or
                    re.fullmatch(r"(?:inline\s+)?namespace", head)):
                return True
        return False


def scope_kind(head):
    """What a brace opens, judged by the text before it."""
    text = re.sub(r"\[\[.*?\]\]", "", head, flags=re.DOTALL).strip()
    if re.match(r"(?:inline\s+)?namespace\b", text) or text.startswith("extern"):
        return "namespace"
    if re.search(r"[=,(]$|\breturn$", text) or not text:
        return "other"
    plain = re.sub(r"^template\s*<", "", text)
    if ")" in text and not re.match(r"(?:enum|class|struct|union)\b", last_declaration(text)):
        return "function"
    if re.match(r"enum\b", plain):
        return "other"
    if re.search(r"\b(?:class|struct|union)\b", last_declaration(text)):
        return "class"
    return "other"


def last_declaration(text):
    """The head without its template parameters, requires clause and access labels."""
    text = re.sub(r"^(?:(?:public|private|protected)\s*:\s*)+", "", text)
    while True:
        found = re.match(r"template\s*<", text)
        if not found:
            break
        depth = 1
        position = found.end()
        while position < len(text) and depth > 0:
            depth += {"<": 1, ">": -1}.get(text[position], 0)
            position += 1
        text = text[position:].strip()
    found = re.match(r"requires\b.*?(?=\b(?:class|struct|union)\s+\w+[^()]*$)", text, re.DOTALL)
    return text[found.end():] if found else text


class Tree:
    """All text files below a root."""

    def __init__(self, root, files):
        self.root = Path(root)
        self.text_files = sorted(files, key=lambda file: str(file.path))
        self.by_path = {str(file.path): file for file in self.text_files}

    @property
    def cpp_files(self):
        return [file for file in self.text_files if file.path.suffix in (".h", ".cc")]

    @property
    def markdown_files(self):
        return [file for file in self.text_files if file.path.suffix == ".md"]

    @staticmethod
    def read(root):
        files = []
        for path in sorted(root.rglob("*")):
            relative = path.relative_to(root)
            if SKIPPED_FOLDERS.intersection(relative.parts) or not path.is_file():
                continue
            if path.suffix not in TEXT_SUFFIXES and not is_script(path):
                continue
            files.append(SourceFile(relative, path.read_bytes().decode("utf-8")))
        return Tree(root, files)


def is_script(path):
    with path.open("rb") as file:
        return file.read(2) == b"#!"
