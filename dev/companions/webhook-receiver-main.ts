/**
 * The small webhook receiver of docs/webhooks.md as a process: prints each event with a valid signature once.
 * Arguments: its port, and the file of its endpoint's secret, which is written after the receiver has started
 * to listen.
 */
import fs from 'node:fs';
import { createServer, type IncomingMessage } from 'node:http';
import { Webhook } from 'standardwebhooks';

interface Event {
  id: string;
  type: string;
  sequence: number;
  data: object;
}

const [port, secretFile] = process.argv.slice(2) as [string, string];
const seen = new Set<string>();

/** Throws if the signature is not valid. */
async function read(request: IncomingMessage): Promise<Event> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const { secret } = JSON.parse(fs.readFileSync(secretFile, 'utf8')) as { secret: string };
  return new Webhook(secret).verify(
    Buffer.concat(chunks).toString(),
    request.headers as Record<string, string>,
  ) as Event;
}

const print = (text: string): void => console.log(`${new Date().toISOString()} ${text}`);

const server = createServer((request, response) => {
  const answer = (status: number): void => void response.writeHead(status).end();
  if (request.method !== 'POST') return answer(405);
  read(request).then(
    ({ id, type, sequence, data }) => {
      if (!seen.has(id)) print(`${type} #${sequence} ${JSON.stringify(data)}`);
      seen.add(id);
      answer(204);
    },
    (error: Error) => {
      print(`refused: ${error.message}`);
      answer(400);
    },
  );
});
server.listen(Number(port), '127.0.0.1', () => print('waiting for webhooks'));
process.on('SIGTERM', () => process.exit(0));
