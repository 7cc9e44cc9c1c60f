/** Batch calls of the REST connector against Kinto: each record gets the outcome that its own calls have. */
import { randomUUID } from 'node:crypto';
import type { HttpRequest, PushItem, PushResult } from '../../../../connectors/connector';
import { RecordRejected } from '../../../../connectors/errors';
import { rest } from '../../../../connectors/rest';
import { closeConnections } from '../../../../egress/http-client';
import type { JsonObject } from '../../../../domain/json';
import { failuresOfTrials, trialsTimeoutMs } from '../../../support/property-trials';
import { Random } from '../../../support/random';
import { contextWith, egressHttp, loopbackPolicy, pushItem } from '../../suite/given';
import { kintoHarness, type StartedKinto } from '../../suite/harness-kinto';

const RECORDS = '/buckets/hr/collections/employees/records';

let kinto: StartedKinto;

beforeAll(async () => {
  kinto = await kintoHarness.start();
}, 300_000);

afterAll(async () => {
  await closeConnections(loopbackPolicy);
  await kinto.stop();
});

const call = { method: '{method}', path: '/v1{path}', headers: '{headers}' };
const batch = (item: JsonObject) => ({
  path: '/batch',
  items_at: '/requests',
  item,
  max: 25,
  results_at: '/responses',
  match: 'position',
  status_at: '/status',
  headers_at: '/headers',
  answer_at: '/body',
});

function configWith(isBatched: boolean): unknown {
  const config = structuredClone(kinto.config) as { record_types: { employees: Record<string, JsonObject> } };
  const { employees } = config.record_types;
  if (isBatched) {
    for (const name of ['create', 'update'])
      employees[name] = { ...employees[name], batch: batch({ ...call, body: '{body}' }) };
    employees['delete'] = { ...employees['delete'], batch: batch(call) };
  }
  return config;
}

async function push(items: PushItem[], isBatched: boolean): Promise<[PushResult[], HttpRequest[]]> {
  const config = rest.configSchema.parse(configWith(isBatched));
  expect(rest.validate?.(config, { employees: kintoHarness.mapping })).toEqual([]);
  const http = egressHttp(rest.hosts(config));
  const requests: HttpRequest[] = [];
  const context = contextWith({
    config,
    credentials: kinto.credentials as { username: string; password: string },
    mappings: { employees: kintoHarness.mapping },
    http: {
      send(request) {
        requests.push(request);
        return http.send(request);
      },
    },
  });
  return [await rest.push(items, context), requests];
}

const STATES = { new: 3, 'created, answer lost': 2, linked: 4, outdated: 2, 'deleted there': 2, refused: 2 };

async function givenItems(seed: number, count: number): Promise<PushItem[]> {
  const random = new Random(seed);
  const run = randomUUID().slice(0, 8);
  const items = Array.from({ length: count }, async (_, index): Promise<PushItem> => {
    const state = random.weighted(STATES);
    const operation = random.weighted({ upsert: 5, deactivate: 1, delete: 1 });
    const fields = { first_name: 'Ada', last_name: `L ${index}`, email: `ada-${index}@example.com` };
    const item = pushItem('employees', kintoHarness.mapping, fields, {
      operation,
      externalId: `${run}-${index}`,
      pushId: `psh-${index}`,
    });
    if (state === 'new') return item;
    if (state === 'refused') return { ...item, payload: { ...item.payload, email: 'no address' } };
    const [created] = (await push([{ ...item, operation: 'upsert' }], false))[0];
    if (created?.ok !== true) throw new Error('the record could not be created');
    const { remoteId, remoteVersion } = created;
    if (state === 'deleted there') await kinto.call('DELETE', `${RECORDS}/${remoteId}`);
    if (state === 'outdated') await kinto.call('PATCH', `${RECORDS}/${remoteId}`, { grade: 'senior' });
    return state === 'created, answer lost' ? item : { ...item, remoteId, remoteVersion };
  });
  return Promise.all(items);
}

const outcomesOf = (results: PushResult[]): object =>
  Object.fromEntries(
    results.map((result) => [
      result.pushId,
      result.ok
        ? { effect: result.effect, isVersionKnown: result.remoteVersion !== null, isShown: 'shown' in result }
        : {
            error: result.error.kind,
            message: result.error.message,
            errors: result.error instanceof RecordRejected ? result.error.errors : [],
          },
    ]),
  );

async function recordsOf(items: PushItem[]): Promise<JsonObject[]> {
  const ids = new Map(items.map(({ externalId, pushId }) => [externalId, pushId]));
  const records = (await kinto.call('GET', RECORDS)) as JsonObject[];
  return records
    .filter((record) => ids.has(record['external_id'] as string))
    .map(({ email = null, name = null, grade = null, active = null, external_id: id = null }) => ({
      id: ids.get(id as string) ?? null,
      email,
      name,
      grade,
      active,
    }))
    .sort((a, b) => String(a.id).localeCompare(String(b.id)));
}

describe('batch calls to Kinto', () => {
  it(
    'F10: give each record exactly the outcome that single calls give (rule 47)',
    async () => {
      const failures = await failuresOfTrials('batch or single', async (seed) => {
        const [alone, together] = [await givenItems(seed, 40), await givenItems(seed, 40)];
        const [expected] = await push(alone, false);
        const [actual, requests] = await push(together, true);

        expect(requests.some(({ url }) => url.endsWith('/batch'))).toBe(true);
        expect(outcomesOf(actual)).toEqual(outcomesOf(expected));
        expect(await recordsOf(together)).toEqual(await recordsOf(alone));
      });
      expect(failures).toBe('');
    },
    trialsTimeoutMs,
  );

  it('F10: create 40 records with two calls', async () => {
    const items = Array.from({ length: 40 }, (_, index) =>
      pushItem('employees', kintoHarness.mapping, { email: `new-${index}@example.com` }),
    );

    const [results, requests] = await push(items, true);

    expect(results.filter(({ ok }) => ok)).toHaveLength(40);
    expect(requests.map(({ method, url }) => `${method} ${new URL(url).pathname}`)).toEqual([
      'POST /v1/batch',
      'POST /v1/batch',
    ]);
  });
});
