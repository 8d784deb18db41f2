// Shop with LangChain JS, by the tools it makes.   argv: URL
import { MultiServerMCPClient } from '@langchain/mcp-adapters';
import { answer, shop, tell } from './steps.mjs';

const client = new MultiServerMCPClient({ mcpServers: { shop: { transport: 'http', url: process.argv[2] } } });
const tools = Object.fromEntries((await client.getTools()).map((tool) => [tool.name, tool]));
// A tool gives its only block or a list of them, and throws a refusal.
const call = (name, args) =>
  tools[name].invoke(args).then(
    (told) => ({ value: JSON.parse([told].flat()[0].text) }),
    (refusal) => ({ refusal: refusal.message }),
  );
const story = await shop(call);
await client.close();
tell(null, Object.keys(tools), story);
