// SPDX-License-Identifier: Apache-2.0
// The plan as text and as JSON.
#include "api/graph/explain.h"

#include <fmt/format.h>

#include <iterator>
#include <string_view>

namespace weir {
namespace {

std::string_view to_text(OperatorKind kind) {
  switch (kind) {
    case OperatorKind::kEnumerator: return "enumerator";
    case OperatorKind::kSourceReader: return "source";
    case OperatorKind::kTransform: return "transform";
    case OperatorKind::kSink: return "sink";
  }
  return "";
}
std::string_view to_text(Partitioning partitioning) {
  switch (partitioning) {
    case Partitioning::kForward: return "forward";
    case Partitioning::kHash: return "hash";
    case Partitioning::kRebalance: return "rebalance";
    case Partitioning::kBroadcast: return "broadcast";
    case Partitioning::kAddressed: return "addressed";
  }
  return "";
}

std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += {'\\', c};
    } else if (static_cast<unsigned char>(c) < 0x20) {
      fmt::format_to(std::back_inserter(out), "\\u{:04x}", static_cast<unsigned>(c));
    } else {
      out += c;
    }
  }
  return out + "\"";
}

template <class Items, class Print>
std::string json_list(const Items& items, Print&& print) {
  std::string out = "[";
  for (const auto& item : items) {
    if (out.size() > 1) out += ",";
    out += print(item);
  }
  return out + "]";
}

// How deep an operator stands in the tree of its chain.
std::size_t depth(const JobVertex& vertex, std::size_t position) {
  std::size_t depth = 0;
  for (std::optional<std::uint32_t> at = vertex.operators[position].chained_after; at.has_value();
       at = vertex.operators[*at].chained_after) {
    ++depth;
  }
  return depth;
}

std::string joined(const std::vector<std::string>& parts) {
  std::string out;
  for (const std::string& part : parts) out += (out.empty() ? "" : ", ") + part;
  return out;
}

void print_operator(std::string& out, const JobVertex& vertex, std::size_t position) {
  const OperatorSpec& op = vertex.operators[position];
  fmt::format_to(std::back_inserter(out), "  {:{}}{} ({})", "", 2 * depth(vertex, position),
                 op.name, to_text(op.kind));
  if (op.chained_output.value() > 0) {
    fmt::format_to(std::back_inserter(out), ", side output {}", op.chained_output.value());
  }
  if (!op.steps.empty()) out += ", fused: " + joined(op.steps);
  std::vector<std::string> states;
  for (const StateDescriptor& state : op.states) {
    states.push_back(state.name + (state.kind == StateKind::kBroadcast ? " (broadcast)" : "") +
                     (state.ttl ? " for " + to_string(*state.ttl) : ""));
  }
  if (!states.empty()) out += ", state: " + joined(states);
  out += "\n";
}

std::string operator_json(const OperatorSpec& op) {
  std::string out = fmt::format("{{\"id\":{},\"name\":{},\"kind\":\"{}\"", quoted(op.id.value()),
                                quoted(op.name), to_text(op.kind));
  if (op.chained_after.has_value()) {
    fmt::format_to(std::back_inserter(out), ",\"chained_after\":{},\"chained_output\":{}",
                   *op.chained_after, op.chained_output.value());
  }
  const auto state_json = [](const StateDescriptor& state) {
    return fmt::format(
        "{{\"name\":{},\"kind\":\"{}\",\"distribution\":\"{}\",\"key\":{},\"value\":{}{}}}",
        quoted(state.name), to_string(state.kind), to_string(state.distribution),
        quoted(state.key_schema), quoted(state.value_schema),
        state.ttl ? fmt::format(",\"ttl_ms\":{}", state.ttl->count()) : "");
  };
  fmt::format_to(std::back_inserter(out), ",\"steps\":{},\"states\":{},\"commits\":{}}}",
                 json_list(op.steps, quoted), json_list(op.states, state_json), op.commits);
  return out;
}

std::string vertex_json(const JobVertex& vertex) {
  return fmt::format(
      "{{\"id\":{},\"name\":{},\"parallelism\":{},\"max_parallelism\":{},"
      "\"slot_sharing_group\":{},\"operators\":{}}}",
      vertex.id.value(), quoted(vertex.name), vertex.parallelism.value(),
      vertex.max_parallelism.value(), quoted(vertex.slot_sharing_group),
      json_list(vertex.operators, operator_json));
}

std::string edge_json(const JobEdge& edge) {
  return fmt::format(
      "{{\"from\":{},\"from_operator\":{},\"output\":{},\"to\":{},\"input\":{},"
      "\"partitioning\":\"{}\",\"why_not_chained\":{}}}",
      edge.from.value(), edge.from_operator, edge.output.value(), edge.to.value(),
      edge.input.value(), to_text(edge.partitioning), quoted(edge.why_not_chained));
}

}  // namespace

std::string explain_text(const JobGraph& graph) {
  std::string out = graph.name + "\n";
  for (const JobVertex& vertex : graph.vertices) {
    fmt::format_to(std::back_inserter(out),
                   "\nvertex {}: parallelism {}, max parallelism {}, slot sharing group '{}'\n",
                   vertex.id.value(), vertex.parallelism.value(), vertex.max_parallelism.value(),
                   vertex.slot_sharing_group);
    for (std::size_t i = 0; i < vertex.operators.size(); ++i) print_operator(out, vertex, i);
    for (const JobEdge& edge : graph.edges) {
      if (edge.from != vertex.id) continue;
      const std::string side =
          edge.output.value() == 0 ? "" : fmt::format(" (side output {})", edge.output.value());
      fmt::format_to(std::back_inserter(out), "  {}{} --{}--> vertex {}, not chained because {}\n",
                     vertex.operators[edge.from_operator].name, side, to_text(edge.partitioning),
                     edge.to.value(), edge.why_not_chained);
    }
  }
  return out;
}

std::string explain_json(const JobGraph& graph) {
  return fmt::format("{{\"name\":{},\"vertices\":{},\"edges\":{}}}", quoted(graph.name),
                     json_list(graph.vertices, vertex_json), json_list(graph.edges, edge_json));
}

}  // namespace weir
