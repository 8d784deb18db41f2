// A chat host of the kind that the extension's own package makes: AppBridge around our widget in two nested frames.
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { AppBridge, PostMessageTransport, getToolUiResourceUri } from '@modelcontextprotocol/ext-apps/app-bridge';
import { EVERYTHING, connected, prepared, said } from './conversation.mjs';

let bridge;

async function open(name, args, { version, capabilities, context, result, cancelled } = {}) {
  const negotiation = version ? { versionNegotiation: { mode: { pin: version } } } : {};
  const client = await connected({ Client, StreamableHTTPClientTransport }, negotiation);
  const shown = await prepared(client, name, result || cancelled ? null : args, getToolUiResourceUri);
  const frame = document.createElement('iframe');
  frame.title = 'widget';
  frame.src = `${window.sandbox}?csp=${encodeURIComponent(JSON.stringify(shown.ui.csp))}`;
  frame.style.cssText = 'width: 100%; border: 0; height: 60px';

  bridge = new AppBridge(client, { name: 'AppBridge', version: '2' }, capabilities ?? EVERYTHING, {
    hostContext: { theme: 'light', locale: 'en-AU', timeZone: 'Australia/Melbourne', ...context },
  });
  bridge.onopenlink = async ({ url }) => (said.links.push(url), {});
  bridge.onmessage = async ({ content }) => (said.messages.push(content), {});
  bridge.onupdatemodelcontext = async (told) => (said.contexts.push(told), {});
  bridge.onsizechange = ({ height }) => {
    said.sizes.push(height);
    frame.style.height = `${height}px`;
  };
  const initialized = new Promise((resolve) => (bridge.oninitialized = resolve));
  const ready = new Promise((resolve) => (bridge.onsandboxready = resolve));

  document.body.replaceChildren(frame);
  await bridge.connect(new PostMessageTransport(frame.contentWindow, frame.contentWindow));
  await ready;
  await bridge.sendSandboxResourceReady({ html: shown.html, csp: shown.ui.csp, sandbox: 'allow-scripts' });
  await initialized;
  await bridge.sendToolInput({ arguments: args ?? {} });
  if (cancelled) await bridge.sendToolCancelled({ reason: 'stopped' });
  else await bridge.sendToolResult(result ?? shown.result);
  const [widget] = shown.uri.split('/').pop().split('.');
  return { widget, html: shown.html, result: shown.result };
}

window.host = { open, said, change: (context) => bridge.setHostContext(context), end: () => bridge.teardownResource({}) };
