// SPDX-License-Identifier: Apache-2.0
// Counting and showing.
#include "connectors/source/bad_records.h"

#include <bit>

#include "base/check.h"
#include "base/logging.h"

namespace weir::detail {

void BadRecords::open(OperatorContext& context) {
  operator_id_ = context.info().id.value();
  subtask_ = context.info().subtask.value();
  counter_ = &context.metrics().counter(
      kMetric, {{"operator", operator_id_}, {"subtask", std::to_string(subtask_)}});
}

bool BadRecords::add(const std::string& message) {
  WEIR_CHECK(counter_ != nullptr);
  if (policy_ == OnBadRecord::kFail) {
    throw StatusError(Status(StatusCode::kDataLoss, message, ErrorDomain::kUser, RetryHint::kNo));
  }
  counter_->add();
  ++count_;
  return count_ <= kAllShown || std::has_single_bit(count_);
}

void BadRecords::add_unread(const std::string& path, std::uint64_t offset,
                            std::string_view reason) {
  if (!add("bad record in '" + path + "' at byte " + std::to_string(offset) + ": " +
           std::string(reason))) {
    return;
  }
  log_warning("bad record skipped", {{"operator", operator_id_},
                                     {"subtask", subtask_},
                                     {"file", path},
                                     {"offset", offset},
                                     {"reason", reason},
                                     {"skipped", count_}});
}

void BadRecords::add_unwritten(std::string_view reason) {
  if (!add("record cannot be written: " + std::string(reason))) return;
  log_warning(
      "record that cannot be written skipped",
      {{"operator", operator_id_}, {"subtask", subtask_}, {"reason", reason}, {"skipped", count_}});
}

}  // namespace weir::detail
