// SPDX-License-Identifier: Apache-2.0
// Names made and taken apart.
#include "state/snapshot/checkpoint_layout.h"

#include <fmt/format.h>

#include <charconv>

namespace weir::checkpoint_layout {
namespace {

constexpr std::string_view kPrefix = "chk-";

// The id that a name consists of.
std::optional<CheckpointId> parse_id(std::string_view digits) {
  std::uint64_t id = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), id);
  if (error != std::errc() || end != digits.data() + digits.size() || digits.starts_with("0")) {
    return std::nullopt;
  }
  return CheckpointId{id};
}

}  // namespace

std::string join(const std::string& directory, std::string_view name) {
  return fmt::format("{}/{}", directory, name);
}

std::string checkpoint_directory(const std::string& directory, CheckpointId checkpoint) {
  return fmt::format("{}/{}{}", directory, kPrefix, checkpoint.value());
}

std::optional<CheckpointId> checkpoint_id_of(std::string_view name) {
  return name.starts_with(kPrefix) ? parse_id(name.substr(kPrefix.size())) : std::nullopt;
}

std::optional<CheckpointId> checkpoint_id_of_run(std::string_view name) {
  return parse_id(name.substr(0, name.find('-')));
}

}  // namespace weir::checkpoint_layout
