// Shop with the command line of the Inspector, one run a step.   argv: URL TRANSPORT [ERA]
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { answer, shop, tell } from './steps.mjs';

const [url, transport, era] = process.argv.slice(2);
const cli = fileURLToPath(new URL('node_modules/.bin/mcp-inspector', import.meta.url));
const ALWAYS = [cli, '--cli', '--server-url', url, '--transport', transport, '--format', 'json', '-q'];
const REFUSED = 5; // its exit code for a result with isError

function run(...options) {
  const words = [...ALWAYS, ...(era ? ['--protocol-era', era] : []), ...options];
  return new Promise((resolve, reject) => {
    execFile(process.execPath, words, (error, said, complaint) => {
      if (error && error.code !== REFUSED) reject(new Error(`${error.message}\n${said}${complaint}`));
      else resolve(JSON.parse(said).result);
    });
  });
}

// Strict: a schema that not every model takes ends the run with an error.
const { tools } = await run('--method', 'tools/list', '--strict');
const story = await shop(async (name, args) =>
  answer(await run('--method', 'tools/call', '--tool-name', name, '--tool-args-json', JSON.stringify(args))),
);
tell(null, tools.map((tool) => tool.name), story);
