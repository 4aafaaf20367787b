// SPDX-License-Identifier: Apache-2.0
// TypeInfo: the description of a type at run time, so that formats, printing and schemas are
// compiled once and not once per type.
#pragma once

#include <iosfwd>
#include <ratio>
#include <string_view>
#include <vector>

#include "types/serializer.h"

namespace weir {

struct TypeInfo;

/// A field of a record or a part of a pair, tuple (there without a name).
struct FieldInfo {
  std::string_view name;
  std::size_t offset;
  const TypeInfo* type;
};

/// One named value of an enum.
struct EnumValueName {
  std::int64_t value;
  std::string_view name;
};

/// Names the values of an enum for JSON, CSV and printing; without it they appear as numbers.
/// Specialise it with `static constexpr std::pair<E, std::string_view> values[] = {...};`.
template <class E>
struct EnumNames {};

/// How to reach into values whose layout is not ours. Null where the kind has no such thing.
struct TypeAccess {
  using EntryVisitor = void (*)(void* context, const void* key, const void* value);
  using KeyFiller = void (*)(void* context, void* key);

  /// vector, array, map: elements; optional: 0 or 1; variant: the index.
  std::size_t (*size)(const void* value) = nullptr;
  /// vector, array: element i; optional, variant: what is held.
  const void* (*get)(const void* value, std::size_t i) = nullptr;
  /// vector: a new last element; optional: a fresh value; variant: alternative i, fresh.
  void* (*add)(void* value, std::size_t i) = nullptr;
  void (*clear)(void* value) = nullptr;
  /// map: all entries in order.
  void (*each)(const void* map, EntryVisitor visit, void* context) = nullptr;
  /// map: lets `fill` make a key and returns the value stored under it.
  void* (*insert)(void* map, KeyFiller fill, void* context) = nullptr;
};

/// What is known of a type at run time. Made once per type; lives for ever; immutable.
///
/// Thread: any.
struct TypeInfo {
  TypeKind kind = TypeKind::kUnsupported;
  std::size_t size = 0;
  /// Of a record, an enum, or a type with its own serializer; without namespaces.
  std::string_view name;
  /// Record, tuple.
  std::vector<FieldInfo> fields;
  /// optional, vector, array: the element; variant: the alternatives; map: key and value; enum: the
  /// integer; duration: the number; time_point: the duration.
  std::vector<const TypeInfo*> parts;
  std::vector<EnumValueName> enum_names;
  /// Duration: seconds per unit; array: the number of elements in `numerator`.
  std::int64_t numerator = 0;
  std::int64_t denominator = 1;
  TypeAccess access;
  /// Record: appends an encoded T{}, what fields are before anything is read into them. Null where
  /// there is no T{}.
  void (*encode_default)(ByteWriter& out) = nullptr;
  /// Custom: reads a value and drops it. Throws DecodeError.
  void (*skip)(ByteReader& in) = nullptr;

  bool is_integer() const { return kind >= TypeKind::kInt8 && kind <= TypeKind::kUint64; }
  bool is_signed_integer() const { return kind >= TypeKind::kInt8 && kind <= TypeKind::kInt64; }
  bool is_floating() const { return kind == TypeKind::kFloat || kind == TypeKind::kDouble; }
  bool is_string() const { return kind == TypeKind::kString || kind == TypeKind::kText; }
  /// The type that numbers of this kind are stored as: through enum, duration and time_point.
  const TypeInfo& number_type() const {
    const bool is_wrapped =
        kind == TypeKind::kEnum || kind == TypeKind::kDuration || kind == TypeKind::kTimePoint;
    return is_wrapped ? parts[0]->number_type() : *this;
  }
};

/// Returns the description of T.
template <class T>
const TypeInfo& type_info();

/// The name of a kind in schemas and messages, "int64"; empty for kUnsupported and kRecord.
std::string_view kind_name(TypeKind kind);

/// Reads and writes numbers of any width. `load_signed` also reads event and processing times;
/// `store_*` return false when the number does not fit.
///
/// Requires: a matching kind (`number_type()`).
std::int64_t load_signed(const TypeInfo& type, const void* value);
std::uint64_t load_unsigned(const TypeInfo& type, const void* value);
double load_floating(const TypeInfo& type, const void* value);
bool store_signed(const TypeInfo& type, void* value, std::int64_t number);
bool store_unsigned(const TypeInfo& type, void* value, std::uint64_t number);
bool store_floating(const TypeInfo& type, void* value, double number);
/// Reads and writes an enum of any width.
std::int64_t enum_number(const TypeInfo& type, const void* value);
bool store_enum_number(const TypeInfo& type, void* value, std::int64_t number);
/// Appends a number in the shortest form that reads back as the same number.
void append_number(std::string& out, const TypeInfo& type, const void* value);
/// Reads a string or Text.
std::string_view load_string(const TypeInfo& type, const void* value);

/// Prints a value for people: `Alert{account: "a-1", amount: 2.5, at: 2026-11-21T10:15:30.000Z}`.
/// A string that is not inside anything stands without quotes.
void print(std::ostream& out, const TypeInfo& type, const void* value);
template <class T>
void print(std::ostream& out, const T& value) {
  print(out, type_info<T>(), &value);
}

// Implementation details follow.
namespace detail {

/// The name of a type without namespaces and template arguments, as the compiler spells it.
template <class T>
constexpr std::string_view type_name() {
  std::string_view text = __PRETTY_FUNCTION__;
  text.remove_prefix(text.find("T = ") + 4);
  text = text.substr(0, text.find_first_of("<;]"));
  const std::size_t colon = text.rfind(':');
  return colon == std::string_view::npos ? text : text.substr(colon + 1);
}

template <class T, class Part>
std::size_t offset_in(const T& whole, const Part& part) {
  return static_cast<std::size_t>(reinterpret_cast<const char*>(&part) -
                                  reinterpret_cast<const char*>(&whole));
}

template <class T>
void add_fields(TypeInfo& info) {
  // Only addresses inside are taken.
  alignas(T) char memory[sizeof(T)] = {};
  const T& value = *std::launder(reinterpret_cast<const T*>(memory));
  const auto add = [&info, &value]<class Part>(std::string_view name, const Part& part) {
    info.fields.push_back({name, offset_in(value, part), &type_info<Part>()});
  };
  if constexpr (kTypeKind<T> == TypeKind::kRecord) {
    constexpr auto& kDescription = kRecordDescription<T>;
    std::size_t i = 0;
    kDescription.for_each_field(
        value, [&](const auto& field) { add(kDescription.field_names[i++], field); });
  } else {
    std::apply([&](const auto&... parts) { (add("", parts), ...); }, value);
  }
}

template <class T>
void add_parts(TypeInfo& info) {
  [&info]<class... Parts>(TypeList<Parts...>) {
    info.parts = {&type_info<Parts>()...};
  }(typename Shape<T>::Parts{});
}

template <class T, std::size_t... Is>
void* emplace_alternative(T& value, std::size_t index, std::index_sequence<Is...>) {
  void* held = nullptr;
  (void)((index == Is && (held = &value.template emplace<Is>(), true)) || ...);
  return held;
}

template <class T>
constexpr TypeAccess map_access() {
  TypeAccess access;
  access.size = [](const void* value) { return static_cast<const T*>(value)->size(); };
  access.clear = [](void* value) { static_cast<T*>(value)->clear(); };
  access.each = [](const void* map, TypeAccess::EntryVisitor visit, void* context) {
    for (const auto& [key, value] : *static_cast<const T*>(map)) {
      visit(context, &key, &value);
    }
  };
  access.insert = [](void* map, TypeAccess::KeyFiller fill, void* context) -> void* {
    typename T::key_type key{};
    fill(context, &key);
    return &(*static_cast<T*>(map))[std::move(key)];
  };
  return access;
}

template <class T>
constexpr TypeAccess type_access() {
  constexpr TypeKind kKind = kTypeKind<T>;
  TypeAccess access;
  if constexpr (kKind == TypeKind::kMap) {
    access = map_access<T>();
  } else if constexpr (kKind == TypeKind::kVector || kKind == TypeKind::kArray) {
    access.size = [](const void* value) { return static_cast<const T*>(value)->size(); };
    access.get = [](const void* value, std::size_t i) -> const void* {
      return static_cast<const T*>(value)->data() + i;
    };
    if constexpr (kKind == TypeKind::kVector) {
      access.add = [](void* value, std::size_t) -> void* {
        return &static_cast<T*>(value)->emplace_back();
      };
      access.clear = [](void* value) { static_cast<T*>(value)->clear(); };
    }
  } else if constexpr (kKind == TypeKind::kOptional) {
    access.size = [](const void* value) -> std::size_t {
      return static_cast<const T*>(value)->has_value() ? 1 : 0;
    };
    access.get = [](const void* value, std::size_t) -> const void* {
      return &**static_cast<const T*>(value);
    };
    access.add = [](void* value, std::size_t) -> void* {
      return &static_cast<T*>(value)->emplace();
    };
    access.clear = [](void* value) { static_cast<T*>(value)->reset(); };
  } else if constexpr (kKind == TypeKind::kVariant) {
    access.size = [](const void* value) { return static_cast<const T*>(value)->index(); };
    access.get = [](const void* value, std::size_t) {
      return std::visit([](const auto& held) -> const void* { return &held; },
                        *static_cast<const T*>(value));
    };
    access.add = [](void* value, std::size_t i) {
      return emplace_alternative(*static_cast<T*>(value), i,
                                 std::make_index_sequence<std::variant_size_v<T>>());
    };
  }
  return access;
}

template <class T>
TypeInfo make_type_info() {
  constexpr TypeKind kKind = kTypeKind<T>;
  TypeInfo info;
  info.kind = kKind;
  info.size = sizeof(T);
  info.access = type_access<T>();
  if constexpr (kKind == TypeKind::kRecord) {
    info.name = kRecordDescription<T>.name;
    add_fields<T>(info);
    if constexpr (std::default_initializable<T>) {
      info.encode_default = [](ByteWriter& out) { Serializer<T>::encode(out, T{}); };
    }
  } else if constexpr (kKind == TypeKind::kTuple) {
    add_fields<T>(info);
  } else if constexpr (kKind == TypeKind::kEnum) {
    info.name = type_name<T>();
    info.parts = {&type_info<std::underlying_type_t<T>>()};
    if constexpr (requires { EnumNames<T>::values; }) {
      for (const auto& [value, name] : EnumNames<T>::values) {
        info.enum_names.push_back({static_cast<std::int64_t>(value), name});
      }
    }
  } else if constexpr (kKind == TypeKind::kCustom) {
    if constexpr (requires { std::string_view(Serializer<T>::name); }) {
      info.name = Serializer<T>::name;
    } else {
      info.name = type_name<T>();
    }
    info.skip = [](ByteReader& in) {
      ArenaList arenas;
      TextMaker text(arenas, 64);
      (void)Serializer<T>::decode(in, text);
    };
  } else {
    add_parts<T>(info);
  }
  if constexpr (kKind == TypeKind::kDuration) {
    info.numerator = T::period::num;
    info.denominator = T::period::den;
  } else if constexpr (kKind == TypeKind::kArray) {
    info.numerator = static_cast<std::int64_t>(std::tuple_size_v<T>);
  }
  return info;
}

template <class T>
std::ostream& print_value(std::ostream& out, const T& value) {
  print(out, value);
  return out;
}

}  // namespace detail

template <class T>
const TypeInfo& type_info() {
  detail::check_describable<T>();
  if constexpr (Describable<T>) {
    static const TypeInfo info = detail::make_type_info<T>();
    return info;
  } else {
    static const TypeInfo none;
    return none;
  }
}

}  // namespace weir
