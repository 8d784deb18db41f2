function totals(sums) {
  const rows = [
    [say("Subtotal"), sums.subtotal],
    [say("Discount"), less(sums.discount)],
    [say("Shipping"), sums.shipping],
    [sums.tax_included ? say("Tax, included") : say("Tax"), sums.tax],
    [say("Gift cards"), less(sums.gift_cards)],
    [say("Other"), sums.other],
    [say("Total"), sums.total],
  ];
  const shown = rows.filter(([, amount]) => amount);
  return node("dl", { class: "totals" }, shown.map(([name, amount]) =>
    node("div", null, node("dt", null, name), node("dd", null, money(amount)))));
}
