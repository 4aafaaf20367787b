// SPDX-License-Identifier: Apache-2.0
// Other keys for the state of an operator in a savepoint that is being made.
#pragma once

#include "base/status.h"
#include "launch/new_savepoint.h"
#include "weir/savepoint.h"

namespace weir::detail {

/// Rewrites the keys of all states that were kept, or of what `rewrite` names, hashes them anew and
/// puts the entries in their new order. After an error nothing has changed.
///
/// Errors: as SavepointWriter::change_keys.
Status change_keys(NewSavepoint::Operator& op, const KeyRewrite& rewrite);

}  // namespace weir::detail
