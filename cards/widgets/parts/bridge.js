"use strict";
// What every widget has: the words, its elements, and the host, with which it speaks JSON-RPC over postMessage.

const facts = JSON.parse(document.getElementById("facts").textContent);
const main = document.querySelector("main");
const told = document.getElementById("told");
const host = { capabilities: {}, context: {}, alive: true };

const say = (text, values = {}) =>
  (facts.texts[text] ?? text).replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");
const coins = new Intl.NumberFormat(facts.lang, {
  style: "currency",
  currency: facts.currency,
  minimumFractionDigits: facts.digits,
  maximumFractionDigits: facts.digits,
});
const money = (amount) => coins.format(amount.minor / 10 ** facts.digits);
const less = (amount) => amount && { ...amount, minor: -amount.minor };
const can = (capability) => Boolean(host.capabilities[capability]);
const opened = (...tools) => tools.every((tool) => facts.tools.includes(tool));
const offers = (...tools) => can("serverTools") && opened(...tools);
const speaks = (...tools) => can("message") && opened(...tools);

// Elements: text is always set as text, whatever a shop calls its goods.

function node(tag, attributes, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value === true) made.setAttribute(name, "");
    else if (value !== false && value !== undefined && value !== null) made.setAttribute(name, value);
  }
  made.append(...children.flat(Infinity).filter((child) => child !== undefined && child !== null && child !== false));
  return made;
}

function button(text, act, attributes) {
  const made = node("button", { type: "button", ...attributes }, text);
  made.addEventListener("click", () => work(act));
  return made;
}

function render(...children) {
  const focused = main.contains(document.activeElement) && document.activeElement.id;
  main.removeAttribute("aria-busy");
  main.replaceChildren(...children.flat(Infinity).filter(Boolean));
  if (focused) (document.getElementById(focused) ?? document.getElementById("title"))?.focus();
}

const title = (text) => node("h2", { id: "title", tabindex: -1 }, text);
const note = (text) => text && node("p", { class: "note" }, text);

function tell(text, wrong) {
  told.className = wrong ? "wrong" : "";
  told.textContent = text;
}

// One thing at a time; what fails is told and changes nothing.

async function work(act) {
  if (main.hasAttribute("aria-busy")) return;
  main.setAttribute("aria-busy", "true");
  tell(say("One moment …"));
  try {
    tell((await act()) ?? "");
  } catch (error) {
    tell(error.message || say("That did not work."), true);
  } finally {
    main.removeAttribute("aria-busy");
  }
}

// The host.

const waiting = new Map();
let last = 0;
const send = (message) => parent.postMessage({ jsonrpc: "2.0", ...message }, "*");

function ask(method, params) {
  const id = ++last;
  send({ id, method, params });
  return new Promise((resolve, reject) => waiting.set(id, { resolve, reject }));
}

const textOf = (result) =>
  (result.content ?? []).map((block) => (typeof block?.text === "string" ? block.text : "")).join("\n").trim();

function valueOf(result) {
  if (result.structuredContent && !result.structuredContent.error) return result.structuredContent;
  try {
    const value = JSON.parse(result.content[0].text);
    return typeof value === "object" ? value : null;
  } catch {
    return null;
  }
}

function fail(result) {
  if (result?.isError) throw new Error(textOf(result));
  return result;
}

const callTool = async (name, args) => valueOf(fail(await ask("tools/call", { name, arguments: args })));
const openPage = async (url) => fail(await ask("ui/open-link", { url }));
const speak = async (text) => fail(await ask("ui/message", { role: "user", content: [{ type: "text", text }] }));
const once = () => `w-${Date.now().toString(36)}-${Math.random().toString(36).slice(2)}`;

function tellModel(text, value) {
  if (!can("updateModelContext")) return;
  ask("ui/update-model-context", { content: [{ type: "text", text }], structuredContent: value }).catch(() => {});
}

let showValue;

function showResult(result) {
  const value = !result.isError && valueOf(result);
  tell("");
  try {
    if (value) return showValue(value);
  } catch {
    // Hosts may cut what is long: what is left is told as it is.
  }
  render();
  tell(textOf(result) || say("There is nothing to show."), result.isError);
}

function dress(context) {
  Object.assign(host.context, context);
  const { theme, styles, safeAreaInsets: inset } = host.context;
  const root = document.documentElement;
  if (theme === "dark" || theme === "light") root.dataset.theme = theme;
  for (const [name, value] of Object.entries(styles?.variables ?? {})) {
    if (/^--(font|border-radius)-/.test(name) && value) root.style.setProperty(name, value);
  }
  if (inset) document.body.style.padding = ["top", "right", "bottom", "left"].map((side) => `${inset[side] || 0}px`).join(" ");
}

const heard = {
  "ui/notifications/tool-result": showResult,
  "ui/notifications/tool-cancelled": () => (render(), tell(say("That was cancelled."))),
  "ui/notifications/host-context-changed": dress,
};
const asked = {
  ping: () => ({}),
  "ui/resource-teardown": () => ((host.alive = false), {}),
};

addEventListener("message", ({ source, data }) => {
  if (source !== parent || data?.jsonrpc !== "2.0") return;
  const { id, method, params, result, error } = data;
  const known = (table) => Object.hasOwn(table, method) && table[method];
  if (method === undefined) {
    const { resolve, reject } = waiting.get(id) ?? {};
    waiting.delete(id);
    if (error) reject?.(new Error(error.message));
    else resolve?.(result);
  } else if (id === undefined) (known(heard) || (() => {}))(params ?? {});
  else if (known(asked)) send({ id, result: known(asked)() });
  else send({ id, error: { code: -32601, message: "Method not found" } });
});

function measure() {
  let told = 0;
  let timer = 0;
  new ResizeObserver(() => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      const height = Math.ceil(document.documentElement.getBoundingClientRect().height);
      if (height !== told) send({ method: "ui/notifications/size-changed", params: { height: (told = height) } });
    }, 80);
  }).observe(document.documentElement);
}

// A chat host with an interface of its own, if none answers by the standard.

function adopt(own) {
  Object.assign(host.capabilities, { serverTools: {}, openLinks: {}, message: {} });
  const ways = {
    "tools/call": ({ name, arguments: args }) => own.callTool(name, args),
    "ui/open-link": ({ url }) => own.openExternal({ href: url }),
    "ui/message": ({ content }) => own.sendFollowUpMessage({ prompt: content[0].text }),
  };
  ask = async (method, params) => ways[method](params);
  let shown;
  const update = () => {
    dress({ theme: own.theme });
    if (own.toolOutput && own.toolOutput !== shown) showResult({ structuredContent: (shown = own.toolOutput) });
  };
  addEventListener("openai:set_globals", update);
  update();
}

async function start(show) {
  showValue = show;
  tell(say("One moment …"));
  const timer = setTimeout(() => window.openai && adopt(window.openai), 1500);
  const about = {
    protocolVersion: facts.version,
    appInfo: { name: facts.widget, version: "1" },
    appCapabilities: { availableDisplayModes: ["inline"] },
  };
  // A host that refuses this may send results nevertheless.
  const { hostCapabilities, hostContext } = await ask("ui/initialize", about).catch(() => ({}));
  clearTimeout(timer);
  host.capabilities = hostCapabilities ?? {};
  dress(hostContext ?? {});
  measure();
  send({ method: "ui/notifications/initialized", params: {} });
}
