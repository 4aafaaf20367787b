// SPDX-License-Identifier: Apache-2.0
// Counts words: the smallest job.
//
//   printf 'to be or\nnot to be\n' > words.txt
//   ./word_count -- --input words.txt
//
// Each word gives a line with how often it was seen so far, so the last line of a word has its
// count:
//
//   WordCount{word: "to", count: 1}
//   WordCount{word: "be", count: 1}
//   WordCount{word: "or", count: 1}
//   WordCount{word: "not", count: 1}
//   WordCount{word: "to", count: 2}
//   WordCount{word: "be", count: 2}
#include <weir/connectors/files.h>
#include <weir/weir.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

struct WordCount {
  weir::Text word;
  std::uint64_t count;
};
WEIR_RECORD(WordCount, word, count)

int main(int argc, char** argv) {
  auto env = weir::StreamExecutionEnvironment::from_args(argc, argv);
  const std::string input = env.arguments().get("input", "words.txt");

  env.from_source("lines", weir::FileSource<weir::Text>{.path = input, .format = weir::lines()},
                  weir::WatermarkStrategy<weir::Text>::none())
      .flat_map<WordCount>([](const weir::Text& line, auto& out) {
        for (std::string_view rest = line; !rest.empty();) {
          const std::size_t end = std::min(rest.find(' '), rest.size());
          if (end > 0) out.emit({out.text(rest.substr(0, end)), 1});
          rest.remove_prefix(std::min(end + 1, rest.size()));
        }
      })
      .key_by(&WordCount::word)
      .reduce("counts",
              [](const WordCount& so_far, const WordCount& one) {
                return WordCount{so_far.word, so_far.count + one.count};
              })
      .print();

  return env.execute("word-count");
}
