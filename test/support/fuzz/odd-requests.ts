/** Requests that no client library sends, for every operation of an API description. */

/** Of docs/openapi.json. */
export type Paths = Record<
  string,
  Record<string, { responses: Record<string, unknown>; security?: Record<string, unknown>[] }>
>;

interface OddRequest {
  what: string;
  query?: string;
  /** Instead of a path parameter, escaped. */
  pathValue?: string;
  headers?: string[];
  contentType?: string;
  body?: string;
  /** True if no operation may take it. */
  isRefused?: boolean;
}

const json = (what: string, body: string, isRefused = true): OddRequest => ({ what, body, isRefused });
const deep = (open: string, close: string, depth: number): string =>
  `${open.repeat(depth)}1${close.repeat(depth)}`;

const BODIES: OddRequest[] = [
  json('more than 1 MiB', `{"a":"${'x'.repeat(1_048_577)}"}`),
  json('deep objects', deep('{"fields":', '}', 30_000)),
  json('deep lists', `{"a":${deep('[', ']', 100_000)}}`),
  json('NUL in a body', '{"name":"a\\u0000"}'),
  json('half a surrogate pair', '{"name":"\\udc00"}'),
  json('a key of JavaScript', '{"__proto__":{"a":1}}'),
  ...['[]', '1', 'null', '"x"', '{'].map((body) => json(`the body ${body}`, body)),
  ...['text/plain', 'application/json; charset=latin1', 'multipart/form-data; boundary=x', ' '].map(
    (contentType) => ({ what: `the type ${contentType}`, contentType, body: '{"a":1}', isRefused: true }),
  ),
  ...['*', 'W/"1"', '"1", "2"', '1', '""', '"999999999999999999999"', 'ÿ', '"1" junk'].map((version) => ({
    what: `If-Match: ${version}`,
    headers: [`If-Match: ${version}`],
    body: '{"unknown":1}',
  })),
  ...['', 'a'.repeat(256), 'é', 'a\tb', '"'].map((key) => ({
    what: `Idempotency-Key: ${key}`,
    headers: [`Idempotency-Key: ${key}`],
    body: '{"unknown":1}',
  })),
];

const HEADERS: OddRequest[] = [
  'X-Test: a\0b',
  'Syncline-Acting-As: ',
  `Syncline-Acting-As: ${'x'.repeat(3_000)}`,
  'Syncline-Acting-As: psn_ÿ',
  'Content-Encoding: br',
].map((header) => ({ what: header, headers: [header] }));

const QUERIES: OddRequest[] = ['cursor=%00', 'cursor=%ED%A0%80', 'limit=%FF', 'a[]=1', '%', 'a=1&a=2'].map(
  (query) => ({ what: `?${query}`, query, isRefused: true }),
);

const PATH_VALUES: OddRequest[] = [
  ...['%00', '%ED%A0%80', '%FF', 'x'.repeat(14_000), 'a'.repeat(20_000)].map((value) => ({
    value,
    isRefused: true,
  })),
  ...[
    '..%2F..',
    '%2e%2e',
    'int_',
    'int_81h455vb4pex5vsknk084sn02q',
    '__proto__',
    'a%0d%0ab',
    '%F0%9F%98%80',
  ].map((value) => ({ value, isRefused: false })),
].map(({ value, isRefused }) => ({ what: `${value} in a path`, pathValue: value, isRefused }));

export interface BuiltRequest {
  what: string;
  bytes: Buffer;
  isRefused: boolean;
  statuses: ReadonlySet<number>;
}

/** Each odd request for each operation. No body is complete, so that none of them changes anything. */
export function* oddRequests(
  paths: Paths,
  keyFor: (isForPlatform: boolean) => string,
): Generator<BuiltRequest> {
  for (const [path, methods] of Object.entries(paths))
    for (const [method, { responses, security = [] }] of Object.entries(methods)) {
      if (path === '/v1/stream') continue;
      const key = keyFor(security.some((scheme) => 'platformKey' in scheme));
      const requests = [
        ...(method === 'get' ? [] : BODIES),
        ...HEADERS,
        ...QUERIES,
        ...(path.includes('{') ? PATH_VALUES : []),
      ];
      const statuses = new Set([...Object.keys(responses).map(Number), 404]);
      for (const odd of requests)
        yield {
          what: `${method} ${path}: ${odd.what.slice(0, 80)}`,
          bytes: toBytes(method, path, key, odd),
          isRefused: odd.isRefused ?? false,
          statuses,
        };
    }
}

function toBytes(method: string, path: string, key: string, odd: OddRequest): Buffer {
  const target = path.replaceAll(/\{\w+\}/g, odd.pathValue ?? 'int_01h455vb4pex5vsknk084sn02q');
  const body = odd.body ?? (method === 'get' ? '' : '{"unknown":1}');
  const lines = [
    `${method.toUpperCase()} ${target}${odd.query === undefined ? '' : `?${odd.query}`} HTTP/1.1`,
    'Host: syncline',
    'Connection: close',
    `Authorization: Bearer ${key}`,
    ...(body === '' ? [] : [`Content-Type: ${odd.contentType ?? 'application/json'}`]),
    ...(odd.headers ?? []),
    `Content-Length: ${Buffer.byteLength(body)}`,
  ];
  return Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'), Buffer.from(body)]);
}
