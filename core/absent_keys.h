// SPDX-License-Identifier: Apache-2.0
// AbsentKeys: keys that are known to have no entry, of a table that does not hold everything.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

namespace weir::detail {

/// Remembers which keys need not be looked for below a table: those that were erased, until that
/// has arrived there, and those that were looked for already, until told to forget them.
///
/// A key that is inserted again may stay; the table asks its entries first.
///
/// Thread: the table's.
class AbsentKeys {
 public:
  /// `freezes`: how many freezes of changes there were.
  explicit AbsentKeys(std::uint64_t freezes = 0) : freezes_(freezes) {}

  /// Erasures before belong to this freeze, later ones to the next.
  void count_freeze() {
    ++freezes_;
    if (!erased_now_.empty()) {
      erased_before_.emplace_back(freezes_, std::exchange(erased_now_, {}));
    }
  }
  void add_erased(const std::string& key) {
    erased_now_.push_back(key);
    ++erased_[key];
  }
  /// Notes that a key is being looked for. Returns false if it is known to be absent, or noted.
  bool add_unless_known(const std::string& key) {
    return (erased_.empty() || !erased_.contains(key)) && looked_for_.insert(key).second;
  }

  void forget_loaded() { looked_for_.clear(); }
  /// What was erased before freeze `arrived` has arrived.
  void forget_erased(std::uint64_t arrived) {
    while (!erased_before_.empty() && erased_before_.front().first <= arrived) {
      for (const std::string& key : erased_before_.front().second) {
        const auto place = erased_.find(key);
        if (--place->second == 0) {
          erased_.erase(place);
        }
      }
      erased_before_.pop_front();
    }
  }

 private:
  std::uint64_t freezes_;
  std::unordered_set<std::string> looked_for_;
  std::unordered_map<std::string, std::uint32_t> erased_;  // how often it is listed below
  std::vector<std::string> erased_now_;
  std::deque<std::pair<std::uint64_t, std::vector<std::string>>> erased_before_;  // by freeze
};

}  // namespace weir::detail
