// SPDX-License-Identifier: Apache-2.0
// What the documentation shows, without a warning.
// expect-none
#include "connectors/formats/format.h"
#include "types/key_codec.h"
#include "types/schema.h"

namespace shop {
enum class Kind { kCard, kCash };
struct Payment {
  weir::Text account;
  double amount = 0;
  std::optional<Kind> kind;
  weir::EventTime at;
};
WEIR_RECORD(Payment, account, (amount, "the-amount"), kind, at)

template <class T>
struct Box {
  T held{};
  WEIR_RECORD_INSIDE(Box, held)
};
}  // namespace shop

struct Global {
  int value = 0;
};
WEIR_RECORD(Global, value);

static_assert(weir::Describable<shop::Payment> && weir::Describable<shop::Box<Global>>);
static_assert(weir::KeyType<shop::Payment>);

shop::Payment make(weir::TextMaker& text) {
  struct Local {
    int value = 0;
    WEIR_RECORD_INSIDE(Local, value)
  };
  static_assert(weir::Describable<Local>);
  return {"literal", 1.5, shop::Kind::kCash,
          weir::EventTime(text.text("{} {:.1f}", 1, 2.0).size())};
}
bool is_mine(const shop::Payment& payment) {
  return payment.account == "mine" && payment == shop::Payment{};
}
