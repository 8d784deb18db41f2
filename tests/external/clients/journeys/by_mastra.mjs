// Shop with Mastra, by the tools it makes.   argv: URL
import { MCPClient } from '@mastra/mcp';
import { answer, shop, tell } from './steps.mjs';

const client = new MCPClient({ servers: { shop: { url: new URL(process.argv[2]) } } });
const tools = await client.listTools();
// A tool gives the structured content alone, and throws a refusal.
const call = (name, args) =>
  tools[`shop_${name}`].execute(args, {}).then(
    (value) => ({ value, structured: value }),
    (refusal) => ({ refusal: refusal.message }),
  );
const story = await shop(call);
await client.disconnect();
tell(null, Object.keys(tools).map((name) => name.replace('shop_', '')), story);
