/** What comes of a description of fields: a JSON Schema, or a list of fields, as APIs write them. */
import { rest } from '../../../connectors/rest';
import { closeConnections } from '../../../egress/http-client';
import type { RecordTypeField } from '../../../domain/records/record-type';
import { loopbackPolicy } from '../suite/given';
import { failureOf, readingContext } from './rest-read-given';
import { type ScriptedServer, startScriptedServer } from '../suite/scripted-server';

describe('a description of fields', () => {
  let server: ScriptedServer;
  let answer: unknown;
  let status = 200;

  beforeAll(async () => {
    server = await startScriptedServer(() => ({ status, body: answer }));
  });

  afterAll(async () => {
    await closeConnections(loopbackPolicy);
    await server.stop();
  });

  const describeTypes = (fields: unknown, type: Record<string, unknown> = {}) =>
    rest.describeRecordTypes?.(
      readingContext(server.url, { describe: { path: '/fields', fields }, ...type }),
    ) as Promise<{ fields: RecordTypeField[] }[]>;
  const fieldsOf = async (fields: unknown, type: Record<string, unknown> = {}) =>
    (await describeTypes(fields, type))[0]?.fields;

  it('by a JSON Schema has types, formats, titles, choices, nested fields, and required fields at every level', async () => {
    answer = {
      $defs: {
        address: { properties: { city: { type: 'string' }, 'a/b': { type: 'integer' } }, required: ['city'] },
      },
      required: ['id', 'home'],
      properties: {
        id: { type: 'integer' },
        born: { type: ['null', 'string'], format: 'date' },
        seen: { type: 'string', format: 'date-time' },
        tags: { type: 'array' },
        extra: { type: 'object' },
        size: { enum: ['S', 'M', null, 'S'], title: 'Shirt size' },
        rank: { oneOf: [{ const: 1, title: 'one' }, { const: 2 }] },
        home: { $ref: '#/$defs/address' },
        work: { $ref: '#/$defs/address' },
        strange: { $ref: 'https://elsewhere.example/schema' },
        odd: true,
      },
    };

    const fields = await fieldsOf({ type: 'json_schema' });

    expect(
      fields?.map(({ name, type, isRequired, values }) => [name, type, isRequired, ...(values ?? [])]),
    ).toEqual([
      ['id', 'number', true],
      ['born', 'date', false],
      ['seen', 'datetime', false],
      ['tags', 'array', false],
      ['extra', 'object', false],
      ['size', 'picklist', false, 'S', 'M'],
      ['rank', 'picklist', false, '1', '2'],
      ['/home/city', 'string', true],
      ['/home/a~1b', 'number', false],
      ['/work/city', 'string', false],
      ['/work/a~1b', 'number', false],
      ['strange', 'string', false],
      ['odd', 'string', false],
    ]);
    expect(fields?.[5]?.label).toBe('Shirt size');
  });

  it('by a recursive schema is finite', async () => {
    const self = { $ref: '#' };
    answer = {
      properties: Object.fromEntries(Array.from({ length: 40 }, (_, index) => [`p${index}`, self])),
    };

    expect((await fieldsOf({ type: 'json_schema' }))?.length).toBeLessThanOrEqual(2_000);
  });

  it('by a list has names, labels, types of Syncline, and the values that the list gives', async () => {
    answer = {
      result: [
        { key: 'email', title: 'E-mail', kind: 'EmailField', must: true },
        { key: 'stage', kind: 'Choice', options: [{ id: 7, label: 'New' }, { id: 8, label: 'Won' }, {}] },
        { key: 'tags', kind: 'List', options: ['a'] },
        { key: 'size', kind: 'Unknown', options: [{ id: 'S' }] },
        { key: 'constructor', kind: 'constructor' },
        { title: 'no name' },
        'text',
      ],
    };
    const types = { Choice: 'picklist', List: 'array' };

    const fields = await fieldsOf({
      type: 'list',
      at: '/result',
      name: '/key',
      label: '/title',
      field_type: '/kind',
      required: '/must',
      values: '/options',
      value: '/id',
      types,
    });

    expect(fields).toEqual([
      { name: 'email', label: 'E-mail', type: 'string', isRequired: true },
      { name: 'stage', label: 'Stage', type: 'picklist', isRequired: false, values: ['7', '8'] },
      { name: 'tags', label: 'Tags', type: 'array', isRequired: false },
      { name: 'size', label: 'Size', type: 'picklist', isRequired: false, values: ['S'] },
      { name: 'constructor', label: 'Constructor', type: 'string', isRequired: false },
    ]);
  });

  it('keeps the configured labels, and comes from the configuration without a describe call', async () => {
    answer = { properties: { mail: { type: 'string' } } };
    const known_fields = [{ name: 'mail', label: 'E-mail address' }];

    expect(await fieldsOf({ type: 'json_schema' }, { known_fields })).toMatchObject([
      { name: 'mail', label: 'E-mail address' },
    ]);
    server.requests.length = 0;
    expect(await rest.describeRecordTypes?.(readingContext(server.url, { known_fields }))).toMatchObject([
      { fields: [{ label: 'E-mail address' }] },
    ]);
    expect(server.requests).toEqual([]);
  });

  it.each<[string, unknown, string]>([
    ['without fields', { data: {} }, 'record_rejected'],
    ['that is cut off', '{"properties":', 'unavailable'],
  ])('is not empty for an answer %s', async (_title, body, kind) => {
    answer = body;

    expect(await failureOf(describeTypes({ type: 'json_schema' }))).toMatchObject({ kind });
    expect(await failureOf(describeTypes({ type: 'list', at: '/fields', name: '/name' }))).toMatchObject({
      kind,
    });
  });

  it('that fails names the call and the record type', async () => {
    answer = { message: 'broken' };
    status = 500;

    const failure = await failureOf(describeTypes({ type: 'json_schema' }));

    status = 200;
    expect(failure).toMatchObject({ kind: 'unavailable', status: 500 });
    expect(failure.message).toMatch(/^contacts cannot be read \(describe\): /);
  });
});
