const MOST = 8;

function showProducts(found) {
  const products = found.products.slice(0, MOST);
  const more = Math.max(found.total ?? 0, found.products.length) - products.length;
  const reads = !can("message") && offers("get_product");

  const details = (one) => async () => {
    if (reads) return showProduct(await callTool("get_product", { sku: one.sku }), () => showProducts(found));
    await speak(say("Please show me {name} ({sku}).", one));
    return say("Sent to the chat.");
  };

  render(
    title(found.category?.name ?? say("Products")),
    products.length
      ? node("ul", { class: "row", "aria-labelledby": "title" }, products.map((one, index) =>
          node("li", { class: "card" },
            node("h3", { id: `name-${index}` }, one.name),
            one.brand && note(one.brand),
            prices(one),
            stars(one),
            one.in_stock === false && node("p", { class: "note" }, say("Sold out")),
            one.choose && node("p", { class: "note" }, say("In several kinds")),
            note(one.match),
            (reads || speaks("get_product")) &&
              button(say("Details"), details(one), { id: `details-${index}`, "aria-labelledby": `details-${index} name-${index}` }))))
      : node("p", null, say("Nothing was found.")),
    more > 0 && note(say("{more} more: ask for them in the chat.", { more })),
  );
}

start(showProducts);
