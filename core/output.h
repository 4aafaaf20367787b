// SPDX-License-Identifier: Apache-2.0
// Where an operator emits: collects rows into a batch and hands it on when it is full or flushed.
#pragma once

#include <concepts>
#include <algorithm>
#include <cstdint>
#include <memory>
#include <utility>

#include "core/batch.h"
#include "types/serializer.h"
#include "types/text.h"

namespace weir {

/// An output without its row type.
///
/// Thread: the subtask's.
class OutputPort {
 public:
  OutputPort() = default;
  virtual ~OutputPort() = default;
  OutputPort(const OutputPort&) = delete;
  OutputPort& operator=(const OutputPort&) = delete;

  /// Sets who takes the batches. Called once, before the operator is opened.
  void connect(BatchConsumer& consumer) { consumer_ = &consumer; }

  /// Hands on the rows collected so far. The chain calls it before a watermark, barrier or end
  /// passes, when input runs dry, and at the buffer timeout.
  virtual void flush() = 0;

  /// Rows emitted since the start of the attempt.
  std::uint64_t records_out() const { return records_out_; }

 protected:
  BatchConsumer* consumer_ = nullptr;
  std::uint64_t records_out_ = 0;
};

/// Collects rows of one type. `emit` always succeeds.
///
/// Text in an emitted row is kept where it is if it lies in an arena of the input batch, and copied
/// into this output's arena otherwise.
template <class T>
class Output final : public OutputPort {
 public:
  /// Emits with the event time of the record or timer that is being processed.
  void emit(const T& row) { emit_at(row, time_); }
  void emit(T&& row) { emit_at(std::move(row), time_); }
  template <class Other>
    requires(!std::convertible_to<const Other&, T>)
  void emit(const Other&) {
    static_assert(std::convertible_to<const Other&, T>,
                  "weir: this output takes rows of another type");
  }

  /// Emits with an event time of its own.
  template <class Row>
  void emit_at(Row&& row, EventTime time) {
    TypedBatch<T>& batch = room();
    T& added = batch.append(time, std::forward<Row>(row));
    if constexpr (kHoldsText<T>) adopt(added);
    ++records_out_;
    if (batch.full()) flush_full();
  }

  /// For loops that write rows straight into the batch (`detail::OutputCursor`): the batch, to be
  /// filled behind its last row and told so by `end_append(new size)`. Text in the rows is adopted.
  TypedBatch<T>& begin_append() { return room(); }
  void end_append(std::size_t size) {
    records_out_ += size - batch_->size();
    batch_->set_size(size);
    if (batch_->full()) flush_full();
  }
  /// Keeps the text of a row in the batch, or copies it into this output's arena.
  void adopt(T& row) {
    for_each_text(row, [this](Text& text) {
      if (text.is_self_contained()) return;
      if (input_ != nullptr && input_->arenas().contains(text.data())) {
        if (input_held_) return;
        if (batch_->arenas().size() < kArenasKept) {
          batch_->arenas().add_all(input_->arenas());
          input_held_ = true;
          return;
        }
      }
      if (!maker_.owns(text)) text = maker_.text(text.view());
    });
  }

  /// Makes text in this output's arena, valid in rows emitted through it.
  Text text(std::string_view value) { return maker().text(value); }
  template <class... Args>
  Text text(TextFormat<std::type_identity_t<Args>...> format, const Args&... args) {
    return maker().text(format, args...);
  }
  /// The maker behind `text`, for functions that take a `TextMaker&`.
  TextMaker& maker() {
    room();
    return maker_;
  }

  /// Begins a call: tells which batch's text may be kept by reference; null when there is none
  /// (timers, sources). Text made in earlier calls is no longer valid.
  void begin_input(const Batch* input) {
    input_ = input;
    input_held_ = false;
    if constexpr (kHoldsText<T>) made_before_.clear();
  }
  /// Sets the event time that `emit` uses.
  void set_time(EventTime time) { time_ = time; }
  EventTime time() const { return time_; }

  void flush() override {
    if (batch_ == nullptr || batch_->empty()) return;
    if constexpr (kHoldsText<T>) {
      // The next batch will hold about as much text: one chunk for it is quick to look through.
      if (batch_->full())
        text_bytes_ = std::min(maker_.bytes_used() * 9 / 8, Arena::kChunkBytesMax);
      compact_if_sparse();
    }
    std::shared_ptr<TypedBatch<T>> done = std::move(batch_);
    batch_.reset();
    input_held_ = false;
    maker_ = TextMaker{};
    consumer_->consume(std::move(done));
  }

 private:
  // More arenas than this in one batch and text is copied instead of kept.
  static constexpr std::size_t kArenasKept = 8;

  TypedBatch<T>& room() {
    if (batch_ == nullptr) {
      batch_ = std::make_shared<TypedBatch<T>>();
      if constexpr (kHoldsText<T>) maker_ = TextMaker{batch_->arenas(), text_bytes_};
    }
    return *batch_;
  }

  // The running call may emit text again that it made before the batch was full.
  void flush_full() {
    if constexpr (kHoldsText<T>) made_before_.add_all(batch_->arenas());
    flush();
  }

  // A batch with few rows must not pin large arenas.
  void compact_if_sparse() {
    if (batch_->size() * 4 > TypedBatch<T>::kCapacity || batch_->arenas().bytes() < 65536) return;
    ArenaList fresh;
    TextMaker maker{fresh};
    for (T& row : batch_->rows()) {
      for_each_text(row, [&maker](Text& text) {
        if (!text.is_self_contained()) text = maker.text(text.view());
      });
    }
    batch_->arenas() = std::move(fresh);
  }

  std::shared_ptr<TypedBatch<T>> batch_;
  const Batch* input_ = nullptr;
  bool input_held_ = false;
  EventTime time_ = EventTime::none();
  TextMaker maker_;
  std::size_t text_bytes_ = Arena::kFirstChunkBytesDefault;
  // Arenas of the batches that were filled since `begin_input`.
  ArenaList made_before_;
};

}  // namespace weir
