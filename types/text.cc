// SPDX-License-Identifier: Apache-2.0
// Text: printing, formatting and the arena of a text maker.
#include "types/text.h"

#include <charconv>
#include <ostream>
#include <stdexcept>

namespace weir {
namespace {

void append_number(std::string& out, const detail::TextArgument& argument, int decimals) {
  using Kind = detail::TextArgument::Kind;
  // The longest is a double in full: 309 digits before the point.
  char digits[400];
  std::to_chars_result result{};
  if (argument.kind == Kind::kDouble && decimals >= 0) {
    result = std::to_chars(digits, std::end(digits), argument.double_value,
                           std::chars_format::fixed, decimals);
  } else if (argument.kind == Kind::kDouble) {
    result = std::to_chars(digits, std::end(digits), argument.double_value);
  } else if (argument.kind == Kind::kSigned) {
    result = std::to_chars(digits, std::end(digits), argument.signed_value);
  } else {
    result = std::to_chars(digits, std::end(digits), argument.unsigned_value);
  }
  out.append(digits, result.ptr);
}

}  // namespace

std::ostream& operator<<(std::ostream& out, const Text& text) { return out << text.view(); }

void TextMaker::prepare(std::size_t size) {
  if (size > Text::kBytesMax) {
    throw std::length_error("a text is limited to 2 GiB");
  }
  WEIR_CHECK(arenas_ != nullptr);
  ArenaRef arena = Arena::make(first_chunk_bytes_);
  arena_ = arena.get();
  arenas_->add(std::move(arena));
}

Text TextMaker::formatted(std::string_view format,
                          std::initializer_list<detail::TextArgument> arguments) {
  std::string result;
  result.reserve(format.size() + 16 * arguments.size());
  const auto* argument = arguments.begin();
  // The format was checked when it was compiled.
  for (std::size_t i = 0; i < format.size(); ++i) {
    if (format[i] == '}' || format.substr(i, 2) == "{{") {
      result.push_back(format[i++]);
    } else if (format[i] == '{') {
      const bool has_decimals = format[i + 1] == ':';
      if (argument->kind == detail::TextArgument::Kind::kString) {
        result.append(argument->string);
      } else {
        append_number(result, *argument, has_decimals ? format[i + 3] - '0' : -1);
      }
      i += has_decimals ? 5 : 1;
      ++argument;
    } else {
      result.push_back(format[i]);
    }
  }
  return text(result);
}

}  // namespace weir
