function showCart(cart) {
  const lines = [...(cart.lines ?? [])];
  const sums = totals(cart.totals);
  const change = (tool, args) => async () => {
    const changed = await callTool(tool, { cart_id: cart.cart_id, ...args });
    showCart(changed);
    const sum = say("Now in the cart: {count}. Total: {total}.", {
      count: count(changed.lines ?? []),
      total: money(changed.totals.total),
    });
    tellModel(sum, changed);
    return sum;
  };

  const line = (one) =>
    node("li", { class: "line" },
      node("div", { class: "what" },
        node("strong", null, one.name),
        Object.entries(one.options ?? {}).map(([name, value]) => node("span", { class: "note" }, `${name}: ${value}`)),
        node("span", { class: "note" }, say("{price} each", { price: money(one.price) }))),
      node("div", { class: "sum" }, money(one.total)),
      node("div", { class: "acts" },
        offers("update_cart_item") && [
          step(one, -1, "−", say("One less: {name}", one)),
          node("span", { class: "count" }, say("{quantity} pcs", one)),
          step(one, 1, "+", say("One more: {name}", one)),
        ],
        !offers("update_cart_item") && node("span", { class: "count" }, say("{quantity} pcs", one)),
        offers("remove_from_cart") &&
          button(say("Remove"), change("remove_from_cart", { line_id: one.line_id }), {
            id: `remove-${one.line_id}`,
            "aria-label": say("Remove: {name}", one),
          })));

  const step = (one, by, sign, label) =>
    button(sign, change("update_cart_item", { line_id: one.line_id, quantity: one.quantity + by }), {
      id: `step${by}-${one.line_id}`,
      class: "step",
      "aria-label": label,
    });

  render(
    title(say("Cart")),
    lines.length
      ? node("ul", { class: "lines", "aria-labelledby": "title" }, lines.map(line))
      : node("p", null, say("The cart is empty.")),
    note(cart.notice),
    lines.length && coupon(cart, change),
    lines.length && sums,
    lines.length && next(cart),
  );
}

const count = (lines) => lines.reduce((sum, line) => sum + line.quantity, 0);

function coupon(cart, change) {
  if (cart.coupon) {
    return node("div", { class: "acts" },
      node("span", null, say("Coupon: {coupon}", cart)),
      offers("remove_coupon") &&
        button(say("Remove"), change("remove_coupon", {}), {
          id: "coupon-off",
          "aria-label": say("Remove: {name}", { name: cart.coupon }),
        }));
  }
  if (!offers("apply_coupon")) return null;
  const field = node("input", { id: "coupon", type: "text", maxlength: 64, autocomplete: "off", spellcheck: "false" });
  const apply = () => {
    const code = field.value.trim();
    return code ? change("apply_coupon", { code })() : field.focus();
  };
  field.addEventListener("keydown", (event) => event.key === "Enter" && work(apply));
  return node("div", { class: "acts" },
    node("label", { for: "coupon" }, say("Coupon code")), field, button(say("Apply"), apply, { id: "coupon-on" }));
}

function next(cart) {
  const ordered = cart.ships_nothing || cart.ships_by;
  if (!speaks(ordered ? "place_order" : "get_shipping_methods")) return null;
  const [text, wish] = ordered
    ? [say("Order"), say("I would like to order my cart. Please show me the total first.")]
    : [say("Go to shipping"), say("How can my cart be shipped? Please show me the choices.")];
  return button(text, async () => (await speak(wish), say("Sent to the chat.")), { id: "next", class: "main" });
}
