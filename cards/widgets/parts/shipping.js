start((quote) => {
  const methods = [...quote.methods];
  const radios = methods.map((method, index) =>
    node("input", { type: "radio", name: "method", id: `method-${index}`, value: index }));

  async function choose() {
    const index = radios.findIndex((radio) => radio.checked);
    if (index < 0) return radios[0].focus(), say("Please choose one.");
    await speak(say("Please ship my cart with {title} ({code}).", methods[index]));
    return say("Sent to the chat.");
  }

  render(
    title(say("Shipping")),
    methods.length && node("fieldset", { "aria-labelledby": "title" }, methods.map((method, index) =>
      node("label", { class: "pick wide" },
        radios[index],
        node("span", { class: "what" }, method.title, method.delivery && node("span", { class: "note" }, method.delivery)),
        node("strong", null, money(method.price))))),
    quote.estimate && note(say("Prices may change once the address is complete.")),
    note(methods.length ? quote.notice : quote.notice ?? say("There is no way to send it there.")),
    methods.length && can("message") && button(say("Ship with this"), choose, { id: "choose", class: "main" }),
  );
});
