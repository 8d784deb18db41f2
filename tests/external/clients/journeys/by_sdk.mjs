// Shop with the TypeScript SDK 1.x.   argv: URL (one that ends in /sse has two endpoints)
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { answer, shop, tell } from './steps.mjs';

const url = new URL(process.argv[2]);
const sse = url.pathname.endsWith('/sse');
if (sse) globalThis.EventSource = (await import('eventsource')).default;
const transports = await import(`@modelcontextprotocol/sdk/client/${sse ? 'sse' : 'streamableHttp'}.js`);

const client = new Client({ name: 'journey', version: '1' }, { capabilities: {} });
await client.connect(new (sse ? transports.SSEClientTransport : transports.StreamableHTTPClientTransport)(url));
const { tools } = await client.listTools();
const story = await shop(async (name, args) => answer(await client.callTool({ name, arguments: args })));
await client.close();
tell(null, tools.map((tool) => tool.name), story);
