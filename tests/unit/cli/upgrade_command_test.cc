// SPDX-License-Identifier: Apache-2.0
// weir upgrade before anything is changed; tests/integration/upgrade_test.py has the rest.
#include "cli/upgrade_command.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "base/posix_file_store.h"
#include "cli/job_client.h"
#include "launch/control_server.h"

namespace weir::cli {
namespace {

using testing::HasSubstr;

class UpgradeCommandTest : public testing::Test {
 protected:
  UpgradeCommandTest() {
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(job_);
  }
  ~UpgradeCommandTest() override {
    server_.reset();
    std::filesystem::remove_all(folder_);
  }

  // A job that only tells its process, which is this one.
  void serve() {
    auto server = ControlServer::start(job_, [this](const std::string& line, ControlReply reply) {
      asked_ += line;
      const bool is_status = line.find("status") != std::string::npos;
      reply(is_status ? "{\"state\":\"RUNNING\",\"pid\":" + std::to_string(getpid()) + "}"
                      : R"({"error":"not now"})");
    });
    ASSERT_TRUE(server.is_ok()) << server.status().to_string();
    server_ = std::move(server).value();
  }
  int run(std::vector<std::string> arguments) {
    error_.str("");
    int status = -1;
    CLI::App app;
    add_upgrade_command(app, context_, status);
    arguments.insert(arguments.begin(), "upgrade");
    std::reverse(arguments.begin(), arguments.end());
    try {
      app.parse(arguments);
    } catch (const CLI::ParseError&) {
      return kUnusable;
    }
    return status;
  }

  const std::string folder_ = testing::TempDir() + "weir-upgrade-" + std::to_string(getpid());
  const std::string job_ = folder_ + "/shop";
  PosixFileStore files_;
  std::ostringstream out_;
  std::ostringstream error_;
  const CommandContext context_{files_, out_, error_};
  std::string asked_;
  std::unique_ptr<ControlServer> server_;
};

TEST_F(UpgradeCommandTest, WithoutAJobOrACommandNothingHappens) {
  EXPECT_EQ(run({}), kUnusable);
  EXPECT_EQ(run({job_}), kUnusable);
  EXPECT_EQ(run({folder_ + "/nowhere", "--", "true"}), kUnusable);
  EXPECT_THAT(error_.str(), HasSubstr("there is no job in"));
  EXPECT_EQ(run({job_, "--", "true"}), kUnusable);
  EXPECT_THAT(error_.str(), HasSubstr("no job runs in"));
  EXPECT_EQ(run({job_, "--timeout", "-1", "--", "true"}), kUnusable);
}

TEST_F(UpgradeCommandTest, TheNewVersionMustBeThatJobAndIsToldWhereToGoOn) {
  serve();
  for (const char* option : {"--restore", "-s", "--checkpoint-dir=x", "--claim-mode"}) {
    EXPECT_EQ(run({job_, "--", "echo", option, "x"}), kUnusable) << option;
    EXPECT_THAT(error_.str(), HasSubstr("leave out --restore"));
  }
  // Behind the dashes they are the job's own.
  EXPECT_EQ(run({job_, "--", "echo", "--", "--restore", "x"}), kUnusable);
  EXPECT_THAT(error_.str(), HasSubstr("did not print a job graph"));
  const std::string graph = R"(echo '{"name":"cafe","vertices":[]}')";
  EXPECT_EQ(run({job_, "--", "sh", "-c", graph}), kUnusable);
  EXPECT_THAT(error_.str(), HasSubstr("is job 'cafe', not the one of"));
  const std::string right = R"(echo '{"name":"shop","vertices":[]}')";
  EXPECT_EQ(run({job_, "--", "sh", "-c", right}), kUnusable);
  EXPECT_THAT(error_.str(), HasSubstr("no completed checkpoint yet"));
  EXPECT_EQ(asked_.find("stop"), std::string::npos);
}

TEST_F(UpgradeCommandTest, AJobThatRefusesToStopGoesOn) {
  serve();
  std::filesystem::copy(std::string(WEIR_SOURCE_DIR) + "/tests/golden/v1/chk-1", job_ + "/chk-1");
  const std::string right = R"(echo '{"name":"shop","vertices":[]}')";
  EXPECT_EQ(run({job_, "--", "sh", "-c", right}), kUnusable);
  EXPECT_THAT(error_.str(), HasSubstr("the job was left as it is")) << "its states would be lost";
  EXPECT_EQ(asked_.find("stop"), std::string::npos);
  EXPECT_EQ(run({job_, "--", "sh", "-c", right, "-n"}), kUnusable);
  EXPECT_THAT(error_.str(), HasSubstr("not now; the job goes on as it was"));
}

TEST_F(UpgradeCommandTest, TheFirstCheckpointMustBePossibleInTime) {
  serve();
  const auto script = [](const std::string& interval) {
    return R"(case "$*" in *list*) echo 'execution.checkpointing.interval = )" + interval +
           R"(  (default)';; *) echo '{"name":"shop","vertices":[]}';; esac)";
  };
  EXPECT_EQ(run({job_, "--", "sh", "-c", script("0 ms"), "x"}), kUnusable);
  EXPECT_THAT(error_.str(), HasSubstr("takes no checkpoints"));
  EXPECT_EQ(run({job_, "--timeout", "60", "--", "sh", "-c", script("1 min"), "x"}), kUnusable);
  EXPECT_THAT(error_.str(), HasSubstr("only after 1 min; --timeout must be longer"));
  EXPECT_EQ(run({job_, "--timeout", "61", "--", "sh", "-c", script("1 min"), "x"}), kUnusable);
  EXPECT_THAT(error_.str(), HasSubstr("no completed checkpoint yet"));
}

TEST_F(UpgradeCommandTest, WhatAJobRefusesIsAnError) {
  serve();
  EXPECT_TRUE(ask(job_ + "//", {{"command", "status"}}, Duration{5000}).is_ok());
  const auto refused = ask(job_, {{"command", "dance"}}, Duration{5000});
  EXPECT_EQ(refused.status().code(), StatusCode::kFailedPrecondition);
  EXPECT_EQ(refused.status().message(), "not now");
}

}  // namespace
}  // namespace weir::cli
