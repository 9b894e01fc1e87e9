// The AI SDK's `openai.embedding()`, with every provider that makes embeddings.
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
const { embed, embedMany } = await load("ai");

globalThis.AI_SDK_LOG_WARNINGS = false;
const openai = createOpenAI({ baseURL: given.url, apiKey: given.key });

const CASES = {
  "`embed`": async (model) => {
    const result = await embed({ model, value: given.texts[0], maxRetries: 0 });
    return { vectors: [result.embedding], tokens: result.usage.tokens };
  },
  "`embedMany`": async (model) => {
    const result = await embedMany({ model, values: given.texts, maxRetries: 0 });
    return { vectors: result.embeddings, tokens: result.usage.tokens };
  },
};

const outcomes = {};
for (const [provider, model] of Object.entries(given.embedding_models)) {
  for (const [name, use] of Object.entries(CASES)) {
    try {
      outcomes[`${name} ${provider}`] = { result: await use(openai.embedding(model)) };
    } catch (error) {
      outcomes[`${name} ${provider}`] = { error: { classes: [error.name], message: `${error}` } };
    }
  }
}
const manifest = readFileSync(`${given.modules}/@ai-sdk/openai/package.json`, "utf8");
process.stdout.write(JSON.stringify({ version: JSON.parse(manifest).version, outcomes }));
