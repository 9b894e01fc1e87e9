// The AI SDK's `openai()`, which speaks Responses: every feature with every provider.
//
// Runs with the Node and the packages of .venv-agents. Parameters come by standard input, and the
// outcomes go to standard output, as in cases.py.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const given = JSON.parse(readFileSync(0, "utf8"));
const require = createRequire(`${given.modules}/`);
const load = (name) => import(pathToFileURL(require.resolve(name)));
const { createOpenAI } = await load("@ai-sdk/openai");
const { generateObject, generateText, stepCountIs, streamText, tool } = await load("ai");
const { z } = await load("zod");

globalThis.AI_SDK_LOG_WARNINGS = false;
const openai = createOpenAI({ baseURL: given.url, apiKey: given.key });
const own = { openai: { store: false } };
const Weather = z.object({ city: z.string(), celsius: z.number().int() });

function tokens({ usage }) {
  return [usage.inputTokens, usage.outputTokens];
}

function weather(calls) {
  return {
    weather: tool({
      description: "Return the weather in a city.",
      inputSchema: z.object({ city: z.string() }),
      execute: async ({ city }) => {
        calls.push(city);
        return `21 °C in ${city}`;
      },
    }),
  };
}

async function text(model) {
  const result = await generateText({ model, prompt: given.prompts.hello, maxRetries: 0 });
  return { text: result.text, tokens: tokens(result) };
}

async function stream(model) {
  const result = streamText({ model, prompt: given.prompts.hello, maxRetries: 0, onError: () => {} });
  const pieces = [];
  for await (const part of result.fullStream) {
    if (part.type === "error") throw part.error;
    if (part.type === "text-delta") pieces.push(part.text);
  }
  const counted = [(await result.usage).inputTokens, (await result.usage).outputTokens];
  return { text: pieces.join(""), pieces: pieces.length, tokens: counted };
}

// The second step refers to the items of the first by `item_reference`, unless `store` is false.
async function toolRoundTrip(model, more = {}) {
  const calls = [];
  const result = await generateText({
    model,
    prompt: given.prompts.weather,
    tools: weather(calls),
    stopWhen: stepCountIs(3),
    maxRetries: 0,
    ...more,
  });
  return { text: result.text, calls, steps: result.steps.length };
}

// A second turn, whose first turn had text: the text goes back by `item_reference`.
async function secondTurn(model) {
  const first = await generateText({ model, prompt: given.prompts.hello, maxRetries: 0 });
  const messages = [
    { role: "user", content: given.prompts.hello },
    ...first.response.messages,
    { role: "user", content: given.prompts.hello },
  ];
  const second = await generateText({ model, messages, maxRetries: 0 });
  return { text: second.text };
}

async function streamedTool(model) {
  const calls = [];
  const result = streamText({
    model,
    prompt: given.prompts.weather,
    tools: weather(calls),
    stopWhen: stepCountIs(3),
    maxRetries: 0,
    onError: () => {},
  });
  for await (const part of result.fullStream) if (part.type === "error") throw part.error;
  return { text: await result.text, calls };
}

async function schema(model) {
  const result = await generateObject({
    model,
    prompt: given.prompts.json,
    schema: Weather,
    maxRetries: 0,
  });
  return result.object;
}

async function image(model) {
  const content = [
    { type: "text", text: given.prompts.image },
    { type: "image", image: Buffer.from(given.png, "base64"), mediaType: "image/png" },
  ];
  const result = await generateText({ model, messages: [{ role: "user", content }], maxRetries: 0 });
  return { text: result.text };
}

const FEATURES = {
  text,
  stream,
  "tool round trip": toolRoundTrip,
  schema,
  image,
  "streamed tool call": streamedTool,
  "second step, `store` = false": (model) => toolRoundTrip(model, { providerOptions: own }),
  "second turn by `item_reference`": secondTurn,
};

function failure(error) {
  return {
    classes: [error.name],
    status_code: error.statusCode ?? null,
    code: error.data?.error?.code ?? null,
    message: String(error.message).slice(-1000),
  };
}

const outcomes = {};
for (const [provider, model] of Object.entries(given.models)) {
  for (const [feature, use] of Object.entries(FEATURES)) {
    try {
      outcomes[`${feature} ${provider}`] = { result: await use(openai(model)) };
    } catch (error) {
      outcomes[`${feature} ${provider}`] = { error: failure(error) };
    }
  }
}
const manifest = readFileSync(`${given.modules}/@ai-sdk/openai/package.json`, "utf8");
process.stdout.write(JSON.stringify({ version: JSON.parse(manifest).version, outcomes }));
