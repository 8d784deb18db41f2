// Claude Code without its own model: one that says what a journey tells it to stands in, so that nobody logs in.
import { spawn } from 'node:child_process';
import { createServer } from 'node:http';
import { fileURLToPath } from 'node:url';

const program = new URL('node_modules/@anthropic-ai/claude-code/cli-wrapper.cjs', import.meta.url);
const PREFIX = 'mcp__shop__';

function events(block) {
  const calls = block.type === 'tool_use';
  const usage = { input_tokens: 1, output_tokens: 1 };
  const message = { id: 'msg_1', type: 'message', role: 'assistant', model: 'none', content: [], stop_reason: null, usage };
  const delta = calls
    ? { type: 'input_json_delta', partial_json: JSON.stringify(block.input) }
    : { type: 'text_delta', text: block.text };
  const stream = [
    { type: 'message_start', message },
    { type: 'content_block_start', index: 0, content_block: calls ? { ...block, input: {} } : { ...block, text: '' } },
    { type: 'content_block_delta', index: 0, delta },
    { type: 'content_block_stop', index: 0 },
    { type: 'message_delta', delta: { stop_reason: calls ? 'tool_use' : 'end_turn', stop_sequence: null }, usage },
    { type: 'message_stop' },
  ];
  return stream.map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`).join('');
}

// Start it with these options; the server that it has under the name `shop` is called by `call`, until `end`.
export async function start(options) {
  let listed = [];
  const wanted = []; // Blocks that the model is to say next.
  let hungry; // Resolves when the program asks for one.
  let number = 0; // Of the call whose result is awaited.
  let answered; // Takes it.
  const say = (block) => (hungry ? (hungry(block), (hungry = undefined)) : wanted.push(block));
  const next = () => (wanted.length ? wanted.shift() : new Promise((resolve) => (hungry = resolve)));

  const model = createServer(async (request, response) => {
    const chunks = await request.toArray();
    if (request.method !== 'POST' || !request.url.startsWith('/v1/messages')) return response.writeHead(404).end();
    const asked = JSON.parse(Buffer.concat(chunks));
    const offered = (asked.tools ?? []).map(({ name }) => name).filter((name) => name.startsWith(PREFIX));
    if (offered.length) listed = offered;
    const blocks = asked.messages.flatMap(({ content }) => (Array.isArray(content) ? content : []));
    const result = blocks.findLast(({ tool_use_id }) => tool_use_id === `toolu_${number}`);
    if (result) answered(result);
    response.writeHead(200, { 'content-type': 'text/event-stream' }).end(events(await next()));
  });
  await new Promise((resolve) => model.listen(0, '127.0.0.1', resolve));

  const agent = spawn(process.execPath, [fileURLToPath(program), '-p', 'Shop.', ...options, '--allowedTools', 'mcp__shop'], {
    env: {
      ...process.env,
      ANTHROPIC_API_KEY: 'none',
      ANTHROPIC_BASE_URL: `http://127.0.0.1:${model.address().port}`,
      ENABLE_TOOL_SEARCH: 'false',
    },
    detached: true,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  const ended = new Promise((resolve) => agent.on('exit', resolve));
  // Its program is a child of its own.
  process.on('exit', () => agent.exitCode ?? process.kill(-agent.pid));

  const result = (name, input) =>
    new Promise((resolve, reject) => {
      answered = ({ content, is_error }) => {
        // The link to the payment page comes before the rest.
        const text = Array.isArray(content) ? content.at(-1).text : content;
        try {
          resolve(is_error ? { refusal: text } : { value: JSON.parse(text) });
        } catch {
          reject(new Error(`no JSON: ${text}`));
        }
      };
      say({ type: 'tool_use', id: `toolu_${++number}`, name: PREFIX + name, input });
    });
  const call = (name, input) => Promise.race([result(name, input), ended.then(() => Promise.reject(new Error('it ended')))]);

  async function end() {
    say({ type: 'text', text: 'Done.' });
    await ended;
    model.close();
  }
  return { call, end, listed: () => listed.map((name) => name.slice(PREFIX.length)) };
}
