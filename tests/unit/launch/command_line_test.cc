// SPDX-License-Identifier: Apache-2.0
// What the options of a job mean, and what wrong ones say.
#include "launch/command_line.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/posix_file_store.h"

namespace weir {
namespace {

Result<CommandLine> parse(std::vector<const char*> arguments) {
  PosixFileStore files;
  arguments.insert(arguments.begin(), "job");
  return parse_command_line(static_cast<int>(arguments.size()), arguments.data(), files);
}

TEST(CommandLineTest, OptionsSetTheirConfigurationKeys) {
  const auto line = parse({"--parallelism", "3", "--checkpoint-interval", "500ms"});
  ASSERT_TRUE(line.is_ok()) << line.status().to_string();
  EXPECT_EQ(line.value().configuration.get_int("parallelism.default"), 3);
  EXPECT_EQ(line.value().configuration.get_duration("execution.checkpointing.interval"),
            std::chrono::milliseconds{500});
  EXPECT_EQ(line.value().configuration.origin("parallelism.default"), "command line");
}

TEST(CommandLineTest, ARestoredSnapshotIsClaimedOnlyWhenThatIsSaid) {
  const std::string key = "execution.state-recovery.claim-mode";
  EXPECT_EQ(parse({"--restore", "x"})->configuration.get_string(key), "no-claim");
  const auto line = parse({"--restore", "x", "--claim-mode", "claim"});
  ASSERT_TRUE(line.is_ok()) << line.status().to_string();
  EXPECT_EQ(line->configuration.get_string(key), "claim");
  EXPECT_FALSE(parse({"--claim-mode", "perhaps"}).is_ok());
}

// What `weir upgrade` appends to the command line that a job once had.
TEST(CommandLineTest, WhereAJobGoesOnFromMayBeSaidAgain) {
  const auto line =
      parse({"-s", "old", "--claim-mode", "claim", "--checkpoint-dir", "a", "--checkpoint-dir", "b",
             "--restore", "new", "--claim-mode", "no-claim"});
  ASSERT_TRUE(line.is_ok()) << line.status().to_string();
  EXPECT_EQ(line->restore, "new");
  EXPECT_EQ(line->configuration.get_string("state.checkpoints.dir"), "b");
  EXPECT_EQ(line->configuration.get_string("execution.state-recovery.claim-mode"), "no-claim");
  EXPECT_FALSE(parse({"-p", "2", "-p", "3"}).is_ok());
}

TEST(CommandLineTest, WhatStandsAfterTwoDashesIsTheJobs) {
  const auto line = parse({"-p", "2", "--", "--parallelism", "9", "--", "x"});
  ASSERT_TRUE(line.is_ok()) << line.status().to_string();
  EXPECT_EQ(line.value().configuration.get_int("parallelism.default"), 2);
  EXPECT_EQ(line.value().job_arguments,
            (std::vector<std::string>{"--parallelism", "9", "--", "x"}));
}

TEST(CommandLineTest, AnUnknownOptionIsNamed) {
  const auto line = parse({"--paralelism", "2"});
  ASSERT_FALSE(line.is_ok());
  EXPECT_NE(line.status().message().find("--paralelism"), std::string::npos)
      << line.status().message();
}

TEST(CommandLineTest, AnEmptyValueIsNoOptionLeftOut) {
  for (const char* option : {"--restore", "--parallelism", "--config", "--checkpoint-dir"}) {
    const auto line = parse({option, ""});
    ASSERT_FALSE(line.is_ok()) << option;
    EXPECT_NE(line.status().message().find(option), std::string::npos) << line.status().message();
  }
  EXPECT_TRUE(parse({"--explain", "--list-config"}).is_ok());
}

TEST(CommandLineTest, SettingsThatCannotWorkAreMistakes) {
  for (const char* setting : {"heartbeat.interval=0s", "heartbeat.timeout=500ms",
                              "state.checkpoints.dir=", "execution.checkpointing.timeout=0s"}) {
    const auto line = parse({"-D", setting});
    ASSERT_TRUE(line.is_ok()) << line.status().to_string();
    const std::string key(setting, std::string_view(setting).find('='));
    const std::vector<std::string> mistakes = settings_of(line.value()).mistakes;
    ASSERT_EQ(mistakes.size(), 1U) << setting;
    EXPECT_NE(mistakes[0].find(key), std::string::npos) << mistakes[0];
  }
}

TEST(CommandLineTest, AValueOfTheWrongTypeNamesTheKey) {
  const auto line = parse({"--parallelism", "two"});
  ASSERT_FALSE(line.is_ok());
  EXPECT_NE(line.status().message().find("parallelism.default"), std::string::npos)
      << line.status().message();
}

TEST(CommandLineTest, AnUnknownKeyIsRefusedWithTheNearest) {
  const auto line = parse({"-D", "execution.checkpointing.intervall=1s"});
  ASSERT_FALSE(line.is_ok());
  EXPECT_NE(line.status().message().find("execution.checkpointing.interval"), std::string::npos)
      << line.status().message();
}

TEST(CommandLineTest, OptionsAfterTheFirstOverrideCanFollow) {
  const auto line = parse({"-D", "parallelism.default=4", "--restore", "latest"});
  ASSERT_TRUE(line.is_ok()) << line.status().to_string();
  EXPECT_EQ(line.value().configuration.get_int("parallelism.default"), 4);
  EXPECT_EQ(line.value().restore, "latest");
}

TEST(CommandLineTest, ExplainTakesAFormatOrNone) {
  EXPECT_EQ(parse({"--explain"}).value().explain, ExecutionSettings::Explain::kText);
  EXPECT_EQ(parse({"--explain", "json"}).value().explain, ExecutionSettings::Explain::kJson);
  EXPECT_EQ(parse({}).value().explain, ExecutionSettings::Explain::kRun);
  EXPECT_FALSE(parse({"--explain", "xml"}).is_ok());
}

TEST(CommandLineTest, AMissingConfigurationFileIsNamed) {
  const auto line = parse({"--config", "no-such-file.yaml"});
  ASSERT_FALSE(line.is_ok());
  EXPECT_NE(line.status().message().find("no-such-file.yaml"), std::string::npos);
}

TEST(CommandLineTest, HelpNamesEveryOptionAndTheExitStatus) {
  const auto line = parse({"--help"});
  ASSERT_TRUE(line.value().print_and_exit.has_value());
  for (const char* word : {"--parallelism", "--restore", "--explain", "Exit status"}) {
    EXPECT_NE(line.value().print_and_exit->find(word), std::string::npos) << word;
  }
}

TEST(CommandLineTest, ListConfigPrintsEveryKey) {
  const auto line = parse({"--list-config"});
  ASSERT_TRUE(line.value().print_and_exit.has_value());
  for (const ConfigKey& key : line.value().configuration.keys()) {
    EXPECT_NE(line.value().print_and_exit->find(key.name), std::string::npos) << key.name;
  }
}

}  // namespace
}  // namespace weir
