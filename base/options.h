// SPDX-License-Identifier: Apache-2.0
// Configuration: typed keys with defaults, read from YAML and from the command line.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/file_store.h"
#include "base/status.h"
#include "base/time.h"

namespace weir {

enum class ConfigType { kString, kInt, kDouble, kBool, kDuration, kSize, kEnum };

/// Describes one key. Tables of keys are static, so the texts are never freed.
struct ConfigKey {
  /// Dotted: "checkpoint.interval".
  std::string_view name;
  ConfigType type = ConfigType::kString;
  /// In the form that a file would use; empty means that there is no default (for kString: "").
  std::string_view default_text;
  /// One sentence for the help and the documentation.
  std::string_view meaning;
  /// For kEnum: what is allowed, "heap|rocksdb".
  std::string_view choices = "";
};

/// Reads "1024", "64mb", "20 kb", "1 g": bytes, with units that are powers of 1024
/// (b, k, kb, m, mb, g, gb, t, tb in any case).
/// Errors: kInvalidArgument that quotes the text.
Result<std::uint64_t> parse_size(std::string_view text);

/// Holds a checked value for each of its keys, and knows where the value came from.
///
/// Later values replace earlier ones, so load the file first and apply the command line after it.
///
/// Errors: kInvalidArgument. An unknown key is named with its place and the nearest known key, a
///         value of the wrong type with key, value and what was expected. All mistakes of one call
///         are reported together, a line each.
/// Thread: any for const methods; one at a time otherwise.
class Configuration {
 public:
  /// Requires: names are unique, defaults have the type of their key.
  explicit Configuration(std::vector<ConfigKey> keys);

  /// Reads a YAML file: nested maps, dotted names, or both. A list becomes "a;b".
  Status load_file(FileStore& store, const std::string& path);
  /// The same for text; `origin` names it in messages, as the path would.
  Status load_yaml(const std::string& yaml, const std::string& origin);
  /// Sets one value; `origin` says from where: "command line", "program".
  Status set(std::string_view name, std::string_view value, const std::string& origin);
  /// Sets "name=value", the argument of -D.
  Status set_override(std::string_view assignment);

  // Requires: the name is a key of that type that has a value (set, or by default).
  const std::string& get_string(std::string_view name) const;  // also for kEnum
  std::int64_t get_int(std::string_view name) const;
  double get_double(std::string_view name) const;
  bool get_bool(std::string_view name) const;
  Duration get_duration(std::string_view name) const;
  std::uint64_t get_size(std::string_view name) const;

  /// Whether there is a value, set or by default. Requires: the name is a key.
  bool has_value(std::string_view name) const;
  /// Whether the value was set, not just defaulted. Requires: the name is a key.
  bool is_set(std::string_view name) const;
  /// "default", "config.yaml:12", "command line". Requires: the name is a key.
  const std::string& origin(std::string_view name) const;
  /// The value as text, "" if there is none. Requires: the name is a key.
  const std::string& text(std::string_view name) const;

  /// In the order given: for help, documentation, and printing what applies.
  const std::vector<ConfigKey>& keys() const { return keys_; }

 private:
  using Value = std::variant<std::monostate, std::string, std::int64_t, double, bool, Duration,
                             std::uint64_t>;

  struct Entry {
    ConfigKey key;
    Value value;
    std::string text;
    std::string origin;
  };

  static Result<Value> parse(const ConfigKey& key, std::string_view text);
  const Entry& entry(std::string_view name) const;
  template <class T>
  const T& get(std::string_view name) const;

  std::vector<ConfigKey> keys_;
  std::map<std::string, Entry, std::less<>> entries_;
};

}  // namespace weir
