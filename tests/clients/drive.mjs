// Runs calls of the JavaScript SDK: one JSON line in for each, one JSON line out when it has ended.
import readline from 'node:readline';
import Anthropic from '@anthropic-ai/sdk';

// The API's tool calls carry the same text as the answer.
const agree = (text, tool) => {
  if (tool !== undefined && tool.text !== text) throw new Error('the tool call is not whole');
  return text;
};

const text = ({ content }) => {
  const said = content.filter((block) => block.type === 'text').map((block) => block.text).join('');
  return agree(said, content.find((block) => block.type === 'tool_use')?.input);
};

const ways = {
  create: async (client, ask) => text(await client.messages.create(ask)),
  helper: async (client, ask) => {
    const stream = client.messages.stream(ask);
    let heard = '';
    stream.on('text', (piece) => (heard += piece));
    const whole = text(await stream.finalMessage());
    if (heard !== whole) throw new Error('the pieces are not the whole');
    return whole;
  },
  raw: async (client, ask) => {
    let heard = '';
    let tool = '';
    for await (const event of await client.messages.create({ ...ask, stream: true })) {
      if (event.type !== 'content_block_delta') continue;
      heard += event.delta.text ?? '';
      tool += event.delta.partial_json ?? '';
    }
    return agree(heard, tool ? JSON.parse(tool) : undefined);
  },
};

async function run({ id, way, url, key, limit, retries, ask }) {
  const client = new Anthropic({ apiKey: key, baseURL: url, timeout: limit * 1000, maxRetries: retries ?? 2 });
  try {
    return { id, text: await ways[way](client, ask) };
  } catch (error) {
    const message = String(error?.message ?? error);
    return { id, error: error?.constructor?.name ?? 'unknown', status: error?.status ?? null, message };
  }
}

for await (const line of readline.createInterface({ input: process.stdin })) {
  run(JSON.parse(line)).then((outcome) => process.stdout.write(JSON.stringify(outcome) + '\n'));
}
