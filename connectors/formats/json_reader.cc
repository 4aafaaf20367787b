// SPDX-License-Identifier: Apache-2.0
// Reads JSON through TypeInfo, on demand: a value is parsed as what its field is.
#include <simdjson.h>

#include <array>
#include <charconv>
#include <limits>
#include <utility>

#include "base/time_text.h"
#include "connectors/formats/json.h"

namespace weir::detail {
namespace {

namespace ondemand = simdjson::ondemand;

// Unknown fields may nest no deeper than this; known ones are as deep as their types.
constexpr int kSkippedDepthMax = 128;
constexpr std::size_t kShownBytesMax = 40;

/// What is wrong, and with which field; the path grows on the way out.
struct BadValue {
  std::string path;
  std::string what;
};

[[noreturn]] void fail(std::string what) { throw BadValue{"", std::move(what)}; }

void check(simdjson::error_code error) {
  if (error != simdjson::SUCCESS) [[unlikely]] {
    fail(std::string("malformed JSON: ") + simdjson::error_message(error));
  }
}

std::string_view without_blanks(std::string_view token) {
  while (!token.empty() && static_cast<unsigned char>(token.back()) <= ' ') {
    token.remove_suffix(1);
  }
  return token;
}

// The token as people may see it: short, and printable.
std::string shown(std::string_view token) {
  std::string text(without_blanks(token).substr(0, kShownBytesMax));
  for (char& c : text) {
    c = static_cast<unsigned char>(c) < ' ' ? ' ' : c;
  }
  return text.size() < kShownBytesMax ? text : text + "...";
}

[[noreturn]] void fail_type(ondemand::value& value, const std::string& expected) {
  fail("expected " + expected + ", found " + shown(value.raw_json_token()));
}

class JsonReader final : public FormatReader {
 public:
  explicit JsonReader(const TypeInfo& type) : type_(type) {}

  void read(std::string_view bytes, TextMaker& text, void* record) override {
    text_ = &text;
    try {
      if (type_.kind == TypeKind::kRecord || (type_.kind == TypeKind::kMap && is_json_name_key())) {
        ondemand::document document;
        start(bytes, document);
        ondemand::object object;
        const simdjson::error_code error = document.get_object().get(object);
        if (error == simdjson::INCORRECT_TYPE) {
          fail("expected an object, found " + shown(bytes));
        }
        check(error);
        type_.kind == TypeKind::kRecord ? read_record(object, type_, record)
                                        : read_map(object, type_, record);
        finish(document);
      } else {
        read_wrapped(bytes, record);
      }
    } catch (const BadValue& bad) {
      throw RecordError(bad.path.empty() ? bad.what : "field '" + bad.path + "': " + bad.what);
    }
  }

 private:
  bool is_json_name_key() const { return is_json_name(*type_.parts[0]); }

  void start(std::string_view bytes, ondemand::document& document) {
    end_ = bytes.data() + bytes.size() + kReadPadding;
    const simdjson::padded_string_view padded(bytes.data(), bytes.size(),
                                              bytes.size() + kReadPadding);
    check(parser_.iterate(padded).get(document));
  }

  static void finish(ondemand::document& document) {
    const char* rest = nullptr;
    if (document.current_location().get(rest) != simdjson::OUT_OF_BOUNDS) {
      fail("malformed JSON: something follows the value");
    }
  }

  // The parser treats a lone number or string apart; inside an array they are as all others.
  void read_wrapped(std::string_view bytes, void* record) {
    wrapped_.assign(1, '[').append(bytes).append(1, ']');
    const std::size_t size = wrapped_.size();
    wrapped_.resize(size + kReadPadding);
    ondemand::document document;
    start(std::string_view(wrapped_).substr(0, size), document);
    ondemand::array array;
    check(document.get_array().get(array));
    std::size_t count = 0;
    for (auto element : array) {
      ondemand::value value;
      check(std::move(element).get(value));
      if (count++ == 0) {
        read_value(value, type_, record);
      } else {
        fail("malformed JSON: something follows the value");
      }
    }
    if (count == 0) {
      fail("malformed JSON: no value");
    }
    finish(document);
  }

  void read_record(ondemand::object& object, const TypeInfo& type, void* record) {
    std::size_t expected = 0;
    for (auto item : object) {
      ondemand::field field;
      check(std::move(item).get(field));
      const FieldInfo* known = find_field(field, type, expected);
      if (known == nullptr) {
        skip(field.value(), 0);
        continue;
      }
      expected = static_cast<std::size_t>(known - type.fields.data()) + 1;
      read_inside(field.value(), *known->type, static_cast<char*>(record) + known->offset,
                  known->name);
    }
  }

  // Looks first where the field would be if the order were that of the description.
  const FieldInfo* find_field(ondemand::field& field, const TypeInfo& type, std::size_t expected) {
    const char* key = field.key().raw();
    const std::size_t size = type.fields.size();
    if (expected < size && is_key(key, type.fields[expected].name)) [[likely]] {
      return &type.fields[expected];
    }
    for (const FieldInfo& candidate : type.fields) {
      if (is_key(key, candidate.name)) {
        return &candidate;
      }
    }
    const auto* quote =
        static_cast<const char*>(std::memchr(key, '"', static_cast<std::size_t>(end_ - key)));
    if (quote == nullptr ||
        std::memchr(key, '\\', static_cast<std::size_t>(quote - key)) == nullptr) {
      return nullptr;
    }
    std::string_view unescaped;
    check(field.unescaped_key().get(unescaped));
    for (const FieldInfo& candidate : type.fields) {
      if (candidate.name == unescaped) {
        return &candidate;
      }
    }
    return nullptr;
  }

  bool is_key(const char* key, std::string_view name) const {
    return name.size() < static_cast<std::size_t>(end_ - key) &&
           std::memcmp(key, name.data(), name.size()) == 0 && key[name.size()] == '"';
  }

  void read_inside(ondemand::value value, const TypeInfo& type, void* out, std::string_view name) {
    try {
      read_value(value, type, out);
    } catch (BadValue& bad) {
      bad.path = std::string(name) + (bad.path.empty() ? "" : ".") + bad.path;
      throw;
    }
  }

  void read_value(ondemand::value& value, const TypeInfo& type, void* out) {
    switch (type.kind) {
      case TypeKind::kString:
      case TypeKind::kText: read_string(value, type, out); break;
      case TypeKind::kFloat:
      case TypeKind::kDouble: read_floating(value, type, out); break;
      case TypeKind::kBool: read_bool(value, out); break;
      case TypeKind::kEventTime:
      case TypeKind::kProcessingTime: read_time(value, out); break;
      case TypeKind::kEnum: read_enum(value, type, out); break;
      case TypeKind::kDuration:
      case TypeKind::kTimePoint: read_value(value, type.number_type(), out); break;
      case TypeKind::kUnit: expect_null(value); break;
      case TypeKind::kOptional:
        if (is_null(value)) {
          type.access.clear(out);
        } else {
          read_value(value, *type.parts[0], type.access.add(out, 0));
        }
        break;
      case TypeKind::kVariant: read_variant(value, type, out); break;
      case TypeKind::kVector:
      case TypeKind::kArray:
      case TypeKind::kTuple: read_sequence(value, type, out); break;
      case TypeKind::kMap: read_any_map(value, type, out); break;
      case TypeKind::kRecord: {
        ondemand::object object = object_of(value);
        read_record(object, type, out);
        break;
      }
      default: read_integer(value, type, out); break;
    }
  }

  static ondemand::object object_of(ondemand::value& value) {
    ondemand::object object;
    if (value.get_object().get(object) != simdjson::SUCCESS) {
      fail_type(value, "an object");
    }
    return object;
  }
  static ondemand::array array_of(ondemand::value& value) {
    ondemand::array array;
    if (value.get_array().get(array) != simdjson::SUCCESS) {
      fail_type(value, "an array");
    }
    return array;
  }
  static bool is_string(ondemand::value& value) {
    ondemand::json_type type{};
    check(value.type().get(type));
    return type == ondemand::json_type::string;
  }
  static bool is_null(ondemand::value& value) {
    ondemand::json_type type{};
    check(value.type().get(type));
    if (type != ondemand::json_type::null) {
      return false;
    }
    expect_null(value);
    return true;
  }
  static void expect_null(ondemand::value& value) {
    if (without_blanks(value.raw_json_token()) != "null" || !value.is_null()) {
      fail_type(value, "null");
    }
  }

  static void read_integer(ondemand::value& value, const TypeInfo& type, void* out) {
    if (type.is_signed_integer()) {
      std::int64_t number = 0;
      if (value.get_int64().get(number) == simdjson::SUCCESS && store_signed(type, out, number)) {
        return;
      }
    } else {
      std::uint64_t number = 0;
      if (value.get_uint64().get(number) == simdjson::SUCCESS &&
          store_unsigned(type, out, number)) {
        return;
      }
    }
    fail_type(value, "an integer (" + std::string(kind_name(type.kind)) + ")");
  }

  void read_floating(ondemand::value& value, const TypeInfo& type, void* out) {
    double number = 0;
    if (value.get_double().get(number) != simdjson::SUCCESS) {
      if (!is_string(value)) {
        fail_type(value, "a number");
      }
      using Limits = std::numeric_limits<double>;
      const std::string_view token = without_blanks(value.raw_json_token());
      if (token == "\"NaN\"") {
        number = Limits::quiet_NaN();
      } else if (token == "\"Infinity\"" || token == "\"-Infinity\"") {
        number = token[1] == '-' ? -Limits::infinity() : Limits::infinity();
      } else {
        fail_type(value, "a number");
      }
    }
    if (!store_floating(type, out, number)) {
      fail_type(value, "a number in the range of a float");
    }
  }

  static void read_bool(ondemand::value& value, void* out) {
    bool flag = false;
    if (value.get_bool().get(flag) != simdjson::SUCCESS) {
      fail_type(value, "true or false");
    }
    *static_cast<bool*>(out) = flag;
  }

  // Text without escapes is taken from where it stands, else from the parser's copy.
  static std::string_view string_of(ondemand::value& value) {
    const std::string_view token = without_blanks(value.raw_json_token());
    if (token.size() < 2 || token.front() != '"') {
      fail_type(value, "a string");
    }
    const std::string_view inside = token.substr(1, token.size() - 2);
    if (token.back() == '"' && std::memchr(inside.data(), '\\', inside.size()) == nullptr)
        [[likely]] {
      return inside;
    }
    std::string_view unescaped;
    check(value.get_string().get(unescaped));
    return unescaped;
  }

  void read_string(ondemand::value& value, const TypeInfo& type, void* out) {
    store_string(type, out, string_of(value));
  }
  void store_string(const TypeInfo& type, void* out, std::string_view bytes) {
    if (type.kind == TypeKind::kText) {
      *static_cast<Text*>(out) = text_->text(bytes);
    } else {
      static_cast<std::string*>(out)->assign(bytes);
    }
  }

  static void read_time(ondemand::value& value, void* out) {
    std::int64_t millis = 0;
    if (value.get_int64().get(millis) != simdjson::SUCCESS) {
      constexpr const char* kExpected = "milliseconds since 1970 or an ISO-8601 time";
      if (!is_string(value)) {
        fail_type(value, kExpected);
      }
      const Result<EventTime> time = parse_event_time(string_of(value));
      if (!time.is_ok()) {
        fail_type(value, kExpected);
      }
      millis = time->millis();
    }
    // Event and processing times are one number of milliseconds.
    std::memcpy(out, &millis, sizeof(millis));
  }

  static void read_enum(ondemand::value& value, const TypeInfo& type, void* out) {
    if (type.enum_names.empty() || !is_string(value)) {
      read_integer(value, type.number_type(), out);
    } else if (!store_enum_name(type, out, string_of(value))) {
      fail_type(value, "a name or number of " + std::string(type.name));
    }
  }
  static bool store_enum_name(const TypeInfo& type, void* out, std::string_view name) {
    for (const EnumValueName& known : type.enum_names) {
      if (known.name == name) {
        return store_enum_number(type, out, known.value);
      }
    }
    return false;
  }

  void read_variant(ondemand::value& value, const TypeInfo& type, void* out) {
    ondemand::object object = object_of(value);
    bool is_read = false;
    for (auto item : object) {
      ondemand::field field;
      check(std::move(item).get(field));
      std::string_view name;
      check(field.unescaped_key().get(name));
      std::size_t i = 0;
      while (i < type.parts.size() && json_alternative_name(type, i) != name) {
        ++i;
      }
      if (is_read || i == type.parts.size()) {
        fail("expected one field named for an alternative, found " + shown(name));
      }
      read_inside(field.value(), *type.parts[i], type.access.add(out, i), name);
      is_read = true;
    }
    if (!is_read) {
      fail("expected one field named for an alternative, found {}");
    }
  }

  void read_sequence(ondemand::value& value, const TypeInfo& type, void* out) {
    ondemand::array array = array_of(value);
    if (type.kind == TypeKind::kVector) {
      type.access.clear(out);
    }
    const bool is_tuple = type.kind == TypeKind::kTuple;
    const std::size_t size_max = is_tuple                         ? type.fields.size()
                                 : type.kind == TypeKind::kVector ? SIZE_MAX
                                                                  : type.access.size(out);
    std::size_t i = 0;
    for (auto item : array) {
      ondemand::value element;
      check(std::move(item).get(element));
      if (i == size_max) {
        fail("expected an array of " + std::to_string(size_max) + ", found more");
      }
      if (is_tuple) {
        const FieldInfo& part = type.fields[i];
        read_inside(element, *part.type, static_cast<char*>(out) + part.offset, std::to_string(i));
      } else {
        // An array's elements are where they are; const is the accessor's, not theirs.
        void* place = type.kind == TypeKind::kVector ? type.access.add(out, i)
                                                     : const_cast<void*>(type.access.get(out, i));
        read_inside(element, *type.parts[0], place, std::to_string(i));
      }
      ++i;
    }
    if (size_max != SIZE_MAX && i != size_max) {
      fail("expected an array of " + std::to_string(size_max) + ", found " + std::to_string(i));
    }
  }

  void read_any_map(ondemand::value& value, const TypeInfo& type, void* out) {
    if (is_json_name(*type.parts[0])) {
      ondemand::object object = object_of(value);
      read_map(object, type, out);
      return;
    }
    ondemand::array array = array_of(value);
    type.access.clear(out);
    for (auto item : array) {
      ondemand::value pair;
      check(std::move(item).get(pair));
      read_pair(pair, type, out);
    }
  }

  void read_pair(ondemand::value& pair, const TypeInfo& type, void* out) {
    struct Context {
      JsonReader& reader;
      const TypeInfo& type;
      ondemand::value value;
    };
    ondemand::array parts = array_of(pair);
    std::size_t count = 0;
    void* place = nullptr;
    for (auto part : parts) {
      Context context{*this, *type.parts[0], {}};
      check(std::move(part).get(context.value));
      if (count == 0) {
        const auto fill = [](void* raw, void* key) {
          auto& entry = *static_cast<Context*>(raw);
          entry.reader.read_value(entry.value, entry.type, key);
        };
        place = type.access.insert(out, fill, &context);
      } else if (count == 1) {
        read_value(context.value, *type.parts[1], place);
      }
      ++count;
    }
    if (count != 2) {
      fail("expected a pair of key and value, found " + std::to_string(count) + " elements");
    }
  }

  void read_map(ondemand::object& object, const TypeInfo& type, void* out) {
    struct Context {
      JsonReader& reader;
      const TypeInfo& type;
      std::string_view name;
    };
    type.access.clear(out);
    for (auto item : object) {
      ondemand::field field;
      check(std::move(item).get(field));
      Context context{*this, *type.parts[0], {}};
      check(field.unescaped_key().get(context.name));
      const auto fill = [](void* raw, void* key) {
        auto& entry = *static_cast<Context*>(raw);
        entry.reader.store_key(entry.type, key, entry.name);
      };
      void* place = type.access.insert(out, fill, &context);
      read_inside(field.value(), *type.parts[1], place, context.name);
    }
  }

  void store_key(const TypeInfo& type, void* key, std::string_view name) {
    if (type.is_string()) {
      store_string(type, key, name);
      return;
    }
    if (type.kind == TypeKind::kEnum && store_enum_name(type, key, name)) {
      return;
    }
    const TypeInfo& integer = type.number_type();
    bool is_stored = false;
    if (integer.is_signed_integer()) {
      std::int64_t number = 0;
      is_stored = parse_whole(name, number) && store_signed(integer, key, number);
    } else {
      std::uint64_t number = 0;
      is_stored = parse_whole(name, number) && store_unsigned(integer, key, number);
    }
    if (!is_stored) {
      fail("expected an integer (" + std::string(kind_name(integer.kind)) + ") as key, found " +
           shown(name));
    }
  }

  template <class Number>
  static bool parse_whole(std::string_view text, Number& number) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    return error == std::errc() && end == text.data() + text.size();
  }

  // Unknown fields must be JSON too: else a damaged line could pass for a record.
  static void skip(ondemand::value value, int depth) {
    if (depth > kSkippedDepthMax) {
      fail("nested deeper than " + std::to_string(kSkippedDepthMax) + " levels");
    }
    ondemand::json_type type{};
    check(value.type().get(type));
    switch (type) {
      case ondemand::json_type::object: {
        for (auto item : object_of(value)) {
          ondemand::field field;
          check(std::move(item).get(field));
          skip(field.value(), depth + 1);
        }
        break;
      }
      case ondemand::json_type::array: {
        for (auto item : array_of(value)) {
          ondemand::value element;
          check(std::move(item).get(element));
          skip(element, depth + 1);
        }
        break;
      }
      case ondemand::json_type::string: string_of(value); break;
      case ondemand::json_type::boolean: {
        bool flag = false;
        read_bool(value, &flag);
        break;
      }
      case ondemand::json_type::null: expect_null(value); break;
      case ondemand::json_type::number: {
        // Any number will do, also one that no type of ours holds.
        const std::string_view token = without_blanks(value.raw_json_token());
        if (token.find_first_not_of("0123456789+-.eE") != std::string_view::npos) {
          fail_type(value, "a number");
        }
        break;
      }
    }
  }

  // Constant.
  const TypeInfo& type_;

  ondemand::parser parser_;
  // Of the record being read.
  TextMaker* text_ = nullptr;
  const char* end_ = nullptr;
  std::string wrapped_;
};

}  // namespace

std::unique_ptr<FormatReader> make_json_reader(const TypeInfo& type) {
  return std::make_unique<JsonReader>(type);
}

}  // namespace weir::detail
