/** Bodies of HTTP answers: what a connector asked for, with its values, bytes or encodings changed. */
import { brotliCompressSync, constants, deflateSync, gzipSync } from 'node:zlib';
import type { Random } from '../support/random';

const MIB = 1024 * 1024;
const BOMB_BYTES = 40 * MIB;

export interface Body {
  bytes: Buffer;
  headers: string[];
}

/** Addresses for links: this server, and one that must never be connected to. */
export interface Addresses {
  own: string;
  forbidden: string;
}

/** Big buffers are made once per process, before the first session. */
const gzipBomb = gzipSync(Buffer.alloc(BOMB_BYTES, ' '));
const bombOfBombs = gzipSync(gzipSync(gzipBomb));
const brotliBomb = brotliCompressSync(Buffer.alloc(BOMB_BYTES, ' '), {
  params: { [constants.BROTLI_PARAM_QUALITY]: 1 },
});
const repeated = (text: string, count: number): Buffer => Buffer.from(text.repeat(count));
const manyObjects = Buffer.from(`{"items":[${'{},'.repeat(1_000_000)}{}]}`);
const manyItems = Buffer.from(
  `{"items":[${Array.from({ length: 40_000 }, (_, id) => `{"id":"r${id}","name":"${'n'.repeat(300)}"}`).join()}]}`,
);
const manyKeys = Buffer.from(`{${Array.from({ length: 300_000 }, (_, key) => `"k${key}":1`).join()}}`);
const longText = Buffer.from(`{"items":[{"id":"r1","name":"${'x'.repeat(15 * MIB)}"}]}`);
const BIG_BODIES = [manyObjects, manyItems, manyKeys, longText, repeated('[', 300_000)];

export const noise = (random: Random, most: number): Buffer =>
  Buffer.from(Array.from({ length: random.between(1, most) }, () => random.between(0, 255)));

const VALUES: ((random: Random, addresses: Addresses) => unknown)[] = [
  () => null,
  () => '',
  () => [],
  () => ({}),
  () => true,
  () => -1,
  () => 1e308,
  () => Number.MAX_SAFE_INTEGER + 1,
  () => '\u0000\u0001\r\nx-injected: 1',
  () => '\ud800',
  () => '../../admin?x=#y',
  () => '9'.repeat(400),
  () => '0001-01-01T00:00:00Z',
  () => '+275760-09-13T00:00:00.001Z',
  (random) => 'x'.repeat(random.between(1_000, 200_000)),
  (random) => `c${random.next()}`,
  (_random, { own }) => `${own}/list?cursor=again`,
  (_random, { forbidden }) => `${forbidden}/list`,
  () => 'http://169.254.169.254/latest/meta-data',
  () => 'file:///etc/passwd',
  () => ({ toString: null, valueOf: null, constructor: { prototype: { polluted: true } } }),
  () => JSON.parse('{"__proto__":{"polluted":true}}') as unknown,
  (random) => nested(random.between(1, 400)),
  (random) => Array.from({ length: random.between(1, 3_000) }, (_, index) => ({ id: `r${index % 7}` })),
];

function nested(depth: number): unknown {
  let value: unknown = 'deep';
  for (let level = 0; level < depth; level += 1) value = level % 2 === 0 ? [value] : { id: value };
  return value;
}

/** What each connector asks for at any of its addresses, in one object. */
function goodAnswer(random: Random): Record<string, unknown> {
  const record = (id: string) => ({
    id,
    external_id: `emp-${random.between(1, 3)}`,
    externalId: `emp-${random.between(1, 3)}`,
    userName: `${id}@example.com`,
    name: random.pick(['Ada', { givenName: 'Ada', familyName: 'Byron' }]),
    emails: [{ type: 'work', value: `${id}@example.com` }],
    active: true,
    modified: '2026-01-01T00:00:00Z',
    meta: { version: 'W/"1"', lastModified: '2026-01-01T00:00:00Z', location: `/Users/${id}` },
  });
  const items = Array.from({ length: random.between(0, 20) }, () => record(`r${random.between(0, 1e6)}`));
  return {
    ...record('r1'),
    schemas: ['urn:ietf:params:scim:api:messages:2.0:ListResponse'],
    items,
    Resources: items,
    totalResults: random.pick([items.length, 1_000_000]),
    startIndex: 1,
    itemsPerPage: items.length,
    next: random.pick([null, 'same', `c${random.next()}`]),
    count: items.length,
    token: `t${random.between(1, 1e9)}`,
    access_token: `t${random.between(1, 1e9)}`,
    token_type: 'Bearer',
    expires_in: 3_600,
    patch: { supported: random.chance(0.5) },
    filter: { supported: random.chance(0.5), maxResults: 100 },
    fields: [{ name: 'name', type: 'string', values: ['a', 'b'] }],
    attributes: [{ name: 'userName', type: 'string', multiValued: false, canonicalValues: ['a'] }],
    message: 'No.',
    detail: 'No.',
  };
}

/** Replaces members, each with the same probability. */
function changed(value: unknown, random: Random, addresses: Addresses, probability: number): unknown {
  if (random.chance(probability)) return random.pick(VALUES)(random, addresses);
  if (Array.isArray(value)) return value.map((one) => changed(one, random, addresses, probability));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(() => !random.chance(probability / 4))
      .map(([key, member]) => [key, changed(member, random, addresses, probability)]),
  );
}

/** Bytes are overwritten, removed, doubled or cut off. */
function damaged(random: Random, given: Buffer): Buffer {
  const at = random.between(0, given.length);
  const kind = random.pick(['overwrite', 'remove', 'double', 'cut', 'insert'] as const);
  if (kind === 'cut') return given.subarray(0, at);
  if (kind === 'remove') return Buffer.concat([given.subarray(0, at), given.subarray(at + 1)]);
  if (kind === 'double') return Buffer.concat([given, given]);
  if (kind === 'insert') return Buffer.concat([given.subarray(0, at), noise(random, 8), given.subarray(at)]);
  const copy = Buffer.from(given);
  if (copy.length > 0) copy[Math.min(at, copy.length - 1)] = random.between(0, 255);
  return copy;
}

function document(random: Random, addresses: Addresses): Buffer {
  const kind = random.weighted({ good: 40, changed: 40, damaged: 10, big: 2, noise: 4, empty: 2, text: 2 });
  if (kind === 'big') return random.pick(BIG_BODIES);
  if (kind === 'noise') return noise(random, 3_000);
  if (kind === 'empty') return Buffer.alloc(0);
  if (kind === 'text')
    return Buffer.from(random.pick(['<html>Sign in</html>', '"', 'null', '[]', '{}', '1e999']));
  const probability = kind === 'changed' ? random.pick([0.02, 0.1, 0.4]) : 0;
  const text = Buffer.from(
    JSON.stringify(changed(goodAnswer(random), random, addresses, probability) ?? null),
  );
  return kind === 'damaged' ? damaged(random, text) : text;
}

const ENCODERS: Record<string, (bytes: Buffer) => Buffer> = {
  gzip: (bytes) => gzipSync(bytes, { level: 1 }),
  deflate: (bytes) => deflateSync(bytes, { level: 1 }),
  br: (bytes) => brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 1 } }),
  identity: (bytes) => bytes,
  unknown: (bytes) => bytes,
};
const BOMBS = { gzip: gzipBomb, 'gzip, gzip, gzip': bombOfBombs, br: brotliBomb };

/** Compressed, several times, as a bomb, cut off, or named wrongly. */
function encoded(random: Random, bytes: Buffer): Body {
  if (random.chance(0.7)) return { bytes, headers: [] };
  if (random.chance(0.1)) {
    const name = random.pick(Object.keys(BOMBS) as (keyof typeof BOMBS)[]);
    return { bytes: BOMBS[name], headers: [`content-encoding: ${name}`] };
  }
  const names = Array.from({ length: random.between(1, 4) }, () => random.pick(Object.keys(ENCODERS)));
  const compressed = names.reduce(
    (given, name) => (ENCODERS[name] as (given: Buffer) => Buffer)(given),
    bytes,
  );
  const sent = random.chance(0.3) ? damaged(random, compressed) : compressed;
  const named = random.chance(0.1) ? random.pick(Object.keys(ENCODERS)) : names.join(', ');
  return { bytes: sent, headers: [`content-encoding: ${named}`] };
}

const CONTENT_TYPES = [
  'application/json; charset=utf-7',
  'application/json; charset="',
  'application/json; charset=utf-16',
  'application/json; charset=iso-8859-1',
  `application/json; charset=${'x'.repeat(5_000)}`,
  'text/html',
  'application/xml',
  ';;;=',
];
const MARKS = ['efbbbf', 'fffe', 'feff', '0000feff'].map((hex) => Buffer.from(hex, 'hex'));

/** What a well-behaved third party answers. */
export const goodBody = (random: Random): Body => ({
  bytes: Buffer.from(JSON.stringify(goodAnswer(random))),
  headers: ['content-type: application/json'],
});

export function bodyOf(random: Random, addresses: Addresses): Body {
  const bytes = document(random, addresses);
  const marked = random.chance(0.05) ? Buffer.concat([random.pick(MARKS), bytes]) : bytes;
  const type = random.chance(0.85) ? 'application/json' : random.pick(CONTENT_TYPES);
  const body = encoded(random, marked);
  return { bytes: body.bytes, headers: [`content-type: ${type}`, ...body.headers] };
}
