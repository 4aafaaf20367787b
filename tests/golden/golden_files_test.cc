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
std::map<std::string, Lines> expected_content() {
  const std::string place = "Place{name: \"a place with a long name\", height: ";
  const std::string nan_place = "a long user key = Place{name: \"\", height: nan}";
  return {
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
      {"broadcast",
       {"(-7, \"\") = Visit{number: -7, " + kVisit,
        "(-7, \"a user key that is too long for a short one\") = Visit{number: -7, " + kVisit,
        "(300, \"\") = Visit{number: 300, " + kVisit,
        "(300, \"a user key that is too long for a short one\") = Visit{number: 300, " + kVisit}},
  };
}

const std::string kFolder = std::string(WEIR_SOURCE_DIR) + "/tests/golden/";
constexpr const char* kNewest = "v2";

// The kinds of state that there were when a version was written.
std::vector<GoldenKind> kinds_of(const std::string& version) {
  std::vector<GoldenKind> kinds = golden_kinds();
  if (version.starts_with("v1")) {
    std::erase_if(kinds, [](const GoldenKind& kind) { return kind.id.value() == "broadcast"; });
  }
  return kinds;
}

bool is_whole_everywhere(const GoldenKind& kind) {
  return kind.id.value() == "union" || kind.id.value() == "broadcast";
}

class GoldenFilesTest : public testing::TestWithParam<const char*> {
 protected:
  PosixFileStore files_;
};

TEST_P(GoldenFilesTest, EveryKindOfStateRestoresToWhatWasStored) {
  const auto metadata = read_checkpoint_metadata(files_, kFolder + GetParam());
  ASSERT_TRUE(metadata.is_ok()) << metadata.status().to_string();
  HeapStateBackend backend(files_);
  std::map<std::string, Lines> restored;
  for (const GoldenKind& kind : kinds_of(GetParam())) {
    const auto content =
        restored_content(backend, *metadata, kind, SubtaskIndex{0}, Parallelism{1});
    ASSERT_TRUE(content.is_ok()) << kind.id.value() << ": " << content.status().to_string();
    restored[kind.id.value()] = *content;
  }
  for (const auto& [id, lines] : restored) {
    EXPECT_THAT(lines, ElementsAreArray(expected_content().at(id))) << id;
  }
  EXPECT_EQ(restored.size(), metadata->operators.size());
}

TEST_P(GoldenFilesTest, ItemsAndKeysAreDividedAtAnotherParallelism) {
  const auto metadata = read_checkpoint_metadata(files_, kFolder + GetParam());
  ASSERT_TRUE(metadata.is_ok()) << metadata.status().to_string();
  HeapStateBackend backend(files_);
  for (const GoldenKind& kind : kinds_of(GetParam())) {
    std::multiset<std::string> lines;
    for (std::uint32_t i = 0; i < 3; ++i) {
      const auto content =
          restored_content(backend, *metadata, kind, SubtaskIndex{i}, Parallelism{3});
      ASSERT_TRUE(content.is_ok()) << kind.id.value() << ": " << content.status().to_string();
      if (is_whole_everywhere(kind)) {
        EXPECT_EQ(content->size(), expected_content().at(kind.id.value()).size());
        continue;
      }
      for (const std::string& line : *content) {
        if (!line.starts_with("fired")) lines.insert(line);
      }
    }
    if (is_whole_everywhere(kind)) continue;
    Lines expected = expected_content().at(kind.id.value());
    std::erase_if(expected, [](const std::string& line) { return line.starts_with("fired"); });
    EXPECT_THAT(lines, testing::UnorderedElementsAreArray(expected)) << kind.id.value();
  }
}

INSTANTIATE_TEST_SUITE_P(InMetadataAndInFiles, GoldenFilesTest,
                         testing::Values("v1/chk-1", "v1/chk-2", "v2/chk-1", "v2/chk-2"),
                         [](const auto& info) {
                           const std::string folder(info.param);
                           return folder.substr(0, 2) +
                                  (folder.ends_with("1") ? "InMetadata" : "InFiles");
                         });

// A difference means that the version of the formats must be raised, with golden files of its own.
TEST(GoldenFilesOfNowTest, ThisProgramStillWritesTheNewestVersion) {
  MemoryFileStore written;
  const std::string newest = std::string("/golden/") + kNewest + "/";
  ASSERT_TRUE(write_golden_files(written, std::string("/golden/") + kNewest).is_ok());
  PosixFileStore stored;
  for (const std::string folder : {"chk-1", "chk-2"}) {
    const std::string directory = kFolder + kNewest + "/" + folder;
    const auto entries = written.list(newest + folder);
    const auto entries_stored = stored.list(directory);
    ASSERT_TRUE(entries.is_ok() && entries_stored.is_ok());
    EXPECT_EQ(entries->size(), entries_stored->size());
    for (const DirectoryEntry& entry : *entries) {
      const auto now = read_file(written, newest + folder + "/" + entry.name);
      const auto then = read_file(stored, directory + "/" + entry.name);
      ASSERT_TRUE(now.is_ok() && then.is_ok()) << entry.name;
      EXPECT_TRUE(*now == *then) << folder << "/" << entry.name;
    }
  }
}

}  // namespace
}  // namespace weir::golden
