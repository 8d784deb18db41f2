// Sign in with the Codex CLI, which opens a browser, and ask for the orders as its app server does.   argv: URL
import { execFileSync, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const codex = fileURLToPath(new URL('node_modules/.bin/codex', import.meta.url));
const server = 'shop';
const run = (...words) => execFileSync(process.execPath, [codex, ...words], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
const said = run('mcp', 'add', server, '--url', process.argv[2]);
const [{ auth_status: standing }] = JSON.parse(run('mcp', 'list', '--json'));

const app = spawn(process.execPath, [codex, 'app-server'], { stdio: ['pipe', 'pipe', 'ignore'] });
const send = (message) => app.stdin.write(`${JSON.stringify(message)}\n`);
const waiting = new Map();
createInterface({ input: app.stdout }).on('line', (line) => {
  const { id, result, error } = JSON.parse(line);
  const [resolve, reject] = waiting.get(id) ?? [];
  if (error) reject?.(new Error(JSON.stringify(error)));
  else resolve?.(result);
});
const ask = (method, params) =>
  new Promise((...ends) => {
    waiting.set(waiting.size + 1, ends);
    send({ id: waiting.size, method, params });
  });

await ask('initialize', { clientInfo: { name: 'journey', title: 'journey', version: '1' } });
send({ method: 'initialized' });
const { thread } = await ask('thread/start', { cwd: process.cwd(), ephemeral: true });
const call = (tool, args) => ask('mcpServer/tool/call', { threadId: thread.id, server, tool, arguments: args });
const found = await call('search_products', { query: 'paddle' });
const orders = await call('get_customer_orders', {});
const more = await call('list_addresses', {}).then(({ isError }) => (isError ? 'refused' : 'answered'), () => 'refused');
app.kill();
console.log(JSON.stringify({ said, standing, found: !found.isError, orders: JSON.parse(orders.content[0].text), more }));
