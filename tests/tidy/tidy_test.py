#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Shows that each rule finds what breaks it, and leaves alone what only looks like it."""

import unittest
from pathlib import Path

import tidy
from source_tree import SourceFile, Tree

SPDX = "// SPDX-License-Identifier: Apache-2.0\n"


def tree_of(files):
    return Tree(Path("/nowhere"), [SourceFile(path, text) for path, text in files.items()])


def found(rule, files):
    """The (path, line) of all findings of one rule."""
    return sorted((str(path), line) for path, line, _, _ in tidy.findings(tree_of(files), [rule]))


def long_function(lines, head="void f() {"):
    return head + "\n" + "  g();\n" * (lines - 2) + "}\n"


# Rule -> files that break it and the places where it must say so.
BAD = {
    "layering": [
        ({"base/a.h": '#include "core/ids.h"\n'}, [("base/a.h", 1)]),
        ({"core/a.h": '\n#include "state/x.h"\n'}, [("core/a.h", 2)]),
        ({"core/a.h": "#include <thread>\n"}, [("core/a.h", 1)]),
        ({"core/a.cc": "#include <fstream>\n#include <sys/socket.h>\n"},
         [("core/a.cc", 1), ("core/a.cc", 2)]),
        ({"core/a.cc": "#include <weir/weir.h>\n"}, [("core/a.cc", 1)]),
        ({"api/a.cc": '#include "jobmanager/x.h"\n'}, [("api/a.cc", 1)]),
        ({"api/a.cc": '#include "launch/x.h"\n'}, [("api/a.cc", 1)]),
        ({"connectors/files/a.h": '#include "api/graph/x.h"\n'}, [("connectors/files/a.h", 1)]),
        ({"state/a.cc": '#include "taskmanager/x.h"\n'}, [("state/a.cc", 1)]),
        ({"taskmanager/a.cc": '#include "jobmanager/x.h"\n'}, [("taskmanager/a.cc", 1)]),
        ({"taskmanager/a.cc": '#include "connectors/x.h"\n'}, [("taskmanager/a.cc", 1)]),
        ({"taskmanager/a.cc": '#include "proto/codec/x.h"\n'}, [("taskmanager/a.cc", 1)]),
        ({"jobmanager/a.cc": '#include "taskmanager/x.h"\n'}, [("jobmanager/a.cc", 1)]),
        ({"jobmanager/a.cc": '#include "state/heap/x.h"\n'}, [("jobmanager/a.cc", 1)]),
        ({"jobmanager/a.cc": '#include "testing/x.h"\n'}, [("jobmanager/a.cc", 1)]),
        ({"examples/a.cc": '#include "core/ids.h"\n'}, [("examples/a.cc", 1)]),
        ({"elsewhere/a.cc": '#include "core/ids.h"\n'}, [("elsewhere/a.cc", 1)]),
        ({"core/a.cc": '#include "ids.h"\n'}, [("core/a.cc", 1)]),
        ({"state/a.cc": "#include <rocksdb/db.h>\n"}, [("state/a.cc", 1)]),
        ({"connectors/files/a.cc": "#include <librdkafka/rdkafka.h>\n"},
         [("connectors/files/a.cc", 1)]),
        ({"taskmanager/task/a.cc": "#include <grpcpp/grpcpp.h>\n"},
         [("taskmanager/task/a.cc", 1)]),
        ({"jobmanager/a.cc": '#include "proto/weir/v1/job.pb.h"\n'},
         [("jobmanager/a.cc", 1), ("jobmanager/a.cc", 1)]),
        ({"launch/a.cc": "#include <yaml-cpp/yaml.h>\n"}, [("launch/a.cc", 1)]),
        ({"core/a.cc": "#include <xxhash.h>\n"}, [("core/a.cc", 1)]),
        ({"api/include/weir/a.h": "#include <fmt/core.h>\n"}, [("api/include/weir/a.h", 1)]),
        ({"core/a.h": "#include <simdjson.h>\n"}, [("core/a.h", 1)]),
    ],
    "line-length": [
        ({"core/a.h": "\n" + "x" * 101 + "\n"}, [("core/a.h", 2)]),
        ({"tests/tidy/a.py": "#" * 101 + "\n"}, [("tests/tidy/a.py", 1)]),
    ],
    "white-space": [
        ({"core/a.h": "int a; \n"}, [("core/a.h", 1)]),
        ({"core/a.h": "\tint a;\n"}, [("core/a.h", 1)]),
        ({"core/a.h": "int a;"}, [("core/a.h", 1)]),
        ({"docs/a.md": "\r\n"}, [("docs/a.md", 1)]),
    ],
    "file-length": [({"core/a.cc": "\n" * 801}, [("core/a.cc", 1)])],
    "function-length": [
        ({"core/a.cc": "\n" + long_function(71)}, [("core/a.cc", 2)]),
        ({"core/a.h": "class A {\n" + long_function(71, "  int f() const noexcept {") + "};\n"},
         [("core/a.h", 2)]),
        ({"core/a.cc": long_function(71, "A::A(int b)\n    : b_{b}, c_(1) {")}, [("core/a.cc", 2)]),
        ({"core/a.cc": "template <class T>\n  requires C<T>\n" + long_function(69)},
         [("core/a.cc", 1)]),
        ({"tests/unit/core/a_test.cc": long_function(71, "TEST(A, DoesB) {")},
         [("tests/unit/core/a_test.cc", 1)]),
    ],
    "first-lines": [
        ({"core/a.h": "// A file.\n"}, [("core/a.h", 1)]),
        ({"core/a.h": SPDX + "#pragma once\n"}, [("core/a.h", 2)]),
        ({"core/a.h": ""}, [("core/a.h", 1)]),
        ({"scripts/a": "#!/bin/sh\necho\n"}, [("scripts/a", 1)]),
        ({"cmake/a.cmake": "# A file.\n"}, [("cmake/a.cmake", 1)]),
    ],
    "pragma-once": [({"core/a.h": "#ifndef A\n"}, [("core/a.h", 1)])],
    "banned-names": [
        ({"core/string_utils.h": ""}, [("core/string_utils.h", 1)]),
        ({"core/common/a.h": ""}, [("core/common/a.h", 1)]),
        ({"scripts/helpers.py": ""}, [("scripts/helpers.py", 1)]),
        ({"core/a.h": "class KeyUtils {\n"}, [("core/a.h", 1)]),
        ({"core/a.h": "struct TestHelper;\n"}, [("core/a.h", 1)]),
    ],
    "glossary-words": [
        ({"core/a.h": "// Runs the pipeline.\n"}, [("core/a.h", 1)]),
        ({"jobmanager/a.h": "class JobTopology;\n"}, [("jobmanager/a.h", 1)]),
        ({"core/a.h": "int num_shards = 0;\n"}, [("core/a.h", 1)]),
        ({"core/a.h": "void throttle();\n"}, [("core/a.h", 1)]),
        ({"taskmanager/a.h": "// Puts it into the event queue.\n"}, [("taskmanager/a.h", 1)]),
        ({"launch/a.h": "struct QueryPlan;\n"}, [("launch/a.h", 1)]),
        ({"core/a.h": "int ckpt_id;\nint wm;\n"}, [("core/a.h", 1), ("core/a.h", 2)]),
    ],
    "unfinished": [
        ({"core/a.h": "// TODO: later\n"}, [("core/a.h", 1)]),
        ({"core/a.h": "// TODO(name) later\n"}, [("core/a.h", 1)]),
        ({"core/a.h": "// FIXME\n"}, [("core/a.h", 1)]),
        ({"tests/unit/core/a_test.cc": "TEST(A, DISABLED_Works) {}\n"},
         [("tests/unit/core/a_test.cc", 1)]),
    ],
    "ambient-effects": [
        ({"core/a.cc": "std::thread t;\n"}, [("core/a.cc", 1)]),
        ({"taskmanager/a.cc": "auto t = std::chrono::steady_clock::now();\n"},
         [("taskmanager/a.cc", 1)]),
        ({"jobmanager/a.cc": "std::this_thread::sleep_for(1s);\n"}, [("jobmanager/a.cc", 1)]),
        ({"connectors/files/a.cc": 'getenv("HOME");\nrand();\n'},
         [("connectors/files/a.cc", 1), ("connectors/files/a.cc", 2)]),
        ({"api/a.h": "std::mt19937 engine;\n"}, [("api/a.h", 1)]),
        ({"tests/unit/core/a_test.cc": "std::this_thread::sleep_for(1s);\n"},
         [("tests/unit/core/a_test.cc", 1)]),
        ({"testing/a.cc": "usleep(3);\n"}, [("testing/a.cc", 1)]),
    ],
    "pointer-order": [
        ({"core/a.h": "std::map<Task*, int> a;\n"}, [("core/a.h", 1)]),
        ({"taskmanager/a.h": "std::set<const Task*> a;\n"}, [("taskmanager/a.h", 1)]),
    ],
    "assertions": [
        ({"core/a.cc": "#include <cassert>\n"}, [("core/a.cc", 1)]),
        ({"core/a.cc": "assert(a);\n"}, [("core/a.cc", 1)]),
    ],
    "header-namespaces": [({"core/a.h": "using namespace std;\n"}, [("core/a.h", 1)])],
    "class-comments": [
        ({"core/a.h": "namespace weir {\n\nclass A {\n};\n}\n"}, [("core/a.h", 3)]),
        ({"core/a.h": "template <class T>\nclass A : public B<T> {\n};\n"}, [("core/a.h", 1)]),
        ({"core/a.h": "struct A {\n  void f();\n};\n"}, [("core/a.h", 1)]),
        ({"core/a.h": "WEIR_RECORD(B, b)\n\nclass A {\n};\n"}, [("core/a.h", 3)]),
        ({"state/a.h": "struct A {\n" + "  int a;\n" * 9 + "};\n"}, [("state/a.h", 1)]),
    ],
    "doc-links": [
        ({"README.md": "See [this](docs/none.md).\n"}, [("README.md", 1)]),
        ({"docs/a.md": "See [this](../none.h).\n"}, [("docs/a.md", 1)]),
        ({"docs/a.md": "# One\nSee [this](#two).\n"}, [("docs/a.md", 2)]),
        ({"docs/a.md": "# A\n", "docs/b.md": "[x](a.md#b)\n"}, [("docs/b.md", 1)]),
    ],
    "glossary-spellings": [
        ({"docs/GLOSSARY.md": "| job | `JobId`, `Lost` | x |\n", "core/ids.h": "class JobId;\n"},
         [("docs/GLOSSARY.md", 1)]),
        ({"docs/GLOSSARY.md": "| job | `JobId` | x |\n", "core/ids.h": "// JobId\n"},
         [("docs/GLOSSARY.md", 1)]),
    ],
    "mirrored-tests": [
        ({"tests/unit/core/gone_test.cc": "", "core/here.h": ""},
         [("tests/unit/core/gone_test.cc", 1)]),
        ({"tests/unit/state/a_test.cc": "", "state/heap/a.h": ""},
         [("tests/unit/state/a_test.cc", 1)]),
    ],
    "line-budget": [
        ({f"{folder}a{i}.cc": "\n" * 751 for folder in tidy.BUDGET_FOLDERS for i in range(3)},
         [("core", 1)]),
    ],
    "machine-paths": [
        ({"docs/a.md": "cd /" + "home/me/weir\n"}, [("docs/a.md", 1)]),
        ({"scripts/a.sh": "cd /" + "work/main\n"}, [("scripts/a.sh", 1)]),
        ({"docs/a.md": "from http://" + "mirror.example.org\n"}, [("docs/a.md", 1)]),
    ],
    "dead-headers": [({"core/a.h": "", "core/b.cc": '#include "core/c.h"\n'}, [("core/a.h", 1)])],
    "script-help": [({"scripts/a": "#!/bin/sh\n"}, [("scripts/a", 1)])],
}

# Rule -> files that must pass although they come near.
GOOD = {
    "layering": [
        {"core/a.h": '#include <vector>\n#include "base/time.h"\n#include "core/ids.h"\n'},
        {"jobmanager/a.h": '#include "state/snapshot/x.h"\n'},
        {"state/rocksdb/a.cc": "#include <rocksdb/db.h>\n"},
        {"taskmanager/rpc/a.cc": '#include <grpcpp/grpcpp.h>\n#include "proto/weir/v1/a.pb.h"\n'},
        {"connectors/files/a.cc": "#include <weir/connector.h>\n#include <fmt/core.h>\n"},
        {"tests/unit/core/a_test.cc": '#include "taskmanager/x.h"\n#include "jobmanager/x.h"\n'},
        {"examples/a.cc": "#include <weir/weir.h>\n#include <thread>\n"},
        {"base/thread_executor.h": "#include <thread>\n"},
    ],
    "line-length": [{"core/a.h": "x" * 100 + "\n", "docs/a.md": "x" * 300 + "\n"}],
    "white-space": [{"core/a.h": "int a;\n", "docs/a.md": "two blanks break a line  \n"}],
    "file-length": [{"core/a.cc": "\n" * 800}],
    "function-length": [
        {"core/a.cc": long_function(70)},
        {"core/a.cc": long_function(35) + long_function(60)},
        {"core/a.h": "class A {\n" + "  int a;\n" * 90 + "};\n"},
        {"core/a.cc": "constexpr B kRows[] = {\n" + '  {f(1), "}"},\n' * 90 + "};\n"},
        {"core/a.cc": "enum class A {\n" + "  kA,\n" * 90 + "};\n"},
        {"core/a.cc": "#define A(x) \\\n" + "  f(x); { \\\n" * 90 + "  g()\n"},
        {"core/a.cc": "// void f() {\n" + "int a = 1'000;\n" * 90},
        {"core/a.cc": "WEIR_RECORD(A, b,\n  c)\n\nstruct B {\n" + "  int a;\n" * 90 + "};\n"},
        {"core/a.cc": "namespace weir {\n" + "void f();\n" * 90 + "}  // namespace weir\n"},
    ],
    "first-lines": [
        {"core/a.h": SPDX + "// What lives here.\n"},
        {"scripts/a": "#!/bin/sh\n# SPDX-License-Identifier: Apache-2.0\n# What it does.\n"},
    ],
    "pragma-once": [{"core/a.h": "#pragma once\n", "core/a.cc": ""}],
    "banned-names": [{"core/community.h": "class Commoner;\n", "tests/tidy/uncommon.py": ""}],
    "glossary-words": [
        {"core/a.h": 'f("pipeline.max-parallelism");\n'},
        {"core/a.h": "// Writes chk-7 and swims.\nint checkpoint;\n"},
        {"bench/a.h": "// Query 5 of the benchmark.\n"},
    ],
    "unfinished": [{"core/a.h": "// TODO(#12): later\nint todo;\n"}],
    "ambient-effects": [
        {"core/a.cc": "// std::thread is not for us; steady_clock::now neither.\n"},
        {"core/a.cc": 'log("sleep(1)");\nint operand(int);\nint brand(int);\n'},
        {"launch/a.cc": "std::thread t;\n", "base/a.cc": "system_clock::now();\n"},
        {"tests/integration/a.cc": "std::this_thread::sleep_for(1s);\n"},
    ],
    "pointer-order": [{"core/a.h": "std::map<int, Task*> a;\nstd::vector<Task*> b;\n"}],
    "assertions": [{"core/a.cc": "static_assert(a);\n// assert(a)\n"}],
    "header-namespaces": [{"core/a.cc": "using namespace std;\n"}],
    "class-comments": [
        {"core/a.h": "/// Does it.\nclass A {\n  class B {\n  };\n};\nclass C;\n"},
        {"core/a.h": "/// Does it.\ntemplate <class T, class = std::enable_if_t<(T::v > 1)>>\n"
                     "  requires C<T>\nclass A {\n};\n"},
        {"core/a.h": "namespace weir::detail {\nclass A {\n};\n}\n"},
        {"core/a.h": "namespace {\nclass A {\n};\n}\n"},
        {"core/a.h": "template <class T>\nstruct std::hash<A<T>> {\n  int operator()();\n};\n"},
        {"core/a.h": "template <>\nstruct Shape<int> {\n  int f();\n};\n"},
        {"core/a.h": "struct ArmTimer {\n  Timer timer;\n};\n"},
        {"core/a.cc": "class A {\n};\n"},
        {"core/a.h": "enum class A {\n  kA,\n};\nvoid f(struct B* b) {\n}\n"},
    ],
    "doc-links": [
        {"README.md": "[a](docs/a.md) [b](docs/a.md#a-heading-here) [c](https://example.org)\n",
         "docs/a.md": "## A `heading` here!\n[up](../README.md)\n```\n[no](none.md)\n```\n"},
    ],
    "glossary-spellings": [
        {"docs/GLOSSARY.md": "| job | `JobId` | has `no code` |\n", "core/a.h": "class JobId;\n"}],
    "mirrored-tests": [
        {"tests/unit/core/a_test.cc": "", "core/a.h": ""},
        {"tests/unit/core/file_sink_crash_test.cc": "", "core/file_sink.h": ""},
        {"tests/unit/api/a_test.cc": "", "api/include/weir/a.h": ""},
        {"tests/unit/connectors/a_test.cc": "", "connectors/include/weir/connectors/a.h": ""},
        {"tests/unit/state/heap/a_test.cc": "", "state/heap/a.cc": ""},
    ],
    "line-budget": [{"core/a.cc": "\n" * 9000, "api/a.cc": "\n" * 9000}],
    "machine-paths": [
        {"docs/a.md": "build/{0}/x, $HOME/{0}/x, /tmp/x, https://example.org\n".format("work")}],
    "dead-headers": [
        {"core/a.h": "", "core/b.cc": '#include "core/a.h"\n'},
        {"api/include/weir/a.h": "", "examples/b.cc": "#include <weir/a.h>\n"},
    ],
    "script-help": [{"scripts/a": "#!/bin/sh\n# --help\n"}],
}


class RulesTest(unittest.TestCase):
    def test_every_rule_has_samples(self):
        self.assertEqual(set(BAD), set(tidy.RULES))
        self.assertEqual(set(GOOD), set(tidy.RULES))

    def test_bad_samples_are_found(self):
        for rule, samples in BAD.items():
            for files, expected in samples:
                with self.subTest(rule=rule, files=list(files.items())[0]):
                    self.assertEqual(found(rule, files), sorted(expected))

    def test_good_samples_pass(self):
        for rule, samples in GOOD.items():
            for files in samples:
                with self.subTest(rule=rule, files=list(files.items())[0]):
                    self.assertEqual(found(rule, files), [])

    def test_a_line_may_be_allowed_with_a_reason_only(self):
        bad = "std::thread t;"
        mark = "// tidy: allow ambient-effects"
        for text, count in ((f"{bad}  {mark} - a reason\n", 0), (f"{mark} - a reason\n{bad}\n", 0),
                            (f"{mark} - \n{bad}\n", 1), (f"{mark} - far away\n\n{bad}\n", 1),
                            (f"// tidy: allow layering - another rule\n{bad}\n", 1)):
            with self.subTest(text=text):
                self.assertEqual(len(found("ambient-effects", {"core/a.cc": text})), count)


if __name__ == "__main__":
    unittest.main()
