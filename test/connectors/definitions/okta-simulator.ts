/**
 * Users of Okta as its documentation describes them: SSWS tokens, pages by the Link header, a search by
 * login, lists without deprovisioned users unless they are filtered by time, life cycle calls without a body,
 * and errors with causes.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

interface User {
  id: string;
  status: 'ACTIVE' | 'DEPROVISIONED';
  lastUpdated: string;
  profile: Record<string, unknown>;
}

export interface OktaSimulator {
  url: string;
  users: Map<string, User>;
  calls: string[];
  stop(): Promise<void>;
}

const TOKEN = 'SSWS okta-token';
const PAGE = 2;

export async function startOktaSimulator(): Promise<OktaSimulator> {
  const users = new Map<string, User>();
  const calls: string[] = [];
  const server = createServer((request, response) => {
    void answer(request, response).catch((error: unknown) => response.destroy(error as Error));
  });
  server.listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const at = new URL(request.url ?? '/', url);
    calls.push(`${request.method} ${at.pathname}${at.search}`);
    if (request.headers.authorization !== TOKEN)
      return refuse(response, 401, 'E0000011', 'Invalid token provided');
    const [, , , , id, , step] = at.pathname.split('/');
    const body = await readBody(request);
    if (id === undefined && request.method === 'GET') return list(at, response);
    if (id === undefined) return create(body as { profile: User['profile'] }, response);
    const user = users.get(id);
    if (user === undefined)
      return refuse(response, 404, 'E0000007', `Not found: Resource not found: ${id} (User)`);
    if (step !== undefined && body !== undefined)
      return refuse(response, 400, 'E0000003', 'The request body was not well-formed.');
    if (step === 'deactivate') user.status = 'DEPROVISIONED';
    if (step === 'activate') user.status = 'ACTIVE';
    if (step === undefined && request.method === 'POST')
      Object.assign(user.profile, (body as { profile: User['profile'] }).profile);
    user.lastUpdated = new Date().toISOString();
    send(response, 200, step === undefined ? user : {});
  }

  function list(at: URL, response: ServerResponse): void {
    const filter = at.searchParams.get('filter') ?? '';
    const [, login] = /^profile\.login eq "(.*)"$/.exec(filter) ?? [];
    const [, since] = /^lastUpdated gt "(.*)"$/.exec(filter) ?? [];
    if (filter !== '' && login === undefined && since === undefined)
      return refuse(response, 400, 'E0000031', 'Invalid search criteria.');
    const found = [...users.values()].filter((user) => {
      if (login !== undefined) return user.profile['login'] === login;
      return since === undefined ? user.status !== 'DEPROVISIONED' : user.lastUpdated > since;
    });
    const after = at.searchParams.get('after');
    const from = after === null ? 0 : found.findIndex(({ id }) => id === after) + 1;
    const page = found.slice(from, from + PAGE);
    const last = page.at(-1);
    if (last !== undefined && from + PAGE < found.length) {
      at.searchParams.set('after', last.id);
      response.setHeader('Link', [`<${url}${at.pathname}>; rel="self"`, `<${at.href}>; rel="next"`]);
    }
    send(response, 200, page);
  }

  function create({ profile }: { profile: User['profile'] }, response: ServerResponse): void {
    if ([...users.values()].some((user) => user.profile['login'] === profile['login']))
      return refuse(response, 400, 'E0000001', 'Api validation failed: login', [
        'login: An object with this field already exists in the current organization',
      ]);
    if (profile['lastName'] === undefined)
      return refuse(response, 400, 'E0000001', 'Api validation failed: lastName', [
        'lastName: The field cannot be left blank',
      ]);
    const id = `00u${String(users.size + 1).padStart(17, '0')}`;
    users.set(id, { id, status: 'ACTIVE', lastUpdated: new Date().toISOString(), profile });
    send(response, 200, users.get(id));
  }

  return {
    url,
    users,
    calls,
    stop: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}

function refuse(
  response: ServerResponse,
  status: number,
  errorCode: string,
  errorSummary: string,
  causes: readonly string[] = [],
): void {
  const errorCauses = causes.map((cause) => ({ errorSummary: cause }));
  send(response, status, { errorCode, errorSummary, errorLink: errorCode, errorId: 'oae1', errorCauses });
}

function send(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

async function readBody(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const text = Buffer.concat(chunks).toString();
  return text === '' ? undefined : JSON.parse(text);
}
