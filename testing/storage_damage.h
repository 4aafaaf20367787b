// SPDX-License-Identifier: Apache-2.0
// Damage to files at rest: what a medium, a bad copy or a person does to them.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/file_store.h"
#include "base/rng.h"

namespace weir {

enum class DamageKind {
  kBitFlip,
  kTruncation,
  kZeroBlock,
  kSwap,  ///< with another file: each has the other's content
  kDeletion,
  kStaleCopy,  ///< the content of another file, which an earlier checkpoint had in this place
};
inline constexpr DamageKind kDamageKinds[] = {DamageKind::kBitFlip,   DamageKind::kTruncation,
                                              DamageKind::kZeroBlock, DamageKind::kSwap,
                                              DamageKind::kDeletion,  DamageKind::kStaleCopy};

std::string_view to_string(DamageKind kind);

/// What was done to which files.
struct Damage {
  DamageKind kind = DamageKind::kBitFlip;
  /// The files that are not what they were, with what they held.
  std::map<std::string, std::string> before;
  /// True if `text` has the path of one of the files.
  bool is_named_in(std::string_view text) const;
};

/// Damages `victim`. `other` is the file to swap it with or to copy over it; the other kinds do
/// not look at it. None if that would change nothing: an empty file, an equal one.
///
/// Requires: both are there. Afterwards everything is durable.
std::optional<Damage> damage_file(FileStore& files, DamageKind kind, const std::string& victim,
                                  const std::string& other, Rng& rng);

/// Puts back what was there.
void undo(FileStore& files, const Damage& damage);

}  // namespace weir
