/**
 * Reading from PocketBase by the configuration that docs/connectors/rest-reading.md shows: numbered pages,
 * its totals, its times, its limits.
 */
import { rest } from '../../../../connectors/rest';
import { closeConnections } from '../../../../egress/http-client';
import { documentedExample, documentedMapping } from '../../suite/documented';
import { contextWith, egressHttp, loopbackPolicy } from '../../suite/given';
import { type StartedPocketBase, pocketBaseHarness } from '../../suite/harness-pocketbase';
import type { RestContext } from '../rest-given';
import { failureOf, idsIn, readOnePage, readPages } from '../rest-read-given';

const example = documentedExample('pocketbase-pull');
const RECORDS = 'collections/employees/records';

describe('reading from PocketBase', () => {
  let pocketBase: StartedPocketBase;

  beforeAll(async () => {
    pocketBase = await pocketBaseHarness.start();
    for (let number = 1; number <= 7; number += 1) await hire(number);
  }, 120_000);

  afterAll(async () => {
    await closeConnections(loopbackPolicy);
    await pocketBase.stop();
  });

  const hire = (number: number) =>
    pocketBase.call('POST', RECORDS, {
      external_id: `emp-${number}`,
      email: `emp-${number}@example.com`,
      first_name: `No. ${number}`,
    }) as Promise<{
      id: string;
    }>;

  const contextFor = (size = 3): RestContext => {
    const text = JSON.stringify({ ...example.config, base_url: pocketBase.url }).replace(
      '"size":500',
      `"size":${size}`,
    );
    const config = rest.configSchema.parse(JSON.parse(text));
    const mappings = { employees: documentedMapping(example, 'employees') };
    const credentials = rest.credentialsSchema.parse(pocketBase.credentials);
    return contextWith({ config, credentials, mappings, http: egressHttp(rest.hosts(config)) });
  };

  const namesIn = (pages: Awaited<ReturnType<typeof readPages>>) =>
    pages.flatMap(({ records }) => records.map(({ fields }) => fields['first_name']));

  it('can read changes only, but does not keep its position', () => {
    expect(rest.readAbilities?.(contextFor().config, 'employees')).toMatchObject({
      canFilterByModified: true,
      isPagingStable: false,
    });
    expect(rest.readAbilities?.(contextFor().config, 'contacts')).toBeNull();
  });

  it('reads every record once, and ends by the total without an empty page', async () => {
    const pages = await readPages(() => contextFor());

    expect(pages.map(({ records, total }) => [records.length, total])).toEqual([
      [3, 7],
      [3, 7],
      [1, 7],
    ]);
    expect(new Set(idsIn(pages)).size).toBe(7);
    expect(namesIn(pages)).toEqual([1, 2, 3, 4, 5, 6, 7].map((number) => `No. ${number}`));
    expect(pages[0]?.asOf).toBeInstanceOf(Date);
  });

  it('needs one call besides the login if one page has everything', async () => {
    const context = contextFor(500);
    const urls: string[] = [];
    const counted = {
      send: (request: Parameters<typeof context.http.send>[0]) => (
        urls.push(request.url),
        context.http.send(request)
      ),
    };

    await readOnePage({ ...context, http: counted });
    await readOnePage({ ...context, http: counted });

    expect(urls.map((url) => new URL(url).pathname.split('/').at(-1))).toEqual([
      'auth-with-password',
      'records',
      'records',
    ]);
  });

  it('reads only updates since an instant, in the time format of PocketBase', async () => {
    const { items } = (await pocketBase.call('GET', `${RECORDS}?sort=-updated&perPage=1`)) as {
      items: { updated: string }[];
    };
    const lastUpdate = new Date((items[0] as { updated: string }).updated.replace(' ', 'T'));
    const { id } = (
      (await pocketBase.call('GET', `${RECORDS}?filter=external_id='emp-2'`)) as { items: { id: string }[] }
    ).items[0] as { id: string };
    await pocketBase.call('PATCH', `${RECORDS}/${id}`, { first_name: 'Changed' });

    const changes = await readPages(() => contextFor(), {
      modifiedSince: new Date(lastUpdate.getTime() + 1),
    });
    const nothing = await readPages(() => contextFor(), { modifiedSince: new Date(Date.now() + 60_000) });

    expect(namesIn(changes)).toEqual(['Changed']);
    expect(nothing).toMatchObject([{ records: [], nextCursor: null, total: 0 }]);
  });

  it('counts by the total of a page of one', async () => {
    expect(await rest.count?.('employees', contextFor())).toBe(7);
  });

  it('reads a field and a picklist value that are added to the running server', async () => {
    const [before] = (await rest.describeRecordTypes?.(contextFor())) ?? [];
    const collection = (await pocketBase.call('GET', 'collections/employees')) as {
      fields: { name: string; values?: string[] }[];
    };
    const fields = collection.fields.map((field) =>
      field.name === 'grade' ? { ...field, values: ['junior', 'senior', 'principal'] } : field,
    );
    await pocketBase.call('PATCH', 'collections/employees', {
      fields: [...fields, { name: 'remote', type: 'bool' }],
    });
    const [after] = (await rest.describeRecordTypes?.(contextFor())) ?? [];

    const grade = { name: 'grade', label: 'Grade', type: 'picklist', isRequired: false };
    expect(before?.fields).toContainEqual({ ...grade, values: ['junior', 'senior'] });
    expect(before?.fields).toContainEqual({
      name: 'email',
      label: 'Email',
      type: 'string',
      isRequired: true,
    });
    expect(before?.fields).toContainEqual({
      name: 'updated',
      label: 'Updated',
      type: 'datetime',
      isRequired: false,
    });
    expect(before?.fields.map(({ name }) => name)).not.toContain('remote');
    expect(after?.fields).toContainEqual({ ...grade, values: ['junior', 'senior', 'principal'] });
    expect(after?.fields).toContainEqual({
      name: 'remote',
      label: 'Remote',
      type: 'boolean',
      isRequired: false,
    });
  });

  it('is RateLimited by a 429 without Retry-After in the middle of a list, and continues from the cursor', async () => {
    // PocketBase never limits its administrators, so the collection is open to all users.
    await pocketBase.call('PATCH', 'collections/employees', { listRule: '' });
    await pocketBase.call('PATCH', 'settings', {
      rateLimits: { enabled: true, rules: [{ label: '/api/', maxRequests: 2, duration: 60 }] },
    });
    const anyone = (): RestContext => {
      const context = contextFor(1);
      return { ...context, config: { ...context.config, auth: { type: 'none' } } };
    };
    let cursor: string | null = null;
    const read: string[] = [];
    const failure = await failureOf(
      readPages(anyone, {}, (page) => {
        cursor = page.nextCursor;
        read.push(...idsIn([page]));
      }),
    );
    await pocketBase.call('PATCH', 'settings', { rateLimits: { enabled: false, rules: [] } });

    for (; cursor !== null;) {
      const page: Awaited<ReturnType<typeof readOnePage>> = await readOnePage(anyone(), { cursor });
      read.push(...idsIn([page]));
      cursor = page.nextCursor;
    }

    expect(failure).toMatchObject({ kind: 'rate_limited', retryAfterMs: null });
    expect([read.length, new Set(read).size]).toEqual([7, 7]);
  });
});
