/**
 * Lists of changes that continue from a token: addresses as Microsoft Graph gives them, values as Google
 * does, and feeds of changes beside a list.
 */
import { SyncTokenExpired } from '../../../../connectors/errors';
import { rest } from '../../../../connectors/rest';
import { closeConnections } from '../../../../egress/http-client';
import { loopbackPolicy } from '../../suite/given';
import { type ScriptedAnswer, type ScriptedServer, startScriptedServer } from '../../suite/scripted-server';
import { contactsConfig } from '../rest-given';
import { failureOf, idsIn, PULLED, readingContext, readOnePage, readPages } from '../rest-read-given';

/** Answers by path and query; `ORIGIN` in them is that of the server. */
let answers: Record<string, unknown>;
let server: ScriptedServer;

beforeAll(async () => {
  server = await startScriptedServer(({ path }) => {
    const found = answers[path] as { status?: number } | undefined;
    if (found === undefined) return { status: 404, body: { message: `no ${path}` } };
    const text = JSON.stringify(found).replaceAll('ORIGIN', server.url);
    const body = JSON.parse(text) as ScriptedAnswer['body'];
    return { status: found.status ?? 200, body };
  });
});
beforeEach(() => {
  answers = {};
  server.requests.length = 0;
});
afterAll(async () => {
  await closeConnections(loopbackPolicy);
  await server.stop();
});

const asked = () => server.requests.map(({ path }) => path);
const BY_ADDRESS = {
  tombstone: { at: '/@removed' },
  list: {
    path: '/contacts/delta?limit=2',
    items: '/value',
    paging: { type: 'cursor', at: '/next', stable: true },
    sync_token: { at: '/delta', expired: [410, 'syncStateNotFound'] },
  },
};
const BY_VALUE = {
  tombstone: { at: '/status', is: 'cancelled' },
  list: {
    path: '/events?showDeleted=true',
    items: '/items',
    paging: { type: 'cursor', at: '/nextPageToken', parameter: 'pageToken' },
    sync_token: { at: '/nextSyncToken', parameter: 'syncToken' },
  },
};
const BESIDE = {
  list: { path: '/files', items: '/files', paging: { type: 'none' } },
  changes: {
    path: '/changes',
    items: '/changes',
    paging: { type: 'cursor', at: '/next', parameter: 'pageToken' },
    sync_token: {
      at: '/newStartPageToken',
      parameter: 'pageToken',
      start: { path: '/changes/start', at: '/startPageToken' },
    },
  },
};
const contextFor =
  (type: Record<string, unknown>, mapping = PULLED) =>
  () => {
    const context = readingContext(server.url, type);
    return { ...context, mappings: { contacts: mapping } };
  };

/** The token that a reading of everything ends with. */
async function tokenAfterAll(type: Record<string, unknown>): Promise<string> {
  const pages = await readPages(contextFor(type), { syncToken: null });
  const token = pages.findLast(({ syncToken }) => syncToken !== undefined)?.syncToken;
  if (token === undefined) throw new Error('There is no token.');
  return token;
}

describe('a list whose end gives the address of its changes', () => {
  beforeEach(() => {
    answers = {
      '/contacts/delta?limit=2': {
        value: [{ id: 'c1' }, { id: 'c2' }],
        next: 'ORIGIN/contacts/delta?skip=2',
      },
      '/contacts/delta?skip=2': { value: [{ id: 'c3' }], delta: 'ORIGIN/contacts/delta?token=1' },
      '/contacts/delta?token=1': {
        value: [{ id: 'c2', '@removed': { reason: 'changed' } }],
        next: 'ORIGIN/contacts/delta?token=1&skip=1',
      },
      '/contacts/delta?token=1&skip=1': { value: [], delta: 'ORIGIN/contacts/delta?token=2' },
    };
  });

  it('is read to its end, and then from that address on', async () => {
    const whole = await readPages(contextFor(BY_ADDRESS), { syncToken: null });

    expect(idsIn(whole)).toEqual(['c1', 'c2', 'c3']);
    expect(whole.map(({ syncToken }) => syncToken !== undefined)).toEqual([false, true]);
    server.requests.length = 0;
    const later = await readPages(contextFor(BY_ADDRESS), { syncToken: whole[1]?.syncToken });

    expect(later.flatMap(({ records }) => records)).toMatchObject([{ remoteId: 'c2', isDeleted: true }]);
    expect(later[1]?.syncToken).toContain('token=2');
    expect(asked()).toEqual(['/contacts/delta?token=1', '/contacts/delta?token=1&skip=1']);
  });

  it('is read without the parameters of a page, which the address contains', async () => {
    const paging = { ...BY_ADDRESS.list.paging, size: 9, size_parameter: 'limit' };
    const sized = { ...BY_ADDRESS, list: { ...BY_ADDRESS.list, paging, path: '/contacts/delta' } };
    answers['/contacts/delta?limit=9'] = { value: [], delta: '/contacts/delta?token=1' };
    const syncToken = await tokenAfterAll(sized);
    server.requests.length = 0;

    await readOnePage(contextFor(sized)(), { syncToken });

    expect(asked()).toEqual(['/contacts/delta?token=1']);
  });

  it('is told apart from lists that are read by time', () => {
    expect(rest.readAbilities?.(contextFor(BY_ADDRESS)().config, 'contacts')).toMatchObject({
      followsSyncToken: true,
      canFilterByModified: false,
      isPagingStable: true,
    });
  });

  it.each([
    ['a status', { status: 410, error: 'Gone' }],
    ['a code', { status: 400, code: 'syncStateNotFound' }],
  ])('says by %s that the address has expired', async (_, answer) => {
    const syncToken = await tokenAfterAll(BY_ADDRESS);
    answers['/contacts/delta?token=1'] = answer;

    const config = { errors: { code: '/code' } };
    const context = readingContext(server.url, BY_ADDRESS, config);

    await expect(readOnePage(context, { syncToken })).rejects.toBeInstanceOf(SyncTokenExpired);
  });

  it('is not taken for expired by any other refusal', async () => {
    const syncToken = await tokenAfterAll(BY_ADDRESS);
    answers['/contacts/delta?token=1'] = { status: 403, message: 'no' };

    const error = await failureOf(readOnePage(contextFor(BY_ADDRESS)(), { syncToken }));

    expect(error).not.toBeInstanceOf(SyncTokenExpired);
    expect(error).toMatchObject({ kind: 'record_rejected' });
  });

  it('reads each changed record alone where the feed shows only what has changed', async () => {
    const detail = { path: '/contacts/{remote_id}' };
    const type = {
      ...BY_ADDRESS,
      list: { ...BY_ADDRESS.list, sync_token: { ...BY_ADDRESS.list.sync_token, detail } },
    };
    const syncToken = await tokenAfterAll(type);
    expect(asked()).not.toContain('/contacts/c1');
    answers['/contacts/delta?token=1'] = {
      value: [
        { id: 'c1', name: 'part' },
        { id: 'c2', '@removed': {} },
      ],
      delta: 'ORIGIN/contacts/delta?token=2',
    };
    answers['/contacts/c1'] = { id: 'c1', name: 'Ada', email: 'ada@example.com' };

    const page = await readOnePage(contextFor(type)(), { syncToken });

    expect(page.records).toMatchObject([
      { remoteId: 'c1', fields: { name: 'Ada', email: 'ada@example.com' } },
      { remoteId: 'c2', isDeleted: true },
    ]);
  });

  it('names a changed record that is not found alone: its change is in no later answer', async () => {
    const detail = { path: '/contacts/{remote_id}' };
    const type = {
      ...BY_ADDRESS,
      list: { ...BY_ADDRESS.list, sync_token: { ...BY_ADDRESS.list.sync_token, detail } },
    };
    const syncToken = await tokenAfterAll(type);
    const delta = 'ORIGIN/contacts/delta?token=2';
    answers['/contacts/delta?token=1'] = { value: [{ id: 'c1' }, { id: 'late' }], delta };
    answers['/contacts/c1'] = { id: 'c1', name: 'Ada' };

    const page = await readOnePage(contextFor(type)(), { syncToken });

    expect(page.records).toMatchObject([{ remoteId: 'c1' }]);
    expect(page.unreadable).toMatchObject([{ remoteId: 'late', code: 'detail_missing' }]);
  });

  it('reads everything if other fields are mapped: the address contains the former ones', async () => {
    const type = {
      ...BY_ADDRESS,
      fields: { always: ['id'] },
      list: {
        ...BY_ADDRESS.list,
        path: '/contacts/delta{?select}',
        parameters: { select: '{fields}' },
      },
    };
    answers['/contacts/delta?select=id'] = { value: [], delta: 'ORIGIN/contacts/delta?token=1' };
    const syncToken = await tokenAfterAll(type);
    const mapped = { ...PULLED, fields: [{ name: 'email', to: 'email' }] };

    const read = readOnePage(contextFor(type, mapped)(), { syncToken });

    await expect(read).rejects.toBeInstanceOf(SyncTokenExpired);
    expect(asked()).toEqual(['/contacts/delta?select=id']);
  });
});

describe('a list whose end gives a value', () => {
  it('sends it with every page of what has changed', async () => {
    answers = {
      '/events?showDeleted=true': { items: [{ id: 'e1' }, { id: 'e2' }], nextSyncToken: 's 1' },
      '/events?showDeleted=true&syncToken=s%201': { items: [{ id: 'e1' }], nextPageToken: 2 },
      '/events?showDeleted=true&syncToken=s%201&pageToken=2': {
        items: [{ id: 'e2', status: 'cancelled' }],
        nextSyncToken: 's2',
      },
    };
    const syncToken = await tokenAfterAll(BY_VALUE);

    const pages = await readPages(contextFor(BY_VALUE), { syncToken });

    expect(pages.flatMap(({ records }) => records)).toMatchObject([
      { remoteId: 'e1', isDeleted: false },
      { remoteId: 'e2', isDeleted: true },
    ]);
    expect(pages[1]?.syncToken).toContain('s2');
  });
});

describe('changes beside the list', () => {
  beforeEach(() => {
    answers = {
      '/changes/start': { startPageToken: '7' },
      '/files': { files: [{ id: 'f1' }] },
      '/changes?pageToken=7': { changes: [{ id: 'f1' }], next: '8' },
      '/changes?pageToken=8': { changes: [{ id: 'f2' }], newStartPageToken: '9' },
    };
  });

  it('begin with a token that is taken before the list is read', async () => {
    const syncToken = await tokenAfterAll(BESIDE);
    expect(asked()).toEqual(['/changes/start', '/files']);

    const pages = await readPages(contextFor(BESIDE), { syncToken });

    expect(idsIn(pages)).toEqual(['f1', 'f2']);
    expect(pages[1]?.syncToken).toContain('"9"');
  });

  it('need no token where none is kept, as for an overview', async () => {
    expect(idsIn(await readPages(contextFor(BESIDE)))).toEqual(['f1']);
    expect(asked()).toEqual(['/files']);
  });
});

describe('hostile tokens', () => {
  const readEnd = (delta: unknown) => {
    answers['/contacts/delta?limit=2'] = { value: [{ id: 'c1' }], delta };
    return failureOf(readOnePage(contextFor(BY_ADDRESS)(), { syncToken: null }));
  };

  it.each([
    ['another host', 'http://169.254.169.254/latest'],
    ['another scheme', 'ftp://ORIGIN/x'],
    ['a user', 'http://ada:secret@127.0.0.1/x'],
    ['no address', 'http://['],
    ['megabytes', `ORIGIN/x?token=${'x'.repeat(3_000_000)}`],
    ['a list', ['ORIGIN/x']],
    ['half of a character', 'ORIGIN/x?t=\ud800'],
    ['NUL', 'ORIGIN/x?t=\u0000'],
  ])('with %s are refused, and nothing is sent there', async (_, delta) => {
    const error = await readEnd(delta);

    expect(error.errors).toMatchObject([{ code: 'sync_token_unusable' }]);
    expect(asked()).toEqual(['/contacts/delta?limit=2']);
  });

  it.each([[undefined], [null], ['']])('that are missing (%j) are not the end of a list', async (delta) => {
    expect((await readEnd(delta)).errors).toMatchObject([{ code: 'no_sync_token' }]);
  });

  it('are checked again before they are sent', async () => {
    answers['/contacts/delta?limit=2'] = { value: [], delta: 'ORIGIN/contacts/delta?token=1' };
    const kept = JSON.parse(await tokenAfterAll(BY_ADDRESS)) as object;
    const changed = JSON.stringify({ ...kept, token: 'http://169.254.169.254/latest' });

    const error = await failureOf(readOnePage(contextFor(BY_ADDRESS)(), { syncToken: changed }));

    expect(error.errors).toMatchObject([{ code: 'sync_token_unusable' }]);
  });

  it.each(['', 'no JSON', '{"token":1}', '[]'])(
    'that cannot be read (%j) have expired',
    async (syncToken) => {
      const read = readOnePage(contextFor(BY_ADDRESS)(), { syncToken });

      await expect(read).rejects.toBeInstanceOf(SyncTokenExpired);
    },
  );

  it('leave no room for a position of megabytes either', async () => {
    answers['/contacts/delta?limit=2'] = { value: [{ id: 'c1' }], next: `ORIGIN/?${'x'.repeat(20_000)}` };

    const error = await failureOf(readOnePage(contextFor(BY_ADDRESS)(), { syncToken: null }));

    expect(error.errors).toMatchObject([{ code: 'next_page_unusable' }]);
  });
});

describe('settings that do not fit a token', () => {
  const { list } = BY_ADDRESS;
  const withToken = (change: object) => ({ ...list.sync_token, ...change });

  it.each<[string, Record<string, unknown>, string]>([
    ['no location', { list: { ...list, sync_token: {} } }, 'list/sync_token'],
    ['two locations', { list: { ...list, sync_token: withToken({ header: 'X-Token' }) } }, 'list/sync_token'],
    [
      'an address in a body',
      { list: { ...list, sync_token: withToken({ in: 'body' }) } },
      'list/sync_token/in',
    ],
    [
      'a body of a GET',
      { list: { ...list, sync_token: withToken({ in: 'body', parameter: 'since' }) } },
      'list/sync_token/in',
    ],
    [
      'details of one record',
      { list: { ...list, sync_token: withToken({ detail: { path: '/contacts/7' } }) } },
      'list/sync_token/detail/path',
    ],
    [
      'a start beside the end',
      { list: { ...list, sync_token: withToken({ start: { path: '/now' } }) } },
      'list/sync_token/start',
    ],
    ['pages that shift', { list: { ...list, paging: { type: 'page', parameter: 'p' } } }, 'list/paging'],
    [
      'addresses that may shift',
      { list: { ...list, paging: { type: 'cursor', at: '/next' } } },
      'list/paging',
    ],
    [
      'a filter by time',
      { list: { ...list, modified_since: { format: 'iso', parameters: { s: '{modified_since}' } } } },
      'list/sync_token',
    ],
    [
      'a list of deletions',
      { list, deleted_list: { path: '/deleted', items: '', id: '', paging: { type: 'none' } } },
      'list/sync_token',
    ],
    [
      'partitions of a list with changes',
      {
        ...BESIDE,
        list: { ...BESIDE.list, partitions: [{ parameters: { k: 'a' } }, { parameters: { k: 'b' } }] },
      },
      'changes/sync_token',
    ],
    ['changes without a start', { ...BESIDE, changes: { ...list } }, 'changes/sync_token'],
    ['a token of a list with changes', { ...BESIDE, list }, 'list/sync_token'],
  ])('%s', (_, type, place) => {
    const given = contactsConfig('https://crm.example.com', { record_types: { contacts: type } });
    const config = rest.configSchema.parse(given);

    const problems = rest.validate?.(config, { contacts: PULLED }) ?? [];

    expect(problems.map(({ pointer }) => pointer)).toContain(`/config/record_types/contacts/${place}`);
  });
});
