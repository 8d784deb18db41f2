// The TypeScript SDK on node:http, stateless: `node typescript.mjs server|lowlevel PORT`.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { toNodeHandler } from '@modelcontextprotocol/node';
import { createMcpHandler, McpServer, Server } from '@modelcontextprotocol/server';
import * as z from 'zod/v4';

const [mode, port] = process.argv.slice(2);
const answer = JSON.parse(readFileSync(process.env.BENCH_ANSWER, 'utf8'));
const shop = process.env.BENCH_SHOP;
const description = "Search the shop's products by words.";
const info = { name: 'bench', version: '1.0.0' };

const money = z.object({ minor: z.number().int(), currency: z.string() });
const inputSchema = z.object({ query: z.string().default(''), page_size: z.number().int().default(10) });
const outputSchema = z.object({
    products: z.array(
        z.object({
            sku: z.string(),
            name: z.string(),
            price: money,
            list_price: money.optional(),
            choose: z.string().optional()
        })
    ),
    total: z.number().int().optional()
});

async function asked({ query = '', page_size = 10 }) {
    if (!shop) return answer;
    const url = `${shop}/api/rest/v2/products?search=${encodeURIComponent(query)}&page=1&pageSize=${page_size}`;
    const found = await (await fetch(url, { headers: { accept: 'application/ld+json' } })).json();
    return {
        products: found.member.map(one => ({
            sku: one.sku,
            name: one.name,
            price: { minor: Math.round(one.finalPrice * 100), currency: one.currency },
            list_price: { minor: Math.round(one.price * 100), currency: one.currency },
            choose: one.type === 'configurable' ? 'variant' : undefined
        })),
        total: found.totalItems
    };
}

async function search(args) {
    const structuredContent = await asked(args);
    return { content: [{ type: 'text', text: JSON.stringify(structuredContent) }], structuredContent };
}

function typed() {
    const server = new McpServer(info);
    server.registerTool('search_products', { description, inputSchema, outputSchema }, search);
    return server;
}

function lowlevel() {
    const server = new Server(info, { capabilities: { tools: {} } });
    const schema = { type: 'object', properties: { query: { type: 'string' }, page_size: { type: 'integer' } } };
    const tools = [{ name: 'search_products', description, inputSchema: schema }];
    server.setRequestHandler('tools/list', async () => ({ tools }));
    server.setRequestHandler('tools/call', async request => search(request.params.arguments ?? {}));
    return server;
}

const handle = toNodeHandler(createMcpHandler(mode === 'lowlevel' ? lowlevel : typed));
createServer((request, response) => void handle(request, response)).listen(Number(port), '127.0.0.1');
