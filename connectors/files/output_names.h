// SPDX-License-Identifier: Apache-2.0
// OutputNames: what a file sink calls its files, while they are hidden and afterwards.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/operator_context.h"

namespace weir::detail {

/// Says who wrote a hidden file.
struct OutputOrigin {
  std::string lineage;
  std::uint64_t generation = 0;
  std::string run;
  std::uint64_t attempt = 0;
};

/// Makes the names of one subtask's files:
///
///   visible  <prefix>-<subtask>-<run>-<attempt>-<n>
///   hidden   .<prefix>-<subtask>-<lineage>-<generation>-<run>-<attempt>-<n>.inprogress
///
/// `run` stands for the job's run and the operator, so no two attempts, runs or operators share a
/// name. `lineage` is the first run's `run`, handed on through checkpoints: the files of dead
/// attempts are known by it, and those of other jobs in the folder are never touched. `generation`
/// is one more than that of the attempt whose checkpoint was restored: an attempt that was given up
/// but is still alive can tell that files are of a newer one.
class OutputNames {
 public:
  OutputNames(std::string directory, std::string prefix, const OperatorInfo& info);

  /// Continues from the attempt that wrote the restored checkpoint.
  void set_restored(const std::string& lineage, std::uint64_t generation) {
    lineage_ = lineage;
    generation_ = generation + 1;
  }
  const std::string& lineage() const { return lineage_; }
  std::uint64_t generation() const { return generation_; }
  const std::string& directory() const { return directory_; }

  std::string hidden_path(std::uint64_t number) const;
  std::string visible_path(std::uint64_t number) const;

  /// Tells who wrote the file of this name (without a path); none if it is not a hidden file of a
  /// sink with this prefix.
  std::optional<OutputOrigin> origin(std::string_view name) const;
  /// True for hidden files of this lineage that another attempt of this or an earlier generation
  /// wrote: surely a dead one, once a checkpoint of this attempt is complete.
  bool is_left_over(std::string_view name) const;

 private:
  const std::string directory_;
  const std::string prefix_;
  const std::string subtask_;
  const std::string run_;
  const std::uint64_t attempt_;
  std::string lineage_;
  std::uint64_t generation_ = 1;
};

}  // namespace weir::detail
