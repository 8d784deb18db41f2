function prices(one, price = one.price) {
  return node("p", { class: "price" },
    node("strong", null, money(price)),
    one.list_price && [
      " ",
      node("s", { class: "was" }, node("span", { class: "hidden" }, say("Before: ")), money(one.list_price)),
    ]);
}

const stars = (one) => one.rating && node("p", { class: "note" }, say("{rating} of 5 stars", one));

function showProduct(product, back) {
  const variants = product.variants ?? [];
  const axes = product.axes ?? [];
  const options = product.custom_options ?? [];
  const chosen = { ...product.selected_variant?.options };
  const radios = new Map();
  const cost = node("div");
  const stock = node("p", { class: "note" });

  // A value is impossible by what was chosen above it only, so that no choice leads into a dead end.
  const fitting = (upTo) => variants.filter((variant) =>
    axes.slice(0, upTo).every(({ label }) => !chosen[label] || variant.options[label] === chosen[label]));
  const variant = () => axes.every(({ label }) => chosen[label]) && axes.length ? fitting(axes.length)[0] : undefined;

  function update() {
    axes.forEach(({ label, values }, position) => {
      for (const value of values) {
        const having = fitting(position).filter((one) => one.options[label] === value);
        const sold = having.some((one) => one.in_stock !== false);
        const { radio, why } = radios.get(`${position} ${value}`);
        radio.disabled = !sold;
        why.textContent = sold ? "" : having.length ? say(" (sold out)") : say(" (not available)");
        if (!sold && chosen[label] === value) delete chosen[label];
        radio.checked = chosen[label] === value;
      }
    });
    const one = variant();
    cost.replaceChildren(prices(product, one?.price));
    const left = one ? one.stock : product.stock;
    const here = (one ?? product).in_stock !== false;
    stock.textContent = here ? (left ? say("In stock: {left}", { left }) : say("In stock")) : say("Sold out");
  }

  const axis = ({ label, values }, position) =>
    node("fieldset", null,
      node("legend", null, label),
      node("div", { class: "acts" }, values.map((value, index) => {
        const radio = node("input", { type: "radio", name: `axis-${position}`, id: `axis-${position}-${index}` });
        const why = node("span");
        radio.addEventListener("change", () => ((chosen[label] = value), update()));
        radios.set(`${position} ${value}`, { radio, why });
        return node("label", { class: "pick" }, radio, " ", value, why);
      })));

  const asked = options.map((option) => custom(option));
  const amount = node("input", {
    id: "quantity",
    type: "number",
    inputmode: "numeric",
    value: product.min_quantity ?? 1,
    min: product.min_quantity ?? 1,
    max: product.max_quantity ?? 999,
    step: product.quantity_step ?? 1,
  });

  async function add() {
    const open = axes.findIndex(({ label }) => !chosen[label]);
    if (open >= 0) {
      main.querySelector(`[name="axis-${open}"]:enabled`)?.focus();
      return say("Please choose: {label}", axes[open]);
    }
    const missing = asked.find(({ option, read }) => option.required && !read().length);
    if (missing) {
      missing.element.querySelector("input")?.focus();
      return say("Please choose: {label}", { label: missing.option.title });
    }
    if (!amount.checkValidity()) return amount.focus(), say("Please check the quantity.");
    const order = { sku: variant()?.sku ?? product.sku, quantity: amount.valueAsNumber, name: product.name };
    const filled = asked.filter(({ read }) => read().length);
    return can("message") ? addByChat(order, filled) : addByTools(order, filled);
  }

  render(
    back && button(say("Back"), () => back(), { id: "back" }),
    title(product.name),
    product.brand && note(product.brand),
    cost,
    stars(product),
    stock,
    product.description && node("p", { class: "text" }, product.description),
    axes.map(axis),
    asked.map(({ element }) => element),
    (speaks("add_to_cart") || offers("create_cart", "add_to_cart")) && product.in_stock !== false && [
      node("div", { class: "acts" }, node("label", { for: "quantity" }, say("Quantity")), amount),
      button(say("Add to cart"), add, { id: "add", class: "main" }),
    ],
  );
  update();
}

// An option that the buyer fills in; what a widget has no control for is left to the conversation.

function custom(option) {
  const id = `option-${option.id}`;
  const name = option.required ? option.title : say("{title} (if you like)", option);
  const titled = (value) => value.title + (value.surcharge ? ` (+${money(value.surcharge)})` : "");
  if (["choice", "choices"].includes(option.kind)) {
    const boxes = (option.values ?? []).map((value) => ({
      value,
      box: node("input", {
        type: option.kind === "choice" ? "radio" : "checkbox",
        name: id,
        disabled: value.in_stock === false,
      }),
    }));
    const checked = () => boxes.filter(({ box }) => box.checked).map(({ value }) => value);
    return {
      option,
      element: node("fieldset", null, node("legend", null, name), node("div", { class: "acts" },
        boxes.map(({ value, box }) => node("label", { class: "pick" }, box, " ", titled(value))))),
      read: checked,
      words: () => checked().map((value) => value.title).join(", "),
      send: () => (option.kind === "choice" ? checked()[0].id : checked().map((value) => value.id)),
    };
  }
  if (["text", "date"].includes(option.kind)) {
    const field = node("input", { id, type: option.kind, maxlength: option.max_length, autocomplete: "off" });
    const read = () => field.value.trim();
    const element = node("div", { class: "acts" }, node("label", { for: id }, titled({ ...option, title: name })), field);
    return { option, element, read, words: read, send: read };
  }
  const element = node("p", { class: "note" }, say("{title}: tell it in the chat.", option));
  return { option: { ...option, required: option.required && !can("message") }, element, read: () => "" };
}

async function addByChat({ sku, quantity, name }, filled) {
  const wishes = filled.map(({ option, words }) => `; ${option.title}: ${words()}`).join("");
  await speak(say("Please put into my cart: {quantity} × {name} ({sku})", { sku, quantity, name }) + wishes);
  return say("Sent to the chat.");
}

// A host through which nobody can speak: the widget fills a cart of its own, and tells the model of it.

let ownCart;

async function addByTools({ sku, quantity }, filled) {
  ownCart ??= (await callTool("create_cart", { idempotency_key: once() })).cart_id;
  const options = Object.fromEntries(filled.map(({ option, send }) => [option.id, send()]));
  const cart = await callTool("add_to_cart", { cart_id: ownCart, sku, quantity, options, idempotency_key: once() });
  const sum = say("Now in the cart: {count}. Total: {total}.", {
    count: cart.lines.reduce((pieces, line) => pieces + line.quantity, 0),
    total: money(cart.totals.total),
  });
  tellModel(sum, cart);
  return sum;
}
