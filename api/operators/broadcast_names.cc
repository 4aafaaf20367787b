// SPDX-License-Identifier: Apache-2.0
// What can be wrong with the names of broadcast states.
#include "api/operators/broadcast_names.h"

#include <algorithm>
#include <set>

namespace weir::detail {

void check_broadcast_names(const std::vector<std::string>& names, Transformation& transformation) {
  std::vector<std::string>& mistakes = transformation.mistakes;
  std::set<std::string> declared;
  for (const StateDescriptor& state : transformation.states) {
    if (state.kind != StateKind::kBroadcast) continue;
    declared.insert(state.name);
    if (std::find(names.begin(), names.end(), state.name) == names.end()) {
      mistakes.push_back("it declares broadcast state '" + state.name +
                         "', but no stream is broadcast for it: connect(stream.broadcast(\"" +
                         state.name + "\"))");
    }
  }
  std::set<std::string> seen;
  for (const std::string& name : names) {
    if (!seen.insert(name).second) {
      mistakes.push_back("its broadcast stream names state '" + name + "' twice");
    } else if (declared.count(name) == 0) {
      mistakes.push_back("its stream is broadcast for state '" + name +
                         "', which the function does not declare: states.broadcast<Key, Value>(\"" +
                         name + "\")");
    }
  }
}

}  // namespace weir::detail
