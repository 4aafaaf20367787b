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

void BadRecords::add(const std::string& path, std::uint64_t offset, std::string_view reason) {
  WEIR_CHECK(counter_ != nullptr);
  if (policy_ == OnBadRecord::kFail) {
    throw StatusError(Status(StatusCode::kDataLoss,
                             "bad record in '" + path + "' at byte " + std::to_string(offset) +
                                 ": " + std::string(reason),
                             ErrorDomain::kUser, RetryHint::kNo));
  }
  counter_->add();
  ++count_;
  if (count_ > kAllShown && !std::has_single_bit(count_)) return;
  log_warning("bad record skipped", {{"operator", operator_id_},
                                     {"subtask", subtask_},
                                     {"file", path},
                                     {"offset", offset},
                                     {"reason", reason},
                                     {"skipped", count_}});
}

}  // namespace weir::detail
