// Shop with the Codex CLI, by what its app server does for a thread; nobody has logged in.   argv: URL
import { execFileSync, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { answer, shop, tell } from './steps.mjs';

const codex = fileURLToPath(new URL('node_modules/.bin/codex', import.meta.url));
const server = 'shop';
execFileSync(process.execPath, [codex, 'mcp', 'add', server, '--url', process.argv[2]], { stdio: 'ignore' });

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
const { data } = await ask('mcpServerStatus/list', {});
const { thread } = await ask('thread/start', { cwd: process.cwd(), ephemeral: true });
const call = (tool, args) =>
  ask('mcpServer/tool/call', { threadId: thread.id, server, tool, arguments: args });
const story = await shop(async (name, args) => answer(await call(name, args)));
app.kill();
const listed = data.find((one) => one.name === server);
tell(null, Object.keys(listed.tools), story);
