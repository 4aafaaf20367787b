# SPDX-License-Identifier: Apache-2.0
# fraud_detection in a version that also keeps how much the last payment was.
s/^struct Seen {$/&\n  double amount = 0;/
s/^WEIR_RECORD(Seen, /&amount, /
s/last_\.set({/&t.amount, /
