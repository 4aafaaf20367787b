// SPDX-License-Identifier: Apache-2.0
// Times in front of stored values, and the sink that leaves expired entries out.
#include "core/time_to_live.h"

namespace weir {
namespace {

class UnexpiredSink final : public StateEntrySink {
 public:
  UnexpiredSink(StateEntrySink& sink, ProcessingTime expired_through,
                UnexpiredState::Contents contents)
      : sink_(sink), expired_through_(expired_through), contents_(contents) {}
  Status entry(std::uint32_t hash, ByteView key, ByteView value) override {
    if (!has_expired(value, expired_through_)) {
      return sink_.entry(hash, key, value);
    }
    return contents_ == UnexpiredState::Contents::kChanges ? sink_.erased(hash, key) : Status::ok();
  }
  Status erased(std::uint32_t hash, ByteView key) override { return sink_.erased(hash, key); }

 private:
  StateEntrySink& sink_;
  const ProcessingTime expired_through_;
  const UnexpiredState::Contents contents_;
};

}  // namespace

void put_update_time(ByteWriter& out, ProcessingTime time) {
  out.put_fixed64(static_cast<std::uint64_t>(time.millis()));
}

ProcessingTime get_update_time(ByteReader& in) {
  return ProcessingTime(static_cast<std::int64_t>(in.get_fixed64()));
}

void put_item_times(ByteWriter& out, const std::vector<ProcessingTime>& times) {
  const ProcessingTime newest = times.back();
  put_update_time(out, newest);
  out.put_varint64(times.size());
  for (const ProcessingTime time : times) {
    out.put_varint64(static_cast<std::uint64_t>((newest - time).count()));
  }
}

std::vector<ProcessingTime> get_item_times(ByteReader& in) {
  const ProcessingTime newest = get_update_time(in);
  const std::uint64_t count = in.get_varint64();
  in.need(count);
  if (count == 0) {
    throw DecodeError("a list without items", in.offset());
  }
  std::vector<ProcessingTime> times;
  times.reserve(static_cast<std::size_t>(count));
  ProcessingTime last = ProcessingTime::min();
  for (std::uint64_t i = 0; i < count; ++i) {
    const std::uint64_t age = in.get_varint64();
    const bool is_age = age <= static_cast<std::uint64_t>(Duration::max().count());
    const ProcessingTime time = newest - Duration(is_age ? static_cast<std::int64_t>(age) : 0);
    if (!is_age || (time < last && !newest.is_none())) {
      throw DecodeError("ages of items out of order", in.offset());
    }
    times.push_back(time);
    last = time;
  }
  if (times.back() != newest) {
    throw DecodeError("the last item is not the newest", in.offset());
  }
  return times;
}

std::vector<ProcessingTime> get_update_times(StateKind kind, ByteReader& in) {
  return kind == StateKind::kList ? get_item_times(in)
                                  : std::vector<ProcessingTime>{get_update_time(in)};
}

bool has_expired(ByteView value, ProcessingTime expired_through) {
  ByteReader in(value);
  return get_update_time(in) <= expired_through;
}

Status UnexpiredState::write(StateEntrySink& sink) {
  UnexpiredSink unexpired(sink, expired_through_, contents_);
  return state_->write(unexpired);
}

}  // namespace weir
