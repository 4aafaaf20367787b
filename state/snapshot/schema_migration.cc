// SPDX-License-Identifier: Apache-2.0
// A tree of steps, one per part of the stored schema, of which most copy bytes.
#include "state/snapshot/schema_migration.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/check.h"
#include "state/snapshot/stored_value.h"

namespace weir {

namespace {

bool mentions_custom(const Schema& schema, const std::string& name) {
  return (schema.kind() == TypeKind::kCustom && schema.name() == name) ||
         std::any_of(schema.parts().begin(), schema.parts().end(),
                     [&](const Schema& part) { return mentions_custom(part, name); });
}

// Whether `then` holds a type with a Serializer of its own that a program with `now` has not.
bool has_unknown_custom(const Schema& then, const Schema& now) {
  return (then.kind() == TypeKind::kCustom && !mentions_custom(now, then.name())) ||
         std::any_of(then.parts().begin(), then.parts().end(),
                     [&](const Schema& part) { return has_unknown_custom(part, now); });
}

}  // namespace

/// What is done with one stored value.
struct SchemaMigration::Step {
  enum class Action {
    kCopy,           ///< the bytes as they are
    kWidenSigned,    ///< one byte becomes a zigzag varint
    kWidenUnsigned,  ///< one byte becomes a varint
    kWidenFloat,
    kParts,   ///< optional, variant, tuple, vector, array, map: `parts` by position
    kFields,  ///< record
  };
  /// A field of the record as it is now.
  struct Field {
    std::optional<std::size_t> from;  ///< which stored field; `parts` has a step for each
    std::string bytes;                ///< if it is new
  };

  Action action = Action::kCopy;
  const Schema* then = nullptr;
  std::vector<Step> parts = {};
  std::vector<Field> fields = {};

  void run(ByteReader& in, ByteWriter& out, const CustomSkips& customs) const;
  void run_parts(ByteReader& in, ByteWriter& out, const CustomSkips& customs) const;
  void run_fields(ByteReader& in, ByteWriter& out, const CustomSkips& customs) const;
};

/// Owns what the steps point into.
struct SchemaMigration::Plan {
  Schema then;
  Schema now;
  CustomSkips customs;
  Step root;
};

std::string to_string(const SchemaChange& change) {
  const std::string path = "'" + change.path + "'";
  switch (change.kind) {
    case SchemaChange::Kind::kAdded: return "added " + path + " (" + change.type + ")";
    case SchemaChange::Kind::kRemoved: return "removed " + path + " (" + change.type + ")";
    case SchemaChange::Kind::kWidened:
      return "widened " + (change.path.empty() ? "" : path + " ") + "from " + change.type_before +
             " to " + change.type;
    case SchemaChange::Kind::kReordered:
      return change.path.empty() ? "reordered fields" : "reordered fields of " + path;
    case SchemaChange::Kind::kTtl:
      return "time-to-live " + change.type + ", was " + change.type_before;
  }
  WEIR_UNREACHABLE();
}

/// Compares two schemas and makes the steps.
class SchemaMigration::Planner {
 public:
  explicit Planner(SchemaMigration& migration) : migration_(migration) {}

  // `type` may be null.
  Step plan(const Schema& then, const Schema& now, const TypeInfo* type, const std::string& path);

 private:
  using Kind = SchemaChange::Kind;

  void refuse(const std::string& path, const std::string& what) {
    migration_.refusals_.push_back(path.empty() ? what : path + ": " + what);
  }
  void note(Kind kind, const std::string& path, const std::string& type,
            const std::string& before = "") {
    migration_.changes_.push_back({kind, path, type, before});
  }
  static std::string below(const std::string& path, const std::string& name) {
    return path.empty() ? name : path + "." + name;
  }

  std::optional<Step> plan_widening(const Schema& then, const Schema& now, const std::string& path);
  void plan_parts(Step& step, const Schema& now, const TypeInfo* type, const std::string& path);
  void plan_fields(Step& step, const Schema& now, const TypeInfo* type, const std::string& path);
  std::string default_of(const Schema& now, const TypeInfo* type, std::size_t field,
                         const std::string& path);

  SchemaMigration& migration_;
  int map_keys_ = 0;  // how many keys of maps we stand in
};

SchemaMigration::Step SchemaMigration::Planner::plan(const Schema& then, const Schema& now,
                                                     const TypeInfo* type,
                                                     const std::string& path) {
  Step step;
  step.then = &then;
  if (std::optional<Step> widening = plan_widening(then, now, path)) {
    return *widening;
  }
  const bool same_shape = then.kind() == now.kind() && then.numerator() == now.numerator() &&
                          then.denominator() == now.denominator();
  const bool same_parts =
      then.kind() == TypeKind::kRecord || then.parts().size() == now.parts().size();
  const bool same_name = then.kind() != TypeKind::kCustom || then.name() == now.name();
  if (!same_shape || !same_parts || !same_name) {
    refuse(path, now.text() + ", was " + then.text());
    return step;
  }
  switch (then.kind()) {
    case TypeKind::kEnum:
    case TypeKind::kDuration:
    case TypeKind::kTimePoint:
      return plan(then.parts()[0], now.parts()[0], type == nullptr ? nullptr : type->parts[0],
                  path);
    case TypeKind::kRecord: plan_fields(step, now, type, path); break;
    default: plan_parts(step, now, type, path); break;
  }
  return step;
}

// Kinds of integers stand in the order of their width.
std::optional<SchemaMigration::Step> SchemaMigration::Planner::plan_widening(
    const Schema& then, const Schema& now, const std::string& path) {
  const auto both_in = [&](TypeKind first, TypeKind last) {
    return first <= then.kind() && then.kind() < now.kind() && now.kind() <= last;
  };
  Step step;
  step.then = &then;
  if (both_in(TypeKind::kInt8, TypeKind::kInt64)) {
    step.action = then.kind() == TypeKind::kInt8 ? Step::Action::kWidenSigned : Step::Action::kCopy;
  } else if (both_in(TypeKind::kUint8, TypeKind::kUint64)) {
    step.action =
        then.kind() == TypeKind::kUint8 ? Step::Action::kWidenUnsigned : Step::Action::kCopy;
  } else if (both_in(TypeKind::kFloat, TypeKind::kDouble)) {
    step.action = Step::Action::kWidenFloat;
  } else {
    return std::nullopt;
  }
  note(Kind::kWidened, path, now.text(), then.text());
  return step;
}

void SchemaMigration::Planner::plan_parts(Step& step, const Schema& now, const TypeInfo* type,
                                          const std::string& path) {
  const Schema& then = *step.then;
  for (std::size_t i = 0; i < then.parts().size(); ++i) {
    const TypeInfo* part = type == nullptr                   ? nullptr
                           : then.kind() == TypeKind::kTuple ? type->fields[i].type
                                                             : type->parts[i];
    const bool is_map_key = then.kind() == TypeKind::kMap && i == 0;
    map_keys_ += is_map_key ? 1 : 0;
    step.parts.push_back(
        plan(then.parts()[i], now.parts()[i], part, below(path, std::to_string(i))));
    map_keys_ -= is_map_key ? 1 : 0;
  }
  const bool is_copy = std::all_of(step.parts.begin(), step.parts.end(), [](const Step& part) {
    return part.action == Step::Action::kCopy;
  });
  step.action = is_copy || is_empty_shape(then) ? Step::Action::kCopy : Step::Action::kParts;
}

void SchemaMigration::Planner::plan_fields(Step& step, const Schema& now, const TypeInfo* type,
                                           const std::string& path) {
  const Schema& then = *step.then;
  const std::vector<std::string>& names_then = then.field_names();
  step.parts.resize(names_then.size());
  std::vector<bool> is_kept(names_then.size());
  bool is_copy = names_then.size() == now.field_names().size();
  std::size_t last_from = 0;
  bool is_reordered = false;
  for (std::size_t i = 0; i < now.field_names().size(); ++i) {
    const std::string& name = now.field_names()[i];
    const auto found = std::find(names_then.begin(), names_then.end(), name);
    if (found == names_then.end()) {
      note(Kind::kAdded, below(path, name), now.parts()[i].text());
      step.fields.push_back({std::nullopt, default_of(now, type, i, below(path, name))});
      is_copy = false;
      continue;
    }
    const auto from = static_cast<std::size_t>(found - names_then.begin());
    is_reordered = is_reordered || from < last_from;
    last_from = from;
    is_kept[from] = true;
    step.parts[from] = plan(then.parts()[from], now.parts()[i],
                            type == nullptr ? nullptr : type->fields[i].type, below(path, name));
    is_copy = is_copy && step.parts[from].action == Step::Action::kCopy;
    step.fields.push_back({from, ""});
  }
  for (std::size_t i = 0; i < names_then.size(); ++i) {
    if (!is_kept[i] && map_keys_ > 0) {
      refuse(below(path, names_then[i]),
             "removed from the key of a map, whose keys could become equal, was " +
                 then.parts()[i].text());
    } else if (!is_kept[i] && has_unknown_custom(then.parts()[i], migration_.plan_->now)) {
      refuse(below(path, names_then[i]),
             "removed, and only the program that stored it can read past it, was " +
                 then.parts()[i].text());
    } else if (!is_kept[i]) {
      note(Kind::kRemoved, below(path, names_then[i]), then.parts()[i].text());
    }
  }
  if (is_reordered) {
    note(Kind::kReordered, path, "");
  }
  step.action = is_copy && !is_reordered ? Step::Action::kCopy : Step::Action::kFields;
}

// Cuts the field out of a record that was made from nothing.
std::string SchemaMigration::Planner::default_of(const Schema& now, const TypeInfo* type,
                                                 std::size_t field, const std::string& path) {
  if (type == nullptr || type->encode_default == nullptr) {
    migration_.without_default_.push_back(path);
    return "";
  }
  ByteWriter record;
  type->encode_default(record);
  ByteReader in(record.view());
  for (std::size_t i = 0; i < field; ++i) {
    skip_value(now.parts()[i], in, migration_.plan_->customs);
  }
  const ByteView rest = in.rest();
  const std::size_t begin = in.offset();
  skip_value(now.parts()[field], in, migration_.plan_->customs);
  return std::string(rest.substr(0, in.offset() - begin));
}

namespace {

void collect_customs(const TypeInfo& type, CustomSkips& customs) {
  if (type.kind == TypeKind::kCustom) {
    customs.emplace(type.name, type.skip);
  }
  for (const TypeInfo* part : type.parts) {
    collect_customs(*part, customs);
  }
  for (const FieldInfo& field : type.fields) {
    collect_customs(*field.type, customs);
  }
}

}  // namespace

SchemaMigration::SchemaMigration(Schema then, Schema now, const TypeInfo* type)
    : plan_(std::make_unique<Plan>(Plan{std::move(then), std::move(now), {}, {}})) {
  if (type != nullptr) {
    collect_customs(*type, plan_->customs);
  }
  plan_->root = Planner(*this).plan(plan_->then, plan_->now, type, "");
}

SchemaMigration::~SchemaMigration() = default;
SchemaMigration::SchemaMigration(SchemaMigration&&) noexcept = default;
SchemaMigration& SchemaMigration::operator=(SchemaMigration&&) noexcept = default;

bool SchemaMigration::changes_bytes() const { return plan_->root.action != Step::Action::kCopy; }

void SchemaMigration::migrate(ByteView stored, ByteWriter& out) const {
  WEIR_DCHECK(refusals_.empty() && without_default_.empty());
  ByteReader in(stored);
  plan_->root.run(in, out, plan_->customs);
  if (!in.is_at_end()) {
    throw DecodeError("bytes after a stored value", in.offset());
  }
}

void SchemaMigration::Step::run(ByteReader& in, ByteWriter& out, const CustomSkips& customs) const {
  switch (action) {
    case Action::kCopy: {
      const ByteView rest = in.rest();
      const std::size_t begin = in.offset();
      skip_value(*then, in, customs);
      out.put_bytes(rest.substr(0, in.offset() - begin));
      return;
    }
    case Action::kWidenSigned: out.put_zigzag(get_signed(TypeKind::kInt8, in)); return;
    case Action::kWidenUnsigned: out.put_varint64(in.get_u8()); return;
    case Action::kWidenFloat: out.put_double(static_cast<double>(in.get_float())); return;
    case Action::kParts: run_parts(in, out, customs); return;
    case Action::kFields: run_fields(in, out, customs); return;
  }
}

void SchemaMigration::Step::run_parts(ByteReader& in, ByteWriter& out,
                                      const CustomSkips& customs) const {
  switch (then->kind()) {
    case TypeKind::kOptional: {
      const bool has_value = get_flag(in);
      out.put_u8(has_value ? 1 : 0);
      if (has_value) {
        parts[0].run(in, out, customs);
      }
      return;
    }
    case TypeKind::kVariant: {
      const std::size_t index = get_alternative(*then, in);
      out.put_varint64(index);
      parts[index].run(in, out, customs);
      return;
    }
    case TypeKind::kVector:
    case TypeKind::kMap: {
      const std::uint64_t count = get_count(in);
      out.put_varint64(count);
      for (std::uint64_t left = count; left > 0; --left) {
        for (const Step& part : parts) {
          part.run(in, out, customs);
        }
      }
      return;
    }
    case TypeKind::kArray:
      for (std::int64_t i = 0; i < then->numerator(); ++i) {
        parts[0].run(in, out, customs);
      }
      return;
    default:  // a tuple
      for (const Step& part : parts) {
        part.run(in, out, customs);
      }
      return;
  }
}

void SchemaMigration::Step::run_fields(ByteReader& in, ByteWriter& out,
                                       const CustomSkips& customs) const {
  if (parts.empty()) {
    get_empty(in);
  }
  std::vector<ByteView> stored;
  stored.reserve(parts.size());
  for (const Schema& field : then->parts()) {
    const ByteView rest = in.rest();
    const std::size_t begin = in.offset();
    skip_value(field, in, customs);
    stored.push_back(rest.substr(0, in.offset() - begin));
  }
  if (fields.empty()) {
    out.put_u8(0);
  }
  for (const Field& field : fields) {
    if (!field.from) {
      out.put_bytes(field.bytes);
    } else if (parts[*field.from].action == Action::kCopy) {
      out.put_bytes(stored[*field.from]);
    } else {
      ByteReader part(stored[*field.from]);
      parts[*field.from].run(part, out, customs);
    }
  }
}

}  // namespace weir
