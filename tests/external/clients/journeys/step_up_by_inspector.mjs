// Ask for orders and then for more with the command line of the Inspector, one run a call.   argv: URL
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const cli = fileURLToPath(new URL('node_modules/.bin/mcp-inspector', import.meta.url));
const options = ['--cli', '--server-url', process.argv[2], '--transport', 'http', '--format', 'json', '-q'];

function call(tool) {
  const words = [cli, ...options, '--method', 'tools/call', '--tool-name', tool];
  const env = { ...process.env, MCP_AUTO_OPEN_ENABLED: 'true' };
  const { status, stdout } = spawnSync(process.execPath, words, { encoding: 'utf8', env, stdio: ['ignore', 'pipe', 'inherit'] });
  return status === 0 ? JSON.parse(stdout).result : { isError: true };
}

const orders = call('get_customer_orders');
const more = call('list_addresses').isError ? 'refused' : 'answered';
console.log(JSON.stringify({ orders: orders.structuredContent, more }));
