// Offers the open reading tools to the agent of your browser (WebMCP), where the browser has one.
(() => {
  "use strict";

  const tools = [];

  // Drafts differ: the context moved from navigator to document, and registerTool replaced provideContext.
  const context = document.modelContext ?? navigator.modelContext;
  if (!context || tools.length === 0) return;

  let calls = 0;

  const failed = (text) => ({ content: [{ type: "text", text }], isError: true });

  const call = async (name, input) => {
    let answer;
    try {
      const response = await fetch("/mcp", {
        method: "POST",
        headers: { "Content-Type": "application/json", "Accept": "application/json, text/event-stream" },
        body: JSON.stringify({
          jsonrpc: "2.0",
          id: ++calls,
          method: "tools/call",
          params: { name, arguments: input ?? {} },
        }),
      });
      answer = await response.json();
    } catch (error) {
      return failed(`The shop could not be reached: ${error.message}`);
    }
    if (!answer.result) return failed(answer.error?.message ?? answer.message ?? "The shop gave no answer.");
    return { content: answer.result.content, isError: answer.result.isError === true };
  };

  const offered = tools.map((tool) => ({
    ...tool,
    annotations: { readOnlyHint: true },
    execute: (input) => call(tool.name, input),
  }));

  const register = async (tool) => {
    try {
      await context.registerTool(tool);
    } catch (error) {
      console.warn(`WebMCP: ${tool.name} was not registered: ${error.message}`);
    }
  };

  if (typeof context.registerTool === "function") offered.forEach(register);
  else if (typeof context.provideContext === "function") context.provideContext({ tools: offered });
})();
