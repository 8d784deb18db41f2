// Shop with the TypeScript client.   argv: URL (one that ends in /sse has two endpoints) [auto | VERSION to pin]
import { createRequire } from 'node:module';
import { answer, shop } from './journeys/steps.mjs';

// The packages live next door; a bare import would look for them above this file.
const require = createRequire(new URL('../node/package.json', import.meta.url));
const { Client, SSEClientTransport, StreamableHTTPClientTransport } = require('@modelcontextprotocol/client');

const [url, mode] = process.argv.slice(2);
const sse = url.endsWith('/sse');
const Transport = sse ? SSEClientTransport : StreamableHTTPClientTransport;
const negotiation = mode && { versionNegotiation: { mode: mode === 'auto' ? mode : { pin: mode } } };

async function connected(fetch) {
  const client = new Client({ name: 'journey', version: '1' }, negotiation ?? {});
  await client.connect(new Transport(new URL(url), fetch && { fetch }));
  return client;
}

// Takes the totals out of structured carts on their way.
async function spoiling(...request) {
  const response = await fetch(...request);
  const body = await response.text();
  if (!body.includes('"structuredContent"')) return new Response(body || null, response);
  const message = JSON.parse(body);
  delete message.result.structuredContent.totals;
  const headers = new Headers(response.headers);
  headers.delete('content-length');
  return new Response(JSON.stringify(message), { status: response.status, headers });
}

// What the client says of a result that breaks its schema.
async function complained() {
  const wary = await connected(spoiling);
  await wary.listTools();
  const complaint = await wary.callTool({ name: 'create_cart', arguments: {} }).then(() => null, String);
  await wary.close();
  return complaint;
}

const client = await connected();
const { tools } = await client.listTools();
const story = await shop(async (name, args) => answer(await client.callTool({ name, arguments: args })));
const version = client.getNegotiatedProtocolVersion();
await client.close();

// Over two endpoints answers come on the stream, which nobody spoils.
const complaint = sse ? null : await complained();

console.log(JSON.stringify({ version, tools: tools.map((tool) => tool.name), story, complaint }));
