// SPDX-License-Identifier: Apache-2.0
// Format: how records become bytes and bytes records, without a word about where the bytes lie.
#pragma once

#include <concepts>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include "types/type_info.h"

namespace weir {

/// Bytes behind a record that a reader may look at although they do not belong to it.
inline constexpr std::size_t kReadPadding = 64;

/// A record that cannot be read or written. The record is lost, the reader can go on.
class RecordError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Reads records of one type.
///
/// Thread: a value; one thread at a time.
class FormatReader {
 public:
  virtual ~FormatReader() = default;

  /// Fills `record`, which is fresh, from the bytes of one record (without a line end).
  ///
  /// Fields that are not in the bytes stay as they are. Text is copied once, by `text`.
  /// Requires: `kReadPadding` bytes behind `bytes` can be read.
  /// Errors: RecordError that names the field and what was expected.
  virtual void read(std::string_view bytes, TextMaker& text, void* record) = 0;

  /// Whether the first line of each file is a header, to be given to `read_header` before a record
  /// of that file is read, wherever in the file reading starts.
  virtual bool has_header() const { return false; }
  /// Errors: RecordError.
  virtual void read_header(std::string_view line) { (void)line; }
};

/// Writes records of one type.
///
/// Thread: a value; one thread at a time.
class FormatWriter {
 public:
  virtual ~FormatWriter() = default;
  /// Appends one record with its line end. Errors: RecordError.
  virtual void write(const void* record, std::string& out) = 0;
  /// Appends what stands before the first record of a file, if anything.
  virtual void write_header(std::string& out) { (void)out; }
};

/// Makes readers and writers for any described type. Derive from it for a format of your own.
///
/// Thread: any; immutable.
class FormatFactory {
 public:
  virtual ~FormatFactory() = default;
  /// Says why records of this type have no such format; empty if they have.
  virtual std::string mistake(const TypeInfo& type) const = 0;
  /// Requires: no mistake. `type` lives for ever.
  virtual std::unique_ptr<FormatReader> make_reader(const TypeInfo& type) const = 0;
  virtual std::unique_ptr<FormatWriter> make_writer(const TypeInfo& type) const = 0;
};

/// A format for any type: what `weir::json()` and its like return. Converts to every Format<T>.
using AnyFormat = std::shared_ptr<const FormatFactory>;

/// Reads records of type T: a FormatReader with its type.
template <class T>
class RecordReader {
 public:
  explicit RecordReader(std::unique_ptr<FormatReader> reader) : reader_(std::move(reader)) {}
  /// As FormatReader::read. Returns a fresh record.
  T read(std::string_view bytes, TextMaker& text) {
    T record{};
    reader_->read(bytes, text, &record);
    return record;
  }
  bool has_header() const { return reader_->has_header(); }
  void read_header(std::string_view line) { reader_->read_header(line); }

 private:
  std::unique_ptr<FormatReader> reader_;
};

/// Writes records of type T: a FormatWriter with its type.
template <class T>
class RecordWriter {
 public:
  explicit RecordWriter(std::unique_ptr<FormatWriter> writer) : writer_(std::move(writer)) {}
  void write(const T& record, std::string& out) { writer_->write(&record, out); }
  void write_header(std::string& out) { writer_->write_header(out); }

 private:
  std::unique_ptr<FormatWriter> writer_;
};

/// The format option of sources and sinks: `.format = weir::json()`. Empty until it is set.
///
/// Thread: a value; copies share an immutable factory.
template <class T>
class Format {
 public:
  Format() = default;
  template <std::convertible_to<AnyFormat> F>
  Format(F factory) : factory_(std::move(factory)) {}

  /// Says what is wrong with the option, for the list that execute() reports; empty if nothing is.
  std::string mistake() const {
    return factory_ == nullptr ? "format is not set, e.g. .format = weir::json()"
                               : factory_->mistake(type_info<T>());
  }
  /// Requires: no mistake.
  RecordReader<T> make_reader() const {
    return RecordReader<T>(factory_->make_reader(type_info<T>()));
  }
  RecordWriter<T> make_writer() const {
    return RecordWriter<T>(factory_->make_writer(type_info<T>()));
  }

 private:
  AnyFormat factory_;
};

}  // namespace weir
