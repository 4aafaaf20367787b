// SPDX-License-Identifier: Apache-2.0
// UnneededFiles, printed and deleted.
#include "cli/gc_command.h"

#include <fmt/format.h>

#include <memory>

#include <CLI/CLI.hpp>

#include "cli/unneeded_files.h"
#include "state/snapshot/checkpoint_layout.h"

namespace weir::cli {
namespace {

// Metadata first: what is left of a checkpoint must not look like one.
Status remove_durably(FileStore& files, const std::string& path) {
  const Status metadata = files.remove(checkpoint_layout::join(path, checkpoint_layout::kMetadata));
  if (metadata.is_ok()) WEIR_RETURN_IF_ERROR(files.sync_directory(path));
  WEIR_RETURN_IF_ERROR(files.remove_tree(path));
  return files.sync_directory(parent_directory(path));
}

}  // namespace

int collect_garbage(const CommandContext& context, const GcOptions& options) {
  UnneededFiles unneeded(
      context.files,
      options.is_dry_run ? UnneededFiles::Locks::kLetGo : UnneededFiles::Locks::kHeld,
      options.retained);
  const Status looked = unneeded.find(options.directories);
  if (!looked.is_ok()) {
    context.error << "weir: " << looked.message() << "; nothing is deleted\n";
    return kUnusable;
  }
  for (const std::string& directory : unneeded.left_alone()) {
    context.out << "left alone  " << directory << '\n';
  }
  std::uint64_t bytes = 0;
  std::size_t count = 0;
  int status = kOk;
  for (const UnneededFile& file : unneeded.found()) {
    const Status removed =
        options.is_dry_run ? Status::ok() : remove_durably(context.files, file.path);
    if (!removed.is_ok()) {
      context.error << "weir: " << removed.message() << '\n';
      status = kUnusable;
      continue;
    }
    context.out << fmt::format("{}  {} bytes  {}\n", file.path, file.bytes, file.reason);
    bytes += file.bytes;
    ++count;
  }
  context.out << fmt::format("{} {}, {} bytes, {}\n", count, count == 1 ? "entry" : "entries",
                             bytes, options.is_dry_run ? "would be deleted" : "deleted");
  return options.is_dry_run && count > 0 ? kNo : status;
}

void add_gc_command(CLI::App& app, const CommandContext& context, int& status) {
  CLI::App* command = app.add_subcommand(
      "gc",
      "Delete files that no completed checkpoint or savepoint needs, of jobs that do not run");
  // Shared with the callback, which lives as long as the command line.
  const auto options = std::make_shared<GcOptions>();
  command->add_option("directories", options->directories,
                      "Checkpoint directories, directories of jobs, folders of savepoints "
                      "(default: checkpoints)");
  command->add_flag("--dry-run", options->is_dry_run, "Delete nothing, only say what would be");
  command
      ->add_option("--retain", options->retained,
                   "Also delete completed checkpoints, but for the newest N of each job")
      ->check(CLI::Range(1U, 1000000U));
  command->footer(
      "Savepoints and, without --retain, completed checkpoints are never deleted.\n"
      "Exit status: 0 when all is done, or a dry run found nothing; 1 if a dry run found\n"
      "something; 2 if anything could not be read, then nothing is deleted, or not be deleted.");
  command->callback([=, &context, &status] {
    if (options->directories.empty()) options->directories = {"checkpoints"};
    status = collect_garbage(context, *options);
  });
}

}  // namespace weir::cli
