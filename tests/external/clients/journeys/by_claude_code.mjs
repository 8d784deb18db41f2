// Shop with Claude Code.   argv: URL
import { start } from './claude_code.mjs';
import { shop, tell } from './steps.mjs';

const servers = { mcpServers: { shop: { type: 'http', url: process.argv[2] } } };
const { call, end, listed } = await start(['--mcp-config', JSON.stringify(servers), '--strict-mcp-config']);
const story = await shop(call);
await end();
tell(null, listed(), story);
