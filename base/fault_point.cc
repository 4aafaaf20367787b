// SPDX-License-Identifier: Apache-2.0
// The one armed fault point of the process.
#include "base/fault_point.h"

#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <charconv>
#include <string>

namespace weir {
namespace {

// Set once before threads start, so that only the countdown is shared.
std::string& armed_name() {
  static std::string name;
  return name;
}
std::atomic<bool> armed{false};
std::atomic<std::int64_t> countdown{0};

}  // namespace

Status arm_fault_point(std::string_view spec) {
  const std::size_t colon = spec.find(':');
  const std::string_view name = spec.substr(0, colon);
  std::int64_t count = 1;
  if (colon != std::string_view::npos) {
    const std::string_view digits = spec.substr(colon + 1);
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), count);
    if (error != std::errc{} || end != digits.data() + digits.size() || count < 1) {
      return invalid_argument("fault point: count is not a positive number: " + std::string{spec});
    }
  }
  if (name.empty()) return invalid_argument("fault point: name is empty");
  armed_name() = name;
  countdown.store(count, std::memory_order_relaxed);
  armed.store(true, std::memory_order_release);
  return Status::ok();
}

void fault_point(std::string_view name) {
  if (!armed.load(std::memory_order_acquire) || armed_name() != name) return;
  if (countdown.fetch_sub(1, std::memory_order_relaxed) == 1) ::kill(::getpid(), SIGKILL);
}

}  // namespace weir
