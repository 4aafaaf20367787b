// SPDX-License-Identifier: Apache-2.0
// Six ways to change a file, and the way back.
#include "testing/storage_damage.h"

#include <algorithm>
#include <cstddef>

#include "base/check.h"

namespace weir {
namespace {

constexpr std::size_t kBlockBytesMax = 4096;

std::string content_of(FileStore& files, const std::string& path) {
  Result<std::string> content = read_file(files, path);
  WEIR_CHECK(content.is_ok());
  return std::move(content).value();
}

void replace(FileStore& files, const std::string& path, std::string_view content) {
  WEIR_CHECK(write_file_atomically(files, path + ".aside", path, content).is_ok());
}

// The content of one file after damage that needs no other.
std::string damaged(std::string content, DamageKind kind, Rng& rng) {
  if (kind == DamageKind::kTruncation) {
    content.resize(rng.uniform(content.size()));
  } else if (kind == DamageKind::kZeroBlock) {
    const std::size_t begin = rng.uniform(content.size());
    const std::size_t size = 1 + rng.uniform(kBlockBytesMax);
    std::fill_n(content.begin() + static_cast<std::ptrdiff_t>(begin),
                std::min(size, content.size() - begin), '\0');
  } else {
    content[rng.uniform(content.size())] ^= static_cast<char>(1U << rng.uniform(8));
  }
  return content;
}

}  // namespace

std::string_view to_string(DamageKind kind) {
  switch (kind) {
    case DamageKind::kBitFlip: return "bit flip";
    case DamageKind::kTruncation: return "truncation";
    case DamageKind::kZeroBlock: return "zero block";
    case DamageKind::kSwap: return "swap";
    case DamageKind::kDeletion: return "deletion";
    case DamageKind::kStaleCopy: return "stale copy";
  }
  WEIR_UNREACHABLE();
}

bool Damage::is_named_in(std::string_view text) const {
  return std::any_of(before.begin(), before.end(), [text](const auto& each) {
    return text.find(each.first) != std::string_view::npos;
  });
}

std::optional<Damage> damage_file(FileStore& files, DamageKind kind, const std::string& victim,
                                  const std::string& other, Rng& rng) {
  Damage damage{kind, {{victim, content_of(files, victim)}}};
  const std::string& content = damage.before.at(victim);
  if (kind == DamageKind::kDeletion) {
    WEIR_CHECK(files.remove(victim).is_ok());
    WEIR_CHECK(files.sync_directory(parent_directory(victim)).is_ok());
    return damage;
  }
  if (kind == DamageKind::kSwap || kind == DamageKind::kStaleCopy) {
    std::string theirs = content_of(files, other);
    if (theirs == content) return std::nullopt;
    replace(files, victim, theirs);
    if (kind == DamageKind::kSwap) {
      replace(files, other, content);
      damage.before.emplace(other, std::move(theirs));
    }
    return damage;
  }
  if (content.empty()) return std::nullopt;
  const std::string changed = damaged(content, kind, rng);
  if (changed == content) return std::nullopt;
  replace(files, victim, changed);
  return damage;
}

void undo(FileStore& files, const Damage& damage) {
  for (const auto& [path, content] : damage.before) replace(files, path, content);
}

}  // namespace weir
