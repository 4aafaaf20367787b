# SPDX-License-Identifier: Apache-2.0
# fraud_detection in a version that counts the payments of an account, from one on.
s/^struct Seen {$/&\n  std::uint64_t payments = 1;/
s/^WEIR_RECORD(Seen, country, at/&, payments/
s/last_\.set({/&last_.has_value() ? last_.value().payments + 1 : 1, /
