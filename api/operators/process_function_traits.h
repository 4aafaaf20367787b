// SPDX-License-Identifier: Apache-2.0
// What keyed process functions must look like: the types they name and the members they have.
#pragma once

#include <weir/functions.h>

#include <concepts>
#include <type_traits>

namespace weir::detail {

/// The types that a process function's base names.
template <class KeyT, class InT, class OutT>
struct ProcessTypes {
  using Key = KeyT;
  using In = InT;
  using Out = OutT;
};
// By conversion, not by the names of members, which a user may hide.
template <class Key, class In, class Out>
ProcessTypes<Key, In, Out> process_types_of(const KeyedProcessFunction<Key, In, Out>*);

template <class F>
concept ProcessFunctionClass = requires(const F* function) { process_types_of(function); };
template <class F>
using ProcessTypesOf = decltype(process_types_of(static_cast<const F*>(nullptr)));

// Finds whether a class has a member of some name, whatever its type: with a second one beside it
// the name is ambiguous. Final classes cannot be asked.
#define WEIR_HAS_MEMBER(name)                                  \
  struct Probe_##name {                                        \
    int name;                                                  \
  };                                                           \
  template <class F>                                           \
  struct Both_##name : F, Probe_##name {};                     \
  template <class F>                                           \
  constexpr bool has_member_##name() {                         \
    if constexpr (std::is_final_v<F> || !std::is_class_v<F>) { \
      return false;                                            \
    } else {                                                   \
      return !requires { &Both_##name<F>::name; };             \
    }                                                          \
  }
WEIR_HAS_MEMBER(declare)
WEIR_HAS_MEMBER(open)
WEIR_HAS_MEMBER(on_timer)
#undef WEIR_HAS_MEMBER

template <class F, class Key>
concept HasDeclare = requires(F& function, States<Key>& states) { function.declare(states); };
template <class F>
concept HasOpen = requires(F& function, OpenContext& context) { function.open(context); };
template <class F, class Key, class Out>
concept HasOnTimer = requires(F& function, const Timer& timer, KeyedContext<Key>& context,
                              Output<Out>& out) { function.on_timer(timer, context, out); };

template <class F, class T, class Key, class Out>
concept ProcessMember = requires(F& function, const T& row, KeyedContext<Key>& context,
                                 Output<Out>& out) { function.process(row, context, out); };
template <class F, class T, class Key, class Out>
concept ProcessLambda =
    std::copy_constructible<F> && std::invocable<F&, const T&, KeyedContext<Key>&, Output<Out>&>;

template <class F, class T, class Key, class Out>
constexpr bool check_optional_members() {
  constexpr bool kDeclare = !has_member_declare<F>() || HasDeclare<F, Key>;
  constexpr bool kOpen = !has_member_open<F>() || HasOpen<F>;
  constexpr bool kOnTimer = !has_member_on_timer<F>() || HasOnTimer<F, Key, Out>;
  static_assert(kDeclare,
                "weir: declare cannot be called: it must be `void declare(States&)`, "
                "public, in a weir::KeyedProcessFunction");
  static_assert(kOpen, "weir: open cannot be called: it must be `void open(OpenContext&)`, public");
  static_assert(kOnTimer,
                "weir: on_timer cannot be called: it must be `void on_timer(const "
                "Timer&, Context&, Output&)`, public");
  return kDeclare && kOpen && kOnTimer;
}

/// Checks a class derived from KeyedProcessFunction against the stream it is used on.
template <class F, class T, class Key>
constexpr bool check_process_class() {
  static_assert(ProcessFunctionClass<F>,
                "weir: process(id, function) takes a class derived from "
                "weir::KeyedProcessFunction<Key, In, Out>; for a lambda write "
                "process<Out>(id, [](const In&, auto& context, auto& out) {...})");
  if constexpr (ProcessFunctionClass<F>) {
    using Types = ProcessTypesOf<F>;
    constexpr bool kKey = std::same_as<typename Types::Key, Key>;
    constexpr bool kIn = std::same_as<typename Types::In, T>;
    static_assert(std::same_as<typename Types::Key, Key>,
                  "weir: the function's Key is not the type that the stream is keyed by");
    static_assert(std::same_as<typename Types::In, T>,
                  "weir: the function's In is not the record type of the stream");
    if constexpr (kKey && kIn) {
      using Out = typename Types::Out;
      static_assert(ProcessMember<F, T, Key, Out>,
                    "weir: a process function needs a public `void process(const In&, Context&, "
                    "Output&)`");
      static_assert(std::copy_constructible<F>,
                    "weir: a process function is copied for each subtask: make it copyable");
      return ProcessMember<F, T, Key, Out> && std::copy_constructible<F> && check_row<Out>() &&
             check_optional_members<F, T, Key, Out>();
    }
  }
  return false;
}

template <class F, class T, class Key, class Out>
constexpr bool check_process_lambda() {
  static_assert(ProcessLambda<F, T, Key, Out>,
                "weir: process<Out>(id, f) takes a copyable function f(const Record&, auto& "
                "context, auto& out), where Record is the stream's type");
  return ProcessLambda<F, T, Key, Out> && check_row<Out>();
}

}  // namespace weir::detail
