// SPDX-License-Identifier: Apache-2.0
// Status, Result and their macros.
#include "base/status.h"

#include <gtest/gtest.h>

#include <memory>

namespace weir {
namespace {

TEST(StatusTest, DefaultIsOkAndHasNothingToSay) {
  const Status status;
  EXPECT_TRUE(status.is_ok());
  EXPECT_EQ(status.code(), StatusCode::kOk);
  EXPECT_EQ(status.message(), "");
  EXPECT_EQ(status.to_string(), "ok");
}

TEST(StatusTest, KeepsCodeMessageDomainAndRetryHint) {
  const Status status(StatusCode::kAborted, "lost", ErrorDomain::kUser, RetryHint::kNo);
  EXPECT_FALSE(status.is_ok());
  EXPECT_EQ(status.code(), StatusCode::kAborted);
  EXPECT_EQ(status.message(), "lost");
  EXPECT_EQ(status.domain(), ErrorDomain::kUser);
  EXPECT_EQ(status.retry(), RetryHint::kNo);
  EXPECT_EQ(status.to_string(), "aborted: lost");
}

TEST(StatusTest, ContextStandsBeforeTheMessageAndKeepsTheRest) {
  const Status status = data_loss("bad checksum").with_context("file 'a'").with_context("restore");
  EXPECT_EQ(status.message(), "restore: file 'a': bad checksum");
  EXPECT_EQ(status.code(), StatusCode::kDataLoss);
  EXPECT_EQ(status.domain(), ErrorDomain::kExternal);
  EXPECT_EQ(status.retry(), RetryHint::kNo);
}

TEST(StatusTest, ContextLeavesOkAlone) { EXPECT_TRUE(Status().with_context("anything").is_ok()); }

TEST(StatusTest, MakersChooseDomainAndRetryHint) {
  struct Row {
    Status status;
    StatusCode code;
    ErrorDomain domain;
    RetryHint retry;
  };
  using enum StatusCode;
  using enum RetryHint;
  const Row rows[] = {
      {invalid_argument("m"), kInvalidArgument, ErrorDomain::kUser, kNo},
      {not_found("m"), kNotFound, ErrorDomain::kExternal, kNo},
      {already_exists("m"), kAlreadyExists, ErrorDomain::kExternal, kNo},
      {permission_denied("m"), kPermissionDenied, ErrorDomain::kExternal, kNo},
      {failed_precondition("m"), kFailedPrecondition, ErrorDomain::kInternal, kNo},
      {cancelled("m"), kCancelled, ErrorDomain::kInternal, kNo},
      {data_loss("m"), kDataLoss, ErrorDomain::kExternal, kNo},
      {resource_exhausted("m"), kResourceExhausted, ErrorDomain::kExternal, kWithBackoff},
      {unavailable("m"), kUnavailable, ErrorDomain::kExternal, kWithBackoff},
      {internal_error("m"), kInternal, ErrorDomain::kInternal, kWithBackoff},
  };
  for (const Row& row : rows) {
    EXPECT_EQ(row.status.code(), row.code);
    EXPECT_EQ(row.status.domain(), row.domain) << row.status.to_string();
    EXPECT_EQ(row.status.retry(), row.retry) << row.status.to_string();
    EXPECT_EQ(row.status.message(), "m");
  }
}

TEST(StatusTest, OkWithAMessageIsAProgrammerError) {
  EXPECT_DEATH((void)Status(StatusCode::kOk, "no"), "code != StatusCode::kOk");
}

TEST(StatusErrorTest, CarriesTheStatusThroughAThrow) {
  try {
    throw_if_error(not_found("key"));
    FAIL() << "nothing was thrown";
  } catch (const StatusError& error) {
    EXPECT_EQ(error.status(), not_found("key"));
    EXPECT_STREQ(error.what(), "not found: key");
  }
  EXPECT_NO_THROW(throw_if_error(Status::ok()));
}

TEST(ResultTest, HoldsAValue) {
  const Result<int> result = 7;
  EXPECT_TRUE(result.is_ok());
  EXPECT_EQ(*result, 7);
  EXPECT_TRUE(result.status().is_ok());
}

TEST(ResultTest, HoldsAFailure) {
  const Result<int> result = not_found("x");
  EXPECT_FALSE(result.is_ok());
  EXPECT_EQ(result.status(), not_found("x"));
}

TEST(ResultTest, GivesMoveOnlyValuesAway) {
  Result<std::unique_ptr<int>> result = std::make_unique<int>(3);
  const std::unique_ptr<int> taken = std::move(result).value();
  EXPECT_EQ(*taken, 3);
}

TEST(ResultTest, ConvertsFromWhatItsValueConvertsFrom) {
  struct Base {
    virtual ~Base() = default;
  };
  struct Derived : Base {};
  const Result<std::unique_ptr<Base>> pointer = std::make_unique<Derived>();
  EXPECT_NE(*pointer, nullptr);
  const Result<std::string> text = "literal";
  EXPECT_EQ(text->size(), 7U);
}

TEST(ResultTest, ValueOfAFailureAbortsAndNamesIt) {
  const Result<int> result = not_found("the thing");
  EXPECT_DEATH((void)result.value(), "the thing");
}

TEST(ResultTest, RefusesAnOkStatus) { EXPECT_DEATH((void)Result<int>(Status()), "check failed"); }

Status first_failure(const Status& a, const Status& b) {
  WEIR_RETURN_IF_ERROR(a);
  WEIR_RETURN_IF_ERROR(b);
  return Status::ok();
}

TEST(StatusMacrosTest, ReturnIfErrorStopsAtTheFirstFailure) {
  EXPECT_EQ(first_failure(not_found("a"), not_found("b")), not_found("a"));
  EXPECT_EQ(first_failure(Status(), not_found("b")), not_found("b"));
  EXPECT_TRUE(first_failure(Status(), Status()).is_ok());
}

Result<int> sum(Result<int> a, Result<std::unique_ptr<int>> b) {
  WEIR_ASSIGN_OR_RETURN(const int first, a);
  WEIR_ASSIGN_OR_RETURN(const std::unique_ptr<int> second, std::move(b));
  return first + *second;
}

TEST(StatusMacrosTest, AssignOrReturnTakesTheValueOrLeaves) {
  EXPECT_EQ(*sum(1, std::make_unique<int>(2)), 3);
  EXPECT_EQ(sum(not_found("a"), std::make_unique<int>(2)).status(), not_found("a"));
  EXPECT_EQ(sum(1, not_found("b")).status(), not_found("b"));
}

}  // namespace
}  // namespace weir
