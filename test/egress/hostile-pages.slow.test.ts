/** Lists that are made to fill the memory of a worker, read by a process with a bounded heap (rule 60). */
import { execFile } from 'node:child_process';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { promisify } from 'node:util';

const BYTES = 15_900_000;
/** A quarter of it for answers, as in production. */
const HEAP_MIB = 512;
const NAMES_OF_VALUES = 'has more than 500000 values that are read';

const many = (part: string): string => part.repeat(Math.floor((BYTES - 100) / part.length));
const beside = (members: string): string => `{"data": [{"id": 1, "email": "a@example.com", ${members}}]}`;
const PAGES: Record<string, () => string> = {
  'empty-objects': () => `{"data": [${many('{},')}{}]}`,
  'unmapped-objects': () => beside(`"all": [${many('{},')}{}]`),
  'unmapped-lists': () => beside(`"all": [${many('[[]],')}[]]`),
  'unmapped-numbers': () => beside(`"all": [${many('1.5e9,')}0]`),
  'long-text': () => beside(`"text": "${many('\\u0041')}"`),
  'many-keys': () =>
    beside(`"all": {${Array.from({ length: 900_000 }, (_, key) => `"key-${key}":0`).join()}}`),
  'repeated-keys': () => `{"data": [{"id": 1, ${many('"id":{},')}"id": 2}]}`,
  prototypes: () => beside(`"all": [${many('{"__proto__":{"id":[]}},')}0]`),
  deep: () => `{"data": [${'{"email":'.repeat(1_000_000)}`,
  healthy: () => `{"data": [{"id": 1, "email": "a@example.com"}]}`,
};

let server: Server;
let host: string;
beforeAll(async () => {
  server = createServer((request, response) => response.end(PAGES[request.url?.slice(1) ?? '']?.()));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => server.close());

test.each([
  [
    {
      'empty-objects': NAMES_OF_VALUES,
      'unmapped-objects': '1 records',
      'long-text': '0 records',
      deep: 'deeper',
    },
  ],
  [
    {
      'unmapped-lists': '1 records',
      'unmapped-numbers': '1 records',
      'many-keys': '1 records',
      prototypes: '1 records',
    },
  ],
  [{ 'repeated-keys': NAMES_OF_VALUES }],
])(
  'rule 60: pages of 15.9 MB from two integrations do not end the process, and another tenant is served: %j',
  async (expected) => {
    const reading = [
      `--max-old-space-size=${HEAP_MIB}`,
      '--import',
      'tsx',
      `${__dirname}/reading-process.ts`,
    ];
    const memoryMib = String(HEAP_MIB / 4);

    const { stdout } = await promisify(execFile)(process.execPath, [
      ...reading,
      host,
      memoryMib,
      ...Object.keys(expected),
    ]);

    const said = JSON.parse(stdout) as Record<string, string[]>;
    expect(said['healthy']).toEqual(['1 records', '1 records']);
    for (const [type, words] of Object.entries(expected))
      expect(said[type]).toEqual(Array.from({ length: 4 }, () => expect.stringContaining(words)));
  },
  120_000,
);
