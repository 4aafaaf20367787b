// SPDX-License-Identifier: Apache-2.0
// Reads, writes and prints values through their TypeInfo.
#include "types/type_info.h"

#include <charconv>
#include <iterator>
#include <ostream>

namespace weir {
namespace {

template <class T>
T load(const void* value) {
  T number;
  std::memcpy(&number, value, sizeof(T));
  return number;
}

template <class T, class Number>
bool store(void* value, Number number) {
  const T narrow = static_cast<T>(number);
  if (static_cast<Number>(narrow) != number) {
    return false;
  }
  std::memcpy(value, &narrow, sizeof(T));
  return true;
}

// Like to_string of a Duration, for any unit.
std::string_view unit_of(const TypeInfo& duration) {
  struct Unit {
    std::int64_t numerator, denominator;
    std::string_view name;
  };
  static constexpr Unit kUnits[] = {{1, 1000000000, " ns"}, {1, 1000000, " us"}, {1, 1000, " ms"},
                                    {1, 1, " s"},           {60, 1, " min"},     {3600, 1, " h"},
                                    {86400, 1, " d"}};
  for (const Unit& unit : kUnits) {
    if (unit.numerator == duration.numerator && unit.denominator == duration.denominator) {
      return unit.name;
    }
  }
  return " units";
}

class Printer {
 public:
  explicit Printer(std::ostream& out) : out_(out) {}

  void print(const TypeInfo& type, const void* value) {
    switch (type.kind) {
      case TypeKind::kString:
      case TypeKind::kText: print_string(load_string(type, value)); break;
      case TypeKind::kBool: out_ << (load<bool>(value) ? "true" : "false"); break;
      case TypeKind::kEventTime: out_ << to_string(EventTime(load<std::int64_t>(value))); break;
      case TypeKind::kProcessingTime:
        out_ << to_string(ProcessingTime(load<std::int64_t>(value)));
        break;
      case TypeKind::kEnum: print_enum(type, value); break;
      case TypeKind::kDuration:
        print_number(type.number_type(), value);
        out_ << unit_of(type);
        break;
      case TypeKind::kTimePoint: print(*type.parts[0], value); break;
      case TypeKind::kUnit: out_ << "unit"; break;
      case TypeKind::kOptional:
        type.access.size(value) == 0 ? void(out_ << "none")
                                     : print(*type.parts[0], type.access.get(value, 0));
        break;
      case TypeKind::kVariant:
        print(*type.parts[type.access.size(value)], type.access.get(value, 0));
        break;
      case TypeKind::kVector:
      case TypeKind::kArray: print_elements(type, value); break;
      case TypeKind::kMap: print_map(type, value); break;
      case TypeKind::kRecord:
      case TypeKind::kTuple: print_fields(type, value); break;
      case TypeKind::kCustom: out_ << type.name << "{...}"; break;
      default: print_number(type, value); break;
    }
  }

 private:
  void print_string(std::string_view text) {
    out_ << '"';
    for (const char c : text) {
      if (c == '"' || c == '\\') {
        out_ << '\\';
      }
      out_ << c;
    }
    out_ << '"';
  }

  void print_number(const TypeInfo& type, const void* value) {
    std::string digits;
    append_number(digits, type, value);
    out_ << digits;
  }

  void print_enum(const TypeInfo& type, const void* value) {
    const std::int64_t number = enum_number(type, value);
    for (const EnumValueName& known : type.enum_names) {
      if (known.value == number) {
        out_ << known.name;
        return;
      }
    }
    print_number(type.number_type(), value);
  }

  void print_elements(const TypeInfo& type, const void* value) {
    out_ << '[';
    const std::size_t size = type.access.size(value);
    for (std::size_t i = 0; i < size; ++i) {
      out_ << (i == 0 ? "" : ", ");
      print(*type.parts[0], type.access.get(value, i));
    }
    out_ << ']';
  }

  void print_map(const TypeInfo& type, const void* value) {
    struct Context {
      Printer& printer;
      const TypeInfo& type;
      bool is_first;
    } context{*this, type, true};
    out_ << '{';
    const auto print_entry = [](void* raw, const void* key, const void* held) {
      auto& entry = *static_cast<Context*>(raw);
      entry.printer.out_ << (entry.is_first ? "" : ", ");
      entry.is_first = false;
      entry.printer.print(*entry.type.parts[0], key);
      entry.printer.out_ << ": ";
      entry.printer.print(*entry.type.parts[1], held);
    };
    type.access.each(value, print_entry, &context);
    out_ << '}';
  }

  void print_fields(const TypeInfo& type, const void* value) {
    const bool is_record = type.kind == TypeKind::kRecord;
    out_ << type.name << (is_record ? '{' : '(');
    for (const FieldInfo& field : type.fields) {
      out_ << (&field == type.fields.data() ? "" : ", ");
      if (is_record) {
        out_ << field.name << ": ";
      }
      print(*field.type, static_cast<const char*>(value) + field.offset);
    }
    out_ << (is_record ? '}' : ')');
  }

  std::ostream& out_;
};

}  // namespace

std::string_view kind_name(TypeKind kind) {
  static constexpr std::string_view kNames[] = {
      "",       "bool",   "int8",       "int16",           "int32",    "int64",
      "uint8",  "uint16", "uint32",     "uint64",          "float",    "double",
      "string", "string", "event_time", "processing_time", "duration", "time_point",
      "enum",   "unit",   "optional",   "variant",         "tuple",    "vector",
      "array",  "map",    "",           "custom"};
  static_assert(std::size(kNames) == static_cast<std::size_t>(TypeKind::kCustom) + 1);
  return kNames[static_cast<std::size_t>(kind)];
}

std::int64_t load_signed(const TypeInfo& type, const void* value) {
  switch (type.size) {
    case 1: return load<std::int8_t>(value);
    case 2: return load<std::int16_t>(value);
    case 4: return load<std::int32_t>(value);
    default: return load<std::int64_t>(value);
  }
}

std::uint64_t load_unsigned(const TypeInfo& type, const void* value) {
  switch (type.size) {
    case 1: return load<std::uint8_t>(value);
    case 2: return load<std::uint16_t>(value);
    case 4: return load<std::uint32_t>(value);
    default: return load<std::uint64_t>(value);
  }
}

double load_floating(const TypeInfo& type, const void* value) {
  return type.kind == TypeKind::kFloat ? static_cast<double>(load<float>(value))
                                       : load<double>(value);
}

std::int64_t enum_number(const TypeInfo& type, const void* value) {
  const TypeInfo& integer = type.number_type();
  return integer.is_signed_integer() ? load_signed(integer, value)
                                     : static_cast<std::int64_t>(load_unsigned(integer, value));
}

bool store_enum_number(const TypeInfo& type, void* value, std::int64_t number) {
  const TypeInfo& integer = type.number_type();
  return integer.is_signed_integer()
             ? store_signed(integer, value, number)
             : store_unsigned(integer, value, static_cast<std::uint64_t>(number));
}

bool store_signed(const TypeInfo& type, void* value, std::int64_t number) {
  switch (type.size) {
    case 1: return store<std::int8_t>(value, number);
    case 2: return store<std::int16_t>(value, number);
    case 4: return store<std::int32_t>(value, number);
    default: return store<std::int64_t>(value, number);
  }
}

bool store_unsigned(const TypeInfo& type, void* value, std::uint64_t number) {
  switch (type.size) {
    case 1: return store<std::uint8_t>(value, number);
    case 2: return store<std::uint16_t>(value, number);
    case 4: return store<std::uint32_t>(value, number);
    default: return store<std::uint64_t>(value, number);
  }
}

bool store_floating(const TypeInfo& type, void* value, double number) {
  if (type.kind == TypeKind::kDouble) {
    std::memcpy(value, &number, sizeof(number));
    return true;
  }
  // Rounding is what a float is for; only what rounds past its largest value does not fit.
  constexpr double kTooLarge = 0x1.ffffffp127;
  const bool is_finite = number - number == 0;
  if (is_finite && (number >= kTooLarge || number <= -kTooLarge)) {
    return false;
  }
  const float narrow = static_cast<float>(number);
  std::memcpy(value, &narrow, sizeof(narrow));
  return true;
}

void append_number(std::string& out, const TypeInfo& type, const void* value) {
  char digits[32];
  std::to_chars_result end{};
  if (type.kind == TypeKind::kFloat) {
    end = std::to_chars(digits, std::end(digits), load<float>(value));
  } else if (type.kind == TypeKind::kDouble) {
    end = std::to_chars(digits, std::end(digits), load<double>(value));
  } else if (type.kind >= TypeKind::kUint8 && type.kind <= TypeKind::kUint64) {
    end = std::to_chars(digits, std::end(digits), load_unsigned(type, value));
  } else {
    // Signed integers, event and processing times.
    end = std::to_chars(digits, std::end(digits), load_signed(type, value));
  }
  out.append(digits, end.ptr);
}

std::string_view load_string(const TypeInfo& type, const void* value) {
  if (type.kind == TypeKind::kText) {
    return *static_cast<const Text*>(value);
  }
  return *static_cast<const std::string*>(value);
}

void print(std::ostream& out, const TypeInfo& type, const void* value) {
  if (type.is_string()) {
    out << load_string(type, value);
  } else {
    Printer(out).print(type, value);
  }
}

}  // namespace weir
