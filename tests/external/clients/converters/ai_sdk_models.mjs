// What the AI SDK sends to OpenAI (both interfaces), Gemini and Anthropic for schemas of tools, as converting.py does it.
import { createAnthropic } from '@ai-sdk/anthropic';
import { createGoogleGenerativeAI } from '@ai-sdk/google';
import { createOpenAI } from '@ai-sdk/openai';
import { generateText, jsonSchema, tool } from 'ai';

let sent;
const fetch = async (_, { body }) => {
  sent = JSON.parse(body);
  throw new Error('nothing is asked');
};
const options = { apiKey: 'none', fetch };
const openai = createOpenAI(options);
const MODELS = [
  [openai.responses('gpt-5'), () => sent.tools[0].parameters],
  [openai.chat('gpt-5'), () => sent.tools[0].function.parameters],
  [createGoogleGenerativeAI(options)('gemini-2.5-pro'), () => sent.tools[0].functionDeclarations[0].parametersJsonSchema],
  [createAnthropic(options)('claude-sonnet-4-5'), () => sent.tools[0].input_schema],
];

const schemas = JSON.parse(await new Response(process.stdin).text());
const failures = {};
for (const [name, schema] of Object.entries(schemas)) {
  for (const [model, parameters] of MODELS) {
    sent = undefined;
    const tools = { [name]: tool({ description: 'A tool.', inputSchema: jsonSchema(schema) }) };
    const refused = await generateText({ model, tools, prompt: 'Hello', maxRetries: 0 }).catch((error) => error);
    const kept = sent && JSON.stringify(parameters()?.properties) === JSON.stringify(schema.properties);
    if (!kept) failures[name] = `${model.provider}: ${refused.message} ${JSON.stringify(sent?.tools)}`;
  }
}
console.log(JSON.stringify(failures));
