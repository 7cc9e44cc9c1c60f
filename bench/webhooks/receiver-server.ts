/**
 * The receiver of the webhooks benchmark, a process of its own. It accepts every POST immediately, except
 * below `/hang`, where it never answers. `GET /seen?path=/x` returns how many distinct events that path has
 * received and their latency in milliseconds; with `&at_least=5`, once there are so many. They are kept in a
 * file, because the process is killed during the benchmark.
 *
 * node receiver-server.ts <port> <file>
 */
import fs from 'node:fs';
import http from 'node:http';

const [port = '0', file = ''] = process.argv.slice(2);
/** By path: the ids of the events, each with how long it was on its way. */
const seen = new Map<string, Map<string, number>>();
/** By path: how many events it waits for, and the answer. */
const waiting = new Map<string, { count: number; answer: () => void }>();
const log = fs.createWriteStream(file, { flags: 'a' });

function note(path: string, id: string, delayMs: number): void {
  const ids = seen.get(path) ?? new Map<string, number>();
  seen.set(path, ids);
  if (!ids.has(id)) ids.set(id, delayMs);
  const wait = waiting.get(path);
  if (wait !== undefined && ids.size >= wait.count) wait.answer();
}
for (const line of fs.existsSync(file) ? fs.readFileSync(file, 'utf8').split('\n') : []) {
  const [path, id, delayMs] = line.split(' ');
  if (path !== undefined && id !== undefined && delayMs !== undefined) note(path, id, Number(delayMs));
}

http
  .createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://receiver');
    if (request.method === 'GET') {
      const path = url.searchParams.get('path') ?? '';
      const count = Number(url.searchParams.get('at_least'));
      const answer = () => {
        const delays = url.searchParams.has('delays') ? [...(seen.get(path)?.values() ?? [])] : [];
        response.setHeader('content-type', 'application/json');
        response.end(JSON.stringify({ events: seen.get(path)?.size ?? 0, delays }));
        waiting.delete(path);
      };
      if ((seen.get(path)?.size ?? 0) >= count) answer();
      else waiting.set(path, { count, answer });
      return;
    }
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      if (url.pathname.startsWith('/hang')) return;
      const id = String(request.headers['webhook-id']);
      const delayMs =
        Date.now() -
        Date.parse((JSON.parse(Buffer.concat(chunks).toString()) as { timestamp: string }).timestamp);
      note(url.pathname, id, delayMs);
      // Answered after the write, so a kill loses no answered event.
      log.write(`${url.pathname} ${id} ${delayMs}\n`, () => response.writeHead(204).end());
    });
  })
  .listen(Number(port), '127.0.0.1', () => console.log('receiver running'));
