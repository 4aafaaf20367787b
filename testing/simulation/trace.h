// SPDX-License-Identifier: Apache-2.0
// Trace: what happened in a simulation, as a running hash and, when asked for, as text.
#pragma once

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

namespace weir::simulation {

/// Folds everything that happens into one hash: the same seed must give the same hash (I14).
///
/// Thread: one.
class Trace {
 public:
  using Printer = std::function<void(const std::string& line)>;

  /// Also prints a line per entry from now on.
  void print_with(Printer printer) { printer_ = std::move(printer); }

  /// Adds an entry. `detail` makes the rest of the line and is called only when lines are printed;
  /// what it says must follow from `numbers` and what was noted before.
  template <class Detail>
  void note(std::int64_t nanos, std::string_view what, std::initializer_list<std::uint64_t> numbers,
            Detail&& detail) {
    fold(nanos, what, numbers);
    if (printer_) print(nanos, what, detail());
  }
  void note(std::int64_t nanos, std::string_view what,
            std::initializer_list<std::uint64_t> numbers = {}) {
    fold(nanos, what, numbers);
    if (printer_) print(nanos, what, numbers_text(numbers));
  }

  /// Prints a line that is not part of the trace, if lines are printed.
  void remark(std::int64_t nanos, std::string_view what, const std::string& text) const {
    if (printer_) print(nanos, what, text);
  }

  std::uint64_t hash() const { return hash_; }
  std::uint64_t entries() const { return entries_; }
  bool is_printing() const { return static_cast<bool>(printer_); }

 private:
  void fold(std::int64_t nanos, std::string_view what,
            std::initializer_list<std::uint64_t> numbers);
  void print(std::int64_t nanos, std::string_view what, const std::string& detail) const;
  static std::string numbers_text(std::initializer_list<std::uint64_t> numbers);

  Printer printer_;
  std::uint64_t hash_ = 0;
  std::uint64_t entries_ = 0;
};

}  // namespace weir::simulation
