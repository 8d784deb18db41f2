// What both hosts have in common: the client of our server, and a record of all that a widget asked its host for.
const EXTENSION = 'io.modelcontextprotocol/ui';
const WIDGET_TYPE = 'text/html;profile=mcp-app';

export const said = { messages: [], contexts: [], links: [], sizes: [], calls: [] };

const fetching = window.fetch;
window.fetch = (address, options) => {
  const sent = options?.method === 'POST' ? JSON.parse(options.body) : {};
  if (sent.method === 'tools/call') said.calls.push({ name: sent.params.name, arguments: sent.params.arguments });
  return fetching(address, options);
};

export const EVERYTHING = { serverTools: {}, serverResources: {}, openLinks: {}, message: { text: {} }, updateModelContext: { text: {}, structuredContent: {} } };

// A client of the package's own, which declares that its host shows widgets.
export async function connected({ Client, StreamableHTTPClientTransport }, options = {}) {
  const capabilities = { extensions: { [EXTENSION]: { mimeTypes: [WIDGET_TYPE] } } };
  const client = new Client({ name: 'host of the tests', version: '1' }, { capabilities, ...options });
  await client.connect(new StreamableHTTPClientTransport(new URL(`${window.shop}/mcp`)));
  return client;
}

// The tool, its widget, and what the call answered; a widget that is not there, or not as it should be, throws.
export async function prepared(client, name, args, addressOf) {
  const { tools } = await client.listTools();
  const tool = tools.find((one) => one.name === name);
  const uri = addressOf(tool);
  const { resources } = await client.listResources();
  const entry = resources.find((one) => one.uri === uri);
  const [content] = (await client.readResource({ uri })).contents;
  if (entry?.mimeType !== WIDGET_TYPE || content.mimeType !== WIDGET_TYPE) throw new Error('wrong media type');
  if (JSON.stringify(entry._meta) !== JSON.stringify(content._meta)) throw new Error('two sets of metadata');
  const result = args === null ? null : await client.callTool({ name, arguments: args });
  return { tool, uri, html: content.text, ui: content._meta.ui, result };
}
