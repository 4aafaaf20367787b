// SPDX-License-Identifier: Apache-2.0
// Small JSON records to rows: the JSON format, and a loop that names every field to the parser.
#include <simdjson.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <weir/connectors/formats.h>

#include "base/check.h"
#include "base/hash.h"
#include "bench/comparison.h"
#include "bench/micro/row.h"
#include "bench/nexmark/generator.h"
#include "types/record.h"

namespace weir::bench {

/// About 80 bytes of JSON.
struct Payment {
  Text account;
  double amount;
  Text country;
  EventTime at;
};
WEIR_RECORD(Payment, account, amount, country, at)

namespace {

constexpr std::size_t kRecords = 100'000;
// As many as a batch holds: that often the text's arena is a new one.
constexpr std::size_t kRecordsPerArena = 1024;

/// Lines in one piece of memory, as a file reader hands them on.
struct Lines {
  std::string bytes;
  std::vector<std::string_view> lines;
};

std::shared_ptr<const Lines> make_input() {
  static constexpr std::string_view kCountries[] = {"DE", "FR", "US", "JP"};
  const Format<Payment> format = json();
  RecordWriter<Payment> writer = format.make_writer();
  nexmark::EventRandom random{17};
  auto input = std::make_shared<Lines>();
  std::vector<std::size_t> ends;
  for (std::size_t i = 0; i < kRecords; ++i) {
    const std::string account = "account-" + std::to_string(1000000 + random.below(9000000));
    const std::string_view country = kCountries[random.below(4)];
    writer.write(Payment{.account = Text::view(account),
                         .amount = static_cast<double>(random.below(1000000)) / 100,
                         .country = Text::view(country),
                         .at = EventTime{1436918400000 + static_cast<std::int64_t>(i)}},
                 input->bytes);
    ends.push_back(input->bytes.size());
  }
  input->bytes.append(kReadPadding, '\0');
  std::size_t begin = 0;
  for (const std::size_t end : ends) {
    input->lines.push_back(std::string_view(input->bytes).substr(begin, end - 1 - begin));
    begin = end;
  }
  return input;
}

void fold_payment(Fold& fold, std::string_view account, double amount, std::string_view country,
                  std::int64_t at) {
  fold.add(static_cast<std::int64_t>(xxh3_64(account)), std::bit_cast<std::int64_t>(amount),
           static_cast<std::int64_t>(xxh3_64(country)), at, EventTime{at});
}

void check(simdjson::error_code error) { WEIR_CHECK(error == simdjson::SUCCESS); }

Outcome run_loop(const Lines& input) {
  Fold fold;
  simdjson::ondemand::parser parser;
  for (const std::string_view line : input.lines) {
    const simdjson::padded_string_view padded(line.data(), line.size(), line.size() + kReadPadding);
    simdjson::ondemand::document document;
    check(parser.iterate(padded).get(document));
    std::string_view account;
    std::string_view country;
    double amount = 0;
    std::int64_t at = 0;
    check(document.find_field("account").get(account));
    check(document.find_field("amount").get(amount));
    check(document.find_field("country").get(country));
    check(document.find_field("at").get(at));
    fold_payment(fold, account, amount, country, at);
  }
  return fold.outcome();
}

Outcome run_weir(const Lines& input) {
  Fold fold;
  const Format<Payment> format = json();
  RecordReader<Payment> reader = format.make_reader();
  ArenaList arenas;
  TextMaker text;
  for (std::size_t i = 0; i < input.lines.size(); ++i) {
    if (i % kRecordsPerArena == 0) {
      arenas.clear();
      text = TextMaker(arenas);
    }
    const Payment row = reader.read(input.lines[i], text);
    fold_payment(fold, row.account, row.amount, row.country, row.at.millis());
  }
  return fold.outcome();
}

}  // namespace

void add_json_decode(Suite& suite) {
  const auto input = make_input();
  suite.add({.name = "json/loop", .records = kRecords, .pass = [input] {
               return run_loop(*input);
             }});
  suite.add({.name = "json/weir", .records = kRecords, .pass = [input] {
               return run_weir(*input);
             }});
  suite.compare({.title = "JSON decode, four fields, 80 bytes",
                 .weir = "json/weir",
                 .loop = "json/loop",
                 .target = {}});
}

}  // namespace weir::bench
