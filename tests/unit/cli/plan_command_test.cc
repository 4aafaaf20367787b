// SPDX-License-Identifier: Apache-2.0
// weir plan against the golden files.
#include "cli/plan_command.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <sstream>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "base/posix_file_store.h"
#include "cli/opened_checkpoint.h"

namespace weir::cli {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

const std::string kFrom = std::string(WEIR_SOURCE_DIR) + "/tests/golden/v1/chk-2";

class PlanCommandTest : public testing::Test {
 protected:
  PlanCommandTest() {
    const auto metadata = open_checkpoint(files_, kFrom);
    EXPECT_TRUE(metadata.is_ok());
    for (const OperatorCheckpoint& op : metadata->operators) {
      job_.push_back({op.id, op.name, op.states});
    }
  }
  int plan(PlanOptions options = {}) {
    out_.str("");
    options.from = kFrom;
    return print_plan(context_, options, job_);
  }
  std::string out() const { return out_.str(); }

  PosixFileStore files_;
  std::ostringstream out_;
  std::ostringstream error_;
  CommandContext context_{files_, out_, error_};
  std::vector<PlannedOperator> job_;
};

TEST_F(PlanCommandTest, AnUnchangedJobCanBeRestored) {
  EXPECT_EQ(plan(), kOk);
  EXPECT_THAT(out(), AllOf(HasSubstr("list         places"), HasSubstr("matched"),
                           HasSubstr("The job can be restored"), Not(HasSubstr("new"))));
}

TEST_F(PlanCommandTest, ChangesAreListedAndLossesRefusedUnlessAllowed) {
  job_[2].states[0].value_schema = "map<string,Place{name:string,height:double,depth:float}>";
  job_.push_back({OperatorId{"fresh"}, "fresh", {job_[0].states[0]}});
  EXPECT_EQ(plan(), kOk);
  EXPECT_THAT(out(), AllOf(HasSubstr("migrated  6 entries: added 'depth' (float)"),
                           HasSubstr("new       begins empty")));

  job_.erase(job_.begin());  // the operator "value"
  EXPECT_EQ(plan(), kNo);
  EXPECT_THAT(out(),
              AllOf(HasSubstr("dropped   4 entries would be lost"), HasSubstr("cannot be restored"),
                    HasSubstr("--allow-non-restored-state")));
  EXPECT_EQ(plan({.allow_non_restored_state = true}), kOk);

  job_[1].states[0].key_schema = "int32";
  EXPECT_EQ(plan({.allow_non_restored_state = true}), kNo);
  EXPECT_THAT(out(), HasSubstr("incompatible  key int32, was int64"));
}

TEST_F(PlanCommandTest, ATimeToLiveThatComesIsAChange) {
  job_[0].states[0].ttl = Duration(3'600'000);
  EXPECT_EQ(plan(), kOk);
  EXPECT_THAT(out(), HasSubstr("migrated  4 entries: time-to-live 1 h, was none"));
}

TEST_F(PlanCommandTest, JsonSaysTheSame) {
  job_.erase(job_.begin());
  EXPECT_EQ(plan({.as_json = true}), kNo);
  EXPECT_THAT(out(), testing::StartsWith("{\"restorable\":false,\"operators\":["));
  EXPECT_THAT(out(), HasSubstr(R"({"id":"value","name":"value","outcome":"dropped","states":[)"
                               R"({"name":"visits","outcome":"dropped","entries":4,)"
                               R"("changes":[],"reason":null}]})"));
}

TEST_F(PlanCommandTest, TheProgramGetsItsOwnArgumentsAndMustPrintAGraph) {
  const auto run = [this](std::vector<std::string> arguments) {
    out_.str("");
    error_.str("");
    int status = -1;
    CLI::App app;
    add_plan_command(app, context_, status);
    std::reverse(arguments.begin(), arguments.end());
    app.parse(arguments);
    return status;
  };
  // "echo" prints what it is given.
  EXPECT_EQ(run({"plan", "--from", kFrom, "echo", "--", "--input", "x"}), kUnusable);
  EXPECT_THAT(error_.str(), HasSubstr("'echo': the program did not print a job graph"));
  EXPECT_EQ(run({"plan", "--from", kFrom, "/no/such/job"}), kUnusable);
  EXPECT_THAT(error_.str(), HasSubstr("cannot run '/no/such/job'"));
  const std::string script =
      "test \"$*\" = '--explain json -- --input x' && echo '{\"vertices\":[]}'";
  const std::string path = testing::TempDir() + "weir-plan-job-" + std::to_string(getpid());
  const std::string text = "#!/bin/sh\n" + script + "\n";
  ASSERT_TRUE(write_file_atomically(files_, path + ".tmp", path, text).is_ok());
  ASSERT_EQ(std::system(("chmod +x " + path).c_str()), 0);
  EXPECT_EQ(run({"plan", "-n", "--from", kFrom, path, "--", "--input", "x"}), kOk) << error_.str();
  EXPECT_EQ(run({"plan", "--from", kFrom, path, "--", "--input", "x"}), kNo);
}

}  // namespace
}  // namespace weir::cli
