// Sign a person in with the TypeScript client, and read their orders.   argv: URL E-MAIL PASSWORD [WITHOUT [MODE]]
import { createRequire } from 'node:module';
import { signIn } from './journeys/sign_in.mjs';

const require = createRequire(new URL('../../node/package.json', import.meta.url));
const { Client, StreamableHTTPClientTransport, UnauthorizedError } = require('@modelcontextprotocol/client');

const [url, email, password, without, mode] = process.argv.slice(2);
const connect = (authProvider) => ({
  client: new Client({ name: 'journey', version: '1' }, mode ? { versionNegotiation: { mode } } : {}),
  transport: new StreamableHTTPClientTransport(new URL(url), { authProvider }),
});
const finish = (transport, query) => transport.finishAuth(query);
await signIn(connect, (error) => error instanceof UnauthorizedError, finish, email, password, without);
