// Shop with the command line of mcporter, one run a step.   argv: URL
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { shop, tell } from './steps.mjs';

const cli = fileURLToPath(new URL('node_modules/.bin/mcporter', import.meta.url));
const reach = ['--http-url', process.argv[2], '--allow-http'];

function run(...words) {
  return new Promise((resolve, reject) => {
    execFile(process.execPath, [cli, ...words], (error, said, complaint) => {
      try {
        resolve({ told: JSON.parse(said), failed: error !== null });
      } catch {
        reject(new Error(`${error?.message}\n${said}${complaint}`));
      }
    });
  });
}

const { told } = await run('list', ...reach, '--json');
const story = await shop(async (name, args) => {
  const called = await run('call', ...reach, name, '--args', JSON.stringify(args), '--output', 'json');
  return called.failed ? { refusal: JSON.stringify(called.told) } : { value: called.told };
});
tell(null, told.tools.map((tool) => tool.name), story);
