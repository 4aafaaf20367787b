// SPDX-License-Identifier: Apache-2.0
// FiredWatermarks: cutting ranges of hashes and joining them again.
#include "api/operators/fired_watermark.h"

#include <algorithm>
#include <utility>

#include "base/bytes.h"

namespace weir {

// Writes one entry per piece: first hash, end, and the watermark.
class FiredWatermarks::Frozen final : public FrozenState {
 public:
  Frozen(std::vector<Piece> pieces, std::uint64_t end) : pieces_(std::move(pieces)), end_(end) {}
  Status write(StateEntrySink& sink) override {
    for (std::size_t i = 0; i < pieces_.size(); ++i) {
      ByteWriter value;
      value.put_varint64(pieces_[i].first);
      value.put_varint64(i + 1 < pieces_.size() ? pieces_[i + 1].first : end_);
      value.put_zigzag(pieces_[i].fired.millis());
      WEIR_RETURN_IF_ERROR(sink.entry(static_cast<std::uint32_t>(i), ByteView(), value.view()));
    }
    return Status::ok();
  }

 private:
  std::vector<Piece> pieces_;
  std::uint64_t end_;
};

FiredWatermarks::FiredWatermarks(HashRange range, std::string name)
    : descriptor_{std::move(name), StateKind::kOperator, StateDistribution::kUnion, "",
                  "tuple<uint64,uint64,event_time>"},
      range_(range),
      pieces_{{range.first, EventTime::none()}} {}

void FiredWatermarks::advance(EventTime watermark) {
  if (pieces_.size() == 1) {
    pieces_.front().fired = std::max(pieces_.front().fired, watermark);
  } else {
    raise(range_, watermark);
  }
}

EventTime FiredWatermarks::find(std::uint32_t hash) const {
  const auto after = std::upper_bound(
      pieces_.begin(), pieces_.end(), std::uint64_t{hash},
      [](std::uint64_t wanted, const Piece& piece) { return wanted < piece.first; });
  return after == pieces_.begin() ? EventTime::none() : std::prev(after)->fired;
}

void FiredWatermarks::cut_at(std::uint64_t hash) {
  const auto place = std::lower_bound(
      pieces_.begin(), pieces_.end(), hash,
      [](const Piece& piece, std::uint64_t wanted) { return piece.first < wanted; });
  if (place == pieces_.begin() || hash >= range_.end ||
      (place != pieces_.end() && place->first == hash)) {
    return;
  }
  pieces_.insert(place, {hash, std::prev(place)->fired});
}

void FiredWatermarks::raise(HashRange range, EventTime watermark) {
  cut_at(range.first);
  cut_at(range.end);
  for (Piece& piece : pieces_) {
    if (piece.first >= range.first && piece.first < range.end) {
      piece.fired = std::max(piece.fired, watermark);
    }
  }
  pieces_.erase(std::unique(pieces_.begin(), pieces_.end(),
                            [](const Piece& a, const Piece& b) { return a.fired == b.fired; }),
                pieces_.end());
}

std::unique_ptr<FrozenState> FiredWatermarks::freeze(CheckpointId) {
  return std::make_unique<Frozen>(pieces_, range_.end);
}

void FiredWatermarks::restore(std::uint32_t, ByteView, ByteView value) {
  ByteReader in(value);
  HashRange range;
  range.first = in.get_varint64();
  range.end = in.get_varint64();
  const EventTime fired(in.get_zigzag());
  if (!in.is_at_end() || range.first > range.end || range.end > HashRange().end) {
    throw DecodeError("malformed fired watermark", in.offset());
  }
  range = {std::max(range.first, range_.first), std::min(range.end, range_.end)};
  if (range.first < range.end) {
    raise(range, fired);
  }
}

}  // namespace weir
