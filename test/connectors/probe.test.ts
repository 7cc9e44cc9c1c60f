import type { ConnectorContext, ReadPage, ReadRequest } from '../../connectors/connector';
import { RecordRejected, Unavailable } from '../../connectors/errors';
import { probeRecordTypes } from '../../connectors/probe';

const NOW = Date.now();
const DAY = 24 * 3_600_000;
const declaredAt = { filter: '/config/filter', paging: '/config/paging' };

interface Habits {
  pages?: (cursor: string | null) => string[];
  /** The ids that are listed as modified since then. */
  since?: (since: Date) => string[];
  canFilterByModified?: boolean;
  direction?: 'pull' | 'push';
  declaresNothing?: boolean;
  signal?: AbortSignal;
}

const page = (ids: string[], nextCursor: string | null = null): ReadPage => ({
  records: ids.map((remoteId) => ({
    remoteId,
    remoteVersion: null,
    fields: {},
    externalId: null,
    isDeleted: false,
  })),
  unreadable: [],
  nextCursor,
  asOf: null,
  total: null,
});

async function probe(habits: Habits = {}) {
  const { pages = () => ['a', 'b'], since = (at) => (at.getTime() < NOW ? ['b', 'a'] : []) } = habits;
  const reads: ReadRequest[] = [];
  const problems = await probeRecordTypes({
    connector: {
      readAbilities: () => ({
        canFilterByModified: habits.canFilterByModified ?? true,
        isPagingStable: true,
        ...(habits.declaresNothing ? {} : { declaredAt }),
      }),
      async readPage(request) {
        reads.push(request);
        if (request.modifiedSince !== null) return page(since(request.modifiedSince));
        return page(pages(request.cursor), request.cursor === null && habits.pages ? '2' : null);
      },
    },
    context: {
      config: {},
      mappings: { contacts: { direction: habits.direction ?? 'pull', fields: [], onDelete: 'leave' } },
    } as unknown as ConnectorContext,
    signal: habits.signal ?? new AbortController().signal,
  });
  return { problems, reads };
}

function refuse(message: string): never {
  throw new RecordRejected(message, [
    { field: null, remoteField: null, code: 'bad_request', message, explanation: '' },
  ]);
}

describe('rule 52: what is declared about reading is tried by a check', () => {
  it('finds nothing wrong with a list that holds what it declares', async () => {
    expect((await probe({ pages: (cursor) => (cursor === null ? ['a', 'b'] : ['c']) })).problems).toEqual([]);
  });

  it.each<[title: string, habits: Habits, expected: object]>([
    [
      'the same page for each cursor',
      { pages: () => ['a', 'b'] },
      { code: 'paging_ignored', pointer: '/config/paging', severity: 'refuse' },
    ],
    [
      'a filter that matches nothing',
      { since: () => [] },
      { code: 'filter_blind', pointer: '/config/filter', severity: 'refuse' },
    ],
    [
      'a filter that is ignored',
      { since: () => ['a', 'b'] },
      { code: 'filter_ignored', pointer: '/config/filter', severity: 'warn' },
    ],
    [
      'a filter that is refused',
      { since: () => refuse('Unknown parameter.') },
      { code: 'bad_request', pointer: '/config/filter', severity: 'refuse', message: 'Unknown parameter.' },
    ],
    [
      'a list that is refused',
      { pages: () => refuse('No such list.') },
      { code: 'bad_request', pointer: '/config/record_types/contacts', severity: 'refuse' },
    ],
    [
      'a problem of a connector that names no setting',
      { since: () => [], declaresNothing: true },
      { code: 'filter_blind', pointer: '/config/record_types/contacts' },
    ],
  ])('tells %s at its setting', async (_title, habits, expected) => {
    expect((await probe(habits)).problems).toMatchObject([expected]);
  });

  it.each<[title: string, habits: Habits]>([
    ['refuses times in the future', { since: (at) => (at.getTime() > NOW ? refuse('Future.') : ['a']) }],
    ['accepts recent times only', { since: (at) => (at.getTime() < NOW - 2 * DAY ? refuse('Old.') : ['a']) }],
    ['is empty', { pages: () => [], since: () => [] }],
  ])('accepts a list that %s', async (_title, habits) => {
    expect((await probe(habits)).problems).toEqual([]);
  });

  it('reads nothing of record types that are only pushed', async () => {
    expect((await probe({ direction: 'push' })).reads).toEqual([]);
  });

  it('reads nothing more when the time is over, and says what was not tried', async () => {
    const { reads, problems } = await probe({ signal: AbortSignal.abort() });

    expect(reads).toEqual([]);
    expect(problems).toMatchObject([
      { code: 'not_tried', pointer: '/config/record_types/contacts', severity: 'warn' },
    ]);
  });

  it('reports an outage as an outage', async () => {
    const outage = probe({
      since: () => {
        throw new Unavailable('Bad gateway.', 502);
      },
    });

    await expect(outage).rejects.toThrow(Unavailable);
  });
});
