// A person at a browser without scripts, and a client's memory, for journeys in which somebody signs in.
const INPUT = /<input ([^>]*)>/g;
const ATTRIBUTE = /([a-z-]+)="([^"]*)"/g;

/** Sign in for the request of an authorization URL; the query of the address that the browser is led to. */
async function allow(address, email, password, without) {
  const page = await fetch(address);
  const form = (await page.text()).match(/<form method="post" action="([^"]+)".*?<\/form>/s);
  const fields = new URLSearchParams();
  for (const [whole, attributes] of form[0].matchAll(INPUT)) {
    const { name, value, type } = Object.fromEntries([...attributes.matchAll(ATTRIBUTE)].map((found) => found.slice(1)));
    if (type === 'checkbox' && (!whole.includes(' checked') || without.includes(value))) continue;
    fields.append(name, { email, password }[name] ?? value);
  }
  const cookie = page.headers.getSetCookie().map((set) => set.split(';')[0]).join('; ');
  const answer = await fetch(new URL(form[1], address), {
    method: 'POST', body: fields, redirect: 'manual', headers: { cookie, 'sec-fetch-site': 'same-origin' },
  });
  if (answer.status !== 303) throw new Error(`the form was answered ${answer.status}`);
  return new URL(answer.headers.get('location')).searchParams;
}

/**
 * Go from a guest to the orders of a person. `connect(provider)` opens a client: `{ transport, client }`.
 * The first time the person takes away the scopes `without`, separated by spaces.
 */
export async function signIn(connect, isUnauthorized, finish, email, password, without = '') {
  const kept = {};
  const led = [];
  const provider = {
    redirectUrl: 'http://127.0.0.1:3999/callback',
    clientMetadata: { client_name: 'Journey', redirect_uris: ['http://127.0.0.1:3999/callback'] },
    clientInformation: () => kept.client,
    saveClientInformation: (client) => { kept.client = client; },
    tokens: () => kept.tokens,
    saveTokens: (tokens) => { kept.tokens = tokens; },
    codeVerifier: () => kept.verifier,
    saveCodeVerifier: (verifier) => { kept.verifier = verifier; },
    discoveryState: () => kept.discovery,
    saveDiscoveryState: (discovery) => { kept.discovery = discovery; },
    redirectToAuthorization: async (address) => {
      led.push(await allow(address, email, password, led.length ? [] : without.split(' ')));
    },
  };
  let opened;
  const again = async (work) => {
    try {
      return await work();
    } catch (error) {
      if (!isUnauthorized(error)) throw error;
      await finish(opened.transport, led.at(-1));
      return work();
    }
  };
  const open = async () => {
    opened = connect(provider);
    await opened.client.connect(opened.transport);
  };
  try {
    await open();
  } catch (error) {
    if (!isUnauthorized(error)) throw error;
    await finish(opened.transport, led.at(-1));
    await open();
  }
  const call = (name, args) => again(() => opened.client.callTool({ name, arguments: args }));
  const found = await call('search_products', { query: 'paddle' });
  const atOnce = led.length;
  const orders = await call('get_customer_orders', {});
  const { scope } = kept.tokens;
  let more;
  try {
    more = (await call('list_addresses', {})).isError ? 'refused' : 'answered';
  } catch {
    more = 'refused';
  }
  // Clients of the first generations tell no version.
  const version = opened.client.getNegotiatedProtocolVersion?.() ?? null;
  await opened.client.close();
  process.stdout.write(`${JSON.stringify({
    refused: [found, orders].map((answer) => Boolean(answer.isError)),
    more,
    version,
    at_once: atOnce,
    signed_in: led.length,
    scope,
    orders: JSON.parse(orders.content[0].text),
  })}\n`);
}
