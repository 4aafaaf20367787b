// SPDX-License-Identifier: Apache-2.0
// The table of keys.
#include "launch/configuration_keys.h"

namespace weir {

Configuration default_configuration() {
  using enum ConfigType;
  return Configuration({
      {"parallelism.default", kInt, "1", "Subtasks per vertex where the program names no number."},
      {"pipeline.max-parallelism", kInt, "-1",
       "Key groups per vertex; -1 derives 128 or more from the parallelism."},
      {"pipeline.operator-chaining.enabled", kBool, "true",
       "Whether operators are put into one chain where the rules allow it."},
      {"pipeline.auto-watermark-interval", kDuration, "200 ms",
       "How often sources emit a watermark."},
      {"execution.buffer-timeout.interval", kDuration, "100 ms",
       "How long a record may wait for its batch to fill."},
      {"execution.checkpointing.interval", kDuration, "3 s",
       "How often a checkpoint is taken; 0 s takes none but the final one."},
      {"execution.checkpointing.timeout", kDuration, "10 min",
       "After this time a checkpoint that is not complete is given up."},
      {"execution.checkpointing.min-pause", kDuration, "0 ms",
       "Time between the end of one checkpoint and the start of the next, at least."},
      {"execution.checkpointing.tolerable-failed-checkpoints", kInt, "0",
       "How many checkpoints in a row may fail before the job does."},
      {"execution.checkpointing.incremental", kBool, "false",
       "Whether checkpoints store what changed, and refer to earlier ones for the rest. For the "
       "heap; those of rocksdb always do."},
      {"execution.checkpointing.num-retained", kInt, "1", "Completed checkpoints that are kept."},
      {"state.backend.type", kEnum, "rocksdb",
       "Where keyed state is held: in memory alone, or with RocksDB below for what does not fit.",
       "heap|rocksdb"},
      {"state.backend.rocksdb.localdir", kString, "",
       "Folder for what does not fit into memory; empty for the system's temporary folder."},
      {"state.checkpoints.dir", kString, "checkpoints",
       "Directory of all checkpoints; each job has a folder of its name below it."},
      {"state.savepoints.dir", kString, "",
       "Where savepoints go that name no directory; empty for savepoints/ in the job's folder."},
      {"execution.state-recovery.claim-mode", kEnum, "no-claim",
       "Whether the job owns, and in time deletes, a snapshot that it is restored from by path.",
       "claim|no-claim"},
      {"execution.state-recovery.ignore-unclaimed-state", kBool, "false",
       "Whether a restore may drop state that no operator of the program asks for."},
      {"restart-strategy.type", kEnum, "exponential-delay", "When a failed job is started again.",
       "none|fixed-delay|failure-rate|exponential-delay"},
      {"restart-strategy.fixed-delay.attempts", kInt, "1", "Restarts before the job fails."},
      {"restart-strategy.fixed-delay.delay", kDuration, "1 s", "Wait before a restart."},
      {"restart-strategy.failure-rate.max-failures-per-interval", kInt, "1",
       "Failures within the interval that do not fail the job."},
      {"restart-strategy.failure-rate.failure-rate-interval", kDuration, "1 min",
       "The interval in which failures are counted."},
      {"restart-strategy.failure-rate.delay", kDuration, "1 s", "Wait before a restart."},
      {"restart-strategy.exponential-delay.initial-backoff", kDuration, "50 ms",
       "Wait before the first restart."},
      {"restart-strategy.exponential-delay.max-backoff", kDuration, "1 min",
       "The longest wait before a restart."},
      {"restart-strategy.exponential-delay.backoff-multiplier", kDouble, "2.0",
       "By how much the wait grows with every failure."},
      {"restart-strategy.exponential-delay.jitter-factor", kDouble, "0.1",
       "Random part of the wait, as a fraction of it."},
      {"restart-strategy.exponential-delay.reset-backoff-threshold", kDuration, "10 min",
       "Quiet time after which the wait starts over."},
      {"taskmanager.memory.process.size", kSize, "0",
       "Memory of the process, which queues, state tables and the block cache share, 1 mb at "
       "least; 0 for three quarters of what its cgroup or the machine has."},
      {"heartbeat.interval", kDuration, "500 ms", "How often a TaskManager reports."},
      {"heartbeat.timeout", kDuration, "5 s", "Silence after which a TaskManager counts as lost."},
      {"log.level", kEnum, "warning", "The least important lines of the log that are shown.",
       "debug|info|warning|error"},
      {"progress.interval", kDuration, "1 s", "How often the progress of a job is shown."},
  });
}

}  // namespace weir
