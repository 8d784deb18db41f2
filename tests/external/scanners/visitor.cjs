// A browser's agent on the landing page: what it hears, which tools it finds and what they answer. Prints JSON.
const [, , puppeteerPath, executablePath, origin, plan, ...args] = process.argv;
const puppeteer = require(puppeteerPath);

(async () => {
  const browser = await puppeteer.launch({ executablePath, headless: true, args });
  try {
    const page = await browser.newPage();
    const heard = [];
    page.on("console", (message) => heard.push(`${message.type()}: ${message.text()}`));
    page.on("pageerror", (error) => heard.push(String(error)));
    page.on("response", (response) => { if (response.status() >= 400) heard.push(`${response.status()} ${response.url()}`); });
    await page.goto(origin, { waitUntil: "networkidle0" });
    const seen = await page.evaluate(async (calls) => {
      const context = document.modelContext;
      if (!context?.getTools) return { supported: false };
      const tools = await context.getTools();
      const answers = [];
      for (const [name, input] of calls) {
        const tool = tools.find((tool) => tool.name === name);
        // An older Chromium takes JSON where a newer one takes the object.
        answers.push(await context.executeTool(tool, input).catch(() => context.executeTool(tool, JSON.stringify(input))));
      }
      return {
        supported: true,
        tools: tools.map(({ name, annotations }) => ({ name, reads: annotations.readOnlyHint })),
        answers,
        copy: document.querySelectorAll("button.copy").length,
        accent: getComputedStyle(document.querySelector("h1 em")).color,
      };
    }, JSON.parse(plan));
    console.log(JSON.stringify({ ...seen, heard }));
  } finally {
    await browser.close();
  }
})();
