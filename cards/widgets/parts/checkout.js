const POLL_MS = 30_000;
const POLLS = 20;
const FINAL = ["completed", "failed", "canceled"];
const statusWords = () => ({
  ready: say("Ready to order"),
  requires_escalation: say("Waiting for your payment"),
  complete_in_progress: say("The shop is taking your order"),
  completed: say("Ordered"),
  failed: say("There is no order"),
  canceled: say("Cancelled"),
});

const moment = (text) =>
  new Intl.DateTimeFormat(facts.lang, { dateStyle: "medium", timeStyle: "short", timeZone: host.context.timeZone })
    .format(new Date(text));
const pieces = (items) => items.map(({ quantity, name }) => `${quantity} × ${name}`).join(", ");
const ours = (url) => Boolean(url) && (url === facts.origin || url.startsWith(`${facts.origin}/`));

function tracks(parcel) {
  return (parcel.tracks ?? []).map(({ carrier, number, url }) =>
    url?.startsWith("https://") && can("openLinks")
      ? button(say("Track {number}", { number: number ?? carrier ?? "" }), () => openPage(url).then(() => ""))
      : note([carrier, number].filter(Boolean).join(" ")));
}

function orderParts(order) {
  return [
    order.number && node("p", null, say("Order number: {number}", order)),
    order.status && note(order.status),
    (order.parcels ?? []).map((parcel) => node("div", { class: "line" },
      node("div", { class: "what" },
        node("strong", null, parcel.sent_at ? say("Sent {when}", { when: moment(parcel.sent_at) }) : say("Sent")),
        note(pieces(parcel.items ?? []))),
      node("div", { class: "acts" }, tracks(parcel)))),
    order.unsent?.length && note(say("Still to be sent: {items}", { items: pieces(order.unsent) })),
    (order.comments ?? []).map(note),
    order.refunded && note(say("Refunded: {amount}", { amount: money(order.refunded) })),
    order.due && note(say("Still to be paid: {amount}", { amount: money(order.due) })),
  ];
}

let polls = 0;
let timer = 0;

function showCheckout(view) {
  const { checkout_id, status, continue_url: page, order, payment } = view;
  const reads = checkout_id && offers("get_order_status");
  const read = async () => {
    const now = await callTool("get_order_status", { checkout_id });
    showCheckout(now);
    return statusWords()[now.status];
  };

  // Asking again is for who is looking, twice a minute and for ten minutes.
  function watch() {
    clearTimeout(timer);
    timer = setTimeout(async () => {
      if (!host.alive || ++polls > POLLS) return;
      if (document.hidden) watch();
      else tell(await read().catch(() => ""));
    }, POLL_MS);
  }

  async function pay() {
    await openPage(page);
    polls = 1;
    watch();
    return say("The page is open. This changes once you have paid.");
  }

  render(
    title(statusWords()[status] ?? status),
    view.last_payment === "declined" && node("p", { class: "wrong" }, say("The last payment was declined; nothing was charged.")),
    note(view.notice),
    order && orderParts(order),
    payment && [note(say("Pay by: {method}", payment)), payment.instructions && node("p", { class: "text" }, payment.instructions)],
    totals(order?.total ? { ...view.totals, total: order.total } : view.totals),
    ours(page) && (can("openLinks")
      ? button(say("Pay at {host}", facts), pay, { id: "pay", class: "main" })
      : node("p", null, say("Pay here: {page}", { page }))),
    view.expires_at && note(say("Until {when}", { when: moment(view.expires_at) })),
    reads && !FINAL.includes(status) && button(say("Look again"), read, { id: "again" }),
  );
  if (FINAL.includes(status)) clearTimeout(timer);
  else if (reads && polls) watch();
}

start(showCheckout);
