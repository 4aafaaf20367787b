// SPDX-License-Identifier: Apache-2.0
// Slot sharing groups as consecutive ranges of the slots, vertices as rotations within them.
#include "jobmanager/scheduler/placement.h"

#include <algorithm>
#include <optional>
#include <string>

#include "base/check.h"

namespace weir {
namespace {

struct Group {
  std::string name;
  std::uint32_t width = 0;
  std::uint32_t first_slot = 0;
  std::vector<std::uint32_t> load;  // subtasks per slot of the group
};

// In the order of first appearance, so that the same graph is placed the same way.
std::vector<Group> groups_of(const JobGraph& graph) {
  std::vector<Group> groups;
  for (const JobVertex& vertex : graph.vertices) {
    auto group = std::ranges::find(groups, vertex.slot_sharing_group, &Group::name);
    if (group == groups.end()) {
      groups.push_back({vertex.slot_sharing_group, 0, 0, {}});
      group = groups.end() - 1;
    }
    group->width = std::max(group->width, vertex.parallelism.value());
  }
  std::uint32_t first_slot = 0;
  for (Group& group : groups) {
    group.first_slot = first_slot;
    group.load.resize(group.width);
    first_slot += group.width;
  }
  return groups;
}

// The slot of the group in which subtask 0 makes the fullest slot of the vertex least full.
std::uint32_t emptiest_rotation(const Group& group, std::uint32_t parallelism) {
  std::uint32_t best = 0;
  std::uint32_t best_load = UINT32_MAX;
  for (std::uint32_t rotation = 0; rotation < group.width; ++rotation) {
    std::uint32_t load = 0;
    for (std::uint32_t i = 0; i < parallelism; ++i) {
      load = std::max(load, group.load[(rotation + i) % group.width]);
    }
    if (load < best_load) {
      best = rotation;
      best_load = load;
    }
  }
  return best;
}

// The vertex before this one on a forward edge, if it shares slots with it one to one.
std::optional<VertexId> forward_neighbour(const JobGraph& graph, const JobVertex& vertex) {
  for (const JobEdge& edge : graph.edges) {
    if (edge.to != vertex.id || edge.partitioning != Partitioning::kForward) continue;
    const JobVertex& from = graph.vertex(edge.from);
    if (from.id < vertex.id && from.parallelism == vertex.parallelism &&
        from.slot_sharing_group == vertex.slot_sharing_group) {
      return from.id;
    }
  }
  return std::nullopt;
}

}  // namespace

std::uint32_t slots_needed(const JobGraph& graph) {
  std::uint32_t count = 0;
  for (const Group& group : groups_of(graph)) count += group.width;
  return count;
}

std::map<SubtaskId, SlotId> place(const JobGraph& graph, const std::vector<SlotId>& slots) {
  WEIR_CHECK_EQ(slots.size(), std::size_t{slots_needed(graph)});
  std::vector<Group> groups = groups_of(graph);
  std::vector<std::uint32_t> rotations(graph.vertices.size());
  // Wide vertices have no choice, so they come first.
  std::vector<const JobVertex*> order;
  for (const JobVertex& vertex : graph.vertices) order.push_back(&vertex);
  std::ranges::sort(order, [](const JobVertex* a, const JobVertex* b) {
    return a->parallelism != b->parallelism ? a->parallelism > b->parallelism : a->id < b->id;
  });
  std::map<SubtaskId, SlotId> placed;
  for (const JobVertex* vertex : order) {
    Group& group = *std::ranges::find(groups, vertex->slot_sharing_group, &Group::name);
    const auto neighbour = forward_neighbour(graph, *vertex);
    const std::uint32_t width = vertex->parallelism.value();
    std::uint32_t& rotation = rotations[vertex->id.value()];
    if (neighbour) {
      rotation = rotations[neighbour->value()];
    } else if (width < group.width) {
      rotation = emptiest_rotation(group, width);
    }
    for (std::uint32_t i = 0; i < width; ++i) {
      const std::uint32_t slot = (rotation + i) % group.width;
      ++group.load[slot];
      placed[{vertex->id, SubtaskIndex{i}}] = slots[group.first_slot + slot];
    }
  }
  return placed;
}

}  // namespace weir
