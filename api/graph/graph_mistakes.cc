// SPDX-License-Identifier: Apache-2.0
// What can be wrong with a program.
#include <algorithm>
#include <map>
#include <set>

#include "api/graph/job_graph_builder.h"
#include "core/key_group.h"

namespace weir::detail {
namespace {

class Checker {
 public:
  Checker(const StreamGraph& graph, const ExecutionSettings& settings)
      : graph_(graph), settings_(settings), operators_(graph.transformations()) {}

  std::vector<std::string> check() {
    mistakes_ = graph_.mistakes();
    if (operators_.empty()) mistakes_.push_back("the program has no source");
    check_ids();
    for (const Transformation& op : operators_) {
      // A derived operator belongs to another one, which says what is wrong.
      if (op.kind == OperatorKind::kEnumerator) continue;
      for (const std::string& mistake : op.mistakes) report(op, mistake);
      check_parallelism(op);
      check_states(op);
      check_event_time(op);
      check_side_outputs(op);
    }
    check_unused();
    return std::move(mistakes_);
  }

 private:
  void report(const Transformation& op, const std::string& sentence) {
    mistakes_.push_back(display_name(op) + ": " + sentence);
  }

  void check_ids() {
    std::map<std::string, std::size_t> uses;
    for (const Transformation& op : operators_) ++uses[op.id];
    std::set<std::string> reported;
    for (const Transformation& op : operators_) {
      if (op.id_origin == Transformation::IdOrigin::kDerived) continue;
      if (op.id.empty()) {
        report(op, "its id is empty" + place(op));
      } else if (uses[op.id] > 1 && reported.insert(op.id).second) {
        report(op, std::to_string(uses[op.id]) + " operators have this id");
      }
    }
  }
  // Where an operator without a name stands.
  std::string place(const Transformation& op) const {
    if (op.kind == OperatorKind::kSourceReader || op.inputs.empty()) return "";
    return "; it reads " + display_name(operators_[op.inputs.front().from]);
  }

  void check_parallelism(const Transformation& op) {
    const std::uint64_t parallelism = op.parallelism.value_or(settings_.parallelism.value());
    if (parallelism == 0 || parallelism > kMaxParallelismLimit) {
      report(op, "its parallelism is " + std::to_string(parallelism) + ", not between 1 and " +
                     std::to_string(kMaxParallelismLimit));
      return;
    }
    std::optional<std::uint64_t> max = op.max_parallelism;
    if (!max.has_value() && settings_.max_parallelism.has_value()) {
      max = settings_.max_parallelism->value();
    }
    if (!max.has_value()) return;
    if (*max == 0 || *max > kMaxParallelismLimit) {
      report(op, "its max parallelism is " + std::to_string(*max) + ", not between 1 and " +
                     std::to_string(kMaxParallelismLimit));
    } else if (parallelism > *max) {
      report(op, "its parallelism, " + std::to_string(parallelism) +
                     ", is more than its max parallelism, " + std::to_string(*max));
    }
  }

  void check_states(const Transformation& op) {
    std::set<std::string> names;
    for (const StateDescriptor& state : op.states) {
      if (!names.insert(state.name).second) {
        report(op,
               "the name '" + state.name + "' of a state is taken by another one of this operator");
      }
    }
  }

  void check_event_time(const Transformation& op) {
    if (op.event_time != EventTimeUse::kNeeded) return;
    for (const Transformation* source : sources_of(op)) {
      if (source->event_time == EventTimeUse::kProvided) continue;
      report(op, "it waits for watermarks, but " + display_name(*source) +
                     " makes none: give it a WatermarkStrategy other than none()");
    }
  }
  // The sources that `op` gets records from, in the order of the program.
  std::vector<const Transformation*> sources_of(const Transformation& op) const {
    std::set<TransformationIndex> upstream;
    std::vector<const Transformation*> open = {&op};
    while (!open.empty()) {
      const Transformation* next = open.back();
      open.pop_back();
      for (const StreamInput& input : next->inputs) {
        if (upstream.insert(input.from).second) open.push_back(&operators_[input.from]);
      }
    }
    std::vector<const Transformation*> sources;
    for (const TransformationIndex index : upstream) {
      if (operators_[index].kind == OperatorKind::kSourceReader) {
        sources.push_back(&operators_[index]);
      }
    }
    return sources;
  }

  void check_side_outputs(const Transformation& op) {
    for (const std::string& written : op.written_sides) {
      const SideOutputs& read = *op.side_outputs;
      if (std::none_of(read.begin(), read.end(),
                       [&written](const SideOutput& side) { return side.name == written; })) {
        report(op, "late records go to '" + written + "', but nobody reads it: use side_output('" +
                       written + "')");
      }
    }
  }

  void check_unused() {
    std::vector<bool> is_read(operators_.size(), false);
    for (const Transformation& op : operators_) {
      for (const StreamInput& input : op.inputs) is_read[input.from] = true;
    }
    for (const PendingSteps& steps : graph_.pending()) {
      const std::string name =
          "the steps '" + steps.description + "' behind " + display_name(operators_[steps.from]);
      // Whatever they are, their input is no mistake as well.
      is_read[steps.from] = true;
      if (steps.use == PendingSteps::Use::kNone) {
        mistakes_.push_back(name + ": nobody reads this stream, so it would never run");
      } else if (steps.use == PendingSteps::Use::kAfterMove) {
        mistakes_.push_back(name +
                            ": the stream is used again after it was moved, and would run twice");
      }
    }
    for (std::size_t i = 0; i < operators_.size(); ++i) {
      if (is_read[i] || operators_[i].kind == OperatorKind::kSink) continue;
      report(operators_[i], "nobody reads this stream, so it would never run");
    }
  }

  const StreamGraph& graph_;
  const ExecutionSettings& settings_;
  const std::vector<Transformation>& operators_;
  std::vector<std::string> mistakes_;
};

}  // namespace

std::vector<std::string> graph_mistakes(const StreamGraph& graph,
                                        const ExecutionSettings& settings) {
  return Checker(graph, settings).check();
}

std::string display_name(const Transformation& transformation) {
  return transformation.type + " '" + transformation.id + "'";
}

}  // namespace weir::detail
