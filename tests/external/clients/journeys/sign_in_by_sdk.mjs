// Sign a person in with the TypeScript SDK 1.x, and read their orders.   argv: URL E-MAIL PASSWORD [WITHOUT]
import { UnauthorizedError } from '@modelcontextprotocol/sdk/client/auth.js';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { signIn } from './sign_in.mjs';

const [url, email, password, without] = process.argv.slice(2);
const connect = (authProvider) => ({
  client: new Client({ name: 'journey', version: '1' }, { capabilities: {} }),
  transport: new StreamableHTTPClientTransport(new URL(url), { authProvider }),
});
const finish = (transport, query) => transport.finishAuth(query.get('code'));
await signIn(connect, (error) => error instanceof UnauthorizedError, finish, email, password, without);
