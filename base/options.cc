// SPDX-License-Identifier: Apache-2.0
// Reads and checks configuration. The only file that includes yaml-cpp.
#include "base/options.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <numeric>
#include <optional>

#include <yaml-cpp/yaml.h>

#include "base/time_text.h"

namespace weir {

namespace {

constexpr std::string_view kDefaultOrigin = "default";

std::string quoted(std::string_view text) { return "'" + std::string(text) + "'"; }

std::string lower_case(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  }
  return lower;
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kBlanks = " \t\r\n";
  const std::size_t first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) {
    return {};
  }
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

// Reads the whole of `text` as a number; no blanks, no plus, no locale.
template <class Number>
std::optional<Number> parse_number(std::string_view text) {
  Number number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) {
    return std::nullopt;
  }
  return number;
}

std::optional<bool> parse_bool(std::string_view text) {
  const std::string lower = lower_case(text);
  if (lower == "true" || lower == "yes" || lower == "on") {
    return true;
  }
  if (lower == "false" || lower == "no" || lower == "off") {
    return false;
  }
  return std::nullopt;
}

// So that a configured duration can be added to any time, also in nanoseconds.
constexpr Duration kConfiguredDurationMax = std::chrono::hours{24} * 36'500;

std::vector<std::string_view> split_choices(std::string_view choices) {
  std::vector<std::string_view> result;
  while (!choices.empty()) {
    const std::size_t bar = std::min(choices.find('|'), choices.size());
    result.push_back(choices.substr(0, bar));
    choices.remove_prefix(std::min(bar + 1, choices.size()));
  }
  return result;
}

std::string expectation(const ConfigKey& key) {
  switch (key.type) {
    case ConfigType::kString: return "text";
    case ConfigType::kInt: return "a whole number";
    case ConfigType::kDouble: return "a number";
    case ConfigType::kBool: return "true or false";
    case ConfigType::kDuration: return "a duration like '500 ms', '10 s', '3 min', up to 36500 d";
    case ConfigType::kSize: return "a size like '64 mb', '1 g', '4096'";
    case ConfigType::kEnum: {
      std::string text("one of");
      for (const std::string_view choice : split_choices(key.choices)) {
        text.append(" ").append(choice);
      }
      return text;
    }
  }
  WEIR_UNREACHABLE();
}

// Levenshtein's distance: inserted, removed and changed characters.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i + 1;
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t changed = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({changed, row[j] + 1, row[j + 1] + 1});
    }
  }
  return row.back();
}

std::string unknown_key_message(const std::vector<ConfigKey>& keys, std::string_view name) {
  std::string message = "unknown configuration key " + quoted(name);
  const auto nearest =
      std::min_element(keys.begin(), keys.end(), [&](const auto& a, const auto& b) {
        return edit_distance(a.name, name) < edit_distance(b.name, name);
      });
  // What differs in half of its characters was not meant.
  if (nearest != keys.end() && edit_distance(nearest->name, name) <= nearest->name.size() / 2) {
    message.append("; the nearest known key is ").append(quoted(nearest->name));
  }
  return message;
}

// One value of a file, with its full dotted name and where it stands.
struct FileEntry {
  std::string name;
  std::string value;
  int line;
};

// Flattens a YAML document; mistakes of form are collected with their lines. The line of a value is
// that of its key: yaml-cpp does not know where an absent value stands.
class YamlFlattener {
 public:
  explicit YamlFlattener(const std::string& origin) : origin_(origin) {}

  void visit_map(const YAML::Node& map, const std::string& prefix) {
    for (const auto& item : map) {
      const int line = line_of(item.first);
      if (!item.first.IsScalar()) {
        fail(line, "a key is not plain text");
        continue;
      }
      visit(item.second, prefix + item.first.Scalar(), line);
    }
  }

  void fail(int line, const std::string& message) {
    mistakes.push_back(origin_ + ":" + std::to_string(line) + ": " + message);
  }

  std::vector<FileEntry> entries;
  std::vector<std::string> mistakes;

 private:
  static int line_of(const YAML::Node& node) { return node.Mark().line + 1; }

  void visit(const YAML::Node& value, const std::string& name, int line) {
    if (value.IsMap()) {
      visit_map(value, name + ".");
    } else if (value.IsScalar()) {
      add(name, value.Scalar(), line);
    } else if (value.IsSequence()) {
      visit_list(value, name, line);
    } else {
      fail(line, "key " + quoted(name) + " has no value");
    }
  }

  void visit_list(const YAML::Node& list, const std::string& name, int line) {
    std::string joined;
    for (const auto& item : list) {
      if (!item.IsScalar()) {
        fail(line, "the list of key " + quoted(name) + " holds something that is not plain text");
        return;
      }
      joined.append(joined.empty() ? "" : ";").append(item.Scalar());
    }
    add(name, joined, line);
  }

  void add(const std::string& name, const std::string& value, int line) {
    const auto same = std::find_if(entries.begin(), entries.end(),
                                   [&](const FileEntry& entry) { return entry.name == name; });
    if (same != entries.end()) {
      fail(line, "key " + quoted(name) + " stands here and in line " + std::to_string(same->line));
      return;
    }
    entries.push_back({name, value, line});
  }

  const std::string& origin_;
};

Status status_of(const std::vector<std::string>& mistakes) {
  if (mistakes.empty()) {
    return Status::ok();
  }
  std::string message = mistakes.front();
  for (std::size_t i = 1; i < mistakes.size(); ++i) {
    message.append("\n").append(mistakes[i]);
  }
  return invalid_argument(std::move(message));
}

}  // namespace

Result<std::uint64_t> parse_size(std::string_view text) {
  const std::string_view rest = trimmed(text);
  const std::size_t digits = std::min(rest.find_first_not_of("0123456789"), rest.size());
  const auto number = parse_number<std::uint64_t>(rest.substr(0, digits));
  const std::string unit = lower_case(trimmed(rest.substr(digits)));
  constexpr std::pair<std::string_view, int> kUnits[] = {
      {"", 0},    {"b", 0},  {"k", 10},  {"kb", 10}, {"m", 20},
      {"mb", 20}, {"g", 30}, {"gb", 30}, {"t", 40},  {"tb", 40}};
  for (const auto& [name, shift] : kUnits) {
    if (number && unit == name && *number <= UINT64_MAX >> shift) {
      return *number << shift;
    }
  }
  return invalid_argument("not a size: " + quoted(text) +
                          " (write a number and a unit, like '64 mb', '1 g')");
}

Configuration::Configuration(std::vector<ConfigKey> keys) : keys_(std::move(keys)) {
  for (const ConfigKey& key : keys_) {
    Entry entry{key, {}, std::string(key.default_text), std::string(kDefaultOrigin)};
    if (!key.default_text.empty() || key.type == ConfigType::kString) {
      entry.value = parse(key, key.default_text).value();
    }
    WEIR_CHECK(entries_.emplace(key.name, std::move(entry)).second);
  }
}

Result<Configuration::Value> Configuration::parse(const ConfigKey& key, std::string_view text) {
  std::optional<Value> value;
  const std::string_view word = trimmed(text);
  switch (key.type) {
    case ConfigType::kString: value = std::string(text); break;
    case ConfigType::kInt:
      if (const auto number = parse_number<std::int64_t>(word)) value = *number;
      break;
    case ConfigType::kDouble:
      if (const auto number = parse_number<double>(word); number && std::isfinite(*number)) {
        value = *number;
      }
      break;
    case ConfigType::kBool:
      if (const auto flag = parse_bool(word)) value = *flag;
      break;
    case ConfigType::kDuration:
      if (const auto duration = parse_duration(word);
          duration.is_ok() && *duration <= kConfiguredDurationMax) {
        value = *duration;
      }
      break;
    case ConfigType::kSize:
      if (const auto size = parse_size(word); size.is_ok()) value = *size;
      break;
    case ConfigType::kEnum: {
      const auto choices = split_choices(key.choices);
      if (std::find(choices.begin(), choices.end(), word) != choices.end()) {
        value = std::string(word);
      }
      break;
    }
  }
  if (!value) {
    return invalid_argument("configuration key " + quoted(key.name) + " has the value " +
                            quoted(text) + ": expected " + expectation(key));
  }
  return *std::move(value);
}

Status Configuration::set(std::string_view name, std::string_view value,
                          const std::string& origin) {
  const auto found = entries_.find(name);
  if (found == entries_.end()) {
    return invalid_argument(origin + ": " + unknown_key_message(keys_, name));
  }
  Result<Value> parsed = parse(found->second.key, value);
  if (!parsed.is_ok()) {
    return parsed.status().with_context(origin);
  }
  found->second.value = std::move(parsed).value();
  found->second.text = std::string(value);
  found->second.origin = origin;
  return Status::ok();
}

Status Configuration::set_override(std::string_view assignment) {
  const std::size_t equals = assignment.find('=');
  if (equals == std::string_view::npos || equals == 0) {
    return invalid_argument("command line: -D needs key=value, got " + quoted(assignment));
  }
  return set(trimmed(assignment.substr(0, equals)), assignment.substr(equals + 1), "command line");
}

Status Configuration::load_file(FileStore& store, const std::string& path) {
  constexpr std::uint64_t kFileBytesMax = std::uint64_t{16} << 20;
  const Result<std::string> content = read_file(store, path, kFileBytesMax);
  if (!content.is_ok()) {
    return content.status().with_context("configuration");
  }
  return load_yaml(*content, path);
}

Status Configuration::load_yaml(const std::string& yaml, const std::string& origin) {
  YamlFlattener flattener(origin);
  try {
    const YAML::Node root = YAML::Load(yaml);
    if (root.IsMap()) {
      flattener.visit_map(root, "");
    } else if (!root.IsNull()) {
      flattener.fail(1, "the file is not a map of keys and values");
    }
  } catch (const YAML::Exception& error) {
    return invalid_argument(origin + ":" + std::to_string(error.mark.line + 1) +
                            ": not valid YAML: " + error.msg);
  }
  std::vector<std::string> mistakes = std::move(flattener.mistakes);
  for (const FileEntry& entry : flattener.entries) {
    const Status status = set(entry.name, entry.value, origin + ":" + std::to_string(entry.line));
    if (!status.is_ok()) {
      mistakes.push_back(status.message());
    }
  }
  return status_of(mistakes);
}

const Configuration::Entry& Configuration::entry(std::string_view name) const {
  const auto found = entries_.find(name);
  if (found == entries_.end()) {
    detail::check_failed(__FILE__, __LINE__, unknown_key_message(keys_, name).c_str());
  }
  return found->second;
}

template <class T>
const T& Configuration::get(std::string_view name) const {
  const T* value = std::get_if<T>(&entry(name).value);
  if (value == nullptr) {
    const std::string message = "key " + quoted(name) + " has no value of this type";
    detail::check_failed(__FILE__, __LINE__, message.c_str());
  }
  return *value;
}

const std::string& Configuration::get_string(std::string_view name) const {
  return get<std::string>(name);
}
std::int64_t Configuration::get_int(std::string_view name) const { return get<std::int64_t>(name); }
double Configuration::get_double(std::string_view name) const { return get<double>(name); }
bool Configuration::get_bool(std::string_view name) const { return get<bool>(name); }
Duration Configuration::get_duration(std::string_view name) const { return get<Duration>(name); }
std::uint64_t Configuration::get_size(std::string_view name) const {
  return get<std::uint64_t>(name);
}

bool Configuration::has_value(std::string_view name) const {
  return !std::holds_alternative<std::monostate>(entry(name).value);
}
bool Configuration::is_set(std::string_view name) const {
  return entry(name).origin != kDefaultOrigin;
}
const std::string& Configuration::origin(std::string_view name) const { return entry(name).origin; }
const std::string& Configuration::text(std::string_view name) const { return entry(name).text; }

}  // namespace weir
