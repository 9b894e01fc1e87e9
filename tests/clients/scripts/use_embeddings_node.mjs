// The openai SDK for Node: embeddings of every provider that makes them, by default in base64.
//
// Runs with the Node and the packages of .venv-agents. Parameters come by standard input, and the
// outcomes go to standard output, as in cases.py.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const given = JSON.parse(readFileSync(0, "utf8"));
const require = createRequire(`${given.modules}/`);
const { default: OpenAI } = await import(pathToFileURL(require.resolve("openai")));
const client = new OpenAI({ baseURL: given.url, apiKey: given.key, maxRetries: 0 });

const outcomes = {};
for (const [provider, model] of Object.entries(given.embedding_models)) {
  const name = `texts, base64 by default ${provider}`;
  try {
    const answer = await client.embeddings.create({ model, input: given.texts });
    const vectors = answer.data.map((item) => Array.from(item.embedding));
    const tokens = [answer.usage.prompt_tokens, answer.usage.total_tokens];
    outcomes[name] = { result: { vectors, tokens } };
  } catch (error) {
    outcomes[name] = { error: { classes: [error.constructor.name], message: `${error}` } };
  }
}
const manifest = readFileSync(`${given.modules}/openai/package.json`, "utf8");
process.stdout.write(JSON.stringify({ version: JSON.parse(manifest).version, outcomes }));
