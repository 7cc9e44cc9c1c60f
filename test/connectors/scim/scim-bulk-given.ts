/** Records in every state that a push can find, on a real SCIM server, and what a push makes of them. */
import type {
  HttpClient,
  HttpRequest,
  HttpResponse,
  PushItem,
  PushResult,
} from '../../../connectors/connector';
import { RecordRejected, alreadyLinked, deletedThere } from '../../../connectors/errors';
import { scim } from '../../../connectors/scim';
import { EMPLOYEES_MAPPING, USER_SCHEMA } from '../../../connectors/scim/fields';
import type { JsonObject } from '../../../domain/json';
import { Random } from '../../support/random';
import type { ScimServer } from '../../support/servers/third-parties';
import { contextWith, egressHttp, pushItem } from '../suite/given';

export const MAPPING = { ...EMPLOYEES_MAPPING, matchBy: 'user_name' };

const STATES = {
  'not there': 4,
  'created before, answer lost': 2,
  'there without our id': 2,
  'there twice': 1,
  'user name taken': 1,
  linked: 4,
  'linked, nothing to change': 1,
  'linked, deleted there': 2,
  'linked, deleted there, also pulled': 1,
  'linked, also pulled': 2,
  'linked, in conflict': 1,
  'found, belongs to another': 1,
  refused: 2,
};

export interface Scenario {
  items: PushItem[];
  conflicts: ReadonlySet<string>;
}

/** What the server assigns. */
const ASSIGNED = ['id', 'meta'];

interface User {
  id: string;
  userName: string;
}

export class Users {
  constructor(private readonly server: ScimServer) {}

  async create(attributes: JsonObject): Promise<User> {
    const response = await this.call('POST', '/Users', { schemas: [USER_SCHEMA], ...attributes });
    if (response.status !== 201) throw new Error(`scim2-server answered ${response.status}`);
    return (await response.json()) as User;
  }

  async remove(id: string): Promise<void> {
    await this.call('DELETE', `/Users/${id}`);
  }

  /** By user name, without what the server assigns; `ids`: the name of each id. */
  async list(): Promise<{ users: JsonObject[]; ids: Map<string, string> }> {
    const response = await this.call('GET', '/Users?count=1000');
    const { Resources: users = [] } = (await response.json()) as { Resources?: (JsonObject & User)[] };
    return {
      ids: new Map(users.map(({ id, userName }) => [id, userName])),
      users: users
        .map((user) => Object.fromEntries(Object.entries(user).filter(([name]) => !ASSIGNED.includes(name))))
        .sort((a, b) => JSON.stringify(a).localeCompare(JSON.stringify(b))),
    };
  }

  private call(method: string, path: string, body?: JsonObject): Promise<Response> {
    return fetch(`${this.server.url}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${this.server.bearerToken}`,
        'content-type': 'application/scim+json',
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  }
}

/** The same seed makes the same scenario on another server. */
export async function givenScenario(server: ScimServer, seed: number, count: number): Promise<Scenario> {
  const [random, users] = [new Random(seed), new Users(server)];
  const items: PushItem[] = [];
  const conflicts = new Set<string>();
  for (let index = 0; index < count; index += 1) {
    const state = random.weighted(STATES);
    const operation = random.weighted({ upsert: 5, deactivate: 1, delete: 1 });
    const externalId = `emp-${seed}-${index}`;
    const userName = `user-${seed}-${index}`;
    const fields: JsonObject = { user_name: userName, first_name: 'Ada', last_name: `L ${index}` };
    const item = pushItem('employees', MAPPING, fields, { operation, externalId, pushId: `psh-${index}` });
    items.push({ ...item, isDeactivated: random.chance(0.2), ...(await arrange(state)) });

    async function arrange(name: keyof typeof STATES): Promise<Partial<PushItem>> {
      const there = async (attributes: JsonObject = {}) =>
        (await users.create({ userName, externalId, name: { givenName: 'Old' }, ...attributes })).id;
      const linked = async (attributes?: JsonObject) => ({ remoteId: await there(attributes) });
      switch (name) {
        case 'not there':
          return {};
        case 'created before, answer lost':
          await there();
          return {};
        case 'there without our id':
          await users.create({ userName });
          return {};
        case 'there twice':
          await there();
          await there({ userName: `${userName}-again` });
          return {};
        case 'user name taken':
          await there({ externalId: 'of-another-record' });
          return {};
        case 'found, belongs to another':
          await there();
          conflicts.add(externalId);
          return {};
        case 'refused':
          return { payload: { ...item.payload, userName: null } };
        case 'linked':
          return linked();
        case 'linked, nothing to change':
          return linked(item.payload);
        case 'linked, also pulled':
          return { ...(await linked()), isReadFirst: true };
        case 'linked, in conflict':
          conflicts.add(externalId);
          return { ...(await linked()), isReadFirst: true };
        default: {
          const remoteId = await there();
          await users.remove(remoteId);
          return { remoteId, isReadFirst: name === 'linked, deleted there, also pulled' };
        }
      }
    }
  }
  return { items, conflicts };
}

interface Options {
  bulk: boolean;
  /** Changes the answers to bulk requests, or sends something else. */
  relay?: (
    request: HttpRequest,
    send: (request: HttpRequest) => Promise<HttpResponse>,
  ) => Promise<HttpResponse>;
  /** Changes the filters of searches. */
  filter?: (filter: string) => string;
}

export interface Sent {
  results: PushResult[];
  requests: HttpRequest[];
}

export async function pushAll(
  server: ScimServer,
  { items, conflicts }: Scenario,
  { bulk, relay, filter = (given) => given }: Options,
): Promise<Sent> {
  const config = scim.configSchema.parse({ base_url: server.url, bulk });
  const requests: HttpRequest[] = [];
  const direct = egressHttp(scim.hosts(config));
  const send = (request: HttpRequest) => {
    const url = new URL(request.url);
    const given = url.searchParams.get('filter');
    if (given !== null) url.searchParams.set('filter', filter(given));
    return direct.send({ ...request, url: url.href });
  };
  const http: HttpClient = {
    send(request) {
      requests.push(request);
      return relay !== undefined && request.url.endsWith('/Bulk') ? relay(request, send) : send(request);
    },
  };
  const refuseConflicts = ({ externalId }: PushItem, id: string) => {
    if (conflicts.has(externalId)) throw alreadyLinked(id, 'another');
  };
  const context = {
    ...contextWith({
      config,
      credentials: { token: server.bearerToken },
      mappings: { employees: MAPPING },
      http,
    }),
    claimRemote: async (item: PushItem, id: string) => refuseConflicts(item, id),
    beforeWrite: async (item: PushItem, there: JsonObject) => {
      refuseConflicts(item, there['id'] as string);
      return { ...item.payload, title: 'Merged' };
    },
    beforeCreateAgain: ({ remoteId, isReadFirst }: PushItem) => {
      if (isReadFirst) throw deletedThere(remoteId as string);
    },
  };
  return { results: await scim.push(items, context), requests };
}

/** What a result says, without what differs between two servers. */
export function outcomesOf(results: readonly PushResult[], ids: Map<string, string>): object {
  const named = (text: string) =>
    [...ids]
      .reduce((words, [id, name]) => words.replaceAll(id, name), text)
      .replaceAll(/[0-9a-f]{32}/g, 'id');
  const outcomes = results.map((result): [string, object] => [
    result.pushId,
    result.ok
      ? { effect: result.effect, remoteId: named(result.remoteId ?? 'none') }
      : {
          error: result.error.kind,
          // scim2-server adds where the resource is in the request.
          message: named(result.error.message).replace(/: data$/, ''),
          errors: result.error instanceof RecordRejected ? result.error.errors.map(({ code }) => code) : [],
        },
  ]);
  return Object.fromEntries(outcomes.sort(([a], [b]) => a.localeCompare(b)));
}
