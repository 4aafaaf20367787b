// SPDX-License-Identifier: Apache-2.0
// Status and Result<T>: failures that somebody handles, with what to do next in the type.
#pragma once

#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>

#include "base/check.h"

namespace weir {

/// Says what kind of failure it is. The sixteen codes of gRPC less `unauthenticated`, so that
/// crossing an RPC loses nothing.
enum class StatusCode {
  kOk,
  kCancelled,           ///< the caller withdrew the request
  kUnknown,             ///< from a foreign system that does not say
  kInvalidArgument,     ///< wrong whatever the state of the system: a bad flag, a malformed text
  kDeadlineExceeded,    ///< no answer in time; it may have happened nevertheless
  kNotFound,            ///< a named thing is not there
  kAlreadyExists,       ///< a named thing is there and must not be
  kPermissionDenied,    ///< there, but not for us (also: a read-only file system)
  kResourceExhausted,   ///< disk full, quota, memory bound
  kFailedPrecondition,  ///< not now: the state of the system must change first
  kAborted,             ///< lost a race; starting over may succeed
  kOutOfRange,          ///< past the end
  kUnimplemented,       ///< this build or version does not do that
  kInternal,            ///< an invariant of ours does not hold
  kUnavailable,         ///< a foreign system does not answer; try again later
  kDataLoss,            ///< stored or transferred bytes are damaged
};

/// Says whose failure it is: the user's program or data, an outside system, or Weir.
enum class ErrorDomain { kUser, kExternal, kInternal };

/// Says whether doing the same again can help. The restart strategy reads this, not the message.
enum class RetryHint { kNo, kWithBackoff };

std::string_view to_string(StatusCode code);
std::string_view to_string(ErrorDomain domain);

/// Holds the outcome of an operation: ok, or a code with a message, a domain and a retry hint.
/// One pointer wide; copying shares the immutable error.
///
/// Thread: a value; safe to copy between threads.
class [[nodiscard]] Status {
 public:
  Status() = default;
  static Status ok() { return Status(); }

  /// Requires: code is not kOk.
  Status(StatusCode code, std::string message, ErrorDomain domain = ErrorDomain::kInternal,
         RetryHint retry = RetryHint::kWithBackoff);

  bool is_ok() const { return error_ == nullptr; }
  StatusCode code() const { return error_ ? error_->code : StatusCode::kOk; }
  const std::string& message() const;
  /// For ok: kInternal.
  ErrorDomain domain() const { return error_ ? error_->domain : ErrorDomain::kInternal; }
  RetryHint retry() const { return error_ ? error_->retry : RetryHint::kNo; }

  /// Returns "ok" or "<code>: <message>".
  std::string to_string() const;

  /// Returns the same failure with "<prefix>: " before the message; ok stays ok.
  Status with_context(std::string prefix) const;

  /// Compares code and message.
  friend bool operator==(const Status& a, const Status& b) {
    return a.code() == b.code() && a.message() == b.message();
  }

 private:
  struct Error {
    StatusCode code;
    ErrorDomain domain;
    RetryHint retry;
    std::string message;
  };
  // Shared by all copies of one failure; the last copy frees it.
  std::shared_ptr<const Error> error_;
};

inline std::string to_string(const Status& status) { return status.to_string(); }

// Makers with the domain and retry hint that fit nearly always; use the constructor for the rest.
Status invalid_argument(std::string message);     // user, no retry
Status not_found(std::string message);            // external, no retry
Status already_exists(std::string message);       // external, no retry
Status permission_denied(std::string message);    // external, no retry
Status failed_precondition(std::string message);  // internal, no retry
Status cancelled(std::string message);            // internal, no retry
Status data_loss(std::string message);            // external, no retry
Status resource_exhausted(std::string message);   // external, with backoff
Status unavailable(std::string message);          // external, with backoff
Status internal_error(std::string message);       // internal, with backoff

/// Carries a Status through the record path, where failures are exceptions.
class StatusError : public std::runtime_error {
 public:
  explicit StatusError(Status status)
      : std::runtime_error(status.to_string()), status_(std::move(status)) {}
  const Status& status() const { return status_; }

 private:
  Status status_;
};

/// Throws StatusError when `status` is not ok: the step from coordination to the record path.
inline void throw_if_error(const Status& status) {
  if (!status.is_ok()) [[unlikely]] {
    throw StatusError(status);
  }
}

/// Holds a T or the Status that says why there is none.
///
/// Requires: value(), * and -> need is_ok(); the Status given to the constructor is not ok.
template <class T>
class [[nodiscard]] Result {
  static_assert(!std::is_same_v<T, Status> && !std::is_reference_v<T>);

 public:
  // Implicit both ways, so that functions return a value or a Status as they are.
  Result(const T& value) : content_(std::in_place_index<1>, value) {}
  Result(T&& value) : content_(std::in_place_index<1>, std::move(value)) {}
  Result(Status status) : content_(std::in_place_index<0>, std::move(status)) {
    WEIR_CHECK(!std::get<0>(content_).is_ok());
  }
  template <class U>
    requires(std::is_convertible_v<U &&, T> && !std::is_same_v<std::remove_cvref_t<U>, T> &&
             !std::is_same_v<std::remove_cvref_t<U>, Status> &&
             !std::is_same_v<std::remove_cvref_t<U>, Result<T>>)
  Result(U&& value) : content_(std::in_place_index<1>, std::forward<U>(value)) {}

  bool is_ok() const { return content_.index() == 1; }
  /// Returns ok or the failure.
  Status status() const { return is_ok() ? Status() : std::get<0>(content_); }

  const T& value() const& { return checked(); }
  T& value() & { return const_cast<T&>(checked()); }
  T&& value() && { return std::move(const_cast<T&>(checked())); }
  const T& operator*() const& { return value(); }
  T& operator*() & { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  const T* operator->() const { return &value(); }
  T* operator->() { return &value(); }

 private:
  const T& checked() const {
    if (!is_ok()) [[unlikely]] {
      detail::check_comparison_failed(__FILE__, __LINE__, "result.is_ok()",
                                      std::get<0>(content_).to_string(), "ok");
    }
    return *std::get_if<1>(&content_);
  }

  std::variant<Status, T> content_;
};

}  // namespace weir

#define WEIR_CONCAT_INNER(a, b) a##b
#define WEIR_CONCAT(a, b) WEIR_CONCAT_INNER(a, b)

// Returns the Status of `expr` from the enclosing function if it is not ok.
#define WEIR_RETURN_IF_ERROR(expr)                                   \
  do {                                                               \
    if (::weir::Status weir_status = (expr); !weir_status.is_ok()) { \
      return weir_status;                                            \
    }                                                                \
  } while (false)

// WEIR_ASSIGN_OR_RETURN(auto file, store.open(path)); the declaration comes first.
#define WEIR_ASSIGN_OR_RETURN(decl, ...) \
  WEIR_ASSIGN_OR_RETURN_INNER(WEIR_CONCAT(weir_result_, __LINE__), decl, __VA_ARGS__)
#define WEIR_ASSIGN_OR_RETURN_INNER(result, decl, ...) \
  auto result = (__VA_ARGS__);                         \
  if (!result.is_ok()) {                               \
    return result.status();                            \
  }                                                    \
  decl = std::move(result).value()
