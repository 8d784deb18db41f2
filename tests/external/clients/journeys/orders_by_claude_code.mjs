// Ask for orders and then for more with Claude Code, which has `shop` among its servers and is signed in there.
import { start } from './claude_code.mjs';

const { call, end } = await start([]);
const { value: orders } = await call('get_customer_orders', {});
const { refusal } = await call('list_addresses', {});
await end();
console.log(JSON.stringify({ orders, more: refusal ? 'refused' : 'answered', refusal }));
