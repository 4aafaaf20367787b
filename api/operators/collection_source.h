// SPDX-License-Identifier: Apache-2.0
// CollectionSource: records that the program holds, as a source with a single split.
#pragma once

#include <charconv>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/source.h"
#include "core/state_text.h"

namespace weir::detail {

/// Hands out the one split there is.
class SingleSplitEnumerator final : public SplitEnumerator {
 public:
  void open(OperatorContext&, const std::optional<std::string>& restored) override {
    is_given_ = restored == "given";
  }
  std::optional<SourceSplit> next_split(SubtaskIndex) override {
    if (is_given_) return std::nullopt;
    is_given_ = true;
    return SourceSplit{"all", "0"};
  }
  bool is_exhausted() const override { return is_given_; }
  std::string snapshot() const override { return is_given_ ? "given" : "new"; }

 private:
  bool is_given_ = false;
};

/// Rows and the text they hold. Shared by the readers of all subtasks, which only read.
template <class T>
struct Collection {
  explicit Collection(std::vector<T> all) : rows(std::move(all)) {
    for (T& row : rows) text.keep(row);
  }
  std::vector<T> rows;
  StateTextFor<T> text;
};

template <class T>
class CollectionReader final : public SourceReader<T> {
 public:
  explicit CollectionReader(std::shared_ptr<const Collection<T>> rows) : rows_(std::move(rows)) {}

  void open(OperatorContext&) override {}
  void add_split(SourceSplit split) override {
    std::size_t position = 0;
    std::from_chars(split.position.data(), split.position.data() + split.position.size(), position);
    position_ = position;
    is_begun_ = false;
  }
  ReadResult read(SourceOutput<T>& output, std::size_t max_records) override {
    if (!position_.has_value()) return ReadResult::kNoSplit;
    if (!is_begun_) output.begin_split(kSplit);
    is_begun_ = true;
    for (std::size_t i = 0; i < max_records && *position_ < rows_->rows.size(); ++i) {
      output.emit(rows_->rows[(*position_)++], EventTime::none());
    }
    if (*position_ < rows_->rows.size()) return ReadResult::kMore;
    output.end_split(kSplit);
    position_.reset();
    return ReadResult::kNoSplit;
  }
  std::vector<SourceSplit> snapshot() const override {
    if (!position_.has_value()) return {};
    return {{kSplit, std::to_string(*position_)}};
  }

 private:
  static constexpr const char* kSplit = "all";

  std::shared_ptr<const Collection<T>> rows_;
  // Of the split, while this reader has it.
  std::optional<std::size_t> position_;
  bool is_begun_ = false;
};

template <class T>
struct CollectionSource {
  using Row = T;
  std::shared_ptr<const Collection<T>> rows;

  std::vector<std::string> validate() const { return {}; }
  std::unique_ptr<SplitEnumerator> make_enumerator() const {
    return std::make_unique<SingleSplitEnumerator>();
  }
  std::unique_ptr<SourceReader<T>> make_reader() const {
    return std::make_unique<CollectionReader<T>>(rows);
  }
};

}  // namespace weir::detail
