// SPDX-License-Identifier: Apache-2.0
// Says what fraud_detection must find in an input: reads all of it, sorts it, applies the rules one
// account after the other.
//
//   ./fraud_truth --input transactions.json --planted planted.json --output expected.json
//
// Writes one line per alert, byte for byte as the job writes them, in no order that matters: sort
// both before comparing. Ends with status 1 if an alert that was planted is not among them.
//
// Shares no code with Weir, not even the parser: it is the judge.
#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

namespace {

struct Payment {
  std::string account;
  double amount = 0;
  std::string country;
  std::int64_t at = 0;
};

struct Rules {
  double limit = 500;
  double small = 1;
  std::int64_t small_then_large_millis = 60'000;
  std::int64_t payments = 5;
  std::int64_t window_millis = 60'000;
  std::int64_t slide_millis = 10'000;
  std::int64_t travel_millis = 1'800'000;
};

// What an alert is about; its amount is what is said of it.
using AlertName = std::tuple<std::string, std::string, std::int64_t>;
using Alerts = std::map<AlertName, double>;

constexpr const char* kUsage =
    "usage: fraud_truth --input FILE [--planted FILE] --output FILE [--limit X] [--payments N]";

[[noreturn]] void die(const std::string& message) {
  std::fprintf(stderr, "fraud_truth: %s\n", message.c_str());
  std::exit(1);
}

std::string read_file(const std::string& path) {
  std::FILE* const file = std::fopen(path.c_str(), "rb");
  if (file == nullptr) die("cannot read '" + path + "': " + std::strerror(errno));
  std::string content;
  char block[1 << 16];
  while (const std::size_t got = std::fread(block, 1, sizeof(block), file)) {
    content.append(block, got);
  }
  std::fclose(file);
  return content;
}

// Reads one flat JSON object whose strings have no escapes, which is all the generator writes.
// Returns the raw text of each value by field.
std::map<std::string_view, std::string_view> parse_object(std::string_view line) {
  std::map<std::string_view, std::string_view> fields;
  std::size_t at = 0;
  const auto skip = [&](char expected) {
    if (at >= line.size() || line[at] != expected) die("cannot parse: " + std::string(line));
    ++at;
  };
  const auto until = [&](std::string_view ends) {
    const std::size_t end = line.find_first_of(ends, at);
    if (end == std::string_view::npos) die("cannot parse: " + std::string(line));
    const std::string_view text = line.substr(at, end - at);
    at = end;
    return text;
  };
  skip('{');
  for (;;) {
    skip('"');
    const std::string_view name = until("\"");
    skip('"');
    skip(':');
    if (line[at] == '"') {
      skip('"');
      fields[name] = until("\"");
      skip('"');
    } else {
      fields[name] = until(",}");
    }
    if (at < line.size() && line[at] == '}') return fields;
    skip(',');
  }
}

template <class Number>
Number parse_number(std::string_view text) {
  Number number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) {
    die("not a number: '" + std::string(text) + "'");
  }
  return number;
}

template <class F>
void for_each_line(std::string_view content, F f) {
  while (!content.empty()) {
    const std::size_t end = std::min(content.find('\n'), content.size());
    if (end > 0) f(content.substr(0, end));
    content.remove_prefix(std::min(end + 1, content.size()));
  }
}

std::vector<Payment> read_payments(const std::string& path) {
  std::vector<Payment> payments;
  for_each_line(read_file(path), [&](std::string_view line) {
    const auto fields = parse_object(line);
    payments.push_back(
        {std::string(fields.at("account")), parse_number<double>(fields.at("amount")),
         std::string(fields.at("country")), parse_number<std::int64_t>(fields.at("at"))});
  });
  return payments;
}

std::vector<AlertName> read_planted(const std::string& path) {
  std::vector<AlertName> planted;
  for_each_line(read_file(path), [&](std::string_view line) {
    const auto fields = parse_object(line);
    planted.emplace_back(fields.at("account"), fields.at("rule"),
                         parse_number<std::int64_t>(fields.at("at")));
  });
  return planted;
}

// The rules, for the payments [begin, end) of one account in order of time.
class Judge {
 public:
  explicit Judge(const Rules& rules) : rules_(rules) {}

  void account(const Payment* begin, const Payment* end) {
    small_then_large(begin, end);
    too_many(begin, end);
    travel(begin, end);
  }
  const Alerts& alerts() const { return alerts_; }

 private:
  void add(const Payment& payment, const char* rule, std::int64_t at, double amount) {
    alerts_.emplace(AlertName(payment.account, rule, at), amount);
  }

  void small_then_large(const Payment* begin, const Payment* end) {
    std::optional<std::int64_t> small_at;
    for (const Payment* payment = begin; payment != end; ++payment) {
      if (small_at.has_value() && payment->at - *small_at <= rules_.small_then_large_millis &&
          payment->amount > rules_.limit) {
        add(*payment, "small-then-large", payment->at, payment->amount);
      }
      if (payment->amount < rules_.small) small_at = payment->at;
    }
  }

  // Windows [start, start + size) begin at every multiple of the slide.
  void too_many(const Payment* begin, const Payment* end) {
    std::map<std::int64_t, std::int64_t> count_by_start;
    for (const Payment* payment = begin; payment != end; ++payment) {
      const std::int64_t last_start = payment->at - payment->at % rules_.slide_millis;
      for (std::int64_t start = last_start; start + rules_.window_millis > payment->at;
           start -= rules_.slide_millis) {
        ++count_by_start[start];
      }
    }
    for (const auto& [start, count] : count_by_start) {
      if (count <= rules_.payments) continue;
      add(*begin, "too-many-payments", start + rules_.window_millis, static_cast<double>(count));
    }
  }

  void travel(const Payment* begin, const Payment* end) {
    for (const Payment* payment = begin + 1; payment < end; ++payment) {
      const Payment& before = payment[-1];
      if (before.country != payment->country && payment->at - before.at < rules_.travel_millis) {
        add(*payment, "impossible-travel", payment->at, payment->amount);
      }
    }
  }

  const Rules rules_;
  Alerts alerts_;
};

Alerts judge(std::vector<Payment> payments, const Rules& rules) {
  std::sort(payments.begin(), payments.end(), [](const Payment& a, const Payment& b) {
    return std::tie(a.account, a.at) < std::tie(b.account, b.at);
  });
  Judge judge(rules);
  for (std::size_t begin = 0; begin < payments.size();) {
    std::size_t end = begin + 1;
    for (; end < payments.size() && payments[end].account == payments[begin].account; ++end) {
      if (payments[end].at == payments[end - 1].at) {
        die("two payments of " + payments[end].account + " at " + std::to_string(payments[end].at) +
            ": which is the first is not defined");
      }
    }
    judge.account(payments.data() + begin, payments.data() + end);
    begin = end;
  }
  return judge.alerts();
}

void write_alerts(const Alerts& alerts, const std::string& path) {
  std::FILE* const file = std::fopen(path.c_str(), "wb");
  if (file == nullptr) die("cannot write '" + path + "': " + std::strerror(errno));
  for (const auto& [name, amount] : alerts) {
    const auto& [account, rule, at] = name;
    char digits[32];  // the shortest that reads back as the same number
    const auto [end, error] = std::to_chars(digits, digits + sizeof(digits), amount);
    std::fprintf(file,
                 R"({"account":"%s","rule":"%s","amount":%.*s,"at":%lld})"
                 "\n",
                 account.c_str(), rule.c_str(), static_cast<int>(end - digits), digits,
                 static_cast<long long>(at));
  }
  if (std::fclose(file) != 0) die("cannot write '" + path + "': " + std::strerror(errno));
}

}  // namespace

int main(int argc, char** argv) {
  std::map<std::string, std::string> flags = {{"--input", "transactions.json"},
                                              {"--planted", ""},
                                              {"--output", "expected.json"},
                                              {"--limit", "500"},
                                              {"--payments", "5"}};
  for (int i = 1; i < argc; i += 2) {
    const auto flag = flags.find(argv[i]);
    if (std::string_view(argv[i]) == "--help") return std::puts(kUsage) < 0 ? 1 : 0;
    if (flag == flags.end() || i + 1 == argc) die(kUsage);
    flag->second = argv[i + 1];
  }
  Rules rules;
  rules.limit = parse_number<double>(flags["--limit"]);
  rules.payments = parse_number<std::int64_t>(flags["--payments"]);

  const Alerts alerts = judge(read_payments(flags["--input"]), rules);
  write_alerts(alerts, flags["--output"]);
  std::size_t planted = 0;
  std::size_t absent = 0;
  if (!flags["--planted"].empty()) {
    for (const AlertName& name : read_planted(flags["--planted"])) {
      ++planted;
      if (alerts.contains(name)) continue;
      ++absent;
      std::fprintf(stderr, "fraud_truth: planted but not found: %s %s %lld\n",
                   std::get<0>(name).c_str(), std::get<1>(name).c_str(),
                   static_cast<long long>(std::get<2>(name)));
    }
  }
  std::printf("%zu alerts are right, %zu of them planted\n", alerts.size(), planted - absent);
  return absent == 0 ? 0 : 1;
}
