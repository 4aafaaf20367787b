// SPDX-License-Identifier: Apache-2.0
// Makes the input of fraud_detection: payments of many accounts as JSON lines, with planted frauds.
//
//   ./fraud_generator --events 2000000 --seed 1 --output transactions.json --planted planted.json
//
// The same seed gives the same bytes. Of each kind of fraud some are planted, and as many near
// misses, which break a rule by the smallest step: the large payment one millisecond too late or
// not above the limit, one payment too few in the window, the flight exactly long enough. Each is
// on an account of its own. Lines are out of order by less than five seconds of event time, and no
// account has two payments at the same time. `planted` gets a line for every alert that must be
// found:
//
//   {"account":"acc-000412","rule":"small-then-large","at":1767261183412}
//
// Uses nothing of Weir: what it makes must not depend on what it tests.
#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

// The rules as fraud_detection has them by default. Milliseconds; money in cents.
constexpr std::int64_t kMinute = 60'000;
constexpr std::int64_t kSmallCents = 100;
constexpr std::int64_t kLimitCents = 50'000;
constexpr std::int64_t kSmallThenLargeMillis = kMinute;
constexpr int kPaymentsMax = 5;
constexpr std::int64_t kWindowMillis = kMinute;
constexpr std::int64_t kSlideMillis = 10'000;
constexpr std::int64_t kTravelMillis = 30 * kMinute;

constexpr std::int64_t kDisorderMillis = 5'000;
constexpr std::int64_t kStartMillis = 1'767'225'600'000;  // 2026-01-01T00:00:00Z
constexpr std::int64_t kMillisPerPayment = 432'000;       // of one account, on average
constexpr std::int64_t kMarginMillis = 60 * kMinute;  // before the first and after the last plant
constexpr std::array<const char*, 12> kCountries = {"AT", "CH", "DE", "DK", "ES", "FR",
                                                    "GB", "IT", "NL", "PL", "PT", "SE"};

struct Payment {
  std::uint32_t account;
  std::uint32_t country;
  std::int64_t cents;
  std::int64_t at;
  bool is_planted;
};

struct Planted {
  std::uint32_t account;
  const char* rule;
  std::int64_t at;
};

// splitmix64: small, and the same everywhere.
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed * 0x9E3779B97F4A7C15U + 1) {}
  std::uint64_t next() {
    state_ += 0x9E3779B97F4A7C15U;
    std::uint64_t value = state_;
    value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9U;
    value = (value ^ (value >> 27)) * 0x94D049BB133111EBU;
    return value ^ (value >> 31);
  }
  // From low to high, both included. The tiny bias does not matter here.
  std::int64_t between(std::int64_t low, std::int64_t high) {
    return low + static_cast<std::int64_t>(next() % static_cast<std::uint64_t>(high - low + 1));
  }
  bool chance(int percent) { return between(1, 100) <= percent; }

 private:
  std::uint64_t state_;
};

class Generator {
 public:
  Generator(std::uint64_t events, std::uint64_t accounts, std::uint64_t seed)
      : random_(seed),
        events_(events),
        accounts_(static_cast<std::uint32_t>(accounts)),
        span_(std::max<std::int64_t>(
            3 * kMarginMillis, static_cast<std::int64_t>(events / accounts_) * kMillisPerPayment)) {
  }

  void generate() {
    // A tenth of the accounts for each kind of plant.
    for (std::uint32_t i = 0; i + 6 <= accounts_ * 6 / 10; i += 6) {
      plant_small_then_large(i);
      plant_small_then_large_near_miss(i + 1);
      plant_burst(i + 2, kPaymentsMax + static_cast<int>(random_.between(1, 4)));
      plant_burst(i + 3, kPaymentsMax);
      plant_travel(i + 4, random_.between(1, kTravelMillis - 1));
      plant_travel(i + 5, random_.chance(50) ? kTravelMillis : kTravelMillis + 1);
    }
    add_noise();
    disorder();
  }

  const std::vector<Payment>& payments() const { return payments_; }
  const std::vector<Planted>& planted() const { return planted_; }

 private:
  std::uint32_t home(std::uint32_t account) const { return account % kCountries.size(); }
  std::int64_t plant_time() {
    return kStartMillis + random_.between(kMarginMillis, span_ - kMarginMillis);
  }
  void add(std::uint32_t account, std::int64_t at, std::int64_t cents, std::uint32_t country) {
    payments_.push_back({account, country, cents, at, true});
  }

  void plant_small_then_large(std::uint32_t account) {
    const std::int64_t at = plant_time();
    const std::int64_t gap =
        random_.chance(20) ? kSmallThenLargeMillis : random_.between(1, kSmallThenLargeMillis);
    add(account, at, random_.between(1, kSmallCents - 1), home(account));
    const std::int64_t over = random_.chance(20) ? 1 : random_.between(1, 100'000);
    add(account, at + gap, kLimitCents + over, home(account));
    planted_.push_back({account, "small-then-large", at + gap});
  }

  void plant_small_then_large_near_miss(std::uint32_t account) {
    const std::int64_t at = plant_time();
    const std::int64_t kind = random_.between(0, 2);
    const std::int64_t small = kind == 0 ? kSmallCents : random_.between(1, kSmallCents - 1);
    const std::int64_t large = kind == 1 ? kLimitCents : kLimitCents + 1;
    const std::int64_t gap = kind == 2 ? kSmallThenLargeMillis + 1 : kSmallThenLargeMillis / 2;
    add(account, at, small, home(account));
    add(account, at + gap, large, home(account));
  }

  // Payments so close together that at least one window holds them all.
  void plant_burst(std::uint32_t account, int payments) {
    const std::int64_t at = plant_time();
    const std::int64_t step = (kWindowMillis - kSlideMillis) / payments;
    std::int64_t last = at;
    for (int i = 0; i < payments; ++i) {
      if (i > 0) last = at + i * step + random_.between(0, step - 1);
      add(account, last, random_.between(kSmallCents, 20'000), home(account));
    }
    if (payments <= kPaymentsMax) return;
    const std::int64_t last_start = at - at % kSlideMillis;
    for (std::int64_t start = last_start; start + kWindowMillis > last; start -= kSlideMillis) {
      planted_.push_back({account, "too-many-payments", start + kWindowMillis});
    }
  }

  void plant_travel(std::uint32_t account, std::int64_t gap) {
    const std::int64_t at = plant_time();
    const std::uint32_t away =
        (home(account) + 1 + static_cast<std::uint32_t>(random_.between(0, 10))) %
        static_cast<std::uint32_t>(kCountries.size());
    add(account, at, random_.between(kSmallCents, 20'000), home(account));
    add(account, at + gap, random_.between(kSmallCents, 20'000), away);
    if (gap < kTravelMillis) planted_.push_back({account, "impossible-travel", at + gap});
  }

  // Everyday payments, some of them small, some large.
  Payment noise() {
    const auto account = static_cast<std::uint32_t>(random_.between(0, accounts_ - 1));
    const std::int64_t kind = random_.between(1, 200);
    const std::int64_t cents = kind == 1   ? random_.between(1, kSmallCents - 1)
                               : kind <= 3 ? random_.between(kLimitCents + 1, 200'000)
                                           : random_.between(kSmallCents, 40'000);
    return {account, home(account), cents, kStartMillis + random_.between(0, span_), false};
  }

  // Fills up to the number of events; draws again what falls on the time of another payment.
  void add_noise() {
    const auto by_account_and_time = [](const Payment& a, const Payment& b) {
      if (a.account != b.account) return a.account < b.account;
      if (a.at != b.at) return a.at < b.at;
      return a.is_planted && !b.is_planted;
    };
    for (;;) {
      while (payments_.size() < events_) payments_.push_back(noise());
      std::sort(payments_.begin(), payments_.end(), by_account_and_time);
      const auto end =
          std::unique(payments_.begin(), payments_.end(), [](const Payment& a, const Payment& b) {
            return a.account == b.account && a.at == b.at;
          });
      if (end == payments_.end()) return;
      payments_.erase(end, payments_.end());
    }
  }

  void disorder() {
    std::vector<std::pair<std::int64_t, std::size_t>> order(payments_.size());
    for (std::size_t i = 0; i < order.size(); ++i) {
      order[i] = {payments_[i].at + random_.between(0, kDisorderMillis - 1), i};
    }
    std::sort(order.begin(), order.end());
    std::vector<Payment> arrived;
    arrived.reserve(order.size());
    for (const auto& [time, i] : order) arrived.push_back(payments_[i]);
    payments_ = std::move(arrived);
  }

  Random random_;
  const std::uint64_t events_;
  const std::uint32_t accounts_;
  const std::int64_t span_;
  std::vector<Payment> payments_;
  std::vector<Planted> planted_;
};

// Appends to a file, and ends the program if that fails.
class Writer {
 public:
  explicit Writer(const std::string& path) : path_(path), file_(std::fopen(path.c_str(), "wb")) {
    if (file_ == nullptr) fail();
  }
  ~Writer() {
    flush();
    if (std::fclose(file_) != 0) fail();
  }
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  Writer& text(std::string_view text) {
    buffer_ += text;
    return *this;
  }
  Writer& number(std::int64_t number) {
    char digits[24];
    const auto [end, error] = std::to_chars(digits, digits + sizeof(digits), number);
    return text({digits, static_cast<std::size_t>(end - digits)});
  }
  Writer& account(std::uint32_t account) {
    char name[16];
    std::snprintf(name, sizeof(name), "acc-%06u", account);
    return text(name);
  }
  Writer& money(std::int64_t cents) {
    char amount[32];
    std::snprintf(amount, sizeof(amount), "%lld.%02lld", static_cast<long long>(cents / 100),
                  static_cast<long long>(cents % 100));
    return text(amount);
  }
  void end_line() {
    buffer_ += '\n';
    if (buffer_.size() > (std::size_t{1} << 20)) flush();
  }

 private:
  void flush() {
    if (std::fwrite(buffer_.data(), 1, buffer_.size(), file_) != buffer_.size()) fail();
    buffer_.clear();
  }
  [[noreturn]] void fail() {
    std::fprintf(stderr, "fraud_generator: cannot write '%s': %s\n", path_.c_str(),
                 std::strerror(errno));
    std::exit(1);
  }

  const std::string path_;
  std::FILE* const file_;
  std::string buffer_;
};

void write(const Generator& generator, const std::string& output, const std::string& planted) {
  Writer payments(output);
  for (const Payment& payment : generator.payments()) {
    payments.text(R"({"account":")").account(payment.account).text(R"(","amount":)");
    payments.money(payment.cents).text(R"(,"country":")").text(kCountries[payment.country]);
    payments.text(R"(","at":)").number(payment.at).text("}").end_line();
  }
  Writer alerts(planted);
  for (const Planted& alert : generator.planted()) {
    alerts.text(R"({"account":")").account(alert.account).text(R"(","rule":")").text(alert.rule);
    alerts.text(R"(","at":)").number(alert.at).text("}").end_line();
  }
}

constexpr const char* kUsage =
    "usage: fraud_generator --events N --seed S --output FILE --planted FILE [--accounts N]";

[[noreturn]] void usage(const std::string& mistake) {
  std::fprintf(stderr, "fraud_generator: %s\n%s\n", mistake.c_str(), kUsage);
  std::exit(2);
}

std::uint64_t parse_number(const std::string& flag, const std::string& text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) {
    usage(flag + " is not a number: '" + text + "'");
  }
  return number;
}

}  // namespace

int main(int argc, char** argv) {
  std::uint64_t events = 2'000'000;
  std::uint64_t accounts = 0;  // one for 200 events
  std::uint64_t seed = 1;
  std::string output = "transactions.json";
  std::string planted = "planted.json";
  for (int i = 1; i < argc; i += 2) {
    const std::string flag = argv[i];
    if (flag == "--help") return std::puts(kUsage) < 0 ? 1 : 0;
    if (i + 1 == argc) usage(flag + " needs a value");
    const std::string value = argv[i + 1];
    if (flag == "--events") {
      events = parse_number(flag, value);
    } else if (flag == "--accounts") {
      accounts = parse_number(flag, value);
    } else if (flag == "--seed") {
      seed = parse_number(flag, value);
    } else if (flag == "--output") {
      output = value;
    } else if (flag == "--planted") {
      planted = value;
    } else {
      usage("unknown flag '" + flag + "'");
    }
  }
  if (events < 1000) usage("--events must be at least 1000");
  if (accounts == 0) accounts = std::max<std::uint64_t>(60, events / 200);
  // Each kind of plant takes its payments.
  if (accounts > events / 3) usage("--accounts must be at most a third of --events");
  Generator generator(events, accounts, seed);
  generator.generate();
  write(generator, output, planted);
  std::printf("wrote %zu transactions to %s, %zu planted alerts to %s\n",
              generator.payments().size(), output.c_str(), generator.planted().size(),
              planted.c_str());
  return 0;
}
