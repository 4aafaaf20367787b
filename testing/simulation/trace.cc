// SPDX-License-Identifier: Apache-2.0
// Folding and printing of trace entries.
#include "testing/simulation/trace.h"

#include <fmt/format.h>

#include "base/hash.h"
#include "base/rng.h"

namespace weir::simulation {

void Trace::fold(std::int64_t nanos, std::string_view what,
                 std::initializer_list<std::uint64_t> numbers) {
  hash_ = splitmix64(hash_ ^ static_cast<std::uint64_t>(nanos));
  hash_ = splitmix64(hash_ ^ xxh3_64(what));
  for (const std::uint64_t number : numbers) hash_ = splitmix64(hash_ ^ number);
  ++entries_;
}

void Trace::print(std::int64_t nanos, std::string_view what, const std::string& detail) const {
  printer_(fmt::format("{:>14.6f} s  {:<22} {}", static_cast<double>(nanos) * 1e-9, what, detail));
}

std::string Trace::numbers_text(std::initializer_list<std::uint64_t> numbers) {
  std::string text;
  for (const std::uint64_t number : numbers) text += fmt::format("{} ", number);
  return text;
}

}  // namespace weir::simulation
