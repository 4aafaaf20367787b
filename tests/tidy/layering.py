# SPDX-License-Identifier: Apache-2.0
"""Which folder may include what: the table of directions in docs/STYLE.md as data."""

import re

# First folder of the include -> allowed from the module. <weir/...> stands for public headers.
MAY_INCLUDE = {
    "base": {"base"},
    "types": {"types", "base"},
    "core": {"core", "types", "base"},
    "api": {"api", "core", "types", "base", "<weir>"},
    "connectors": {"connectors", "core", "types", "base", "<weir>"},
    "state": {"state", "core", "types", "base"},
    "proto": {"proto", "core", "types", "base"},
    "taskmanager": {"taskmanager", "state", "core", "types", "base", "proto"},
    "jobmanager": {"jobmanager", "state/snapshot", "core", "types", "base", "proto"},
    "launch": {"launch", "api", "connectors", "jobmanager", "taskmanager", "state", "core", "types",
               "base", "proto", "<weir>"},
    "cli": {"cli", "launch", "jobmanager", "taskmanager", "state", "core", "types", "base", "proto",
            "<weir>"},
    "testing": {"testing", "launch", "api", "connectors", "jobmanager", "taskmanager", "state",
                "core", "types", "base", "proto", "<weir>"},
    "examples": {"<weir>"},
}
ANYTHING = {"tests", "bench"}

# Foreign headers that only some places may include: (what, where, as prefixes of paths).
CONFINED = [
    (r"rocksdb/", ("state/rocksdb/",)),
    (r"librdkafka/", ("connectors/kafka/",)),
    (r"grpc", ("taskmanager/rpc/", "jobmanager/rpc/", "launch/rpc/", "proto/")),
    (r"google/protobuf|.*\.pb\.h$",
     ("proto/codec/", "taskmanager/rpc/", "jobmanager/rpc/", "launch/")),
    (r"yaml-cpp/", ("base/options.cc",)),
    (r"xxhash\.h$", ("base/hash.h",)),
]

# What core must not touch: threads, sockets and files.
CORE_FORBIDDEN = re.compile(
    r"(?:thread|mutex|shared_mutex|condition_variable|future|semaphore|latch|barrier|fstream|"
    r"filesystem|unistd\.h|fcntl\.h|pthread\.h|netdb\.h|poll\.h|sys/.*|netinet/.*|arpa/.*)$")

# Libraries whose types would become part of our interface.
FOREIGN = re.compile(
    r"(?:fmt/|simdjson|CLI/|nlohmann/|yaml-cpp/|rocksdb/|librdkafka/|grpc|google/protobuf|mimalloc|"
    r"absl/|boost/|gtest/|gmock/|benchmark/)")


def public_header(path):
    """Whether users see the header: the public folders, and what those reach."""
    if not path.endswith(".h"):
        return False
    return "/include/weir/" in path or path.startswith(
        ("base/", "types/", "core/", "api/operators/"))


def provider(name, style):
    """The module that an include names, or None for what is not ours."""
    if style == "angled":
        return "<weir>" if name.startswith("weir/") else None
    if name.startswith("weir/"):
        return "<weir>"
    return "state/snapshot" if name.startswith("state/snapshot/") else name.split("/")[0]


def direction_error(path, module, name, style):
    """Says why the module must not include this file of ours, or None."""
    source = provider(name, style)
    if source is None or module in ANYTHING:
        return None
    allowed = MAY_INCLUDE.get(module)
    if allowed is None:
        return f"the folder '{module}' is not in the table of tests/tidy/layering.py"
    if style == "quoted" and "/" not in name:
        return f"'{name}' is not a path from the root"
    if source in allowed or (source == "state/snapshot" and "state" in allowed):
        if source != "proto" or module in ("proto", "launch", "cli", "testing"):
            return None
        return None if "/rpc/" in path else "only rpc/ includes proto"
    return f"'{module}' must not include '{name}'"


def layering(tree):
    for file in tree.cpp_files:
        path = str(file.path)
        for number, name, style in file.includes():
            error = direction_error(path, file.module, name, style)
            if error:
                yield file.path, number, error
            for what, places in CONFINED:
                if re.match(what, name) and not path.startswith(places):
                    yield file.path, number, f"<{name}> belongs to {', '.join(places)}"
            is_core = file.module in ("types", "core")
            if is_core and style == "angled" and CORE_FORBIDDEN.match(name):
                yield file.path, number, f"core has no threads and no input or output: <{name}>"
            if style == "angled" and public_header(path) and FOREIGN.match(name):
                yield file.path, number, f"<{name}> in a header that users see"
