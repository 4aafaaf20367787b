// SPDX-License-Identifier: Apache-2.0
// The parts of a source that do not depend on its records.
#include "api/operators/source_transformation.h"

#include "api/operators/split_assignment.h"

namespace weir::detail {

Transformation enumerator_transformation(const std::string& id) {
  Transformation result{.id = id.empty() ? id : id + "/splits", .type = "enumerator"};
  result.kind = OperatorKind::kEnumerator;
  result.id_origin = Transformation::IdOrigin::kDerived;
  result.states = {EnumeratorOperator::descriptor()};
  result.parallelism = 1;
  return result;
}

StreamInput split_input(TransformationIndex enumerator) {
  StreamInput input{.from = enumerator};
  input.partitioning = Partitioning::kAddressed;
  input.router = [](const RouterSetup& setup) -> std::unique_ptr<Router> {
    return std::make_unique<SplitRouter>(setup);
  };
  return input;
}

std::vector<std::string> watermark_mistakes(const WatermarkRules& rules) {
  std::vector<std::string> mistakes;
  if (rules.out_of_orderness.has_value() && *rules.out_of_orderness < Duration{0}) {
    mistakes.push_back("the out-of-orderness must not be negative, not " +
                       to_string(*rules.out_of_orderness));
  }
  if (rules.idleness.has_value() && *rules.idleness <= Duration{0}) {
    mistakes.push_back("the idleness timeout must be positive, not " + to_string(*rules.idleness));
  }
  return mistakes;
}

}  // namespace weir::detail
