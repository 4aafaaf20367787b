// SPDX-License-Identifier: Apache-2.0
// Snapshots of former versions restore, and hold what was put into them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/posix_file_store.h"
#include "state/heap/heap_state_backend.h"
#include "state/snapshot/directory_checkpoint_storage.h"
#include "testing/memory_file_store.h"
#include "tests/golden/golden_operators.h"

namespace weir::golden {
namespace {

using testing::ElementsAreArray;

using Lines = std::vector<std::string>;

const std::string kVisit =
    "who: \"Müller-Lüdenscheidt, Kammersänger\", place: Place{name: \"Sněžka\", height: 1603.25}, "
    "seen: [Place{name: \"a\", height: -0.5}, Place{name: \"\", height: 0}], score: -7, "
    "marks: {\"first\": -128, \"second\": 127}, answer: \"perhaps\", mood: 300, "
    "at: 1969-12-31T23:59:59.999Z}";

// Written by hand, not by the program: what the files hold, by operator.
std::map<std::string, Lines> expected_content(int version) {
  const std::string place = "Place{name: \"a place with a long name\", height: ";
  const std::string nan_place = "a long user key = Place{name: \"\", height: nan}";
  std::map<std::string, Lines> expected = {
      {"value",
       {"-1.5 = Visit{number: -1, " + kVisit, "0 = Visit{number: 1, " + kVisit,
        "nan = Visit{number: 1, " + kVisit, "inf = Visit{number: 1, " + kVisit}},
      {"list",
       {"0 = " + place + "-0}", "3 = " + place + "-0}", "3 = " + place + "-1}",
        "3 = " + place + "-2}", "3 = " + place + "-3}", "5 = " + place + "-0}",
        "5 = " + place + "-1}", "5 = " + place + "-2}", "5 = " + place + "-3}",
        "5 = " + place + "-4}", "5 = " + place + "-5}"}},
      {"map",
       {"-9000000000/" + nan_place, "-9000000000/short = Place{name: \"x\", height: -9e+09}",
        "0/" + nan_place, "0/short = Place{name: \"x\", height: 0}", "5/" + nan_place,
        "5/short = Place{name: \"x\", height: 5}"}},
      {"reducing", {"a = -11", "b = 11"}},
      {"aggregating", {"(-1, \"left\") = -2", "(1, \"right\") = 2"}},
      {"timers",
       {"event a = 1969-12-31T23:59:59.995Z",
        "event a key with a long name = 1969-12-31T23:59:59.995Z", "event a = max",
        "event a key with a long name = max", "processing a = 2027-01-15T08:00:00.000Z",
        "processing a key with a long name = 2027-01-15T08:00:00.000Z"}},
      {"window",
       {"-60000/account = Mean{sum: -2.5, count: 1}",
        "60000/account = Mean{sum: 7.25, count: 4000000000}"}},
      {"buffer", {"-10/4000000000 = -1", "20/7 = 2", "20/7 = 3"}},
      {"split",
       {"Place{name: \"an item with a long name\", height: -1}",
        "Place{name: \"item\", height: -1}",
        "Place{name: \"an item with a long name\", height: -2}",
        "Place{name: \"item\", height: -2}", "fired through 1969-12-31T23:59:59.800Z"}},
      {"union",
       {"Place{name: \"an item with a long name\", height: -1}",
        "Place{name: \"item\", height: -1}",
        "Place{name: \"an item with a long name\", height: -2}",
        "Place{name: \"item\", height: -2}", "fired through 1969-12-31T23:59:59.800Z"}},
  };
  if (version >= 2) {
    expected["ttl"] = {
        "-1 = " + place + "-1}",
        "-1 = an old item with a long name",
        "-1 = young",
        "-1 = ",
        "-1/a young entry = Place{name: \"\", height: nan}",
        "-1/an old entry = Place{name: \"x\", height: -1}",
        "-1 = -1",
        "-1 = -2.5",
        "70000000000 = " + place + "7e+10}",
        "70000000000 = an old item with a long name",
        "70000000000 = young",
        "70000000000 = ",
        "70000000000/a young entry = Place{name: \"\", height: nan}",
        "70000000000/an old entry = Place{name: \"x\", height: -1}",
        "70000000000 = 70000000000",
        "70000000000 = 2.5",
    };
  }
  if (version >= 3) {
    const std::string key = "a user key that is too long for a short one";
    expected["broadcast"] = {"(-7, \"\") = Visit{number: -7, " + kVisit,
                             "(-7, \"" + key + "\") = Visit{number: -7, " + kVisit,
                             "(300, \"\") = Visit{number: 300, " + kVisit,
                             "(300, \"" + key + "\") = Visit{number: 300, " + kVisit};
  }
  return expected;
}

std::string folder_of(int version) {
  return std::string(WEIR_SOURCE_DIR) + "/tests/golden/v" + std::to_string(version);
}

// States of which every subtask gets everything.
bool is_whole_everywhere(const GoldenKind& kind) {
  return kind.id.value() == "union" || kind.id.value() == "broadcast";
}

struct GoldenFolder {
  int version;
  const char* name;
};

class GoldenFilesTest : public testing::TestWithParam<GoldenFolder> {
 protected:
  std::string folder() const { return folder_of(version()) + "/" + GetParam().name; }
  int version() const { return GetParam().version; }
  PosixFileStore files_;
};

TEST_P(GoldenFilesTest, EveryKindOfStateRestoresToWhatWasStored) {
  const auto metadata = read_checkpoint_metadata(files_, folder());
  ASSERT_TRUE(metadata.is_ok()) << metadata.status().to_string();
  HeapStateBackend backend(files_);
  std::map<std::string, Lines> restored;
  for (const GoldenKind& kind : golden_kinds(version())) {
    const auto content =
        restored_content(backend, *metadata, kind, SubtaskIndex{0}, Parallelism{1});
    ASSERT_TRUE(content.is_ok()) << kind.id.value() << ": " << content.status().to_string();
    restored[kind.id.value()] = *content;
  }
  for (const auto& [id, lines] : expected_content(version())) {
    EXPECT_THAT(restored[id], ElementsAreArray(lines)) << id;
  }
  EXPECT_EQ(restored.size(), expected_content(version()).size());
}

TEST_P(GoldenFilesTest, ItemsAndKeysAreDividedAtAnotherParallelism) {
  const auto metadata = read_checkpoint_metadata(files_, folder());
  ASSERT_TRUE(metadata.is_ok()) << metadata.status().to_string();
  HeapStateBackend backend(files_);
  for (const GoldenKind& kind : golden_kinds(version())) {
    std::multiset<std::string> lines;
    for (std::uint32_t i = 0; i < 3; ++i) {
      const auto content =
          restored_content(backend, *metadata, kind, SubtaskIndex{i}, Parallelism{3});
      ASSERT_TRUE(content.is_ok()) << kind.id.value() << ": " << content.status().to_string();
      if (is_whole_everywhere(kind)) {
        EXPECT_EQ(content->size(), expected_content(version()).at(kind.id.value()).size());
        continue;
      }
      for (const std::string& line : *content) {
        if (!line.starts_with("fired")) lines.insert(line);
      }
    }
    if (is_whole_everywhere(kind)) continue;
    Lines expected = expected_content(version()).at(kind.id.value());
    std::erase_if(expected, [](const std::string& line) { return line.starts_with("fired"); });
    EXPECT_THAT(lines, testing::UnorderedElementsAreArray(expected)) << kind.id.value();
  }
}

INSTANTIATE_TEST_SUITE_P(InMetadataAndInFiles, GoldenFilesTest,
                         testing::Values(GoldenFolder{1, "chk-1"}, GoldenFolder{1, "chk-2"},
                                         GoldenFolder{2, "chk-1"}, GoldenFolder{2, "chk-2"},
                                         GoldenFolder{3, "chk-1"}, GoldenFolder{3, "chk-2"}),
                         [](const auto& info) {
                           return "V" + std::to_string(info.param.version) +
                                  (std::string(info.param.name) == "chk-1" ? "InMetadata"
                                                                           : "InFiles");
                         });

// What a version cannot say is written as one that can; what it can say, as it was. A difference
// means that the version must be raised, with golden files of its own.
class GoldenFilesOfNowTest : public testing::TestWithParam<int> {};

TEST_P(GoldenFilesOfNowTest, ThisProgramStillWritesTheSameBytes) {
  MemoryFileStore written;
  ASSERT_TRUE(write_golden_files(written, "/golden/v1", GetParam()).is_ok());
  PosixFileStore stored;
  for (const std::string name : {"chk-1", "chk-2"}) {
    const std::string folder = folder_of(GetParam()) + "/" + name;
    const auto entries = written.list("/golden/v1/" + name);
    const auto entries_stored = stored.list(folder);
    ASSERT_TRUE(entries.is_ok() && entries_stored.is_ok());
    EXPECT_EQ(entries->size(), entries_stored->size());
    for (const DirectoryEntry& entry : *entries) {
      const auto now = read_file(written, "/golden/v1/" + name + "/" + entry.name);
      const auto then = read_file(stored, folder + "/" + entry.name);
      ASSERT_TRUE(now.is_ok() && then.is_ok()) << entry.name;
      EXPECT_TRUE(*now == *then) << folder << "/" << entry.name;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Versions, GoldenFilesOfNowTest, testing::Values(1, 2, 3));

}  // namespace
}  // namespace weir::golden
