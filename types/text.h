// SPDX-License-Identifier: Apache-2.0
// Text: the field type for text, which lives with its batch. TextMaker: what makes it.
#pragma once

#include <bit>
#include <compare>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <initializer_list>
#include <iosfwd>
#include <string>
#include <string_view>
#include <type_traits>

#include "base/time.h"
#include "types/arena.h"

namespace weir {

class Text;

namespace detail {
template <class S>
concept StringLike = std::convertible_to<const std::remove_reference_t<S>&, std::string_view> &&
                     !std::same_as<std::remove_cvref_t<S>, Text>;
// What only the text maker may turn into Text: strings, views, pointers and arrays that change.
template <class S>
concept MayDie = StringLike<S> && !(std::is_array_v<std::remove_reference_t<S>> &&
                                    std::is_const_v<std::remove_reference_t<S>>);
}  // namespace detail

/// Text that lives with its batch: 16 bytes, trivially copyable, never allocates.
///
/// Up to 12 bytes lie inside, longer text lies in an arena or is a literal. It is valid until the
/// call that received it returns; what must last longer goes into state, a `weir::Owned<T>` or a
/// `std::string`. Literals convert to it; anything else goes through a `TextMaker`, for instance
/// `out.text(s)`. A named Text converts to `std::string_view`, a temporary one does not, because
/// its inner bytes die with it. Comparison is by bytes.
class alignas(8) Text {
 public:
  static constexpr std::size_t kInlineBytes = 12;
  static constexpr std::size_t kBytesMax = 0x7FFFFFFF;

  constexpr Text() = default;

  /// From a literal, which lives for ever.
  template <std::size_t N>
  consteval Text(const char (&literal)[N]) : Text(literal, N - 1, kStaticBit) {
    static_assert(N - 1 <= kBytesMax, "weir: this literal is too long for a Text");
  }

  /// Not from text that may die. Never compiles.
  template <detail::MayDie S>
  constexpr Text(S&&) {
    static_assert(!detail::MayDie<S>,
                  "weir: a Text is not made from a string that may die: write out.text(s), or "
                  "text.text(s) with a second parameter weir::TextMaker& text; literals convert");
  }

  /// Points at memory that the caller keeps alive as long as the Text and all its copies.
  /// For connectors and state; a view of a local is a dangling Text. Short text is copied inside.
  ///
  /// Requires: bytes.size() <= kBytesMax.
  static Text view(std::string_view bytes) { return Text(bytes.data(), bytes.size(), 0); }
  /// Points at memory that is never freed or changed, such as a table made when the process starts:
  /// as a literal it is kept wherever it goes, not copied. Same requirement.
  static Text static_view(std::string_view bytes) {
    return Text(bytes.data(), bytes.size(), kStaticBit);
  }

  constexpr std::size_t size() const { return size_ & ~kStaticBit; }
  constexpr bool empty() const { return size() == 0; }
  constexpr const char* data() const& { return size() <= kInlineBytes ? inside_ : outside_.data; }
  const char* data() const&& = delete;

  constexpr std::string_view view() const& { return {data(), size()}; }
  std::string_view view() const&& = delete;
  constexpr operator std::string_view() const& { return view(); }
  operator std::string_view() const&& = delete;

  /// Returns a copy that lives by itself.
  std::string str() const { return std::string(data_of(*this), size()); }

  /// Whether it depends on no arena: short, or in static memory.
  constexpr bool is_self_contained() const {
    return size_ <= kInlineBytes || (size_ & kStaticBit) != 0;
  }

  friend constexpr bool operator==(const Text& a, const Text& b) {
    if (std::is_constant_evaluated()) {
      return a.view() == b.view();
    }
    // Sizes and first four bytes at once; the rest is the other half or lies outside.
    const Words left = a.words();
    const Words right = b.words();
    if (((left.head ^ right.head) & ~std::uint64_t{kStaticBit}) != 0) {
      return false;
    }
    return left.rest == right.rest ||
           (a.size() > kInlineBytes &&
            std::memcmp(a.outside_.data, b.outside_.data, a.size()) == 0);
  }
  friend constexpr std::strong_ordering operator<=>(const Text& a, const Text& b) {
    return a.view() <=> b.view();
  }
  template <detail::StringLike S>
  friend constexpr bool operator==(const Text& a, const S& b) {
    return a.view() == std::string_view(b);
  }
  template <detail::StringLike S>
  friend constexpr std::strong_ordering operator<=>(const Text& a, const S& b) {
    return a.view() <=> std::string_view(b);
  }
  friend std::ostream& operator<<(std::ostream& out, const Text& text);

 private:
  static constexpr std::uint32_t kStaticBit = 0x80000000U;
  struct Words {
    std::uint64_t head;
    std::uint64_t rest;
  };
  // Packed, so that the pointer fills the last eight bytes; it is aligned there nevertheless.
  struct [[gnu::packed]] Outside {
    char prefix[4];
    const char* data;
  };

  constexpr Text(const char* bytes, std::size_t size, std::uint32_t static_bit)
      : size_(static_cast<std::uint32_t>(size)) {
    if (size <= kInlineBytes) {
      if (std::is_constant_evaluated()) {
        for (std::size_t i = 0; i < size; ++i) {
          inside_[i] = bytes[i];
        }
      } else if (size != 0) {
        std::memcpy(inside_, bytes, size);
      }
    } else {
      size_ |= static_bit;
      outside_ = Outside{{bytes[0], bytes[1], bytes[2], bytes[3]}, bytes};
    }
  }

  static const char* data_of(const Text& text) { return text.data(); }
  Words words() const { return std::bit_cast<Words>(*this); }

  std::uint32_t size_ = 0;
  // Unused bytes inside are zero, so that equality can compare words.
  union {
    char inside_[kInlineBytes] = {};
    Outside outside_;
  };
};

static_assert(sizeof(Text) == 16 && std::is_trivially_copyable_v<Text>);

namespace detail {

/// One argument of a formatted text, without its type.
struct TextArgument {
  enum class Kind { kSigned, kUnsigned, kDouble, kString } kind;
  union {
    std::int64_t signed_value;
    std::uint64_t unsigned_value;
    double double_value;
  };
  std::string_view string = {};

  template <class T>
  TextArgument(const T& value) : kind(Kind::kString), signed_value(0) {
    if constexpr (std::same_as<T, bool>) {
      string = value ? "true" : "false";
    } else if constexpr (std::same_as<T, char>) {
      string = std::string_view(&value, 1);
    } else if constexpr (std::signed_integral<T>) {
      kind = Kind::kSigned;
      signed_value = value;
    } else if constexpr (std::unsigned_integral<T>) {
      kind = Kind::kUnsigned;
      unsigned_value = value;
    } else if constexpr (std::floating_point<T>) {
      kind = Kind::kDouble;
      double_value = static_cast<double>(value);
    } else {
      string = std::string_view(value);
    }
  }
};

// Keeps what a value is printed as until the text is made.
template <class T>
decltype(auto) text_argument(const T& value) {
  if constexpr (std::is_arithmetic_v<T> || std::convertible_to<const T&, std::string_view>) {
    return (value);
  } else if constexpr (std::is_enum_v<T>) {
    return static_cast<std::underlying_type_t<T>>(value);
  } else {
    static_assert(
        requires { std::string(to_string(value)); },
        "weir: an argument of text(\"{}\", ...) is a number, text, a time, or has "
        "to_string()");
    return std::string(to_string(value));
  }
}

// Not constexpr, so that a wrong format does not compile; the compiler shows the name.
void weir_text_needs_one_argument_per_placeholder();
void weir_text_placeholders_are_braces_or_braces_with_decimals();

}  // namespace detail

/// A literal with one placeholder per argument: `{}`, or `{:.2f}` for a number of decimals.
/// `{{` and `}}` stand for single braces. Checked when compiled.
template <class... Args>
class TextFormat {
 public:
  template <std::size_t N>
  consteval TextFormat(const char (&literal)[N]) : format_(literal, N - 1) {
    std::size_t count = 0;
    for (std::size_t i = 0; i < format_.size(); ++i) {
      const std::string_view rest = format_.substr(i);
      if (rest.starts_with("{{") || rest.starts_with("}}")) {
        ++i;
      } else if (rest.starts_with("{}")) {
        ++count;
        ++i;
      } else if (rest.starts_with("{:.") && rest.size() >= 6 && rest[3] >= '0' && rest[3] <= '9' &&
                 rest.substr(4, 2) == "f}") {
        ++count;
        i += 5;
      } else if (rest[0] == '{' || rest[0] == '}') {
        detail::weir_text_placeholders_are_braces_or_braces_with_decimals();
      }
    }
    if (count != sizeof...(Args)) {
      detail::weir_text_needs_one_argument_per_placeholder();
    }
  }
  constexpr std::string_view view() const { return format_; }

 private:
  std::string_view format_;
};

/// Makes Text in an arena: short text inside the Text itself, longer text appended to the arena.
///
/// Errors: std::length_error for text of 2 GiB or more.
/// Thread: the one that appends to the arena.
class TextMaker {
 public:
  /// Can only make short text; a longer one is a programmer error.
  TextMaker() = default;
  /// Makes text in an arena of its own, which it adds to `arenas` when first needed.
  explicit TextMaker(ArenaList& arenas,
                     std::size_t first_chunk_bytes = Arena::kFirstChunkBytesDefault)
      : arenas_(&arenas), first_chunk_bytes_(first_chunk_bytes) {}
  /// Makes text in `arena`, which the caller keeps alive.
  explicit TextMaker(Arena& arena) : arena_(&arena) {}

  /// Copies `bytes`.
  Text text(std::string_view bytes) {
    if (bytes.size() <= Text::kInlineBytes) {
      return Text::view(bytes);
    }
    char* copy = reserve(bytes.size());
    std::memcpy(copy, bytes.data(), bytes.size());
    return Text::view({copy, bytes.size()});
  }
  /// Formats: `text("{} over {}", amount, limit)`.
  template <class... Args>
  Text text(TextFormat<std::type_identity_t<Args>...> format, const Args&... args) {
    return formatted(format.view(), {detail::TextArgument(detail::text_argument(args))...});
  }

  /// Bytes of text made so far in the arena this maker fills.
  std::size_t bytes_used() const { return arena_ == nullptr ? 0 : arena_->bytes_used(); }
  /// Whether `text` lies in the arena this maker fills now.
  bool owns(const Text& text) const { return arena_ != nullptr && arena_->contains(text.data()); }

  /// Returns `size` bytes of the arena to be filled and made text with `Text::view`.
  char* reserve(std::size_t size) {
    if (arena_ == nullptr || size > Text::kBytesMax) [[unlikely]] {
      prepare(size);
    }
    return arena_->allocate(size);
  }

 private:
  void prepare(std::size_t size);
  Text formatted(std::string_view format, std::initializer_list<detail::TextArgument> arguments);

  ArenaList* arenas_ = nullptr;
  Arena* arena_ = nullptr;
  std::size_t first_chunk_bytes_ = 0;
};

}  // namespace weir

template <>
struct std::hash<weir::Text> {
  std::size_t operator()(const weir::Text& text) const {
    return std::hash<std::string_view>()(text.view());
  }
};
