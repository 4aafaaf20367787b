// SPDX-License-Identifier: Apache-2.0
// Making and reading file names.
#include "connectors/files/output_names.h"

#include <fmt/format.h>

#include <charconv>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/hash.h"

namespace weir::detail {
namespace {

constexpr std::string_view kHiddenSuffix = ".inprogress";
constexpr std::size_t kHashDigits = 16;

std::string run_of(const OperatorInfo& info) {
  ByteWriter bytes;
  bytes.put_fixed64(info.job.value());
  bytes.put_string(info.id.value());
  return fmt::format("{:016x}", xxh3_64(bytes.view()));
}

std::optional<std::uint64_t> number(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  for (;;) {
    const std::size_t at = text.find(separator);
    parts.push_back(text.substr(0, at));
    if (at == std::string_view::npos) return parts;
    text.remove_prefix(at + 1);
  }
}

}  // namespace

OutputNames::OutputNames(std::string directory, std::string prefix, const OperatorInfo& info)
    : directory_(std::move(directory)),
      prefix_(std::move(prefix)),
      subtask_(std::to_string(info.subtask.value())),
      run_(run_of(info)),
      attempt_(info.attempt.value()),
      lineage_(run_) {}

std::string OutputNames::hidden_path(std::uint64_t file_number) const {
  return fmt::format("{}/.{}-{}-{}-{}-{}-{}-{}{}", directory_, prefix_, subtask_, lineage_,
                     generation_, run_, attempt_, file_number, kHiddenSuffix);
}

std::string OutputNames::visible_path(std::uint64_t file_number) const {
  return fmt::format("{}/{}-{}-{}-{}-{}", directory_, prefix_, subtask_, run_, attempt_,
                     file_number);
}

std::optional<OutputOrigin> OutputNames::origin(std::string_view name) const {
  const std::string start = "." + prefix_ + "-";
  if (!name.starts_with(start) || !name.ends_with(kHiddenSuffix)) return std::nullopt;
  name.remove_prefix(start.size());
  if (name.size() < kHiddenSuffix.size()) return std::nullopt;
  name.remove_suffix(kHiddenSuffix.size());
  // A longer prefix of another sink ("part" and "part-x") shows as a different number of parts or
  // as a subtask that is no number.
  const std::vector<std::string_view> parts = split(name, '-');
  if (parts.size() != 6 || !number(parts[0]).has_value() || !number(parts[5]).has_value()) {
    return std::nullopt;
  }
  const std::optional<std::uint64_t> generation = number(parts[2]);
  const std::optional<std::uint64_t> attempt = number(parts[4]);
  if (parts[1].size() != kHashDigits || parts[3].size() != kHashDigits || !generation.has_value() ||
      !attempt.has_value()) {
    return std::nullopt;
  }
  return OutputOrigin{std::string(parts[1]), *generation, std::string(parts[3]), *attempt};
}

bool OutputNames::is_left_over(std::string_view name) const {
  const std::optional<OutputOrigin> found = origin(name);
  if (!found.has_value() || found->lineage != lineage_) return false;
  if (found->generation != generation_) return found->generation < generation_;
  // It started from the same checkpoint as we did. Once one of ours is complete, no attempt that
  // begins does so: all others of this generation are dead.
  return found->run != run_ || found->attempt != attempt_;
}

}  // namespace weir::detail
