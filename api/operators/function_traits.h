// SPDX-License-Identifier: Apache-2.0
// What functions of a program must look like, each with our sentence for the programmer.
#pragma once

#include <concepts>
#include <functional>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>

#include "types/key_codec.h"
#include "types/text.h"
#include "types/type_kind.h"

namespace weir::detail {

/// What a wrong call returns: it takes every further call, so that one mistake gives one error.
struct Broken {
#define WEIR_BROKEN(method)                   \
  template <class... Explicit, class... Args> \
  Broken method(const Args&...) const {       \
    return {};                                \
  }
  WEIR_BROKEN(map)
  WEIR_BROKEN(filter)
  WEIR_BROKEN(flat_map)
  WEIR_BROKEN(key_by)
  WEIR_BROKEN(union_with)
  WEIR_BROKEN(rebalance)
  WEIR_BROKEN(broadcast)
  WEIR_BROKEN(connect)
  WEIR_BROKEN(set_parallelism)
  WEIR_BROKEN(set_max_parallelism)
  WEIR_BROKEN(slot_sharing_group)
  WEIR_BROKEN(disable_chaining)
  WEIR_BROKEN(start_new_chain)
  WEIR_BROKEN(side_output)
  WEIR_BROKEN(reduce)
  WEIR_BROKEN(process)
  WEIR_BROKEN(sorted_by_event_time)
  WEIR_BROKEN(window)
  WEIR_BROKEN(allowed_lateness)
  WEIR_BROKEN(late_to)
  WEIR_BROKEN(aggregate)
  WEIR_BROKEN(sink_to)
  WEIR_BROKEN(print)
  WEIR_BROKEN(put)
  WEIR_BROKEN(update)
  WEIR_BROKEN(remove)
  WEIR_BROKEN(clear)
#undef WEIR_BROKEN
};

/// False, but known only when T is.
template <class... T>
inline constexpr bool kNever = false;

/// A row type of a stream.
template <class T>
constexpr bool check_row() {
  static_assert(Describable<T>,
                "weir: the records of a stream need a description: write WEIR_RECORD(Type, field, "
                "...) beside the struct, or return a type that has one");
  return Describable<T>;
}

// Calls `f(row)` or `f(row, text)`, whichever it takes.
template <class F, class T>
concept PlainMap = std::invocable<F&, const T&>;
template <class F, class T>
concept TextMap = std::invocable<F&, const T&, TextMaker&>;

template <class F, class T>
[[gnu::always_inline]] inline decltype(auto) call_map(F& f, const T& row, TextMaker& text) {
  if constexpr (PlainMap<F, T>) {
    (void)text;
    return std::invoke(f, row);
  } else {
    return std::invoke(f, row, text);
  }
}
template <class F, class T>
using MapResult = std::remove_cvref_t<decltype(call_map(
    std::declval<F&>(), std::declval<const T&>(), std::declval<TextMaker&>()))>;

/// A member pointer or function from a record to a record of another type.
template <class F, class T>
concept MapFunction = std::copy_constructible<F> && (PlainMap<F, T> || TextMap<F, T>);
template <class F, class T>
constexpr bool check_map() {
  static_assert(MapFunction<F, T>,
                "weir: map(f) takes a copyable function f(const Record&), or f(const Record&, "
                "weir::TextMaker&) to make text, where Record is the stream's type");
  if constexpr (MapFunction<F, T>) {
    return check_row<MapResult<F, T>>();
  }
  return false;
}

template <class F, class T>
concept FilterFunction =
    std::copy_constructible<F> && std::invocable<F&, const T&> &&
    std::same_as<std::remove_cvref_t<std::invoke_result_t<F&, const T&>>, bool>;
template <class F, class T>
constexpr bool check_filter() {
  static_assert(FilterFunction<F, T>,
                "weir: filter(f) takes a copyable function f(const Record&) that returns bool, "
                "where Record is the stream's type");
  return FilterFunction<F, T>;
}

/// Stands for the output in checks of flat_map.
template <class Out>
struct AnyFlatMapOutput {
  void emit(const Out& row);
  template <class Other>
  void emit(const Other&) {
    static_assert(std::same_as<Other, Out>,
                  "weir: flat_map<Out>(...) emits rows of type Out; this is another type");
  }
  Text text(std::string_view);
  template <class... Args>
  Text text(TextFormat<std::type_identity_t<Args>...>, const Args&...);
};
template <class F, class T, class Out>
concept FlatMapFunction =
    std::copy_constructible<F> && std::invocable<F&, const T&, AnyFlatMapOutput<Out>&>;
template <class F, class T, class Out>
constexpr bool check_flat_map() {
  static_assert(FlatMapFunction<F, T, Out>,
                "weir: flat_map<Out>(f) takes a copyable function f(const Record&, auto& out) that "
                "calls out.emit(row), where Record is the stream's type");
  return FlatMapFunction<F, T, Out> && check_row<Out>();
}

template <class F, class T>
concept ReduceFunction = std::copy_constructible<F> && std::invocable<F&, const T&, const T&> &&
                         std::convertible_to<std::invoke_result_t<F&, const T&, const T&>, T>;
template <class F, class T>
constexpr bool check_reduce() {
  static_assert(ReduceFunction<F, T>,
                "weir: reduce(id, f) takes a copyable function f(const Record& so_far, const "
                "Record& next) that returns a Record, where Record is the stream's type");
  return ReduceFunction<F, T>;
}

/// A member pointer or function from a record to its key or a part of it.
template <class F, class T>
concept KeyFunction = std::copy_constructible<F> && std::invocable<const F&, const T&> &&
                      !std::is_void_v<std::invoke_result_t<const F&, const T&>>;
template <class F, class T>
using KeyPartOf = std::remove_cvref_t<std::invoke_result_t<const F&, const T&>>;

template <class F, class T>
constexpr bool check_key_part() {
  static_assert(KeyFunction<F, T>,
                "weir: key_by(...) takes members of the record, such as &Transaction::account, or "
                "functions f(const Record&) that return a key, where Record is the stream's type");
  if constexpr (KeyFunction<F, T>) {
    static_assert(KeyType<KeyPartOf<F, T>>,
                  "weir: this cannot be a key: a key is an integer, bool, float, enum, string, "
                  "weir::Text, time or duration, or an optional, variant, pair, tuple, array or "
                  "WEIR_RECORD of such types");
    return KeyType<KeyPartOf<F, T>>;
  }
  return false;
}

/// Takes the key out of a record: one part as it is, several as a tuple.
template <class T, class... Parts>
class KeySelector;
template <class T, class Part>
class KeySelector<T, Part> {
 public:
  using Key = KeyPartOf<Part, T>;
  explicit KeySelector(Part part) : part_(std::move(part)) {}
  /// By reference where the key is a member of the record.
  [[gnu::always_inline]] decltype(auto) operator()(const T& row) const {
    return std::invoke(part_, row);
  }

 private:
  Part part_;
};
template <class T, class First, class Second, class... Rest>
class KeySelector<T, First, Second, Rest...> {
 public:
  using Key = std::tuple<KeyPartOf<First, T>, KeyPartOf<Second, T>, KeyPartOf<Rest, T>...>;
  explicit KeySelector(First first, Second second, Rest... rest)
      : parts_(std::move(first), std::move(second), std::move(rest)...) {}
  [[gnu::always_inline]] Key operator()(const T& row) const {
    return std::apply([&row](const auto&... parts) { return Key(std::invoke(parts, row)...); },
                      parts_);
  }

 private:
  std::tuple<First, Second, Rest...> parts_;
};

/// An address that stands for a type.
template <class T>
const void* type_address() {
  static constexpr char kAddress = 0;
  return &kAddress;
}

}  // namespace weir::detail
