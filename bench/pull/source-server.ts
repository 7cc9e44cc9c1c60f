/**
 * The paging source of the pull benchmark, a process of its own: a million contacts of about 210 bytes in
 * pages of 2,000, made beforehand, so that serving one costs next to nothing. `POST /change?percent=1`
 * changes that share, `POST /show?records=1000` shows the first thousand only, `GET /hello` an empty list.
 *
 * node source-server.ts <port> <records>
 */
import http from 'node:http';

const PAGE_SIZE = 2_000;
const [port = 0, count = 0] = process.argv.slice(2).map(Number);
let bodies: Buffer[] = [];
let shown = count;
const generations = new Uint8Array(count);

const contact = (index: number): object => ({
  id: `c${String(index).padStart(9, '0')}`,
  first_name: `First${index % 977}`,
  last_name: `Last${index % 1_009}`,
  email: `contact.${index}@example.org`,
  phone: `+32 470 ${String(index % 1_000_000).padStart(6, '0')}`,
  company: `Company ${index % 5_003}`,
  environment: ['lead', 'customer', 'partner'][index % 3],
  revision: generations[index],
});

function bodyOf(page: number): Buffer {
  const size = Math.min(PAGE_SIZE, shown - page * PAGE_SIZE);
  const data = Array.from({ length: size }, (_, position) => contact(page * PAGE_SIZE + position));
  return Buffer.from(
    JSON.stringify({ data, next: (page + 1) * PAGE_SIZE < shown ? String(page + 1) : null, total: shown }),
  );
}

function makeBodies(): void {
  bodies = Array.from({ length: Math.ceil(shown / PAGE_SIZE) }, (_, page) => bodyOf(page));
}
makeBodies();

function change(percent: number): void {
  const step = Math.round(100 / percent);
  for (let index = 0; index < count; index += step)
    generations[index] = ((generations[index] ?? 0) + 1) % 256;
  makeBodies();
}

function show(records: number): void {
  shown = Math.min(count, records);
  makeBodies();
}

http
  .createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://source');
    response.setHeader('content-type', 'application/json');
    if (url.pathname === '/change') change(Number(url.searchParams.get('percent')));
    if (url.pathname === '/show') show(Number(url.searchParams.get('records')));
    const body =
      url.pathname === '/contacts'
        ? bodies[Number(url.searchParams.get('cursor') ?? 0)]
        : Buffer.from('{"data":[],"next":null,"total":0}');
    response.end(body);
  })
  .listen(port, '127.0.0.1', () => console.log('source running'));
