// SPDX-License-Identifier: Apache-2.0
// Chaining: which operators become one vertex, and why the others do not.
#include "api/graph/job_graph_builder.h"

#include <optional>
#include <utility>

#include "api/operators/batch_routers.h"
#include "core/key_group.h"

namespace weir::detail {
namespace {

std::string in_words(const std::vector<std::string>& mistakes, const std::string& job_name) {
  std::string text = "the program '" + job_name +
                     "' cannot run: " + std::to_string(mistakes.size()) +
                     (mistakes.size() == 1 ? " mistake" : " mistakes");
  for (const std::string& mistake : mistakes) text += "\n  " + mistake;
  return text;
}

class Builder {
 public:
  Builder(const StreamGraph& graph, const ExecutionSettings& settings)
      : settings_(settings), operators_(graph.transformations()), places_(operators_.size()) {}

  std::shared_ptr<const Program> build(const std::string& job_name) {
    program_->graph.name = job_name;
    program_->graph.checkpoints = settings_.checkpoints;
    program_->graph.restart = settings_.restart;
    for (TransformationIndex i = 0; i < operators_.size(); ++i) place(i);
    for (Chain& chain : chains_) finish_vertex(chain);
    for (TransformationIndex i = 0; i < operators_.size(); ++i) connect(i);
    return program_;
  }

 private:
  // A vertex while operators are still added to it.
  struct Chain {
    Parallelism parallelism;
    // None until an operator that names one joins.
    std::optional<std::uint32_t> max_parallelism;
    std::string slot_sharing_group;
  };
  // Where an operator came to stand.
  struct Place {
    std::size_t vertex = 0;
    std::uint32_t position = 0;
    // Of its only input, or of the first that counts.
    std::string why_not_chained;
  };

  static VertexId vertex_id(std::size_t index) {
    return VertexId{static_cast<std::uint32_t>(index)};
  }
  Parallelism parallelism_of(const Transformation& op) const {
    return op.parallelism.has_value() ? Parallelism{static_cast<std::uint32_t>(*op.parallelism)}
                                      : settings_.parallelism;
  }
  std::optional<std::uint32_t> max_parallelism_of(const Transformation& op) const {
    if (op.max_parallelism.has_value()) return static_cast<std::uint32_t>(*op.max_parallelism);
    if (settings_.max_parallelism.has_value()) return settings_.max_parallelism->value();
    return std::nullopt;
  }
  // That of the inputs, if they agree and the program names no other.
  std::string slot_sharing_group_of(const Transformation& op) const {
    if (op.slot_sharing_group.has_value()) return *op.slot_sharing_group;
    std::optional<std::string> group;
    for (const StreamInput& input : op.inputs) {
      const std::string& from = chains_[places_[input.from].vertex].slot_sharing_group;
      if (group.has_value() && *group != from) return "default";
      group = from;
    }
    return group.value_or("default");
  }

  void place(TransformationIndex index) {
    const Transformation& op = operators_[index];
    Place& place = places_[index];
    const Chain wanted{parallelism_of(op), max_parallelism_of(op), group_of_source(index)};
    place.why_not_chained = op.inputs.empty() ? "" : obstacle(op, wanted);
    const bool joins = !op.inputs.empty() && place.why_not_chained.empty();
    place.vertex = joins ? places_[op.inputs.front().from].vertex : chains_.size();
    if (joins) {
      Chain& chain = chains_[place.vertex];
      if (!chain.max_parallelism.has_value()) chain.max_parallelism = wanted.max_parallelism;
    } else {
      chains_.push_back(wanted);
      program_->graph.vertices.push_back(
          {.id = vertex_id(place.vertex), .name = {}, .operators = {}});
      program_->operators.emplace_back();
    }
    add_operator(op, place, joins);
  }
  // An enumerator runs where its readers do.
  std::string group_of_source(TransformationIndex index) const {
    const Transformation& op = operators_[index];
    if (op.kind == OperatorKind::kEnumerator && index + 1 < operators_.size()) {
      return operators_[index + 1].slot_sharing_group.value_or("default");
    }
    return slot_sharing_group_of(op);
  }

  void add_operator(const Transformation& op, Place& place, bool joins) {
    JobVertex& vertex = program_->graph.vertices[place.vertex];
    place.position = static_cast<std::uint32_t>(vertex.operators.size());
    OperatorSpec spec;
    spec.id = OperatorId{op.id};
    spec.name = op.id;
    spec.kind = op.kind;
    spec.steps = op.steps;
    spec.states = op.states;
    spec.commits = op.commits;
    if (joins) {
      const StreamInput& input = op.inputs.front();
      spec.chained_after = places_[input.from].position;
      spec.chained_output = input.output;
    }
    vertex.name += (vertex.name.empty() ? "" : " -> ") + op.id;
    vertex.operators.push_back(std::move(spec));
    program_->operators[place.vertex].push_back(op.factory);
  }

  /// Why `op` cannot join the chain of its input, as a sentence; empty if it can.
  std::string obstacle(const Transformation& op, const Chain& wanted) const {
    if (op.inputs.size() > 1) return "it has " + std::to_string(op.inputs.size()) + " inputs";
    const StreamInput& input = op.inputs.front();
    const Transformation& from = operators_[input.from];
    const Chain& chain = chains_[places_[input.from].vertex];
    switch (input.partitioning) {
      case Partitioning::kForward: break;
      case Partitioning::kHash: return "records are spread by key";
      case Partitioning::kRebalance: return "records are spread evenly";
      case Partitioning::kBroadcast: return "every record goes to every subtask";
      case Partitioning::kAddressed: return "splits go to the reader that asked";
    }
    const auto differ = [](const std::string& what, const std::string& a, const std::string& b) {
      return what + " differs: " + a + " and " + b;
    };
    if (chain.parallelism != wanted.parallelism) {
      return differ("the parallelism", to_string(chain.parallelism), to_string(wanted.parallelism));
    }
    if (chain.max_parallelism.has_value() && wanted.max_parallelism.has_value() &&
        chain.max_parallelism != wanted.max_parallelism) {
      return differ("the max parallelism", std::to_string(*chain.max_parallelism),
                    std::to_string(*wanted.max_parallelism));
    }
    if (chain.slot_sharing_group != wanted.slot_sharing_group) {
      return differ("the slot sharing group", "'" + chain.slot_sharing_group + "'",
                    "'" + wanted.slot_sharing_group + "'");
    }
    if (from.chaining == ChainingRule::kNever) return "chaining is disabled for '" + from.id + "'";
    if (op.chaining == ChainingRule::kNever) return "chaining is disabled for '" + op.id + "'";
    if (op.chaining == ChainingRule::kHead) return "'" + op.id + "' begins a new chain";
    if (settings_.chaining == ExecutionSettings::Chaining::kOff) {
      return "chaining is switched off for the job";
    }
    return "";
  }

  void finish_vertex(const Chain& chain) {
    const auto index = static_cast<std::size_t>(&chain - chains_.data());
    JobVertex& vertex = program_->graph.vertices[index];
    vertex.parallelism = chain.parallelism;
    vertex.max_parallelism = chain.max_parallelism.has_value()
                                 ? MaxParallelism{*chain.max_parallelism}
                                 : default_max_parallelism(chain.parallelism);
    vertex.slot_sharing_group = chain.slot_sharing_group;
  }

  void connect(TransformationIndex index) {
    const Transformation& op = operators_[index];
    const Place& to = places_[index];
    // Inside a chain there is no edge.
    if (op.inputs.empty() || to.position > 0) return;
    for (std::uint32_t i = 0; i < op.inputs.size(); ++i) {
      const StreamInput& input = op.inputs[i];
      const Place& from = places_[input.from];
      JobEdge edge;
      edge.from = vertex_id(from.vertex);
      edge.from_operator = from.position;
      edge.output = input.output;
      edge.to = vertex_id(to.vertex);
      edge.input = InputIndex{i};
      edge.partitioning = partitioning_of(input, from.vertex, to.vertex);
      edge.why_not_chained = to.why_not_chained;
      program_->routers.push_back(router_of(input, edge.partitioning));
      program_->graph.edges.push_back(std::move(edge));
    }
  }
  // Subtask i can forward to subtask i only if there are as many, with the same key groups.
  Partitioning partitioning_of(const StreamInput& input, std::size_t from, std::size_t to) const {
    if (input.partitioning != Partitioning::kForward) return input.partitioning;
    const JobVertex& producer = program_->graph.vertices[from];
    const JobVertex& consumer = program_->graph.vertices[to];
    const bool keeps_keys = static_cast<bool>(input.router);
    const bool is_alike = producer.parallelism == consumer.parallelism &&
                          (!keeps_keys || producer.max_parallelism == consumer.max_parallelism);
    if (is_alike) return Partitioning::kForward;
    return keeps_keys ? Partitioning::kHash : Partitioning::kRebalance;
  }
  static RouterFactory router_of(const StreamInput& input, Partitioning partitioning) {
    switch (partitioning) {
      case Partitioning::kForward:
        return [](const RouterSetup&) -> std::unique_ptr<Router> {
          return std::make_unique<ForwardRouter>();
        };
      case Partitioning::kRebalance:
        return [](const RouterSetup& setup) -> std::unique_ptr<Router> {
          return std::make_unique<RebalanceRouter>(setup);
        };
      case Partitioning::kBroadcast:
        return [](const RouterSetup& setup) -> std::unique_ptr<Router> {
          return std::make_unique<BroadcastRouter>(setup);
        };
      case Partitioning::kHash:
      case Partitioning::kAddressed: return input.router;
    }
    WEIR_UNREACHABLE();
  }

  const ExecutionSettings& settings_;
  const std::vector<Transformation>& operators_;
  std::vector<Place> places_;
  std::vector<Chain> chains_;
  std::shared_ptr<Program> program_ = std::make_shared<Program>();
};

}  // namespace

Result<std::shared_ptr<const Program>> build_program(const StreamGraph& graph,
                                                     const std::string& job_name,
                                                     const ExecutionSettings& settings,
                                                     std::vector<std::string> mistakes) {
  if (job_name.empty()) mistakes.push_back("the job's name is empty");
  for (std::string& mistake : graph_mistakes(graph, settings)) {
    mistakes.push_back(std::move(mistake));
  }
  if (!mistakes.empty()) return invalid_argument(in_words(mistakes, job_name));
  return Builder(graph, settings).build(job_name);
}

}  // namespace weir::detail
