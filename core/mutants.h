// SPDX-License-Identifier: Apache-2.0
// Planted bugs, one per class of docs/TESTING.md, that the simulator must find. They exist only in
// builds with WEIR_MUTANTS; elsewhere each switch is the constant false.
#pragma once

namespace weir {

/// One planted bug.
enum class Mutant {
  kNone,
  kB1,
  kB2,
  kB5,
  kB6,
  kB7,
  kB8,
  kB9,
  kB10,
  kB11,
  kB15,
  kB16,
  kB17,
  kB18,
  kB19,
  kB20,
  kB21,
  kB22,
  kB23,
  kB24,
  kB25,
  kB26,
  kB27,
  kB28,
  kB29,
  kB36
};

}  // namespace weir

#ifdef WEIR_MUTANTS
namespace weir::mutants {
/// The bug that is on in this process. Set before the simulation starts, by its thread.
inline Mutant active = Mutant::kNone;
inline bool is_on(Mutant mutant) { return active == mutant; }
}  // namespace weir::mutants
#define WEIR_MUTANT(name) (::weir::mutants::is_on(::weir::Mutant::k##name))
#else
#define WEIR_MUTANT(name) false
#endif
