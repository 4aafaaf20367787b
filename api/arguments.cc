// SPDX-License-Identifier: Apache-2.0
// Parsing of the job's own flags.
#include <weir/arguments.h>

#include <charconv>
#include <cmath>

#include "base/time_text.h"

namespace weir {
namespace {

template <class T>
bool parse_number(const std::string& text, T& value) {
  const char* const end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, value);
  return error == std::errc() && stopped == end;
}

}  // namespace

Arguments::Arguments(const std::vector<std::string>& words) {
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::string& word = words[i];
    if (!word.starts_with("--") || word.size() == 2) {
      malformed_.push_back("argument '" + word + "' is not a flag: write --name value");
      continue;
    }
    const std::size_t equals = word.find('=');
    std::string name = word.substr(2, equals == std::string::npos ? equals : equals - 2);
    std::string value = "true";
    if (equals != std::string::npos) {
      value = word.substr(equals + 1);
    } else if (i + 1 < words.size() && !words[i + 1].starts_with("--")) {
      value = words[++i];
    } else {
      without_value_.insert(name);
    }
    if (!values_.try_emplace(name, std::move(value)).second) {
      malformed_.push_back("argument --" + name + " is given twice");
    }
  }
}

const std::string* Arguments::find(std::string_view name) const {
  asked_.emplace(name);
  const auto found = values_.find(name);
  return found == values_.end() ? nullptr : &found->second;
}

void Arguments::reject(std::string_view name, std::string_view value,
                       std::string_view expected) const {
  rejected_.insert("argument --" + std::string(name) + ": '" + std::string(value) + "' is not " +
                   std::string(expected));
}

bool Arguments::has(std::string_view name) const { return find(name) != nullptr; }

std::string Arguments::get(std::string_view name, std::string_view fallback) const {
  const std::string* value = find(name);
  if (value == nullptr) return std::string(fallback);
  if (without_value_.contains(name)) {
    rejected_.insert("argument --" + std::string(name) + " needs a value");
  }
  return *value;
}

Duration Arguments::get(std::string_view name, Duration fallback) const {
  const std::string* value = find(name);
  if (value == nullptr) return fallback;
  const Result<Duration> parsed = parse_duration(*value);
  if (parsed.is_ok()) return *parsed;
  reject(name, *value, "a duration, such as 500ms or 2min");
  return fallback;
}

bool Arguments::get_bool(std::string_view name, bool fallback) const {
  const std::string* value = find(name);
  if (value == nullptr) return fallback;
  if (*value == "true" || *value == "false") return *value == "true";
  reject(name, *value, "true or false");
  return fallback;
}

double Arguments::get_double(std::string_view name, double fallback) const {
  const std::string* value = find(name);
  if (value == nullptr) return fallback;
  double number = 0;
  if (parse_number(*value, number) && std::isfinite(number)) return number;
  reject(name, *value, "a number");
  return fallback;
}

std::int64_t Arguments::get_signed(std::string_view name, std::int64_t fallback, std::int64_t low,
                                   std::int64_t high) const {
  const std::string* value = find(name);
  if (value == nullptr) return fallback;
  std::int64_t number = 0;
  if (parse_number(*value, number) && number >= low && number <= high) return number;
  reject(name, *value,
         "a whole number from " + std::to_string(low) + " to " + std::to_string(high));
  return fallback;
}

std::uint64_t Arguments::get_unsigned(std::string_view name, std::uint64_t fallback,
                                      std::uint64_t high) const {
  const std::string* value = find(name);
  if (value == nullptr) return fallback;
  std::uint64_t number = 0;
  if (parse_number(*value, number) && number <= high) return number;
  reject(name, *value, "a whole number from 0 to " + std::to_string(high));
  return fallback;
}

std::vector<std::string> Arguments::mistakes() const {
  std::vector<std::string> all = malformed_;
  all.insert(all.end(), rejected_.begin(), rejected_.end());
  std::string known;
  for (const std::string& name : asked_) known += (known.empty() ? "--" : ", --") + name;
  for (const auto& [name, value] : values_) {
    if (asked_.contains(name)) continue;
    all.push_back("argument --" + name + " is not known; the job " +
                  (known.empty() ? "has no arguments" : "knows " + known));
  }
  return all;
}

}  // namespace weir
