// SPDX-License-Identifier: Apache-2.0
// ByteWriter and ByteReader: fixed and varint coding, little endian. What every format is made of.
#pragma once

#include <bit>
#include <concepts>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>

#include "base/status.h"

namespace weir {

static_assert(std::endian::native == std::endian::little, "the codecs copy integers as they lie");

/// Bytes that somebody else owns. An alias, so that text and bytes need no conversion.
using ByteView = std::string_view;

/// Thrown when bytes do not decode: kDataLoss, with the offset at which reading failed.
class DecodeError : public StatusError {
 public:
  DecodeError(const std::string& what, std::size_t offset)
      : StatusError(data_loss(what + ": offset=" + std::to_string(offset))), offset_(offset) {}
  std::size_t offset() const { return offset_; }

 private:
  std::size_t offset_;
};

namespace detail {
[[noreturn]] void throw_truncated(std::size_t offset, std::size_t needed, std::size_t available);
[[noreturn]] void throw_bad_varint(std::size_t offset);
}  // namespace detail

/// The most bytes a varint takes.
inline constexpr std::size_t kVarintBytesMax = 10;

constexpr std::uint64_t zigzag_encode(std::int64_t value) {
  return (static_cast<std::uint64_t>(value) << 1) ^ static_cast<std::uint64_t>(value >> 63);
}
constexpr std::int64_t zigzag_decode(std::uint64_t value) {
  return static_cast<std::int64_t>((value >> 1) ^ (~(value & 1) + 1));
}

/// Returns how many bytes put_varint64 writes.
constexpr std::size_t varint_length(std::uint64_t value) {
  return (static_cast<std::size_t>(std::bit_width(value | 1)) + 6) / 7;
}

/// Appends encoded values to a string that it owns.
///
/// Thread: a value; one thread at a time.
class ByteWriter {
 public:
  ByteWriter() = default;
  /// Appends to `buffer`; its capacity is reused.
  explicit ByteWriter(std::string buffer) : buffer_(std::move(buffer)) {}

  void put_u8(std::uint8_t value) { buffer_.push_back(static_cast<char>(value)); }
  void put_fixed16(std::uint16_t value) { put_fixed(value); }
  void put_fixed32(std::uint32_t value) { put_fixed(value); }
  void put_fixed64(std::uint64_t value) { put_fixed(value); }
  /// The bits of the number, so that -0.0 and every NaN come back as they were.
  void put_double(double value) { put_fixed(std::bit_cast<std::uint64_t>(value)); }
  void put_float(float value) { put_fixed(std::bit_cast<std::uint32_t>(value)); }

  /// Seven bits per byte, low ones first.
  void put_varint64(std::uint64_t value) {
    if (value < 0x80) [[likely]] {
      put_u8(static_cast<std::uint8_t>(value));
      return;
    }
    char bytes[kVarintBytesMax];
    std::size_t length = 0;
    for (; value >= 0x80; value >>= 7) {
      bytes[length++] = static_cast<char>(value | 0x80);
    }
    bytes[length++] = static_cast<char>(value);
    buffer_.append(bytes, length);
  }
  void put_varint32(std::uint32_t value) { put_varint64(value); }

  /// A signed number, short when it is near zero.
  void put_zigzag(std::int64_t value) { put_varint64(zigzag_encode(value)); }

  /// The bytes alone.
  void put_bytes(ByteView bytes) { buffer_.append(bytes); }

  /// The length as a varint, then the bytes.
  void put_string(ByteView bytes) {
    put_varint64(bytes.size());
    buffer_.append(bytes);
  }

  /// Overwrites four bytes written before, for a length that is known only afterwards.
  /// Requires: offset + 4 <= size().
  void set_fixed32(std::size_t offset, std::uint32_t value) {
    WEIR_CHECK_LE(offset + sizeof(value), buffer_.size());
    std::memcpy(buffer_.data() + offset, &value, sizeof(value));
  }

  std::size_t size() const { return buffer_.size(); }
  bool is_empty() const { return buffer_.empty(); }
  ByteView view() const { return buffer_; }
  void reserve(std::size_t bytes) { buffer_.reserve(bytes); }
  void clear() { buffer_.clear(); }
  /// Gives the string away; the writer is empty afterwards.
  std::string take() { return std::exchange(buffer_, std::string()); }

 private:
  template <std::unsigned_integral T>
  void put_fixed(T value) {
    char bytes[sizeof(T)];
    std::memcpy(bytes, &value, sizeof(T));
    buffer_.append(bytes, sizeof(T));
  }

  std::string buffer_;
};

/// Reads what ByteWriter wrote. Every read is checked against the end.
///
/// Errors: DecodeError with the offset, for a read past the end and a malformed varint.
/// Thread:  a value; one thread at a time. The bytes must outlive the reader and what it returns.
class ByteReader {
 public:
  explicit ByteReader(ByteView bytes)
      : begin_(bytes.data()), position_(begin_), end_(begin_ + bytes.size()) {}

  std::uint8_t get_u8() {
    need(1);
    return static_cast<std::uint8_t>(*position_++);
  }
  std::uint16_t get_fixed16() { return get_fixed<std::uint16_t>(); }
  std::uint32_t get_fixed32() { return get_fixed<std::uint32_t>(); }
  std::uint64_t get_fixed64() { return get_fixed<std::uint64_t>(); }
  double get_double() { return std::bit_cast<double>(get_fixed<std::uint64_t>()); }
  float get_float() { return std::bit_cast<float>(get_fixed<std::uint32_t>()); }

  /// Refuses more than 64 bits and padding with needless zero bytes: one number, one encoding.
  std::uint64_t get_varint64() {
    if (position_ != end_ && static_cast<std::uint8_t>(*position_) < 0x80) [[likely]] {
      return static_cast<std::uint8_t>(*position_++);
    }
    return get_long_varint();
  }
  std::uint32_t get_varint32() {
    const std::size_t start = offset();
    const std::uint64_t value = get_varint64();
    if (value > UINT32_MAX) [[unlikely]] {
      detail::throw_bad_varint(start);
    }
    return static_cast<std::uint32_t>(value);
  }
  std::int64_t get_zigzag() { return zigzag_decode(get_varint64()); }

  /// Returns the next `length` bytes, as they lie in the input.
  ByteView get_bytes(std::uint64_t length) {
    need(length);
    const ByteView bytes(position_, static_cast<std::size_t>(length));
    position_ += length;
    return bytes;
  }
  /// A varint length and that many bytes.
  ByteView get_string() { return get_bytes(get_varint64()); }

  /// Throws unless at least `length` bytes remain: before a loop that allocates per element.
  void need(std::uint64_t length) const {
    if (length > remaining()) [[unlikely]] {
      detail::throw_truncated(offset(), static_cast<std::size_t>(length), remaining());
    }
  }

  std::size_t offset() const { return static_cast<std::size_t>(position_ - begin_); }
  std::size_t remaining() const { return static_cast<std::size_t>(end_ - position_); }
  bool is_at_end() const { return position_ == end_; }
  /// The unread rest, without reading it.
  ByteView rest() const { return ByteView(position_, remaining()); }

 private:
  template <std::unsigned_integral T>
  T get_fixed() {
    need(sizeof(T));
    T value;
    std::memcpy(&value, position_, sizeof(T));
    position_ += sizeof(T);
    return value;
  }

  std::uint64_t get_long_varint();

  const char* begin_;
  const char* position_;
  const char* end_;
};

}  // namespace weir
