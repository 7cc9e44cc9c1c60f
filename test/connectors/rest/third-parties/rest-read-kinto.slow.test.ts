/**
 * Reading from Kinto by the configuration that docs/connectors/rest-reading.md shows: tombstones, 304, pages
 * while records change, its schema.
 */
import type { ReadPage } from '../../../../connectors/connector';
import { rest } from '../../../../connectors/rest';
import { closeConnections } from '../../../../egress/http-client';
import { documentedExample, documentedMapping } from '../../suite/documented';
import { contextWith, egressHttp, loopbackPolicy } from '../../suite/given';
import { KINTO_SCHEMA, type StartedKinto, kintoHarness } from '../../suite/harness-kinto';
import type { RestContext } from '../rest-given';
import { failureOf, idsIn, readOnePage, readPages } from '../rest-read-given';

const example = documentedExample('kinto-pull');
const COLLECTION = '/buckets/hr/collections/employees';
const RECORDS = `${COLLECTION}/records`;

describe('reading from Kinto', () => {
  let kinto: StartedKinto;

  beforeAll(async () => {
    kinto = await kintoHarness.start();
  }, 120_000);

  afterAll(async () => {
    await closeConnections(loopbackPolicy);
    await kinto.stop();
  });

  beforeEach(async () => {
    await kinto.call('PUT', COLLECTION, { schema: KINTO_SCHEMA });
    await kinto.call('DELETE', RECORDS);
  });

  const contextFor = (credentials: unknown = kinto.credentials): RestContext => {
    const config = rest.configSchema.parse({ ...example.config, base_url: kinto.url });
    const mappings = { employees: documentedMapping(example, 'employees') };
    return contextWith({
      config,
      credentials: rest.credentialsSchema.parse(credentials),
      mappings,
      http: egressHttp(rest.hosts(config)),
    });
  };

  const put = (id: string, changes = {}) =>
    kinto.call('PUT', `${RECORDS}/${id}`, { email: `${id}@example.com`, name: { first: id }, ...changes });
  const hire = async (count: number) => {
    const ids = Array.from({ length: count }, (_, index) => `emp-${String(index + 1).padStart(3, '0')}`);
    for (const id of ids) await put(id);
    return ids;
  };
  const stateOf = (pages: ReadPage[]) => {
    const state = new Map(
      pages.flatMap(({ records }) => records.map((record) => [record.remoteId, record] as const)),
    );
    return [...state.values()].filter(({ isDeleted }) => !isDeleted);
  };

  it('keeps its position while records are created and deleted, and can read changes only', () => {
    expect(rest.readAbilities?.(contextFor().config, 'employees')).toMatchObject({
      canFilterByModified: true,
      isPagingStable: true,
    });
  });

  it('reads every record once, page by page, with nothing but the cursor to go on', async () => {
    const ids = await hire(230);

    const pages = await readPages(contextFor);

    expect(pages.map(({ records }) => records.length)).toEqual([100, 100, 30]);
    expect(idsIn(pages).sort()).toEqual(ids);
    expect(pages[0]?.records[0]).toMatchObject({
      remoteId: 'emp-001',
      remoteVersion: expect.stringMatching(/^\d{13}$/) as string,
      externalId: null,
      isDeleted: false,
      fields: { id: 'emp-001', email: 'emp-001@example.com', name: { first: 'emp-001' } },
    });
  });

  it('misses no record that exists throughout, while records are changed, created and deleted between its pages', async () => {
    const ids = await hire(250);
    let turn = 0;

    const pages = await readPages(contextFor, {}, async () => {
      turn += 1;
      if (turn > 2) return;
      // One that was read and one that is still to come change; one of each goes; a new one comes.
      for (const id of [ids[turn], ids[240 + turn]]) await put(id as string, { grade: 'senior' });
      for (const id of [ids[50 + turn], ids[245 + turn]]) await kinto.call('DELETE', `${RECORDS}/${id}`);
      await put(`new-${turn}`);
    });

    const read = new Set(idsIn(pages));
    const there = (await kinto.list()).map(({ remoteId }) => remoteId);
    expect(there.filter((id) => !read.has(id))).toEqual([]);
    expect(stateOf(pages).filter(({ fields }) => fields['grade'] === 'senior')).toHaveLength(4);
  });

  it('then reads only changes, including tombstones, by the clock of Kinto', async () => {
    await hire(5);
    const [first] = await readPages(contextFor);
    await put('emp-002', { grade: 'senior' });
    await put('emp-006');
    await kinto.call('DELETE', `${RECORDS}/emp-003`);

    const changes = await readPages(contextFor, { modifiedSince: first?.asOf as Date });

    expect(changes.flatMap(({ records }) => records)).toMatchObject([
      { remoteId: 'emp-002', isDeleted: false, fields: { grade: 'senior' } },
      { remoteId: 'emp-006', isDeleted: false },
      { remoteId: 'emp-003', isDeleted: true, fields: {} },
    ]);
    expect(changes[0]?.asOf?.getTime()).toBeGreaterThan(first?.asOf?.getTime() as number);
  });

  it('treats 304 as an empty page when nothing changed, and sends one request', async () => {
    await hire(3);
    const [first] = await readPages(contextFor);
    const context = contextFor();
    const statuses: number[] = [];
    const http = {
      send: async (request: Parameters<typeof context.http.send>[0]) => {
        const response = await context.http.send(request);
        statuses.push(response.status);
        return response;
      },
    };

    const page = await readOnePage({ ...context, http }, { modifiedSince: first?.asOf as Date });

    expect(statuses).toEqual([304]);
    expect(page).toEqual({ records: [], unreadable: [], nextCursor: null, asOf: first?.asOf, total: null });
  });

  it('counts by HEAD, without tombstones', async () => {
    await hire(4);
    await kinto.call('DELETE', `${RECORDS}/emp-002`);

    expect(await rest.count?.('employees', contextFor())).toBe(3);
  });

  it('reads a new field and a new picklist value from its schema, nested fields by their pointers', async () => {
    const [before] = (await rest.describeRecordTypes?.(contextFor())) ?? [];
    const properties = {
      ...KINTO_SCHEMA.properties,
      grade: { type: 'string', enum: ['junior', 'senior', 'principal'] },
      size: { type: 'integer', title: 'Shirt size' },
    };
    await kinto.call('PUT', COLLECTION, { schema: { ...KINTO_SCHEMA, properties } });
    const [after] = (await rest.describeRecordTypes?.(contextFor())) ?? [];

    expect(before).toMatchObject({ name: 'employees', label: 'Employees' });
    expect(before?.fields).toEqual([
      { name: 'external_id', label: 'External id', type: 'string', isRequired: false },
      { name: '/name/first', label: 'Name first', type: 'string', isRequired: false },
      { name: '/name/last', label: 'Name last', type: 'string', isRequired: false },
      { name: 'email', label: 'Email', type: 'string', isRequired: true },
      { name: 'grade', label: 'Grade', type: 'picklist', isRequired: false, values: ['junior', 'senior'] },
      { name: 'active', label: 'Active', type: 'boolean', isRequired: false },
    ]);
    expect(after?.fields).toContainEqual({
      name: 'grade',
      label: 'Grade',
      type: 'picklist',
      isRequired: false,
      values: ['junior', 'senior', 'principal'],
    });
    expect(after?.fields).toContainEqual({
      name: 'size',
      label: 'Shirt size',
      type: 'number',
      isRequired: false,
    });
  });

  it('is Unauthorized by a wrong password, and an unknown list is reported with its dataset', async () => {
    const context = contextFor();
    const elsewhere = rest.configSchema.parse(
      JSON.parse(
        JSON.stringify({ ...example.config, base_url: kinto.url }).replaceAll('/records', '/recordz'),
      ),
    );

    expect(await failureOf(readOnePage(contextFor({ username: 'admin', password: 'wrong' })))).toMatchObject({
      kind: 'unauthorized',
    });
    const failure = await failureOf(readOnePage({ ...context, config: elsewhere }));
    expect(failure).toMatchObject({
      kind: 'record_rejected',
      message: expect.stringContaining(
        'employees cannot be read (list): the third party answered 404.',
      ) as string,
    });
    expect(failure.errors?.[0]?.explanation).toContain('"list" of employees');
  });
});
