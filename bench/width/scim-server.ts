/**
 * A SCIM service with bulk requests that answers each request after some milliseconds. Arguments: port,
 * milliseconds.
 */
import http from 'node:http';

interface User {
  id: string;
  userName: string;
  externalId?: string;
}

interface Operation {
  bulkId: string;
  data: Omit<User, 'id'>;
}

const LIST = 'urn:ietf:params:scim:api:messages:2.0:ListResponse';
const BULK = 'urn:ietf:params:scim:api:messages:2.0:BulkResponse';
const FEATURES = {
  patch: { supported: true },
  filter: { supported: true, maxResults: 200 },
  bulk: { supported: true, maxOperations: 1_000, maxPayloadSize: 1_048_576 },
  sort: { supported: false },
  etag: { supported: false },
};
const [port = '0', delayMs = '0'] = process.argv.slice(2);
/** Users by `<attribute> <value>`, as filters name them. */
const users = new Map<string, User>();

function create(attributes: Omit<User, 'id'>): User {
  const user = { ...attributes, id: `user-${users.size}` };
  for (const name of ['id', 'userName', 'externalId'] as const) users.set(`${name} ${user[name]}`, user);
  return user;
}

function list(filter: string | null): object {
  const terms = [...(filter ?? '').matchAll(/(\w+) eq "([^"]*)"/g)];
  const found =
    filter === null
      ? users.values()
      : terms.flatMap(([, name, value]) => users.get(`${name} ${value}`) ?? []);
  const resources = [...new Set(found)];
  return { schemas: [LIST], totalResults: resources.length, Resources: resources.slice(0, 200) };
}

function bulk(operations: readonly Operation[]): object {
  const results = operations.map(({ bulkId, data }) => {
    const { id } = create(data);
    return { method: 'POST', bulkId, status: '201', location: `http://127.0.0.1:${port}/Users/${id}` };
  });
  return { schemas: [BULK], Operations: results };
}

function answer({ method, url = '' }: http.IncomingMessage, body: string): object {
  const { pathname, searchParams } = new URL(url, 'http://127.0.0.1');
  if (pathname === '/ServiceProviderConfig') return FEATURES;
  if (method === 'GET') return list(searchParams.get('filter'));
  const sent = JSON.parse(body) as Omit<User, 'id'> & { Operations: Operation[] };
  return pathname === '/Bulk' ? bulk(sent.Operations) : create(sent);
}

http
  .createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (text: string) => (body += text));
    request.once('end', () =>
      setTimeout(() => {
        response.statusCode = request.method === 'POST' && request.url !== '/Bulk' ? 201 : 200;
        response.setHeader('content-type', 'application/scim+json');
        response.end(JSON.stringify(answer(request, body)));
      }, Number(delayMs)),
    );
  })
  .listen(Number(port), '127.0.0.1', () => console.log('slow server running'));
