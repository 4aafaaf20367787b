// SPDX-License-Identifier: Apache-2.0
// CSV through TypeInfo: a column per field.
#include <algorithm>
#include <charconv>
#include <cstring>
#include <iterator>

#include "base/time_text.h"
#include "weir/connectors/formats.h"

namespace weir {
namespace {

constexpr std::size_t kShownBytesMax = 40;

std::string shown(std::string_view cell) {
  return cell.empty() ? "an empty cell" : std::string(cell.substr(0, kShownBytesMax));
}

std::string_view without_blanks(std::string_view cell) {
  while (!cell.empty() && (cell.front() == ' ' || cell.front() == '\t')) {
    cell.remove_prefix(1);
  }
  while (!cell.empty() && (cell.back() == ' ' || cell.back() == '\t')) {
    cell.remove_suffix(1);
  }
  return cell;
}

template <class Number>
bool parse_whole(std::string_view text, Number& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size();
}

bool is_optional(const TypeInfo& type) { return type.kind == TypeKind::kOptional; }
const TypeInfo& plain(const TypeInfo& type) { return is_optional(type) ? *type.parts[0] : type; }

bool fits_in_cell(const TypeInfo& type) {
  return type.is_string() || type.is_integer() || type.is_floating() ||
         type.kind == TypeKind::kBool || type.kind == TypeKind::kEnum ||
         (type.kind >= TypeKind::kEventTime && type.kind <= TypeKind::kTimePoint);
}

/// A record's or tuple's fields; anything else is one column.
std::vector<FieldInfo> columns_of(const TypeInfo& type) {
  if (type.kind == TypeKind::kRecord || type.kind == TypeKind::kTuple) {
    return type.fields;
  }
  return {{"value", 0, &type}};
}

bool store_number(const TypeInfo& type, void* out, std::string_view cell) {
  if (type.is_floating()) {
    double number = 0;
    return parse_whole(cell, number) && store_floating(type, out, number);
  }
  if (type.kind >= TypeKind::kUint8 && type.kind <= TypeKind::kUint64) {
    std::uint64_t number = 0;
    return parse_whole(cell, number) && store_unsigned(type, out, number);
  }
  std::int64_t number = 0;
  return parse_whole(cell, number) && store_signed(type, out, number);
}

bool store_time(void* out, std::string_view cell) {
  std::int64_t millis = 0;
  if (!parse_whole(cell, millis)) {
    const Result<EventTime> time = parse_event_time(cell);
    if (!time.is_ok()) {
      return false;
    }
    millis = time->millis();
  }
  std::memcpy(out, &millis, sizeof(millis));
  return true;
}

bool store_enum(const TypeInfo& type, void* out, std::string_view cell) {
  for (const EnumValueName& known : type.enum_names) {
    if (known.name == cell) {
      return store_enum_number(type, out, known.value);
    }
  }
  return store_number(type.number_type(), out, cell);
}

/// Says what a cell of this type holds.
std::string expectation(const TypeInfo& type) {
  switch (type.kind) {
    case TypeKind::kBool: return "true or false";
    case TypeKind::kEventTime:
    case TypeKind::kProcessingTime: return "milliseconds since 1970 or an ISO-8601 time";
    case TypeKind::kEnum:
      return type.enum_names.empty() ? "an integer"
                                     : "a name or number of " + std::string(type.name);
    default:
      return type.number_type().is_floating()
                 ? "a number"
                 : "an integer (" + std::string(kind_name(type.number_type().kind)) + ")";
  }
}

bool store_cell(const TypeInfo& type, void* out, std::string_view cell, TextMaker& text) {
  switch (type.kind) {
    case TypeKind::kText: *static_cast<Text*>(out) = text.text(cell); return true;
    case TypeKind::kString: static_cast<std::string*>(out)->assign(cell); return true;
    case TypeKind::kBool: {
      const std::string_view word = without_blanks(cell);
      *static_cast<bool*>(out) = word == "true" || word == "1";
      return word == "true" || word == "false" || word == "1" || word == "0";
    }
    case TypeKind::kEventTime:
    case TypeKind::kProcessingTime: return store_time(out, without_blanks(cell));
    case TypeKind::kEnum: return store_enum(type, out, without_blanks(cell));
    default: return store_number(type.number_type(), out, without_blanks(cell));
  }
}

/// Cuts one record into cells.
class CellCursor {
 public:
  CellCursor(std::string_view line, char delimiter) : rest_(line), delimiter_(delimiter) {}

  bool has_next() const { return !is_done_; }
  bool was_quoted() const { return was_quoted_; }

  /// Returns the next cell; a quoted one lies in `scratch` if it contains quotes.
  /// Errors: RecordError.
  std::string_view next(std::string& scratch) {
    was_quoted_ = !rest_.empty() && rest_.front() == '"';
    if (was_quoted_) {
      return next_quoted(scratch);
    }
    const std::size_t end = rest_.find(delimiter_);
    const std::string_view cell = rest_.substr(0, end);
    advance(end);
    return cell;
  }

 private:
  std::string_view next_quoted(std::string& scratch) {
    scratch.clear();
    std::size_t start = 1;
    while (true) {
      const std::size_t quote = rest_.find('"', start);
      if (quote == std::string_view::npos) {
        throw RecordError("a quoted cell has no closing quote");
      }
      if (quote + 1 < rest_.size() && rest_[quote + 1] == '"') {
        scratch.append(rest_, start, quote + 1 - start);
        start = quote + 2;
        continue;
      }
      std::string_view cell = rest_.substr(start, quote - start);
      if (!scratch.empty()) {
        cell = scratch.append(cell);
      }
      if (quote + 1 < rest_.size() && rest_[quote + 1] != delimiter_) {
        throw RecordError("a closing quote is followed by more than the delimiter");
      }
      advance(quote + 1 < rest_.size() ? quote + 1 : std::string_view::npos);
      return cell;
    }
  }

  void advance(std::size_t end) {
    is_done_ = end == std::string_view::npos;
    rest_ = is_done_ ? std::string_view() : rest_.substr(end + 1);
  }

  std::string_view rest_;
  const char delimiter_;
  bool is_done_ = false;
  bool was_quoted_ = false;
};

std::string_view without_line_end(std::string_view line) {
  if (line.ends_with('\n')) {
    line.remove_suffix(1);
  }
  if (line.ends_with('\r')) {
    line.remove_suffix(1);
  }
  return line;
}

class CsvReader final : public FormatReader {
 public:
  CsvReader(const TypeInfo& type, CsvOptions options)
      : options_(options), columns_(columns_of(type)) {
    for (const FieldInfo& column : columns_) {
      order_.push_back(&column);
    }
  }

  void read(std::string_view bytes, TextMaker& text, void* record) override {
    CellCursor cells(without_line_end(bytes), options_.delimiter);
    std::size_t count = 0;
    while (cells.has_next()) {
      const std::string_view cell = cells.next(scratch_);
      if (count < order_.size() && order_[count] != nullptr) {
        store(*order_[count], record, cell, cells.was_quoted(), text);
      }
      ++count;
    }
    if (count != order_.size()) {
      throw RecordError("expected " + std::to_string(order_.size()) + " columns, found " +
                        std::to_string(count));
    }
  }

  bool has_header() const override { return options_.header; }

  void read_header(std::string_view line) override {
    constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
    line = without_line_end(line);
    if (line.starts_with(kByteOrderMark)) {
      line.remove_prefix(kByteOrderMark.size());
    }
    order_.clear();
    CellCursor cells(line, options_.delimiter);
    while (cells.has_next()) {
      const std::string_view name = without_blanks(cells.next(scratch_));
      const auto known =
          std::find_if(columns_.begin(), columns_.end(),
                       [name](const FieldInfo& column) { return column.name == name; });
      order_.push_back(known == columns_.end() ? nullptr : &*known);
    }
  }

 private:
  static void store(const FieldInfo& column, void* record, std::string_view cell, bool was_quoted,
                    TextMaker& text) {
    const TypeInfo& type = plain(*column.type);
    void* out = static_cast<char*>(record) + column.offset;
    if (is_optional(*column.type)) {
      if (cell.empty() && !was_quoted) {
        column.type->access.clear(out);
        return;
      }
      out = column.type->access.add(out, 0);
    }
    if (!store_cell(type, out, cell, text)) {
      throw RecordError("column '" + std::string(column.name) + "': expected " + expectation(type) +
                        ", found " + shown(cell));
    }
  }

  // Constant.
  const CsvOptions options_;
  const std::vector<FieldInfo> columns_;

  // The field of each column; null for unknown columns.
  std::vector<const FieldInfo*> order_;
  std::string scratch_;
};

class CsvWriter final : public FormatWriter {
 public:
  CsvWriter(const TypeInfo& type, CsvOptions options)
      : options_(options), columns_(columns_of(type)) {}

  void write(const void* record, std::string& out) override {
    const std::size_t start = out.size();
    for (const FieldInfo& column : columns_) {
      if (&column != columns_.data()) {
        out += options_.delimiter;
      }
      append(*column.type, static_cast<const char*>(record) + column.offset, out);
    }
    if (out.size() == start) {
      out += "\"\"";  // an empty line would be no record
    }
    out += '\n';
  }

  void write_header(std::string& out) override {
    if (!options_.header) {
      return;
    }
    for (const FieldInfo& column : columns_) {
      if (&column != columns_.data()) {
        out += options_.delimiter;
      }
      append_text(column.name, out);
    }
    out += '\n';
  }

 private:
  void append(const TypeInfo& type, const void* value, std::string& out) const {
    if (!is_optional(type)) {
      append_plain(type, value, out);
    } else if (type.access.size(value) != 0) {
      const std::size_t start = out.size();
      append_plain(*type.parts[0], type.access.get(value, 0), out);
      if (out.size() == start) {
        out += "\"\"";  // there, but empty
      }
    }
  }

  void append_plain(const TypeInfo& type, const void* value, std::string& out) const {
    if (type.is_string()) {
      append_text(load_string(type, value), out);
    } else if (type.kind == TypeKind::kBool) {
      out += *static_cast<const bool*>(value) ? "true" : "false";
    } else {
      if (!type.enum_names.empty()) {
        for (const EnumValueName& known : type.enum_names) {
          if (known.value == enum_number(type, value)) {
            append_text(known.name, out);
            return;
          }
        }
      }
      append_number(out, type.number_type(), value);
    }
  }

  void append_text(std::string_view text, std::string& out) const {
    const char special[] = {options_.delimiter, '"', '\n', '\r', '\0'};
    if (text.find_first_of(std::string_view(special, 4)) == std::string_view::npos) {
      out += text;
      return;
    }
    out += '"';
    for (const char c : text) {
      out.append(c == '"' ? 2 : 1, c);
    }
    out += '"';
  }

  // Constant.
  const CsvOptions options_;
  const std::vector<FieldInfo> columns_;
};

class CsvFactory final : public FormatFactory {
 public:
  explicit CsvFactory(CsvOptions options) : options_(options) {}

  std::string mistake(const TypeInfo& type) const override {
    if (std::strchr("\"\r\n", options_.delimiter) != nullptr) {
      return "csv() cannot use a quote or line end as delimiter";
    }
    for (const FieldInfo& column : columns_of(type)) {
      if (!fits_in_cell(plain(*column.type))) {
        return "csv() cannot hold '" + std::string(column.name) +
               "' in one cell: cells are numbers, text, times, enums and optionals of those";
      }
    }
    return "";
  }
  std::unique_ptr<FormatReader> make_reader(const TypeInfo& type) const override {
    return std::make_unique<CsvReader>(type, options_);
  }
  std::unique_ptr<FormatWriter> make_writer(const TypeInfo& type) const override {
    return std::make_unique<CsvWriter>(type, options_);
  }

 private:
  const CsvOptions options_;
};

}  // namespace

AnyFormat csv(CsvOptions options) { return std::make_shared<CsvFactory>(options); }

}  // namespace weir
