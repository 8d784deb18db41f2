// A chat host of another kind: the React component of MCP-UI, which finds and reads the widget by itself.
import { AppRenderer } from '@mcp-ui/client';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { createElement } from 'react';
import { createRoot } from 'react-dom/client';
import { EVERYTHING, connected, prepared, said } from './conversation.mjs';

async function open(name, args, { capabilities, context } = {}) {
  const client = await connected({ Client, StreamableHTTPClientTransport });
  const shown = await prepared(client, name, args, (tool) => tool._meta.ui.resourceUri);
  const root = document.createElement('div');
  document.body.replaceChildren(root);
  createRoot(root).render(
    createElement(AppRenderer, {
      client,
      toolName: name,
      sandbox: { url: new URL(window.sandbox), csp: shown.ui.csp },
      toolInput: args,
      toolResult: shown.result,
      hostContext: { theme: 'light', locale: 'en-AU', ...context },
      hostCapabilities: capabilities ?? EVERYTHING,
      onOpenLink: async ({ url }) => (said.links.push(url), {}),
      onMessage: async ({ content }) => (said.messages.push(content), {}),
      onSizeChanged: ({ height }) => said.sizes.push(height),
      onError: (error) => console.error(String(error)),
    }),
  );
}

window.host = { open, said };
