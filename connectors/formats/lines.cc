// SPDX-License-Identifier: Apache-2.0
// Plain lines as records.
#include "weir/connectors/formats.h"

namespace weir {
namespace {

class LinesReader final : public FormatReader {
 public:
  explicit LinesReader(const TypeInfo& type) : type_(type) {}
  void read(std::string_view bytes, TextMaker& text, void* record) override {
    if (type_.kind == TypeKind::kText) {
      *static_cast<Text*>(record) = text.text(bytes);
    } else {
      static_cast<std::string*>(record)->assign(bytes);
    }
  }

 private:
  const TypeInfo& type_;
};

class LinesWriter final : public FormatWriter {
 public:
  explicit LinesWriter(const TypeInfo& type) : type_(type) {}
  void write(const void* record, std::string& out) override {
    const std::string_view line = load_string(type_, record);
    if (line.find('\n') != std::string_view::npos) {
      throw RecordError("a line cannot contain a line end");
    }
    out.append(line).push_back('\n');
  }

 private:
  const TypeInfo& type_;
};

class LinesFactory final : public FormatFactory {
 public:
  std::string mistake(const TypeInfo& type) const override {
    return type.is_string() ? "" : "lines() holds weir::Text or std::string, nothing else";
  }
  std::unique_ptr<FormatReader> make_reader(const TypeInfo& type) const override {
    return std::make_unique<LinesReader>(type);
  }
  std::unique_ptr<FormatWriter> make_writer(const TypeInfo& type) const override {
    return std::make_unique<LinesWriter>(type);
  }
};

}  // namespace

AnyFormat lines() { return std::make_shared<LinesFactory>(); }

}  // namespace weir
