// SPDX-License-Identifier: Apache-2.0
// Configuration: types, sources, precedence, and messages that say where the mistake is.
#include "base/options.h"

#include <gtest/gtest.h>

#include "base/posix_file_store.h"

namespace weir {
namespace {

using namespace std::chrono_literals;

Configuration make_configuration() {
  return Configuration({
      {"parallelism.default", ConfigType::kInt, "1", "Subtasks per vertex."},
      {"checkpoint.interval", ConfigType::kDuration, "10 s", "Time between checkpoints."},
      {"checkpoint.dir", ConfigType::kString, "", "Where checkpoints lie."},
      {"state.backend", ConfigType::kEnum, "heap", "How state is held.", "heap|rocksdb"},
      {"memory.fraction", ConfigType::kDouble, "0.4", "Part of the memory."},
      {"memory.size", ConfigType::kSize, "64 mb", "Bytes of memory."},
      {"chaining.enabled", ConfigType::kBool, "true", "Whether operators chain."},
      {"task.slots", ConfigType::kInt, "", "No default."},
  });
}

TEST(ConfigurationTest, DefaultsHoldUntilSomethingIsSet) {
  const Configuration configuration = make_configuration();
  EXPECT_EQ(configuration.get_int("parallelism.default"), 1);
  EXPECT_EQ(configuration.get_duration("checkpoint.interval"), 10s);
  EXPECT_EQ(configuration.get_string("checkpoint.dir"), "");
  EXPECT_EQ(configuration.get_string("state.backend"), "heap");
  EXPECT_EQ(configuration.get_double("memory.fraction"), 0.4);
  EXPECT_EQ(configuration.get_size("memory.size"), 64U << 20);
  EXPECT_TRUE(configuration.get_bool("chaining.enabled"));
  EXPECT_FALSE(configuration.has_value("task.slots"));
  EXPECT_TRUE(configuration.has_value("memory.size"));
  EXPECT_FALSE(configuration.is_set("memory.size"));
  EXPECT_EQ(configuration.origin("memory.size"), "default");
}

TEST(ConfigurationTest, ReadsNestedDottedAndMixedKeys) {
  Configuration configuration = make_configuration();
  const Status status = configuration.load_yaml(
      "parallelism.default: 4\n"
      "checkpoint:\n"
      "  interval: 500ms\n"
      "  dir: /data/checkpoints\n"
      "state: {backend: rocksdb}\n"
      "memory.fraction: 0.25\n"
      "memory:\n"
      "  size: 2g\n"
      "chaining.enabled: no\n",
      "weir.yaml");
  ASSERT_TRUE(status.is_ok()) << status.to_string();
  EXPECT_EQ(configuration.get_int("parallelism.default"), 4);
  EXPECT_EQ(configuration.get_duration("checkpoint.interval"), 500ms);
  EXPECT_EQ(configuration.get_string("checkpoint.dir"), "/data/checkpoints");
  EXPECT_EQ(configuration.get_string("state.backend"), "rocksdb");
  EXPECT_EQ(configuration.get_double("memory.fraction"), 0.25);
  EXPECT_EQ(configuration.get_size("memory.size"), 2ULL << 30);
  EXPECT_FALSE(configuration.get_bool("chaining.enabled"));
  EXPECT_EQ(configuration.origin("checkpoint.interval"), "weir.yaml:3");
  EXPECT_TRUE(configuration.is_set("checkpoint.interval"));
}

TEST(ConfigurationTest, CommandLineReplacesTheFile) {
  Configuration configuration = make_configuration();
  ASSERT_TRUE(configuration.load_yaml("parallelism.default: 4", "weir.yaml").is_ok());
  ASSERT_TRUE(configuration.set_override("parallelism.default=8").is_ok());
  EXPECT_EQ(configuration.get_int("parallelism.default"), 8);
  EXPECT_EQ(configuration.origin("parallelism.default"), "command line");
  EXPECT_EQ(configuration.text("parallelism.default"), "8");
}

TEST(ConfigurationTest, OverrideKeepsEverythingAfterTheFirstEqualsSign) {
  Configuration configuration = make_configuration();
  ASSERT_TRUE(configuration.set_override("checkpoint.dir=a=b").is_ok());
  EXPECT_EQ(configuration.get_string("checkpoint.dir"), "a=b");
  EXPECT_EQ(configuration.set_override("novalue").message(),
            "command line: -D needs key=value, got 'novalue'");
  EXPECT_FALSE(configuration.set_override("=x").is_ok());
}

TEST(ConfigurationTest, UnknownKeyNamesFileLineAndTheNearestKey) {
  Configuration configuration = make_configuration();
  const Status status =
      configuration.load_yaml("parallelism.default: 4\ncheckpoint:\n  intervall: 1 s\n", "w.yaml");
  EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(status.message(),
            "w.yaml:3: unknown configuration key 'checkpoint.intervall'; "
            "the nearest known key is 'checkpoint.interval'");
  EXPECT_EQ(configuration.set_override("colour=red").message(),
            "command line: unknown configuration key 'colour'")
      << "none is near";
}

TEST(ConfigurationTest, WrongTypeNamesKeyValueAndWhatWasExpected) {
  const std::pair<const char*, const char*> rows[] = {
      {"parallelism.default=two", "expected a whole number"},
      {"parallelism.default=2.5", "expected a whole number"},
      {"parallelism.default=99999999999999999999", "expected a whole number"},
      {"checkpoint.interval=10", "expected a duration"},
      {"checkpoint.interval=36501 d",
       "expected a duration like '500 ms', '10 s', '3 min', up to 36500 d"},
      {"state.backend=redis", "expected one of heap rocksdb"},
      {"memory.fraction=half", "expected a number"},
      {"memory.fraction=nan", "expected a number"},
      {"memory.size=-1", "expected a size"},
      {"chaining.enabled=maybe", "expected true or false"}};
  for (const auto& [assignment, expected] : rows) {
    Configuration configuration = make_configuration();
    const std::string text(assignment);
    const std::size_t equals = text.find('=');
    const Status status = configuration.set_override(text);
    EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
    const std::string start = "command line: configuration key '" + text.substr(0, equals) +
                              "' has the value '" + text.substr(equals + 1) + "': " + expected;
    EXPECT_TRUE(status.message().starts_with(start)) << status.message();
    EXPECT_FALSE(configuration.is_set(text.substr(0, equals)));
  }
}

TEST(ConfigurationTest, ReportsAllMistakesOfAFileAtOnce) {
  Configuration configuration = make_configuration();
  const Status status = configuration.load_yaml(
      "checkpoint.interval: soon\nstate.bakend: heap\nparallelism.default: 2\n"
      "parallelism:\n  default: 3\nmemory.size:\n",
      "w.yaml");
  const std::string& message = status.message();
  EXPECT_NE(message.find("w.yaml:1: configuration key 'checkpoint.interval'"), std::string::npos);
  EXPECT_NE(message.find("w.yaml:2: unknown configuration key 'state.bakend'"), std::string::npos);
  EXPECT_NE(message.find("w.yaml:5: key 'parallelism.default' stands here and in line 3"),
            std::string::npos)
      << message;
  EXPECT_NE(message.find("w.yaml:6: key 'memory.size' has no value"), std::string::npos) << message;
}

TEST(ConfigurationTest, SameKeyTwiceInOneMapIsRefused) {
  Configuration configuration = make_configuration();
  const Status status = configuration.load_yaml("task.slots: 1\ntask.slots: 2\n", "w.yaml");
  EXPECT_EQ(status.message(), "w.yaml:2: key 'task.slots' stands here and in line 1");
}

TEST(ConfigurationTest, ListBecomesOneTextWithSemicolons) {
  Configuration configuration = make_configuration();
  ASSERT_TRUE(configuration.load_yaml("checkpoint.dir: [a, b]", "w.yaml").is_ok());
  EXPECT_EQ(configuration.get_string("checkpoint.dir"), "a;b");
}

TEST(ConfigurationTest, TextThatIsNotAMapOrNotYamlIsNamedWithItsLine) {
  Configuration configuration = make_configuration();
  EXPECT_EQ(configuration.load_yaml("- a\n- b\n", "w.yaml").message(),
            "w.yaml:1: the file is not a map of keys and values");
  const Status broken = configuration.load_yaml("a: 1\nb: [1, 2\n", "w.yaml");
  EXPECT_TRUE(broken.message().starts_with("w.yaml:")) << broken.message();
  EXPECT_NE(broken.message().find("not valid YAML"), std::string::npos);
  EXPECT_TRUE(configuration.load_yaml("", "w.yaml").is_ok());
  EXPECT_TRUE(configuration.load_yaml("# nothing\n", "w.yaml").is_ok());
}

TEST(ConfigurationTest, MissingFileIsNamed) {
  Configuration configuration = make_configuration();
  PosixFileStore store;
  const Status status = configuration.load_file(store, "/no/such/weir.yaml");
  EXPECT_EQ(status.code(), StatusCode::kNotFound);
  EXPECT_NE(status.message().find("/no/such/weir.yaml"), std::string::npos);
}

TEST(ConfigurationTest, LoadsAFile) {
  PosixFileStore store;
  const std::string path = testing::TempDir() + "weir-options-test.yaml";
  ASSERT_TRUE(write_file_atomically(store, path + ".tmp", path, "\ntask: {slots: 3}\n").is_ok());
  Configuration configuration = make_configuration();
  ASSERT_TRUE(configuration.load_file(store, path).is_ok());
  EXPECT_EQ(configuration.get_int("task.slots"), 3);
  EXPECT_EQ(configuration.origin("task.slots"), path + ":2");
  EXPECT_TRUE(store.remove(path).is_ok());
}

TEST(ConfigurationTest, AskingForAnUnknownKeyOrAnotherTypeIsAProgrammerError) {
  const Configuration configuration = make_configuration();
  EXPECT_DEATH((void)configuration.get_int("task.slotz"), "task.slots");
  EXPECT_DEATH((void)configuration.get_int("memory.size"), "memory.size");
  EXPECT_DEATH((void)configuration.get_int("task.slots"), "task.slots");
}

TEST(ParseSizeTest, ReadsBinaryUnits) {
  const std::pair<const char*, std::uint64_t> rows[] = {
      {"0", 0},         {"4096", 4096},       {"7b", 7},
      {"20 kb", 20480}, {"1K", 1024},         {" 64MB ", 64U << 20},
      {"1g", 1U << 30}, {"2 TB", 2ULL << 40}, {"18446744073709551615", UINT64_MAX}};
  for (const auto& [text, bytes] : rows) {
    EXPECT_EQ(parse_size(text).value(), bytes) << text;
  }
  for (const char* text :
       {"", "mb", "1.5g", "-1", "1 zb", "16777216 tb", "1 k b", "18446744073709551616"}) {
    EXPECT_FALSE(parse_size(text).is_ok()) << text;
  }
}

}  // namespace
}  // namespace weir
