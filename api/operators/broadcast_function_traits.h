// SPDX-License-Identifier: Apache-2.0
// What functions of a broadcast stream must look like.
#pragma once

#include <weir/broadcast_functions.h>

#include <concepts>
#include <type_traits>

#include "api/operators/process_function_traits.h"

namespace weir::detail {

/// The types that a function's base names; a function without keys has none.
template <class KeyT, class InT, class BroadcastT, class OutT>
struct BroadcastTypes {
  using Key = KeyT;
  using In = InT;
  using Broadcast = BroadcastT;
  using Out = OutT;
};
template <class Key, class In, class B, class Out>
BroadcastTypes<Key, In, B, Out> broadcast_types_of(
    const KeyedBroadcastProcessFunction<Key, In, B, Out>*);
template <class In, class B, class Out>
BroadcastTypes<void, In, B, Out> broadcast_types_of(const BroadcastProcessFunction<In, B, Out>*);

template <class F>
concept BroadcastFunctionClass = requires(const F* function) { broadcast_types_of(function); };
template <class F>
using BroadcastTypesOf = decltype(broadcast_types_of(static_cast<const F*>(nullptr)));

template <class F, class B, class Out>
concept ProcessBroadcastMember =
    requires(F& function, const B& row, BroadcastContext& context, Output<Out>& out) {
      function.process_broadcast(row, context, out);
    };
template <class F, class T, class Out>
concept PlainProcessMember = requires(F& function, const T& row, RecordContext& context,
                                      Output<Out>& out) { function.process(row, context, out); };
template <class F>
concept HasPlainDeclare =
    requires(F& function, OperatorStates& states) { function.declare(states); };

/// Checks what both kinds of functions have in common.
template <class F, class T, class B>
constexpr bool check_broadcast_types() {
  using Types = BroadcastTypesOf<F>;
  constexpr bool kIn = std::same_as<typename Types::In, T>;
  constexpr bool kBroadcast = std::same_as<typename Types::Broadcast, B>;
  static_assert(kIn, "weir: the function's In is not the record type of the stream");
  static_assert(kBroadcast,
                "weir: the function's Broadcast is not the record type of the broadcast stream");
  if constexpr (kIn && kBroadcast) {
    constexpr bool kMember = ProcessBroadcastMember<F, B, typename Types::Out>;
    static_assert(kMember,
                  "weir: a function of a broadcast stream needs a public `void "
                  "process_broadcast(const Broadcast&, BroadcastContext&, Output&)`");
    static_assert(std::copy_constructible<F>,
                  "weir: a process function is copied for each subtask: make it copyable");
    return kMember && std::copy_constructible<F> && check_row<typename Types::Out>();
  }
  return false;
}

/// Checks a function of a keyed stream of T, keyed by Key, and a broadcast stream of B.
template <class F, class T, class Key, class B>
constexpr bool check_keyed_broadcast_class() {
  constexpr bool kKeyed = requires {
    requires BroadcastFunctionClass<F>;
    requires !std::is_void_v<typename BroadcastTypesOf<F>::Key>;
  };
  static_assert(kKeyed,
                "weir: process(id, function) behind key_by(...) and connect(...) takes a class "
                "derived from weir::KeyedBroadcastProcessFunction<Key, In, Broadcast, Out>");
  if constexpr (kKeyed) {
    using Types = BroadcastTypesOf<F>;
    using Out = typename Types::Out;
    constexpr bool kKey = std::same_as<typename Types::Key, Key>;
    static_assert(kKey, "weir: the function's Key is not the type that the stream is keyed by");
    if constexpr (kKey && check_broadcast_types<F, T, B>()) {
      static_assert(ProcessMember<F, T, Key, Out>,
                    "weir: a process function needs a public `void process(const In&, Context&, "
                    "Output&)`");
      return ProcessMember<F, T, Key, Out> && check_optional_members<F, T, Key, Out>();
    }
  }
  return false;
}

/// Checks a function of a stream of T and a broadcast stream of B.
template <class F, class T, class B>
constexpr bool check_broadcast_class() {
  constexpr bool kPlain = requires {
    requires BroadcastFunctionClass<F>;
    requires std::is_void_v<typename BroadcastTypesOf<F>::Key>;
  };
  static_assert(kPlain,
                "weir: process(id, function) behind connect(...) takes a class derived from "
                "weir::BroadcastProcessFunction<In, Broadcast, Out>; one with keyed state needs "
                "key_by(...) before connect(...)");
  if constexpr (kPlain) {
    using Out = typename BroadcastTypesOf<F>::Out;
    if constexpr (check_broadcast_types<F, T, B>()) {
      constexpr bool kMember = PlainProcessMember<F, T, Out>;
      constexpr bool kDeclare = !has_member_declare<F>() || HasPlainDeclare<F>;
      constexpr bool kOpen = !has_member_open<F>() || HasOpen<F>;
      static_assert(kMember,
                    "weir: a process function needs a public `void process(const In&, Context&, "
                    "Output&)`");
      static_assert(kDeclare,
                    "weir: declare cannot be called: it must be `void declare(States&)`, public");
      static_assert(kOpen,
                    "weir: open cannot be called: it must be `void open(OpenContext&)`, public");
      static_assert(!has_member_on_timer<F>(),
                    "weir: on_timer would never be called: timers are kept by key, so write "
                    "key_by(...) before connect(...)");
      return kMember && kDeclare && kOpen && !has_member_on_timer<F>();
    }
  }
  return false;
}

}  // namespace weir::detail
