// SPDX-License-Identifier: Apache-2.0
// Requests and answers at a control socket, and what a client hears where there is none.
#include "launch/control_server.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <filesystem>
#include <future>
#include <memory>
#include <string>
#include <thread>

#include "launch/control_socket.h"

namespace weir {
namespace {

constexpr Duration kLimit{20'000};

class ControlServerTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = ::testing::TempDir() + "weir-control-XXXXXX";
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    root_ = pattern;
    // Deeper than the path of a socket may be long.
    directory_ = root_ + "/" + std::string(100, 'd') + "/" + std::string(100, 'e');
    std::filesystem::create_directories(directory_);
  }
  void TearDown() override {
    server_.reset();
    std::filesystem::remove_all(root_);
  }
  void serve(ControlService service) {
    auto server = ControlServer::start(directory_, std::move(service));
    ASSERT_TRUE(server.is_ok()) << server.status().to_string();
    server_ = std::move(server).value();
  }

  std::string root_;
  std::string directory_;
  std::unique_ptr<ControlServer> server_;
};

TEST_F(ControlServerTest, AnswersEachRequestHoweverDeepItsDirectoryLies) {
  ASSERT_GT(directory_.size(), sizeof(sockaddr_un::sun_path));
  serve([](const std::string& request, const ControlReply& reply) { reply(request + "!"); });
  EXPECT_EQ(*ask_job(directory_, "one", kLimit), "one!");
  EXPECT_EQ(*ask_job(directory_, "two", kLimit), "two!");
}

TEST_F(ControlServerTest, TheSocketIsForItsOwnerAlone) {
  serve([](const std::string&, const ControlReply& reply) { reply(""); });
  struct stat info{};
  ASSERT_EQ(::stat((directory_ + "/" + kControlSocket).c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777U, 0600U);
}

TEST_F(ControlServerTest, OneThatWaitsForItsAnswerKeepsNobodyWaiting) {
  std::promise<ControlReply> heard;
  serve([&](const std::string& request, ControlReply reply) {
    if (request == "later") return heard.set_value(std::move(reply));
    reply("now");
  });
  Result<std::string> late = unavailable("not asked");
  std::thread other([&] { late = ask_job(directory_, "later", kLimit); });
  const ControlReply waiting = heard.get_future().get();
  EXPECT_EQ(*ask_job(directory_, "at once", kLimit), "now");
  waiting("at last");
  other.join();
  EXPECT_EQ(*late, "at last");
}

TEST_F(ControlServerTest, WhatWasAnsweredBeforeTheEndIsSent) {
  serve([](const std::string&, const ControlReply& reply) { reply("bye"); });
  const Result<std::string> answer = ask_job(directory_, "x", kLimit);
  server_.reset();
  EXPECT_EQ(*answer, "bye");
  EXPECT_FALSE(std::filesystem::exists(directory_ + "/" + kControlSocket));
}

TEST_F(ControlServerTest, ARequestThatIsTooLongIsRefused) {
  serve([](const std::string&, const ControlReply& reply) { reply("taken"); });
  const auto answer = ask_job(directory_, std::string(kControlLineMax + 5000, 'x'), kLimit);
  EXPECT_NE(answer.is_ok() ? *answer : "", "taken");
}

TEST_F(ControlServerTest, AnAnswerThatDoesNotComeInTimeSaysSo) {
  serve([](const std::string&, const ControlReply&) {});
  EXPECT_EQ(ask_job(directory_, "x", Duration{50}).status().code(), StatusCode::kDeadlineExceeded);
}

TEST_F(ControlServerTest, AJobThatEndsBeforeItAnswersSaysSo) {
  std::promise<ControlReply> heard;
  serve([&](const std::string&, ControlReply reply) { heard.set_value(std::move(reply)); });
  Result<std::string> answer = std::string("none");
  std::thread other([&] { answer = ask_job(directory_, "x", kLimit); });
  const ControlReply never = heard.get_future().get();
  server_.reset();
  other.join();
  EXPECT_EQ(answer.status().code(), StatusCode::kUnavailable);
  never("too late");  // nobody listens, and nothing happens
}

TEST_F(ControlServerTest, NoJobAndAJobThatIsGoneAreToldApart) {
  EXPECT_EQ(ask_job(root_ + "/nowhere", "x", kLimit).status().code(), StatusCode::kNotFound);
  EXPECT_NE(ask_job(directory_, "x", kLimit).status().message().find("no job runs"),
            std::string::npos);
  // What a killed process leaves behind.
  {
    const Result<OwnedFd> listener = listen_in(directory_);
  }
  EXPECT_NE(ask_job(directory_, "x", kLimit).status().message().find("is gone"), std::string::npos);
  serve([](const std::string&, const ControlReply& reply) { reply("back"); });
  EXPECT_EQ(*ask_job(directory_, "x", kLimit), "back");
}

}  // namespace
}  // namespace weir
