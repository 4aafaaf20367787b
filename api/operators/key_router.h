// SPDX-License-Identifier: Apache-2.0
// KeyRouter: spreads batches over channels by key group, and fills their column of key hashes.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <new>
#include <utility>
#include <vector>

#include "core/key_group.h"
#include "core/program.h"
#include "core/router.h"
#include "types/key_codec.h"
#include "types/text.h"

namespace weir::detail {

/// Writes the hash of each row's key to `hashes`.
template <class T, class KeyBy>
[[gnu::always_inline]] inline void hash_keys(const KeyBy& key_of, const T* rows, std::size_t count,
                                             std::uint32_t* hashes) {
  for (std::size_t i = 0; i < count; ++i) hashes[i] = key_hash(key_of(rows[i]));
}

/// Whether nobody else holds the batch. Where another thread has just let go of it, taking and
/// dropping a reference orders its reads before our writes, which the count alone does not.
inline bool is_only_holder(const BatchPtr& batch) {
  if (batch.use_count() != 1) return false;
  const BatchPtr order = batch;
  return true;
}

/// Copies or moves the rows of each batch into one batch per channel.
///
/// Text stays where it is: the batches of all channels share the arenas of what came in. A batch
/// made of many small ones copies text instead of holding all their arenas.
///
/// Thread: the subtask's.
template <class T, class KeyBy>
class KeyRouter final : public Router {
 public:
  KeyRouter(KeyBy key_of, const RouterSetup& setup)
      : key_of_(std::move(key_of)), builders_(setup.consumer_parallelism.value()) {
    const MaxParallelism max = setup.consumer_max_parallelism;
    max_parallelism_ = max.value();
    channel_of_group_.resize(max.value());
    for (std::uint32_t group = 0; group < max.value(); ++group) {
      channel_of_group_[group] = static_cast<std::uint16_t>(
          subtask_of_key_group(KeyGroupId{group}, max, setup.consumer_parallelism).value());
    }
  }

  void consume(BatchPtr batch) override {
    if (batch->empty()) return;
    if (builders_.size() == 1) {
      send_whole(std::move(batch));
    } else if (is_only_holder(batch)) {
      scatter<Rows::kMayMove>(static_cast<TypedBatch<T>&>(*batch));
    } else {
      scatter<Rows::kConstant>(static_cast<TypedBatch<T>&>(*batch));
    }
  }

  void flush() override {
    for (std::size_t channel = 0; channel < builders_.size(); ++channel) send(channel);
  }

 private:
  static constexpr std::size_t kCapacity = TypedBatch<T>::kCapacity;
  // More arenas than this in one batch and text is copied instead of kept.
  static constexpr std::size_t kArenasKept = 8;
  enum class Rows { kConstant, kMayMove };

  struct Builder {
    std::shared_ptr<TypedBatch<T>> batch;
    TextMaker maker;
    // Whether text of the batch being scattered may stay where it is.
    bool keeps_text = false;
  };

  // With a single channel the batch goes as it is, if nobody else reads it.
  void send_whole(BatchPtr batch) {
    if (!is_only_holder(batch)) {
      scatter<Rows::kConstant>(static_cast<TypedBatch<T>&>(*batch));
      return;
    }
    send(0);
    auto& typed = static_cast<TypedBatch<T>&>(*batch);
    hash_keys(key_of_, typed.rows().data(), typed.size(), typed.make_keyed());
    sender_->send(ChannelIndex{0}, std::move(batch));
  }

  template <Rows kRows>
  void scatter(TypedBatch<T>& batch) {
    const std::size_t count = batch.size();
    T* const rows = batch.rows().data();
    hash_keys(key_of_, rows, count, hashes_.data());
    for (std::size_t i = 0; i < count; ++i) {
      channels_[i] = channel_of_group_[(std::uint64_t{hashes_[i]} * max_parallelism_) >> 32];
    }
    const EventTime* const times = batch.times().data();
    if constexpr (kHoldsText<T>) {
      for (Builder& builder : builders_) builder.keeps_text = false;
    }
    for (std::size_t i = 0; i < count; ++i) {
      Builder& builder = builders_[channels_[i]];
      if (builder.batch == nullptr) [[unlikely]]
        begin(builder);
      if constexpr (kRows == Rows::kMayMove) {
        builder.batch->append_keyed(hashes_[i], times[i], std::move(rows[i]));
      } else {
        builder.batch->append_keyed(hashes_[i], times[i], std::as_const(rows[i]));
      }
      if constexpr (kHoldsText<T>) adopt(builder, batch);
      if (builder.batch->full()) [[unlikely]]
        send(channels_[i]);
    }
  }

  void begin(Builder& builder) {
    builder.batch = std::make_shared<TypedBatch<T>>(TypedBatch<T>::Keyed::kYes);
    builder.keeps_text = false;
    builder.maker = TextMaker(builder.batch->arenas());
  }

  // Lets the last row's text stay in the arenas of `from`, or copies it.
  void adopt(Builder& builder, const Batch& from) {
    if (builder.keeps_text) return;
    T& row = builder.batch->rows().back();
    for_each_text(row, [&](Text& text) {
      if (text.is_self_contained() || builder.keeps_text) return;
      if (builder.batch->arenas().size() < kArenasKept) {
        builder.batch->arenas().add_all(from.arenas());
        builder.keeps_text = true;
      } else {
        text = builder.maker.text(text.view());
      }
    });
  }

  void send(std::size_t channel) {
    Builder& builder = builders_[channel];
    if (builder.batch == nullptr || builder.batch->empty()) return;
    std::shared_ptr<TypedBatch<T>> done = std::exchange(builder.batch, nullptr);
    sender_->send(ChannelIndex{static_cast<std::uint32_t>(channel)}, std::move(done));
  }

  KeyBy key_of_;
  std::uint32_t max_parallelism_ = 0;
  std::vector<std::uint16_t> channel_of_group_;
  std::vector<Builder> builders_;
  std::array<std::uint32_t, kCapacity> hashes_;
  std::array<std::uint16_t, kCapacity> channels_;
};

template <class T, class KeyBy>
RouterFactory key_router(const KeyBy& key_of) {
  return [key_of](const RouterSetup& setup) -> std::unique_ptr<Router> {
    return std::make_unique<KeyRouter<T, KeyBy>>(key_of, setup);
  };
}

}  // namespace weir::detail
