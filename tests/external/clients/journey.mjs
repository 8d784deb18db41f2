// Shop with the TypeScript client.   argv: URL (one that ends in /sse has two endpoints) [auto | VERSION to pin]
import { createRequire } from 'node:module';
import { answer, shop } from './journeys/steps.mjs';

// The packages live next door; a bare import would look for them above this file.
const require = createRequire(new URL('../../node/package.json', import.meta.url));
const { Client, SSEClientTransport, StreamableHTTPClientTransport } = require('@modelcontextprotocol/client');

const [url, mode] = process.argv.slice(2);
const sse = url.endsWith('/sse');
const Transport = sse ? SSEClientTransport : StreamableHTTPClientTransport;
const negotiation = mode && { versionNegotiation: { mode: mode === 'auto' ? mode : { pin: mode } } };

const client = new Client({ name: 'journey', version: '1' }, negotiation ?? {});
await client.connect(new Transport(new URL(url)));
const { tools } = await client.listTools();
const story = await shop(async (name, args) => answer(await client.callTool({ name, arguments: args })));
const version = client.getNegotiatedProtocolVersion();
await client.close();

console.log(JSON.stringify({ version, tools: tools.map((tool) => tool.name), story }));
