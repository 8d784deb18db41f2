// Shop with OpenAI Agents JS, by the function tools that an agent would get.   argv: URL
import { MCPServerStreamableHttp, RunContext, getAllMcpTools, setTracingDisabled } from '@openai/agents';
import { shop, tell } from './steps.mjs';

setTracingDisabled(true);
const server = new MCPServerStreamableHttp({ url: process.argv[2] });
await server.connect();
const made = await getAllMcpTools({ mcpServers: [server], runContext: new RunContext(), convertSchemasToStrict: true });
const tools = Object.fromEntries(made.map((tool) => [tool.name, tool]));
// A tool gives its only block or a list of them; a refusal is no JSON.
const call = async (name, args) => {
  const [{ text }] = [await tools[name].invoke(new RunContext(), JSON.stringify(args))].flat();
  try {
    return { value: JSON.parse(text) };
  } catch {
    return { refusal: text };
  }
};
const story = await shop(call);
await server.close();
tell(null, Object.keys(tools), story);
