// SPDX-License-Identifier: Apache-2.0
// Text of statuses, and the makers.
#include "base/status.h"

namespace weir {

std::string_view to_string(StatusCode code) {
  switch (code) {
    case StatusCode::kOk: return "ok";
    case StatusCode::kCancelled: return "cancelled";
    case StatusCode::kUnknown: return "unknown";
    case StatusCode::kInvalidArgument: return "invalid argument";
    case StatusCode::kDeadlineExceeded: return "deadline exceeded";
    case StatusCode::kNotFound: return "not found";
    case StatusCode::kAlreadyExists: return "already exists";
    case StatusCode::kPermissionDenied: return "permission denied";
    case StatusCode::kResourceExhausted: return "resource exhausted";
    case StatusCode::kFailedPrecondition: return "failed precondition";
    case StatusCode::kAborted: return "aborted";
    case StatusCode::kOutOfRange: return "out of range";
    case StatusCode::kUnimplemented: return "unimplemented";
    case StatusCode::kInternal: return "internal";
    case StatusCode::kUnavailable: return "unavailable";
    case StatusCode::kDataLoss: return "data loss";
  }
  WEIR_UNREACHABLE();
}

std::string_view to_string(ErrorDomain domain) {
  switch (domain) {
    case ErrorDomain::kUser: return "user";
    case ErrorDomain::kExternal: return "external";
    case ErrorDomain::kInternal: return "internal";
  }
  WEIR_UNREACHABLE();
}

Status::Status(StatusCode code, std::string message, ErrorDomain domain, RetryHint retry)
    : error_(std::make_shared<const Error>(Error{code, domain, retry, std::move(message)})) {
  WEIR_CHECK(code != StatusCode::kOk);
}

const std::string& Status::message() const {
  static const std::string kEmpty;
  return error_ ? error_->message : kEmpty;
}

std::string Status::to_string() const {
  if (is_ok()) {
    return "ok";
  }
  std::string text(weir::to_string(code()));
  return text.append(": ").append(message());
}

Status Status::with_context(std::string prefix) const {
  if (is_ok()) {
    return *this;
  }
  prefix.append(": ").append(message());
  return Status(code(), std::move(prefix), domain(), retry());
}

Status invalid_argument(std::string message) {
  return Status(StatusCode::kInvalidArgument, std::move(message), ErrorDomain::kUser,
                RetryHint::kNo);
}
Status not_found(std::string message) {
  return Status(StatusCode::kNotFound, std::move(message), ErrorDomain::kExternal, RetryHint::kNo);
}
Status already_exists(std::string message) {
  return Status(StatusCode::kAlreadyExists, std::move(message), ErrorDomain::kExternal,
                RetryHint::kNo);
}
Status permission_denied(std::string message) {
  return Status(StatusCode::kPermissionDenied, std::move(message), ErrorDomain::kExternal,
                RetryHint::kNo);
}
Status failed_precondition(std::string message) {
  return Status(StatusCode::kFailedPrecondition, std::move(message), ErrorDomain::kInternal,
                RetryHint::kNo);
}
Status cancelled(std::string message) {
  return Status(StatusCode::kCancelled, std::move(message), ErrorDomain::kInternal, RetryHint::kNo);
}
Status data_loss(std::string message) {
  return Status(StatusCode::kDataLoss, std::move(message), ErrorDomain::kExternal, RetryHint::kNo);
}
Status resource_exhausted(std::string message) {
  return Status(StatusCode::kResourceExhausted, std::move(message), ErrorDomain::kExternal,
                RetryHint::kWithBackoff);
}
Status unavailable(std::string message) {
  return Status(StatusCode::kUnavailable, std::move(message), ErrorDomain::kExternal,
                RetryHint::kWithBackoff);
}
Status internal_error(std::string message) {
  return Status(StatusCode::kInternal, std::move(message), ErrorDomain::kInternal,
                RetryHint::kWithBackoff);
}

}  // namespace weir
