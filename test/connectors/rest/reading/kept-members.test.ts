/** What reading needs of a list stays in a page with very many values (rule 60). */
import { keptOfDeletedList, keptOfList } from '../../../../connectors/rest/read/kept-members';
import { RestConfig } from '../../../../connectors/rest/config/config';
import type { RecordTypeConfig } from '../../../../connectors/rest/config/config';
import type { RecordTypeMapping } from '../../../../domain/records/mapping';

const pulled: RecordTypeMapping = {
  direction: 'pull',
  fields: [
    { name: 'email', to: 'emails[type eq "work"].value' },
    { name: 'last', to: '/name/last' },
    { to: 'kind', value: 'person' },
  ],
} as never;

function typeWith(list: object, more: object = {}): RecordTypeConfig {
  const config = RestConfig.parse({
    app: 'HR',
    base_url: 'https://hr.example.com',
    auth: { type: 'none' },
    check: { path: '/' },
    record_types: { people: { ...more, list: { path: '/people', items: '/data', ...list } } },
  });
  return config.record_types['people'] as RecordTypeConfig;
}

function keptOf(type: RecordTypeConfig, mapping = pulled): string[] | undefined {
  if (type.list === undefined) throw new Error('There is no list.');
  return keptOfList(type.list, type, mapping)
    ?.members.map((path) => path.join('/'))
    .toSorted();
}

test('rule 60: ids, versions, times, mapped fields and values for paging are kept', () => {
  const type = typeWith(
    {
      item_at: '/person',
      modified: { at: '/meta/changed', format: 'iso' },
      paging: { type: 'keyset', after: { last: '/key' }, parameters: { after: '{last}' } },
    },
    { id: '/uuid', external_id: '/ours', version: '/rev', tombstone: { at: '/gone' } },
  );

  expect(keptOf(type)).toEqual([
    'key',
    'person/emails',
    'person/gone',
    'person/kind',
    'person/meta/changed',
    'person/name/last',
    'person/ours',
    'person/rev',
    'person/uuid',
  ]);
});

test.each([
  ['the total', { items: '', paging: { type: 'none' }, total: { at: '/0/full_count' } }],
  ['the clock', { paging: { type: 'none' }, as_of: { at: '/data/0/now', format: 'iso' } }],
  ['the cursor', { paging: { type: 'cursor', parameter: 'after', at: '/data/49/cursor' } }],
  ['the end', { paging: { type: 'page', parameter: 'page', last: { at: '/data/0/is_last' } } }],
  ['the pages', { paging: { type: 'page', parameter: 'page', total_pages: { at: '/data/0/pages' } } }],
])('rule 60: a list whose items hold %s is kept as a whole', (_name, list) => {
  expect(keptOf(typeWith(list))).toBeUndefined();
});

test('rule 60: a total beside the items does not keep them as a whole', () => {
  expect(keptOf(typeWith({ paging: { type: 'none' }, total: { at: '/meta/total' } }))).toContain('id');
});

test('rule 60: a list continued after its last item keeps where it continues', () => {
  const paging = { type: 'cursor', parameter: 'after', last_item: '/cursor' };
  expect(keptOf(typeWith({ paging }))).toContain('cursor');
});

test.each<[string, RecordTypeConfig, RecordTypeMapping]>([
  ['pushed, too', typeWith({ paging: { type: 'none' } }), { ...pulled, direction: 'both' }],
  ['copied without a mapping', typeWith({ paging: { type: 'none' } }), { ...pulled, fields: [] }],
  ['their own id', typeWith({ id: '', paging: { type: 'none' } }), pulled],
])('rule 60: items that are %s are kept as a whole', (_name, type, mapping) => {
  expect(keptOf(type, mapping)).toBeUndefined();
});

test('rule 60: of the list of deleted records, the ids are kept', () => {
  const list = { path: '/deleted', items: '/data', item_at: '/person', id: '/old', paging: { type: 'none' } };
  const type = typeWith(
    {
      paging: { type: 'none' },
      modified_since: { format: 'iso', parameters: { since: '{modified_since}' } },
    },
    { deleted_list: list },
  );
  const kept = type.deleted_list && keptOfDeletedList(type.deleted_list, type);

  expect(kept?.members).toEqual([['person', 'old']]);
});
