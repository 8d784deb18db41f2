// Runs /webmcp.js against each shape of the WebMCP drafts and calls a tool of each. Prints JSON.
const vm = require("node:vm");
const [, , origin] = process.argv;

const shapes = {
  "document.registerTool": (tools) => ({ document: { modelContext: { registerTool: async (tool) => tools.push(tool) } }, navigator: {} }),
  "navigator.registerTool": (tools) => ({ document: {}, navigator: { modelContext: { registerTool: (tool) => { tools.push(tool); } } } }),
  "navigator.provideContext": (tools) => ({ document: {}, navigator: { modelContext: { provideContext: (given) => { tools.push(...given.tools); } } } }),
  "registerTool refuses": () => ({ document: { modelContext: { registerTool: () => { throw new Error("taken"); } } }, navigator: {} }),
  nothing: () => ({ document: {}, navigator: {} }),
};

(async () => {
  const source = await (await fetch(`${origin}/webmcp.js`)).text();
  const results = {};
  for (const [shape, make] of Object.entries(shapes)) {
    const tools = [];
    const warnings = [];
    const world = { ...make(tools), console: { warn: (text) => warnings.push(text) }, fetch: (path, options) => fetch(new URL(path, origin), options) };
    vm.runInNewContext(source, world);
    await new Promise((resolve) => setImmediate(resolve));
    const search = tools.find((tool) => tool.name === "search_products");
    const failing = search && { ...world, fetch: async () => { throw new Error("offline"); } };
    const offline = [];
    if (failing) {
      const again = make(offline);
      vm.runInNewContext(source, { ...again, console, fetch: failing.fetch });
      await new Promise((resolve) => setImmediate(resolve));
    }
    results[shape] = {
      tools: tools.map((tool) => tool.name),
      warnings,
      found: search ? await search.execute({ query: "paddle", page_size: 1 }) : null,
      refused: search ? await search.execute({ page_size: 9999 }) : null,
      offline: offline.length ? await offline[0].execute({}) : null,
    };
  }
  console.log(JSON.stringify(results));
})();
