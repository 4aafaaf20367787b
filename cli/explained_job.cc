// SPDX-License-Identifier: Apache-2.0
// Read with simdjson's document tree.
#include "cli/explained_job.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <string>
#include <utility>

namespace weir::cli {
namespace {

using simdjson::dom::element;

// Each throws simdjson_error if the field is missing or something else.
std::string text_of(const element& object, const char* field) {
  return std::string(object[field].get_string().value());
}

StateDescriptor read_state(const element& json) {
  StateDescriptor state;
  state.name = text_of(json, "name");
  const auto kind = state_kind_named(text_of(json, "kind"));
  const auto distribution = state_distribution_named(text_of(json, "distribution"));
  if (!kind || !distribution) {
    throw simdjson::simdjson_error(simdjson::INCORRECT_TYPE);
  }
  state.kind = *kind;
  state.distribution = *distribution;
  state.key_schema = text_of(json, "key");
  state.value_schema = text_of(json, "value");
  if (std::int64_t millis = 0; json["ttl_ms"].get(millis) == simdjson::SUCCESS) {
    state.ttl = Duration(millis);
  }
  return state;
}

std::vector<PlannedOperator> read_job(const element& job) {
  std::vector<PlannedOperator> operators;
  for (const element vertex : job["vertices"].get_array()) {
    for (const element op : vertex["operators"].get_array()) {
      PlannedOperator planned{OperatorId{text_of(op, "id")}, text_of(op, "name"), {}};
      for (const element state : op["states"].get_array()) {
        planned.states.push_back(read_state(state));
      }
      operators.push_back(std::move(planned));
    }
  }
  return operators;
}

// The last line that has anything on it.
std::string_view last_line(std::string_view output) {
  while (output.ends_with('\n')) {
    output.remove_suffix(1);
  }
  return output.substr(output.rfind('\n') + 1);
}

}  // namespace

Result<std::vector<PlannedOperator>> parse_explained_job(std::string_view output) {
  simdjson::dom::parser parser;
  try {
    const std::string line(last_line(output));
    return read_job(parser.parse(line).value());
  } catch (const simdjson::simdjson_error& error) {
    return invalid_argument(
        fmt::format("the program did not print a job graph of this version with --explain json: {}",
                    error.what()));
  }
}

}  // namespace weir::cli
