// Shop with the AI SDK, by the tools it makes.   argv: URL
import { createMCPClient } from '@ai-sdk/mcp';
import { answer, shop, tell } from './steps.mjs';

const client = await createMCPClient({ transport: { type: 'http', url: process.argv[2] } });
const tools = await client.tools();
const call = async (name, args) => answer(await tools[name].execute(args, { toolCallId: name, messages: [] }));
const story = await shop(call);
await client.close();
tell(null, Object.keys(tools), story);
