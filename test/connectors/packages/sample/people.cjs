/** The third party of the sample: a server of its own, in memory, on 127.0.0.1. */
const { createServer } = require('node:http');

const TOKEN = 'people-token';
const FIELDS = ['first_name', 'last_name', 'email', 'shoe_size', 'active'];

function startPeople() {
  const people = new Map();
  let last = 0;
  const routes = {
    'GET /fields': () => [200, FIELDS],
    'GET /people': ({ query }) => [200, listOf([...people.values()], query)],
    'POST /people': ({ body }) =>
      save({ id: `p-${String((last += 1)).padStart(6, '0')}`, active: true }, body, 201),
  };
  const save = (before, body, status) => {
    const person = { ...before, ...body, modified: new Date().toISOString() };
    if (typeof person.email !== 'string' || !person.email.includes('@'))
      return [422, { errors: [{ field: 'email', message: 'is no e-mail address' }] }];
    people.set(person.id, person);
    return [status, person];
  };
  const one = (method, id, body) => {
    const person = people.get(id);
    if (person === undefined) return [404, {}];
    if (method === 'PATCH') return save(person, body, 200);
    if (method === 'DELETE') return people.delete(id) && [204];
    return [200, person];
  };
  const answer = async (request, response) => {
    let text = '';
    for await (const chunk of request.setEncoding('utf8')) text += chunk;
    const { pathname, searchParams: query } = new URL(request.url, 'http://people');
    const body = text === '' ? undefined : JSON.parse(text);
    const [, collection, id] = pathname.split('/').map(decodeURIComponent);
    const route = routes[`${request.method} ${pathname}`];
    const [status, data] =
      request.headers.authorization !== `Bearer ${TOKEN}`
        ? [401, {}]
        : (route?.({ query, body }) ?? (collection === 'people' ? one(request.method, id, body) : [404, {}]));
    response.writeHead(status, { 'content-type': 'application/json' });
    response.end(data === undefined ? '' : JSON.stringify(data));
  };
  const server = createServer((request, response) => void answer(request, response));
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () =>
      resolve({
        url: `http://127.0.0.1:${server.address().port}`,
        token: TOKEN,
        people,
        stop: () => {
          server.closeAllConnections();
          return new Promise((closed) => void server.close(() => closed()));
        },
      }),
    );
  });
}

function listOf(people, query) {
  const [external, after, since] = ['external_id', 'after', 'since'].map((name) => query.get(name));
  const limit = Number(query.get('limit') ?? 100);
  const found = people
    .filter((person) => external === null || person.external_id === external)
    .filter(({ modified }) => since === null || modified >= since)
    .filter(({ id }) => after === null || id > after)
    .sort((a, b) => (a.id < b.id ? -1 : 1));
  const items = found.slice(0, limit);
  return { items, next: found.length > limit ? items.at(-1).id : null, count: people.length };
}

module.exports = { startPeople };
