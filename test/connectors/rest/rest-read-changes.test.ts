/** APIs with one call for everything and another one for what changed. */
import { rest } from '../../../connectors/rest';
import { closeConnections } from '../../../egress/http-client';
import { loopbackPolicy } from '../suite/given';
import { type ScriptedServer, startScriptedServer } from '../suite/scripted-server';
import { contactsConfig } from './rest-given';
import { idsIn, PULLED, readOnePage, readPages, readingContext } from './rest-read-given';

let server: ScriptedServer;

beforeAll(async () => {
  server = await startScriptedServer(({ path, method, body }) => {
    if (path.startsWith('/deleted')) return { status: 200, body: ['c9'] };
    if (path.startsWith('/contacts')) return { status: 200, body: { items: [{ id: 'c1' }, { id: 'c2' }] } };
    const { since, page } = JSON.parse(body || '{}') as { since?: string; page?: number };
    if (method !== 'POST' || since === undefined) return { status: 400, body: { message: 'since?' } };
    const changed = page === 1 ? [{ person: { id: 'c2' } }] : page === 2 ? [{ person: { id: 'c3' } }] : [];
    return { status: 200, body: { changed, now: '2026-11-21T12:00:00Z' } };
  });
});
beforeEach(() => {
  server.requests.length = 0;
});
afterAll(async () => {
  await closeConnections(loopbackPolicy);
  await server.stop();
});

const LIST = { path: '/contacts', items: '/items', paging: { type: 'none' } };
const CHANGES = {
  method: 'POST',
  path: '/changes/search',
  items: '/changed',
  item_at: '/person',
  paging: { type: 'page', parameter: 'page', in: 'body' },
  modified_since: { format: 'iso_seconds', body: { since: '{modified_since}' } },
  as_of: { at: '/now', format: 'iso' },
};
const SINCE = new Date('2026-11-21T10:00:00Z');
const contextFor = (type: Record<string, unknown> = {}) =>
  readingContext(server.url, { list: LIST, changes: CHANGES, ...type });

describe('E: another call for what changed', () => {
  it('is read by incremental runs, with its own method, paging, items and clock', async () => {
    const pages = await readPages(contextFor, { modifiedSince: SINCE });

    expect(idsIn(pages)).toEqual(['c2', 'c3']);
    expect(pages[0]?.asOf).toEqual(new Date('2026-11-21T12:00:00Z'));
    expect(server.requests.map(({ path }) => path)).not.toContain('/contacts');
  });

  it('is not read by full runs', async () => {
    expect(idsIn(await readPages(contextFor))).toEqual(['c1', 'c2']);
    expect(server.requests.map(({ path }) => path)).toEqual(['/contacts']);
  });

  it('is followed by the deleted records', async () => {
    const deleted_list = { path: '/deleted', items: '', id: '', paging: { type: 'none' } };

    const pages = await readPages(() => contextFor({ deleted_list }), { modifiedSince: SINCE });

    expect(pages.at(-1)?.records).toMatchObject([{ remoteId: 'c9', isDeleted: true }]);
  });

  it('makes a record type readable by modification', async () => {
    expect(rest.readAbilities?.(contextFor().config, 'contacts')).toMatchObject({
      canFilterByModified: true,
      declaredAt: { filter: '/config/record_types/contacts/changes/modified_since' },
    });
    expect((await readOnePage(contextFor(), { modifiedSince: SINCE })).nextCursor).toContain('"changes"');
  });

  it.each<[string, Record<string, unknown>, string]>([
    ['no list', { list: undefined, create: { path: '/contacts' } }, 'changes'],
    ['no time', { changes: { ...CHANGES, modified_since: undefined } }, 'changes'],
    [
      'a filter of the list, too',
      { list: { ...LIST, modified_since: { format: 'iso', parameters: { since: '{modified_since}' } } } },
      'list/modified_since',
    ],
  ])('is refused with %s', (_title, type, at) => {
    const contacts = { list: LIST, changes: CHANGES, ...type };
    const config = rest.configSchema.parse(
      contactsConfig('https://crm.example.com', { record_types: { contacts } }),
    );
    const pointers = rest.validate?.(config, { contacts: PULLED }).map(({ pointer }) => pointer);

    expect(pointers).toContain(`/config/record_types/contacts/${at}`);
  });
});
