// SPDX-License-Identifier: Apache-2.0
// weir_golden: writes the golden files of this version of the formats. docs/FORMATS.md says when.
#include <fmt/format.h>

#include <cstdio>
#include <string>

#include <CLI/CLI.hpp>

#include "base/posix_file_store.h"
#include "tests/golden/golden_operators.h"

int main(int argc, char** argv) {
  CLI::App app("Writes snapshots of every kind of state, for tests/golden/.");
  std::string directory;
  app.add_option("--write", directory, "Folder to fill, which must be new, as tests/golden/v2")
      ->required();
  CLI11_PARSE(app, argc, argv);
  weir::PosixFileStore files;
  const weir::Status status = weir::golden::write_golden_files(files, directory);
  if (!status.is_ok()) {
    fmt::print(stderr, "weir_golden: {}\n", status.message());
    return 1;
  }
  (void)files.remove(directory + "/.lock");
  return 0;
}
