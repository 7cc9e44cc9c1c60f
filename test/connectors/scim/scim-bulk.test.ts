/** Bulk requests against scim2-server: each record gets the outcome that its own calls would have. */
import type { HttpRequest, HttpResponse, PushItem, PushResult } from '../../../connectors/connector';
import { RateLimited, Unavailable } from '../../../connectors/errors';
import { closeConnections } from '../../../egress/http-client';
import type { JsonObject } from '../../../domain/json';
import { failuresOfTrials, trialsTimeoutMs } from '../../support/property-trials';
import { Random } from '../../support/random';
import { type ScimServer, startScimServer } from '../../support/servers/third-parties';
import { loopbackPolicy, pushItem } from '../suite/given';
import { MAPPING, type Scenario, Users, givenScenario, outcomesOf, pushAll } from './scim-bulk-given';

type Send = (request: HttpRequest) => Promise<HttpResponse>;
type Relay = (request: HttpRequest, send: Send) => Promise<HttpResponse>;

const servers: ScimServer[] = [];

afterEach(async () => {
  await closeConnections(loopbackPolicy);
  await Promise.all(servers.splice(0).map((server) => server.stop()));
});

async function givenServer(features: JsonObject = { bulk: bulk(100) }): Promise<ScimServer> {
  const server = await startScimServer({ features });
  servers.push(server);
  return server;
}

const bulk = (maxOperations: number, maxPayloadSize = 1_048_576) => ({
  supported: true,
  maxOperations,
  maxPayloadSize,
});

const newEmployee = (index: number, overrides: Partial<PushItem> = {}) =>
  pushItem('employees', MAPPING, { user_name: `user-${index}`, first_name: 'Ada' }, overrides);

const newEmployees = (count: number): Scenario => ({
  items: Array.from({ length: count }, (_, index) => newEmployee(index)),
  conflicts: new Set(),
});

const isBulk = ({ url }: HttpRequest) => url.endsWith('/Bulk');
const operationsIn = ({ body }: HttpRequest) =>
  (JSON.parse(body ?? '{}') as { Operations: { method: string; path: string }[] }).Operations;
const failed = ({ ok }: PushResult) => !ok;

/** The relay changes the operations of the answer. */
const changing =
  (change: (operations: JsonObject[]) => JsonObject[]): Relay =>
  async (request, send) => {
    const response = await send(request);
    const body = JSON.parse(response.text) as { Operations: JsonObject[] };
    return { ...response, text: JSON.stringify({ ...body, Operations: change(body.Operations) }) };
  };

const answering =
  (status: number, text = '', headers: Record<string, string> = {}): Relay =>
  () =>
    Promise.resolve({ status, headers, text });

/** Pushes again what has no certain outcome, alone, as the push queue does. */
async function pushUntilCertain(server: ScimServer, scenario: Scenario, relay: Relay): Promise<PushResult[]> {
  const certain = new Map<string, PushResult>();
  let left = scenario.items;
  for (let attempt = 0; left.length > 0 && attempt < 50; attempt += 1) {
    const { results } = await pushAll(server, { ...scenario, items: left }, { bulk: true, relay });
    const uncertain = new Set<string>();
    for (const result of results)
      if (!result.ok && result.error instanceof Unavailable) uncertain.add(result.pushId);
      else certain.set(result.pushId, result);
    left = left
      .filter(({ pushId }) => !certain.has(pushId))
      .map((item) => ({ ...item, isSentAlone: item.isSentAlone || uncertain.has(item.pushId) }));
  }
  return [...certain.values()];
}

describe('bulk requests', () => {
  it(
    'F10: give each record exactly the outcome that single calls give (rule 47)',
    async () => {
      const failures = await failuresOfTrials('bulk or single', async (seed) => {
        const [single, together] = [await givenServer(), await givenServer()];
        const expected = await pushAll(single, await givenScenario(single, seed, 60), { bulk: false });
        const actual = await pushAll(together, await givenScenario(together, seed, 60), { bulk: true });

        const [before, after] = [await new Users(single).list(), await new Users(together).list()];
        expect(actual.requests.some(isBulk)).toBe(true);
        expect(outcomesOf(actual.results, after.ids)).toEqual(outcomesOf(expected.results, before.ids));
        expect(after.users).toEqual(before.users);
      });
      expect(failures).toBe('');
    },
    trialsTimeoutMs,
  );

  it(
    'F10: lose and double nothing when answers are damaged (rule 47)',
    async () => {
      const failures = await failuresOfTrials('damaged bulk answers', async (seed) => {
        const [single, together] = [await givenServer(), await givenServer()];
        const random = new Random(seed);
        const damage = changing((operations) =>
          random
            .shuffled(operations)
            .flatMap((operation) =>
              random.weighted({ kept: 6, missing: 1, doubled: 1 }) === 'kept'
                ? [operation]
                : random.chance(0.5)
                  ? []
                  : [operation, operation],
            ),
        );
        await pushAll(single, await givenScenario(single, seed, 60), { bulk: false });
        const scenario = await givenScenario(together, seed, 60);
        const results = await pushUntilCertain(together, scenario, damage);

        expect(results).toHaveLength(scenario.items.length);
        expect((await new Users(together).list()).users).toEqual((await new Users(single).list()).users);
      });
      expect(failures).toBe('');
    },
    trialsTimeoutMs,
  );

  it('F10: create 200 users with a twentieth of the requests', async () => {
    const server = await givenServer();
    await pushAll(server, newEmployees(3), { bulk: false });
    const items = newEmployees(203).items.slice(3);

    const { results, requests } = await pushAll(server, { items, conflicts: new Set() }, { bulk: true });

    expect(results.filter(failed)).toEqual([]);
    expect(results).toHaveLength(200);
    // Alone, each needs two searches and a creation.
    expect(requests.length).toBeLessThan((200 * 3) / 20);
  });

  it('have no more operations and bytes than the service allows, and none that it does not announce', async () => {
    const few = await givenServer({ bulk: bulk(7) });
    const small = await givenServer({ bulk: bulk(1000, 2500) });
    const none = await givenServer({ bulk: { supported: false, maxOperations: 0, maxPayloadSize: 0 } });
    const sent = await Promise.all(
      [few, small, none].map((server) => pushAll(server, newEmployees(30), { bulk: true })),
    );

    expect(sent.map(({ results }) => results.filter(({ ok }) => ok).length)).toEqual([30, 30, 30]);
    const [first, second, third] = sent.map(({ requests }) => requests.filter(isBulk)) as [
      HttpRequest[],
      HttpRequest[],
      HttpRequest[],
    ];
    expect(Math.max(...first.map((request) => operationsIn(request).length))).toBe(7);
    expect(second.length).toBeGreaterThan(2);
    expect(Math.max(...second.map(({ body }) => Buffer.byteLength(body ?? '')))).toBeLessThanOrEqual(2500);
    expect(third).toEqual([]);
  });

  it('are halved when the service finds them too large (413)', async () => {
    const server = await givenServer();
    const relay: Relay = async (request, send) =>
      operationsIn(request).length > 3 ? { status: 413, headers: {}, text: '' } : send(request);

    const { results, requests } = await pushAll(server, newEmployees(20), { bulk: true, relay });

    expect(results.filter(({ ok }) => ok)).toHaveLength(20);
    expect((await new Users(server).list()).users).toHaveLength(20);
    expect(requests.filter(isBulk).some((request) => operationsIn(request).length === 3)).toBe(true);
  });

  it('keep the results of the half before a rate limit', async () => {
    const server = await givenServer();
    let answered = 0;
    const relay: Relay = async (request, send) => {
      if (operationsIn(request).length > 5) return { status: 413, headers: {}, text: '' };
      answered += 1;
      return answered > 1 ? { status: 429, headers: {}, text: '' } : send(request);
    };

    const { results } = await pushAll(server, newEmployees(10), { bulk: true, relay });

    expect((await new Users(server).list()).users).toHaveLength(5);
    expect(results.filter(({ ok }) => ok)).toHaveLength(5);
    expect(results.filter((one) => !one.ok && one.error instanceof RateLimited)).toHaveLength(5);
  });

  it.each([400, 401, 403, 404, 405, 501])(
    'are given up when the service refuses them although it announces them (%i)',
    async (status) => {
      const server = await givenServer();

      const { results, requests } = await pushAll(server, newEmployees(60), {
        bulk: true,
        relay: answering(status),
      });

      expect(results.filter(({ ok }) => ok)).toHaveLength(60);
      expect((await new Users(server).list()).users).toHaveLength(60);
      // Those of the first step were on their way together.
      expect(requests.filter(isBulk).length).toBeLessThanOrEqual(2);
    },
  );

  it('create no duplicate when the answer was lost (rule 47)', async () => {
    const server = await givenServer();
    const scenario = newEmployees(40);
    const relay: Relay = async (request, send) => {
      await send(request);
      throw new Unavailable('The connection was reset.');
    };

    const { results } = await pushAll(server, scenario, { bulk: true, relay });
    const repeated = await pushUntilCertain(server, scenario, relay);

    expect(results.every((result) => !result.ok && result.error instanceof Unavailable)).toBe(true);
    expect(repeated.map((result) => result.ok && result.effect)).toEqual(scenario.items.map(() => 'updated'));
    expect((await new Users(server).list()).users).toHaveLength(40);
  });

  it.each([
    ['a page of HTML', answering(200, '<html>Welcome</html>', { 'content-type': 'text/html' })],
    ['a redirect', answering(302, '', { location: 'https://elsewhere.example.com/' })],
    ['an error of the service', answering(500)],
    ['an answer without operations', answering(200, '{}')],
  ])('leave the outcome of every record open after %s', async (_, relay) => {
    const server = await givenServer();

    const { results } = await pushAll(server, newEmployees(10), { bulk: true, relay });

    expect(results).toHaveLength(10);
    expect(results.every((result) => !result.ok && result.error instanceof Unavailable)).toBe(true);
  });

  it.each([429, 503, 403])('stop the batch when the service asks to wait (%i)', async (status) => {
    const server = await givenServer();

    const { results, requests } = await pushAll(server, newEmployees(200), {
      bulk: true,
      relay: answering(status, '', { 'retry-after': '60' }),
    });

    expect(results.every((result) => !result.ok && result.error instanceof RateLimited)).toBe(true);
    const writes = requests.filter(({ method }) => method !== 'GET');
    expect(writes.length).toBeLessThanOrEqual(4);
    expect(writes.every(isBulk)).toBe(true);
  });

  it('assign results in another order, and a status that is an object, to their records', async () => {
    const server = await givenServer();
    const scenario = newEmployees(20);
    const { results: created } = await pushAll(server, scenario, { bulk: true });
    const ids = new Map(created.map((result) => [result.pushId, result.ok ? result.remoteId : null]));
    const items = scenario.items.map((item, index) => ({
      ...item,
      remoteId: ids.get(item.pushId) ?? null,
      payload: { ...item.payload, title: `Title ${index}`, ...(index === 4 ? { userName: 'user-5' } : {}) },
    }));
    const relay = changing((operations) =>
      operations.toReversed().map((each) => ({ ...each, status: { code: each['status'] as string } })),
    );

    const { results } = await pushAll(server, { items, conflicts: new Set() }, { bulk: true, relay });

    expect(results.filter(failed).map(({ pushId }) => pushId)).toEqual([items[4]?.pushId]);
    expect(results.filter(({ ok }) => ok)).toHaveLength(19);
  });

  it('never contain a record whose earlier attempt had no usable answer', async () => {
    const server = await givenServer();
    const { items } = newEmployees(10);
    const alone = items.map((item, index) => ({ ...item, isSentAlone: index < 3 }));

    const { results, requests } = await pushAll(
      server,
      { items: alone, conflicts: new Set() },
      { bulk: true },
    );

    expect(results.filter(({ ok }) => ok)).toHaveLength(10);
    expect(requests.filter(isBulk).map((request) => operationsIn(request).length)).toEqual([7]);
  });
});

describe('searches of several records in one request', () => {
  /** The service evaluates no term of a filter but the one that `keep` chooses. */
  async function pushWithFilter(keep: (terms: string[]) => string[]): Promise<[JsonObject[], PushResult[]]> {
    const server = await givenServer();
    const users = new Users(server);
    await users.create({ userName: 'first' });
    await users.create({ userName: 'second' });
    const scenario = newEmployees(12);
    for (const { externalId } of scenario.items)
      await users.create({ userName: `old-${externalId}`, externalId });
    const { results } = await pushAll(server, scenario, {
      bulk: true,
      filter: (filter) => keep(filter.split(' or ')).join(' or '),
    });
    return [(await users.list()).users, results];
  }

  it.each([
    ['the first', (terms: string[]) => terms.slice(0, 1)],
    ['the last', (terms: string[]) => terms.slice(-1)],
  ])('create no duplicates where a service evaluates %s condition of a filter only', async (_, keep) => {
    const [users, results] = await pushWithFilter(keep);

    expect(results.map((result) => result.ok && result.effect)).toEqual(Array(12).fill('updated'));
    expect(users).toHaveLength(14);
  });
});
