// SPDX-License-Identifier: Apache-2.0
// posix_spawn, and /proc for what runs.
#include "cli/started_program.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <utility>

extern char** environ;

namespace weir::cli {
namespace {

std::vector<char*> pointers_to(std::vector<std::string>& words) {
  std::vector<char*> pointers;
  for (std::string& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  return pointers;
}

// Texts that end with a zero each.
Result<std::vector<std::string>> read_texts(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(file), {}};
  if (!file.good() && bytes.empty()) return unavailable(fmt::format("cannot read '{}'", path));
  std::vector<std::string> texts;
  for (std::size_t begin = 0; begin < bytes.size();) {
    const std::size_t end = std::min(bytes.find('\0', begin), bytes.size());
    texts.push_back(bytes.substr(begin, end - begin));
    begin = end + 1;
  }
  return texts;
}

}  // namespace

Result<ProcessStart> start_of_process(pid_t process) {
  const std::string proc = fmt::format("/proc/{}", process);
  ProcessStart found;
  // Its file, whatever becomes of the name.
  found.executable = OwnedFd(::open((proc + "/exe").c_str(), O_RDONLY | O_CLOEXEC));
  if (found.executable.get() < 0) {
    return unavailable(
        fmt::format("cannot open the executable of process {}: {}", process, std::strerror(errno)));
  }
  found.start.executable = fmt::format("/proc/self/fd/{}", found.executable.get());
  WEIR_ASSIGN_OR_RETURN(std::vector<std::string> words, read_texts(proc + "/cmdline"));
  if (words.empty()) return unavailable(fmt::format("process {} has ended", process));
  found.start.name = words.front();
  found.start.arguments.assign(words.begin() + 1, words.end());
  WEIR_ASSIGN_OR_RETURN(found.start.environment, read_texts(proc + "/environ"));
  std::error_code error;
  found.start.directory = std::filesystem::read_symlink(proc + "/cwd", error).string();
  if (!error) found.path = std::filesystem::read_symlink(proc + "/exe", error).string();
  if (error) return unavailable(fmt::format("process {}: {}", process, error.message()));
  return found;
}

Result<StartedProgram> StartedProgram::start(const ProgramStart& start, const std::string& output) {
  std::vector<std::string> words = {start.name.empty() ? start.executable : start.name};
  words.insert(words.end(), start.arguments.begin(), start.arguments.end());
  const std::vector<char*> argv = pointers_to(words);
  std::vector<std::string> variables = start.environment.value_or(std::vector<std::string>{});
  const std::vector<char*> own = pointers_to(variables);

  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  if (!start.directory.empty()) {
    posix_spawn_file_actions_addchdir_np(&actions, start.directory.c_str());
  }
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, output.c_str(),
                                   O_WRONLY | O_CREAT | O_APPEND, 0666);
  posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID);
  pid_t child = 0;
  const int error = posix_spawnp(&child, start.executable.c_str(), &actions, &attributes,
                                 argv.data(), start.environment ? own.data() : environ);
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) {
    return not_found(fmt::format("cannot run '{}': {}", words.front(), std::strerror(error)));
  }
  return StartedProgram(child);
}

void StartedProgram::wait(int options) {
  if (ended_) return;
  int status = 0;
  pid_t found = 0;
  do {
    found = ::waitpid(process_, &status, options);
  } while (found < 0 && errno == EINTR);
  if (found == process_ && (WIFEXITED(status) || WIFSIGNALED(status))) ended_ = status;
}

std::optional<std::string> StartedProgram::ended() {
  wait(WNOHANG);
  if (!ended_) return std::nullopt;
  return WIFSIGNALED(*ended_) ? fmt::format("signal {}", WTERMSIG(*ended_))
                              : fmt::format("status {}", WEXITSTATUS(*ended_));
}

void StartedProgram::pause() {
  if (ended()) return;
  ::kill(process_, SIGSTOP);
  wait(WUNTRACED);
}

void StartedProgram::go_on() {
  if (!ended()) ::kill(process_, SIGCONT);
}

void StartedProgram::kill() {
  if (ended()) return;
  ::kill(process_, SIGKILL);
  wait(0);
}

}  // namespace weir::cli
