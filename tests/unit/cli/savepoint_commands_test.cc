// SPDX-License-Identifier: Apache-2.0
// weir savepoint on the golden files and on changed and damaged copies of them.
#include "cli/savepoint_commands.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <sstream>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "api/operators/broadcast_table.h"
#include "base/posix_file_store.h"
#include "base/rng.h"
#include "core/keyed_table.h"
#include "state/heap/heap_state_backend.h"
#include "state/snapshot/directory_checkpoint_storage.h"
#include "testing/memory_file_store.h"
#include "types/schema.h"

namespace weir::cli {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

constexpr const char* kFolders[] = {"chk-1", "chk-2"};

class SavepointCommandsTest : public testing::Test {
 protected:
  SavepointCommandsTest() {
    for (const std::string folder : kFolders) {
      copy_golden("v1/" + folder, "/golden/" + folder);
      copy_golden("v2/" + folder, "/golden-v2/" + folder);
    }
  }

  void copy_golden(const std::string& folder, const std::string& to) {
    PosixFileStore disk;
    const std::string from = std::string(WEIR_SOURCE_DIR) + "/tests/golden/" + folder;
    EXPECT_TRUE(files_.make_directories(to).is_ok());
    const auto entries = disk.list(from);
    ASSERT_TRUE(entries.is_ok());
    for (const DirectoryEntry& entry : *entries) {
      put(to + "/" + entry.name, *read_file(disk, from + "/" + entry.name));
    }
  }

  void put(const std::string& path, const std::string& bytes) {
    ASSERT_TRUE(write_file_atomically(files_, path + ".tmp", path, bytes).is_ok()) << path;
  }

  // Runs `weir savepoint ...` and keeps what it prints.
  int run(std::vector<std::string> arguments) {
    out_.str("");
    error_.str("");
    const CommandContext context{files_, out_, error_};
    int status = -1;
    CLI::App app;
    add_savepoint_commands(app, context, status);
    arguments.insert(arguments.begin(), "savepoint");
    std::reverse(arguments.begin(), arguments.end());
    try {
      app.parse(arguments);
    } catch (const CLI::ParseError& error) {
      error_ << error.what();
      return kUnusable;
    }
    return status;
  }
  std::string out() const { return out_.str(); }
  std::string error() const { return error_.str(); }
  std::string read(const std::string& op, const std::string& state,
                   std::vector<std::string> more = {}) {
    std::vector<std::string> arguments = {"read", "/golden/chk-2", "--operator",
                                          op,     "--state",       state};
    arguments.insert(arguments.end(), more.begin(), more.end());
    EXPECT_EQ(run(arguments), kOk) << error();
    return out();
  }

  MemoryFileStore files_;
  std::ostringstream out_;
  std::ostringstream error_;
};

TEST_F(SavepointCommandsTest, InspectPrintsOperatorsStatesAndSchemas) {
  ASSERT_EQ(run({"inspect", "/golden/chk-1"}), kOk) << error();
  EXPECT_THAT(out(), StartsWith("job golden, checkpoint 1, attempt 1\n"
                                "triggered 2027-01-15T08:00:00.000Z, "
                                "completed 2027-01-15T08:00:00.250Z\n"));
  EXPECT_THAT(out(), HasSubstr("\n  operator map: parallelism 1, max parallelism 128, 343 bytes\n"
                               "    state by-name: map, keyed, 6 entries, "));
  EXPECT_THAT(out(), HasSubstr("      key    int64\n"
                               "      value  map<string,Place{name:string,height:double}>\n"));
  EXPECT_THAT(out(), Not(HasSubstr("key group")));

  ASSERT_EQ(run({"inspect", "/golden/chk-2/_metadata", "--key-groups"}), kOk) << error();
  EXPECT_THAT(out(), HasSubstr("entries by key group  "));
}

TEST_F(SavepointCommandsTest, InspectPrintsJson) {
  ASSERT_EQ(run({"inspect", "/golden/chk-1", "--json", "--key-groups"}), kOk) << error();
  EXPECT_THAT(out(), StartsWith(R"({"job":"golden","id":1,"kind":"checkpoint","attempt":1,)"));
  EXPECT_THAT(out(), HasSubstr(R"({"name":"sum","kind":"reducing","distribution":"keyed",)"
                               R"("key":"string","value":"int64","entries":2,"bytes":)"));
  EXPECT_THAT(out(), HasSubstr(R"("distribution":"union","key":null,)"));
}

TEST_F(SavepointCommandsTest, ReadPrintsEveryKindOfStateAsJson) {
  EXPECT_EQ(read("reducing", "sum"),
            "{\"key\":\"a\",\"value\":-11}\n"
            "{\"key\":\"b\",\"value\":11}\n");
  EXPECT_EQ(read("aggregating", "mean"),
            "{\"key\":[-1,\"left\"],\"value\":{\"sum\":-4,\"count\":2}}\n"
            "{\"key\":[1,\"right\"],\"value\":{\"sum\":4,\"count\":2}}\n");
  EXPECT_THAT(read("map", "by-name"),
              HasSubstr(R"({"key":-9000000000,"user_key":"a long user key",)"
                        R"("value":{"name":"","height":"NaN"}})"));
  EXPECT_THAT(read("timers", "event-time-timers"), HasSubstr("{\"key\":\"a\",\"time\":-5}\n"));
  EXPECT_THAT(read("window", "windows of 1 min"),
              HasSubstr(R"({"key":"account","slice":-60000,"value":{"sum":-2.5,"count":1}})"));
  EXPECT_THAT(read("buffer", "buffer"), HasSubstr(R"({"time":20,"number":1,"value":{"number":3,)"));
  EXPECT_THAT(read("split", "items"),
              HasSubstr(R"({"subtask":1,"index":1,"value":{"name":"item","height":-2}})"));
  EXPECT_THAT(read("union", "fired-watermarks"), HasSubstr(R"("value":[0,2147483648,-100]})"));
  EXPECT_THAT(
      read("value", "visits"),
      HasSubstr(R"({"key":"NaN","value":{"number":1,"who":"Müller-Lüdenscheidt, Kammersänger",)"
                R"("place":{"name":"Sněžka","height":1603.25},)"
                R"("seen":[{"name":"a","height":-0.5},{"name":"","height":0}],"score":-7,)"
                R"("marks":{"first":-128,"second":127},"answer":{"string":"perhaps"},)"
                R"("mood":300,"at":-1}})"));
}

TEST_F(SavepointCommandsTest, StatesWithATimeToLiveSaySoAndWhenTheyWereUpdated) {
  ASSERT_EQ(run({"inspect", "/golden-v2/chk-1"}), kOk) << error();
  EXPECT_THAT(out(), HasSubstr("      value  map<string,Place{name:string,height:double}>\n"
                               "      time-to-live  90 min\n"));
  ASSERT_EQ(run({"inspect", "/golden-v2/chk-1", "--json"}), kOk) << error();
  EXPECT_THAT(out(), HasSubstr(R"("ttl_ms":5400000})"));
  const auto read_state = [&](const std::string& state, const std::string& format) {
    EXPECT_EQ(run({"read", "/golden-v2/chk-2", "--operator", "ttl", "--state", state, "--key", "-1",
                   "--format", format}),
              kOk)
        << error();
    return out();
  };
  EXPECT_EQ(read_state("sum", "json"), "{\"key\":-1,\"value\":-1,\"updated_at\":1800000000000}\n");
  EXPECT_EQ(read_state("sum", "csv"), "key,value,updated_at\n-1,-1,1800000000000\n");
  EXPECT_EQ(read_state("list", "json"),
            R"({"key":-1,"value":["an old item with a long name","young",""],)"
            R"("updated_at":[1800000000000,1800000002000,1800000002000]})"
            "\n");
  EXPECT_EQ(read_state("map", "json"),
            R"({"key":-1,"user_key":"a young entry","value":{"name":"","height":"NaN"},)"
            R"("updated_at":1800000002000})"
            "\n"
            R"({"key":-1,"user_key":"an old entry","value":{"name":"x","height":-1},)"
            R"("updated_at":1800000000000})"
            "\n");
  EXPECT_EQ(run({"verify", "/golden-v2/chk-1", "/golden-v2/chk-2"}), kOk) << out();
  EXPECT_EQ(run({"diff", "/golden-v2/chk-1", "/golden-v2/chk-2"}), kOk) << out();
}

TEST_F(SavepointCommandsTest, ReadPrintsCsvWithAHeader) {
  EXPECT_EQ(read("aggregating", "mean", {"--format", "csv"}),
            "key,value\n"
            "\"[-1,\"\"left\"\"]\",\"{\"\"sum\"\":-4,\"\"count\"\":2}\"\n"
            "\"[1,\"\"right\"\"]\",\"{\"\"sum\"\":4,\"\"count\"\":2}\"\n");
  EXPECT_EQ(read("reducing", "sum", {"--format", "csv", "--limit", "1"}), "key,value\na,-11\n");
}

TEST_F(SavepointCommandsTest, ReadFindsAKeyByItsJsonOrItsText) {
  EXPECT_EQ(read("reducing", "sum", {"--key", "\"b\""}), "{\"key\":\"b\",\"value\":11}\n");
  EXPECT_EQ(read("reducing", "sum", {"--key", "b"}), "{\"key\":\"b\",\"value\":11}\n");
  EXPECT_THAT(read("aggregating", "mean", {"--key", "[ -1, \"left\" ]"}), HasSubstr("-4"));
  EXPECT_THAT(read("list", "places", {"--key", "\"a\\u0000b\\u0001c\""}), HasSubstr("height"));
  EXPECT_EQ(read("reducing", "sum", {"--key", "c"}), "");
}

TEST_F(SavepointCommandsTest, WhatIsNotThereIsNamedWithWhatIs) {
  EXPECT_EQ(run({"inspect", "/nowhere"}), kUnusable);
  EXPECT_THAT(error(), HasSubstr("'/nowhere' is not there"));
  EXPECT_EQ(run({"verify", "/golden"}), kUnusable);
  EXPECT_THAT(error(), HasSubstr("'/golden' is not a checkpoint or savepoint"));
  EXPECT_EQ(run({"read", "/golden/chk-1", "--operator", "maps", "--state", "x"}), kUnusable);
  EXPECT_THAT(error(), AllOf(HasSubstr("no operator 'maps'"), HasSubstr("value, list, map")));
  EXPECT_EQ(run({"read", "/golden/chk-1", "--operator", "timers", "--state", "x"}), kUnusable);
  EXPECT_THAT(error(), AllOf(HasSubstr("has no state 'x'"),
                             HasSubstr("event-time-timers, processing-time-timers")));
  EXPECT_EQ(run({"read", "/golden/chk-1"}), kUnusable);
  EXPECT_EQ(run({}), kUnusable);
}

TEST_F(SavepointCommandsTest, VerifyAcceptsWhatIsWhole) {
  EXPECT_EQ(run({"verify", "/golden/chk-1", "/golden/chk-2"}), kOk) << out();
  EXPECT_THAT(out(), HasSubstr("/golden/chk-2: 0 of 13 snapshots damaged, "));
}

TEST_F(SavepointCommandsTest, VerifyFindsEveryMutationAndNothingCrashes) {
  Rng rng(17);
  std::vector<std::string> paths = {"/golden/chk-1/_metadata"};
  const auto entries = files_.list("/golden/chk-2");
  for (const DirectoryEntry& entry : *entries) {
    if (entry.name != "_begun") paths.push_back("/golden/chk-2/" + entry.name);
  }
  ASSERT_EQ(paths.size(), 15U);
  for (int i = 0; i < 500; ++i) {
    const std::string& path = paths[rng.uniform(paths.size())];
    const std::string whole = *read_file(files_, path);
    std::string bytes = whole;
    switch (rng.uniform(3)) {
      case 0: bytes[rng.uniform(bytes.size())] ^= static_cast<char>(1U << rng.uniform(8)); break;
      case 1: bytes.resize(rng.uniform(bytes.size())); break;
      default: {
        const std::size_t begin = rng.uniform(bytes.size());
        for (std::size_t at = begin; at < std::min(begin + 64, bytes.size()); ++at) bytes[at] = 0;
        break;
      }
    }
    if (bytes == whole) continue;
    put(path, bytes);
    const std::string folder = path.substr(0, path.rfind('/'));
    // A newer version is no damage; but here it can only be that, and is not taken for one.
    ASSERT_EQ(run({"verify", folder}), kNo) << i << " " << path << "\n" << out() << error();
    ASSERT_THAT(out(), AllOf(HasSubstr("DAMAGED"), HasSubstr(path)));
    // The others may succeed where they do not read the damage; they must only come to an end.
    ASSERT_NE(run({"inspect", folder, "--key-groups"}), -1);
    ASSERT_NE(run({"read", folder, "--operator", "value", "--state", "visits"}), -1);
    ASSERT_NE(run({"diff", "/golden/chk-1", "/golden/chk-2", "--entries"}), -1);
    put(path, whole);
  }
  EXPECT_EQ(run({"verify", "/golden/chk-1", "/golden/chk-2"}), kOk);
}

TEST_F(SavepointCommandsTest, VerifyNamesAMissingAndASwappedFile) {
  const std::string first = *read_file(files_, "/golden/chk-2/value-0");
  ASSERT_TRUE(files_.remove("/golden/chk-2/value-0").is_ok());
  EXPECT_EQ(run({"verify", "/golden/chk-2"}), kNo);
  EXPECT_THAT(out(), HasSubstr("/golden/chk-2/value-0"));
  EXPECT_THAT(out(), HasSubstr("1 of 13 snapshots damaged"));
  put("/golden/chk-2/value-0", *read_file(files_, "/golden/chk-2/value-1"));
  EXPECT_EQ(run({"verify", "/golden/chk-2"}), kNo);
}

// Writes a checkpoint of one operator with one state of int64 by int64.
class DiffTest : public SavepointCommandsTest {
 protected:
  using Numbers = std::vector<std::pair<std::int64_t, std::int64_t>>;

  template <class T = std::int64_t>
  void write(const std::string& job, const Numbers& numbers, const std::string& op = "op",
             const std::string& state_name = "numbers") {
    const auto storage = DirectoryCheckpointStorage::open(files_, "/made", job);
    ASSERT_TRUE((*storage)->begin(CheckpointId{1}).is_ok());
    HeapStateBackend heap(files_);
    const auto backend =
        heap.open({OperatorId{op}, SubtaskIndex{0}, Parallelism{1}, MaxParallelism{128}, {}});
    const StateDescriptor descriptor{state_name, StateKind::kValue, StateDistribution::kKeyed,
                                     schema_text<std::int64_t>(), schema_text<T>()};
    KeyedTable<std::int64_t, T> table(descriptor);
    (*backend)->add(table);
    for (const auto& [key, value] : numbers) {
      table.find_or_insert(key, key_hash(key)) = static_cast<T>(value);
    }
    const auto handle =
        (*backend)->freeze(CheckpointId{1})->write(*(*storage)->writer(CheckpointId{1}), "numbers");
    CheckpointMetadata metadata;
    metadata.job_name = job;
    metadata.id = CheckpointId{1};
    metadata.operators = {{OperatorId{op}, op, MaxParallelism{128}, {descriptor}, {*handle}}};
    ASSERT_TRUE((*storage)->publish(metadata).is_ok());
  }
};

TEST_F(DiffTest, WhatIsTheSameInOtherFilesDoesNotDiffer) {
  EXPECT_EQ(run({"diff", "/golden/chk-1", "/golden/chk-2"}), kOk) << out() << error();
  EXPECT_THAT(out(), IsEmpty());
}

TEST_F(DiffTest, EntriesAddedRemovedAndChangedAreCountedAndShown) {
  Numbers before;
  Numbers after;
  for (std::int64_t i = 0; i < 10000; ++i) {  // several blocks
    before.emplace_back(i, i);
    after.emplace_back(i, i);
  }
  after[17].second = -17;
  before.erase(before.begin() + 5000);
  after.erase(after.begin() + 9000, after.begin() + 9002);
  write("before", before);
  write("after", after);
  EXPECT_EQ(run({"diff", "/made/before/chk-1", "/made/after/chk-1"}), kNo);
  EXPECT_EQ(out(), "operator op, state numbers: 1 added, 2 removed, 1 changed, 9996 the same\n");
  EXPECT_EQ(run({"diff", "/made/before/chk-1", "/made/after/chk-1", "--entries"}), kNo);
  for (const char* line : {"+ operator op, state numbers {\"key\":5000,\"value\":5000}\n",
                           "- operator op, state numbers {\"key\":9000,\"value\":9000}\n",
                           "- operator op, state numbers {\"key\":9001,\"value\":9001}\n",
                           "< operator op, state numbers {\"key\":17,\"value\":17}\n",
                           "> operator op, state numbers {\"key\":17,\"value\":-17}\n"}) {
    EXPECT_THAT(out(), HasSubstr(line));
  }
}

// Writes a checkpoint of a broadcast state, of which every subtask has a copy.
class BroadcastStateTest : public SavepointCommandsTest {
 protected:
  void write(const std::string& job, const std::map<std::string, std::int64_t>& rules,
             std::uint32_t parallelism) {
    const auto storage = DirectoryCheckpointStorage::open(files_, "/made", job);
    ASSERT_TRUE((*storage)->begin(CheckpointId{1}).is_ok());
    const auto writer = (*storage)->writer(CheckpointId{1});
    HeapStateBackend heap(files_);
    OperatorCheckpoint op{OperatorId{"op"}, "op", MaxParallelism{128}, {}, {}};
    for (std::uint32_t i = 0; i < parallelism; ++i) {
      const auto backend = heap.open(
          {OperatorId{"op"}, SubtaskIndex{i}, Parallelism{parallelism}, MaxParallelism{128}, {}});
      using Table = BroadcastTable<std::string, std::int64_t>;
      Table table(Table::describe("rules"));
      (*backend)->add(table);
      for (const auto& [id, limit] : rules) {
        table.update(id, [limit = limit](std::int64_t& held) { held = limit; });
      }
      const auto handle =
          (*backend)->freeze(CheckpointId{1})->write(*writer, "op-" + std::to_string(i));
      op.states = {table.descriptor()};
      op.subtasks.push_back(*handle);
    }
    CheckpointMetadata metadata;
    metadata.job_name = job;
    metadata.id = CheckpointId{1};
    metadata.operators = {op};
    ASSERT_TRUE((*storage)->publish(metadata).is_ok());
  }
};

TEST_F(BroadcastStateTest, ReadShowsTheCopyOfEverySubtask) {
  write("two", {{"large", 500}, {"huge", -1}}, 2);
  EXPECT_EQ(run({"read", "/made/two/chk-1", "--operator", "op", "--state", "rules"}), kOk);
  EXPECT_EQ(out(),
            "{\"subtask\":0,\"key\":\"huge\",\"value\":-1}\n"
            "{\"subtask\":0,\"key\":\"large\",\"value\":500}\n"
            "{\"subtask\":1,\"key\":\"huge\",\"value\":-1}\n"
            "{\"subtask\":1,\"key\":\"large\",\"value\":500}\n");
  EXPECT_EQ(run({"inspect", "/made/two/chk-1"}), kOk);
  EXPECT_THAT(out(), HasSubstr("broadcast"));
  EXPECT_EQ(run({"verify", "/made/two/chk-1"}), kOk) << out();
}

TEST_F(BroadcastStateTest, DiffComparesOneCopyWithAnother) {
  write("two", {{"a", 1}, {"b", 2}}, 2);
  write("three", {{"a", 1}, {"b", 2}}, 3);
  write("changed", {{"a", 1}, {"aa", 5}, {"b", 3}}, 1);
  EXPECT_EQ(run({"diff", "/made/two/chk-1", "/made/three/chk-1"}), kOk);
  EXPECT_EQ(out(), "operator op: parallelism 3, was 2\n");
  EXPECT_EQ(run({"diff", "/made/three/chk-1", "/made/changed/chk-1"}), kNo);
  EXPECT_THAT(out(), HasSubstr("state rules: 1 added, 0 removed, 1 changed, 1 the same\n"));
}

TEST_F(DiffTest, OperatorsStatesAndSchemasThatDifferAreNamed) {
  write("a", {{1, 1}});
  write("b", {{1, 1}}, "op", "others");
  write("c", {{1, 1}}, "other");
  write<std::int32_t>("d", {{1, 1}});
  EXPECT_EQ(run({"diff", "/made/a/chk-1", "/made/b/chk-1"}), kNo);
  EXPECT_EQ(out(),
            "operator op, state numbers: only in /made/a/chk-1\n"
            "operator op, state others: only in /made/b/chk-1\n");
  EXPECT_EQ(run({"diff", "/made/a/chk-1", "/made/c/chk-1"}), kNo);
  EXPECT_EQ(out(), "operator op: only in /made/a/chk-1\noperator other: only in /made/c/chk-1\n");
  EXPECT_EQ(run({"diff", "/made/a/chk-1", "/made/d/chk-1"}), kNo);
  EXPECT_EQ(out(), "operator op, state numbers: value schema int32, was int64\n");
}

}  // namespace
}  // namespace weir::cli
