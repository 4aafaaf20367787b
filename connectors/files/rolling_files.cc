// SPDX-License-Identifier: Apache-2.0
// Rolling, committing and restoring.
#include "connectors/files/rolling_files.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/fault_point.h"
#include "base/logging.h"
#include "connectors/files/file_committer.h"
#include "core/mutants.h"

namespace weir::detail {
namespace {

// Whether the completion of `checkpoint` makes a file of `group` visible. Completions may be lost
// or come late, so each covers all before it (B6).
bool is_covered(CheckpointId group, CheckpointId checkpoint) {
  if (group.value() == 0) return false;
  if (WEIR_MUTANT(B36)) return true;
  return WEIR_MUTANT(B6) ? group == checkpoint : group <= checkpoint;
}

// Output that could not be made durable is gone: only a restore can write it again.
void check_syncer(FileSyncer& syncer) {
  if (syncer.has_failed()) throw_if_error(syncer.sync());
}

}  // namespace

RollingFiles::RollingFiles(RollingFilesSettings settings)
    : settings_(std::move(settings)),
      table_([this](CheckpointId checkpoint) { return snapshot(checkpoint); }) {}

RollingFiles::~RollingFiles() = default;

void RollingFiles::open(OperatorContext& context) {
  context_ = &context;
  std::string directory = settings_.path;
  while (directory.size() > 1 && directory.back() == '/') directory.pop_back();
  throw_if_error(make_durable_directories(context.files(), directory));
  names_.emplace(directory, settings_.prefix, context.info());
  context.state().add(table_);
  restore();
}

void RollingFiles::restore() {
  const OperatorInfo& info = context_->info();
  std::vector<UncommittedFile> in_progress;
  for (const FileSinkSnapshot& former : table_.restored()) {
    names_->set_restored(former.lineage, former.generation);
    restored_checkpoint_ = std::max(restored_checkpoint_, former.checkpoint);
    if (former.subtask.value() % info.parallelism.value() != info.subtask.value()) continue;
    throw_if_error(commit_files(context_->files(), former.pending));
    in_progress.insert(in_progress.end(), former.in_progress.begin(), former.in_progress.end());
  }
  for (const UncommittedFile& source : in_progress) {
    roll();  // after a rescale there may be several; the last one stays open
    continue_file(source);
  }
  if (restored_checkpoint_.value() == 0) return;
  notified_ = restored_checkpoint_;
  context_->report_committed(restored_checkpoint_);
}

void RollingFiles::continue_file(const UncommittedFile& source) {
  start_file();
  const Result<bool> copied = copy_valid_part(context_->files(), source, *file_);
  throw_if_error(copied.status());
  superseded_.push_back(source.hidden);
  if (*copied) {
    file_bytes_ = file_->size();
    started_at_ = written_at_ = context_->clock().now();
    return;
  }
  log_warning(
      "restored an older checkpoint than the last one whose output was committed: what follows it "
      "is written again",
      {{"operator", context_->info().id}, {"file", source.visible}});
  superseded_.push_back(file_->path());
  file_.reset();
  ++file_number_;
}

void RollingFiles::start_file() {
  file_ = std::make_unique<OutputFile>(context_->files(), names_->hidden_path(file_number_));
  file_bytes_ = 0;
}

void RollingFiles::flush_or_roll() {
  flush();
  if (file_bytes_ >= settings_.roll_bytes) roll();
}

void RollingFiles::flush() {
  if (buffer_.empty()) return;
  if (file_ == nullptr) {
    start_file();
    file_->append(settings_.header);
  }
  file_->append(buffer_);
  file_bytes_ = file_->size();
  buffer_.clear();
}

void RollingFiles::roll() {
  flush();
  if (file_ == nullptr) return;
  file_->close();
  pending_.push_back({.hidden = file_->path(),
                      .visible = names_->visible_path(file_number_),
                      .length = file_->size(),
                      .checkpoint = {},
                      .syncer = file_->syncer()});
  file_.reset();
  file_bytes_ = 0;
  started_at_ = ProcessingTime::none();
  ++file_number_;
}

void RollingFiles::end_batch() {
  if (!has_content()) return;
  const ProcessingTime now = context_->clock().now();
  if (started_at_.is_none()) started_at_ = now;
  written_at_ = now;
}

ProcessingTime RollingFiles::next_processing_time() const {
  if (!has_content()) return ProcessingTime::max();
  return std::min(started_at_ + settings_.roll_interval, written_at_ + settings_.inactivity);
}

void RollingFiles::on_processing_time(ProcessingTime now) {
  if (next_processing_time() <= now) roll();
}

void RollingFiles::prepare_commit(CheckpointId checkpoint) {
  flush();
  if (file_ != nullptr) check_syncer(*file_->syncer());
  for (UncommittedFile& file : pending_) {
    check_syncer(*file.syncer);
    if (file.checkpoint.value() == 0) file.checkpoint = checkpoint;
  }
  first_unreferred_ = file_number_ + (file_ != nullptr ? 1 : 0);
}

FileSinkSnapshot RollingFiles::snapshot(CheckpointId checkpoint) const {
  WEIR_DCHECK(buffer_.empty());
  FileSinkSnapshot snapshot{.subtask = context_->info().subtask,
                            .checkpoint = checkpoint,
                            .lineage = names_->lineage(),
                            .generation = names_->generation(),
                            .pending = pending_,
                            .in_progress = {}};
  if (file_ != nullptr) {
    snapshot.in_progress.push_back({.hidden = file_->path(),
                                    .visible = names_->visible_path(file_number_),
                                    .length = file_->size(),
                                    .checkpoint = {},
                                    .syncer = file_->syncer()});
  }
  return snapshot;
}

void RollingFiles::commit(CheckpointId checkpoint) {
  notified_ = std::max(notified_, checkpoint);
  if (!committing_.has_value()) start_commit();
}

void RollingFiles::start_commit() {
  const CheckpointId checkpoint = notified_;
  std::vector<UncommittedFile> covered;
  for (const UncommittedFile& file : pending_) {
    if (is_covered(file.checkpoint, checkpoint)) covered.push_back(file);
  }
  const bool clears_up = !left_overs_removed_ && checkpoint > restored_checkpoint_;
  if (covered.empty() && !clears_up) {
    context_->report_committed(checkpoint);
    return;
  }
  committing_ = checkpoint;
  left_overs_removed_ = left_overs_removed_ || clears_up;
  // Written by the work, read by the mail that follows it.
  auto outcome = std::make_shared<Status>();
  FileStore& files = context_->files();
  const bool lists_folder = clears_up && context_->info().subtask.value() == 0;
  context_->run_blocking(
      [&files, outcome, lists_folder, names = *names_, covered = std::move(covered),
       superseded = clears_up ? std::exchange(superseded_, {}) : std::vector<std::string>()] {
        *outcome = commit_files(files, covered);
        if (!outcome->is_ok()) return;
        remove_files(files, superseded);
        if (lists_folder) remove_files(files, find_left_overs(files, names));
      },
      [this, outcome, checkpoint] { end_commit(*outcome, checkpoint); });
}

void RollingFiles::end_commit(const Status& status, CheckpointId checkpoint) {
  throw_if_error(status);
  std::erase_if(pending_, [checkpoint](const UncommittedFile& file) {
    return is_covered(file.checkpoint, checkpoint);
  });
  committing_.reset();
  fault_point("file-sink.before-report");
  context_->report_committed(checkpoint);
  if (notified_ > checkpoint) start_commit();
}

void RollingFiles::finish() {
  if (WEIR_MUTANT(B23)) {
    buffer_.clear();
    file_.reset();
    return;
  }
  roll();
  // An attempt that was cut off may have gone on writing after the first clear-up.
  left_overs_removed_ = false;
}

void RollingFiles::close() noexcept {
  if (!names_.has_value()) return;
  file_.reset();
  std::vector<std::string> paths;
  for (std::uint64_t number = first_unreferred_; number <= file_number_; ++number) {
    paths.push_back(names_->hidden_path(number));
  }
  first_unreferred_ = file_number_ + 1;
  remove_files(context_->files(), paths);
}

}  // namespace weir::detail
