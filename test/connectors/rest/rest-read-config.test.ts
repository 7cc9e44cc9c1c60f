/**
 * What the REST connector says about the part of a configuration that reads: each mistake at its place, in
 * words that lead to its repair.
 */
import { z } from 'zod';
import { rest } from '../../../connectors/rest';
import type { RecordTypeMapping } from '../../../domain/records/mapping';
import { documentedExample } from '../suite/documented';
import { CONTACTS, CONTACTS_MAPPING, contactsConfig } from './rest-given';
import { PULLED } from './rest-read-given';

const BASE_URL = 'https://contacts.example.com/api';
const LIST = { path: '/contacts', items: '/items', paging: { type: 'none' } };
const SINCE = { format: 'iso', parameters: { since: '{modified_since}' } };

const parsed = (type: Record<string, unknown>) =>
  rest.configSchema.parse(contactsConfig(BASE_URL, { record_types: { contacts: type } }));
const problemsOf = (type: Record<string, unknown>, mapping: RecordTypeMapping = PULLED) =>
  rest.validate?.(parsed(type), { contacts: mapping }) ?? [];
const withList = (changes: Record<string, unknown>) => ({ list: { ...LIST, ...changes } });
const shapeProblems = (type: Record<string, unknown>) => {
  const result = rest.configSchema.safeParse(contactsConfig(BASE_URL, { record_types: { contacts: type } }));
  return result.success
    ? []
    : result.error.issues.map(({ path, message }) => [path.slice(2).join('/'), message] as const);
};

describe('the part of a configuration that reads', () => {
  it('is enough for a record type that is only pulled', () => {
    expect(problemsOf({ list: LIST })).toEqual([]);
  });

  it('is not enough for a pushed record type, and the part that pushes is not enough for a pulled one', () => {
    const both = { ...CONTACTS, list: LIST };

    for (const direction of ['push', 'both'] as const) {
      const [problem, ...others] = problemsOf({ list: LIST }, { ...CONTACTS_MAPPING, direction });
      expect(problem).toMatchObject({
        pointer: '/record_types/contacts/direction',
        message: expect.stringContaining('create and update') as string,
      });
      expect(others).toEqual([]);
      expect(problemsOf(both, { ...CONTACTS_MAPPING, direction })).toEqual([]);
    }
    for (const direction of ['pull', 'both'] as const) {
      const problems = problemsOf(CONTACTS, { ...CONTACTS_MAPPING, direction });
      expect(problems).toMatchObject([
        { pointer: '/record_types/contacts/direction', message: expect.stringContaining('"list"') as string },
      ]);
    }
  });

  it('applies the rules for pushing only to record types with a call that writes', () => {
    expect(problemsOf({ list: LIST, update: CONTACTS.update }).map(({ pointer }) => pointer)).toContain(
      '/config/record_types/contacts/create',
    );
    expect(problemsOf({}, PULLED).map(({ pointer }) => pointer)).toContain(
      '/record_types/contacts/direction',
    );
  });

  it('ignores on_delete and match_by without a push', () => {
    expect(
      problemsOf(
        { list: LIST },
        { ...PULLED, onDelete: 'deactivate', matchBy: 'email', fields: [{ name: 'email', to: 'email' }] },
      ),
    ).toEqual([]);
  });

  it.each<[string, string, Record<string, unknown>]>([
    ['a variable in a list', 'list/path', withList({ path: '/contacts{?external_id}' })],
    ['a body in a GET', 'list/body', withList({ body: { q: '*' } })],
    [
      'a size that is not sent',
      'list/paging/size',
      withList({ paging: { type: 'page', parameter: 'page', size: 100 } }),
    ],
    [
      'a parameter for no size',
      'list/paging/size',
      withList({ paging: { type: 'page', parameter: 'page', size_parameter: 'n' } }),
    ],
    [
      'parameters in the body of a GET',
      'list/paging/in',
      withList({ paging: { type: 'page', parameter: 'page', in: 'body' } }),
    ],
    [
      'a cursor without a place in the answer',
      'list/paging',
      withList({ paging: { type: 'cursor', parameter: 'c' } }),
    ],
    [
      'a cursor in two places of the answer',
      'list/paging',
      withList({ paging: { type: 'cursor', parameter: 'c', at: '/c', header: 'X-C' } }),
    ],
    [
      'the last record as an address',
      'list/paging/parameter',
      withList({ paging: { type: 'cursor', last_item: '/id' } }),
    ],
    [
      'a zone that the format names itself',
      'list/modified_since/zone',
      withList({ modified_since: { ...SINCE, zone: 'Europe/Amsterdam' } }),
    ],
    ['a key that is put nowhere', 'list/key_at', withList({ key_at: '/id' })],
    [
      'a part of an address that is none',
      'list/paging/take',
      withList({ paging: { type: 'cursor', parameter: 'c', at: '/c', take: 'path_and_query' } }),
    ],
    [
      'a filter without the instant',
      'list/modified_since',
      withList({ modified_since: { format: 'iso', parameters: { sort: 'updated' } } }),
    ],
    [
      'a filter with another variable',
      'list/modified_since/parameters/q',
      withList({ modified_since: { format: 'iso', parameters: { q: '{modified_since}{x}' } } }),
    ],
    [
      'a filter in the body of a GET',
      'list/modified_since/body',
      withList({ modified_since: { format: 'iso', body: { since: '{modified_since}' } } }),
    ],
    [
      'a header of a filter with another variable',
      'list/modified_since/headers/X-A',
      withList({ modified_since: { ...SINCE, headers: { 'X-A': '{y}' } } }),
    ],
    ['deleted records that are never asked for', 'deleted_list', { list: LIST, deleted_list: LIST }],
    [
      'deleted records without their cursor',
      'deleted_list/paging',
      {
        ...withList({ modified_since: SINCE }),
        deleted_list: { ...LIST, paging: { type: 'cursor', parameter: 'c' } },
      },
    ],
    ['a number in two places', 'count', { list: LIST, count: { path: '/n', at: '/n', header: 'X-N' } }],
    ['a number in no place', 'count', { list: LIST, count: { path: '/n' } }],
    [
      'a number in the body of HEAD',
      'count/at',
      { list: LIST, count: { path: '/n', method: 'HEAD', at: '/n' } },
    ],
    [
      'a body of HEAD',
      'count/body',
      { list: LIST, count: { path: '/n', method: 'HEAD', header: 'X-N', body: {} } },
    ],
    [
      'types of fields that are not looked at',
      'describe/fields/types',
      {
        list: LIST,
        describe: { path: '/f', fields: { type: 'list', at: '', name: '/n', types: { a: 'string' } } },
      },
    ],
    [
      'the place of a value without values',
      'describe/fields/value',
      { list: LIST, describe: { path: '/f', fields: { type: 'list', at: '', name: '/n', value: '/v' } } },
    ],
    [
      'a variable in a description',
      'describe/path',
      { list: LIST, describe: { path: '/f/{remote_id}', fields: { type: 'json_schema' } } },
    ],
  ])('names %s at its place', (_title, at, type) => {
    const [problem, ...others] = problemsOf(type);

    expect(problem?.pointer).toBe(`/config/record_types/contacts/${at}`);
    expect(others).toEqual([]);
  });

  it.each<[string, string, string, Record<string, unknown>]>([
    ['the paging of the list', 'list/paging', 'Set how the list is paged', withList({ paging: undefined })],
    [
      'an unknown type of paging',
      'list/paging/type',
      'Set how the list is paged',
      withList({ paging: { type: 'token' } }),
    ],
    [
      'the parameter of the page',
      'list/paging/parameter',
      'Set the parameter for the number of the page',
      withList({ paging: { type: 'page' } }),
    ],
    [
      'the parameter of the offset',
      'list/paging/parameter',
      'Set the parameter for the offset',
      withList({ paging: { type: 'offset', size: 5 } }),
    ],
    [
      'the size behind an offset',
      'list/paging/size',
      'Set the number of records per page',
      withList({ paging: { type: 'offset', parameter: 'o' } }),
    ],
    [
      'how instants are written',
      'list/modified_since/format',
      'Set the format of times',
      withList({ modified_since: { parameters: { s: '{modified_since}' } } }),
    ],
  ])('asks for %s', (_title, path, message, type) => {
    const [[at, words] = ['', '']] = shapeProblems(type);

    expect([at, words]).toEqual([path, expect.stringContaining(message)]);
  });

  it.each<[string, Record<string, unknown>]>([
    ['an unknown key', withList({ retries: 3 })],
    ['a list with a method that changes data', withList({ method: 'DELETE' })],
    ['a page before the first', withList({ paging: { type: 'page', parameter: 'p', first: -1 } })],
    ['a size of 0', withList({ paging: { type: 'offset', parameter: 'o', size: 0 } })],
    ['a clock without a format', withList({ as_of: { header: 'ETag' } })],
    ['a total in two places', withList({ total: { at: '/t', header: 'X' } })],
    [
      'a header that frames the request',
      withList({ modified_since: { ...SINCE, headers: { 'Content-Length': '{modified_since}' } } }),
    ],
    ['a parameter with a line break', withList({ paging: { type: 'page', parameter: 'a\nb' } })],
  ])('rejects the shape of %s', (_title, type) => {
    expect(shapeProblems(type)).not.toEqual([]);
  });

  it.each(['pocketbase', 'kinto'])(
    'is combined with the part that pushes, for both directions: %s',
    (name) => {
      const [pushed, pulled] = [documentedExample(name).config, documentedExample(`${name}-pull`).config];
      const employees = { ...pulled.record_types['employees'], ...pushed.record_types['employees'] };
      const config = rest.configSchema.parse({ ...pushed, record_types: { employees } });

      expect(
        rest.validate?.(config, {
          employees: { ...CONTACTS_MAPPING, direction: 'both', fields: [{ name: 'email', to: 'email' }] },
        }),
      ).toEqual([]);
      expect(rest.readAbilities?.(config, 'employees')).toMatchObject({ canFilterByModified: true });
    },
  );

  it('can be expressed as a JSON Schema', () => {
    expect(JSON.stringify(z.toJSONSchema(rest.configSchema, { io: 'input' }))).toContain('"deleted_list"');
  });
});
