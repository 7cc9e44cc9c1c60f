/** What a batch says about the third party when some results were concluded as they arrived (rule 58). */
import { setTimeout as pause } from 'node:timers/promises';
import { GroupedResults } from '../../../activities/push/grouped-results';
import { pushBatch } from '../../../activities/push/push-batch';
import { noticeWriteOutage } from '../../../activities/push/write-outage';
import type { Connector, ConnectorContext, PushItem } from '../../../connectors/connector';
import { type ConnectorError, RateLimited, Unauthorized, Unavailable } from '../../../connectors/errors';
import { toConnectorError } from '../../../connectors/bounded-concurrency';
import type { ClaimedPush } from '../../../db/push/claim';
import type { FinishedPush } from '../../../db/push/push-outcome';
import { noteOwnFailure } from '../../../db/sql/database-away';

type Answer = ConnectorError | 'ok';
const down = () => new Unavailable('Service Unavailable', 503);
/** Longer than results wait to be concluded in a group. */
const GROUP_MS = 400;

const claimed = (pushId: string): ClaimedPush => ({
  pushId,
  claimId: 'claim',
  recordId: `record of ${pushId}`,
  recordType: 'employees',
  externalId: pushId,
  operation: 'upsert',
  payload: {},
  fields: {},
  notation: null,
  agreement: null,
  remoteIds: {},
  leftOut: [],
  unlisted: [],
  remoteId: null,
  remoteVersion: null,
  isDeactivated: false,
  unresolvedCreation: null,
  wasCreated: false,
  mayCreateAgain: false,
  refusals: 0,
  dueAt: new Date(0),
  firstDueAt: new Date(0),
  acceptedAt: new Date(0),
  giveUpAt: new Date(Date.now() + 3_600_000),
});

/** The answers arrive in this order, and each of them is concluded before the next one arrives. */
async function sendBatch(
  answers: Record<string, Answer>,
  claimedInOrder = Object.keys(answers),
  shared?: GroupedResults,
) {
  const early: FinishedPush[] = [];
  const troubles: { kind: string; answered: number }[] = [];
  let answered = 0;
  const connector = {
    kind: 'test',
    async push(items: readonly PushItem[], { pushing }: ConnectorContext) {
      const results = [];
      for (const [pushId, answer] of Object.entries(answers)) {
        const result =
          answer === 'ok'
            ? { pushId, ok: true as const, effect: 'updated' as const, remoteId: pushId, remoteVersion: null }
            : { pushId, ok: false as const, error: answer };
        answered += 1;
        pushing?.onResult(result);
        results.push(result);
        await pause(GROUP_MS);
      }
      expect(items).toHaveLength(results.length);
      return results;
    },
  } as unknown as Connector;
  const context = { signal: new AbortController().signal } as ConnectorContext;
  const result = await pushBatch({
    pushes: claimedInOrder.map(claimed),
    recordTypes: {},
    open: async () => ({ connector, context }),
    ask: async () => ({ kind: 'well' }),
    findOurIds: async () => new Map(),
    onTrouble: ({ kind }) => void troubles.push({ kind, answered }),
    raise: async () => {},
    grouped: shared ?? new GroupedResults(async (finished) => void early.push(...finished)),
    progress: { recordsAtOnce: 1, mayBegin: () => true },
    isProbe: false,
    now: () => new Date(),
    log: { info() {}, warn() {}, error() {} },
  });
  const counts: number[] = [];
  const noticed = await noticeWriteOutage(
    async () => {
      counts.push(1);
      return true as never;
    },
    result,
    { integrationId: 'integration' },
  );
  return { early, troubles, result, isCounted: counts.length > 0, noticed };
}

it('rule 58: records without an answer are no outage if others of their batch were synced after them', async () => {
  const { early, isCounted, noticed } = await sendBatch({ a: down(), b: down(), c: down(), d: 'ok' });

  expect(early.map(({ push }) => push.pushId)).toEqual(['d']);
  expect(isCounted).toBe(false);
  expect(noticed.trouble).toEqual({ kind: 'well' });
  expect(noticed.concluded.map(({ outcome }) => outcome.kind)).toEqual(['retry', 'retry', 'retry']);
});

it('rule 58: only the records that got no answer after the last success are counted', async () => {
  const answers = { a: down(), b: 'ok' as const, c: down() };
  const { result, isCounted, noticed } = await sendBatch(answers, ['c', 'b', 'a']);

  expect(result.hasSucceeded).toBe(true);
  expect([...result.sinceSuccess]).toEqual(['c']);
  expect(isCounted).toBe(true);
  expect(noticed.trouble).toMatchObject({ kind: 'outage', isWrite: true });
});

it('rule 58: a success of another batch counts, too, for the next record that gets no answer', async () => {
  const grouped = new GroupedResults(async () => {});
  const batch = async (pushId: string, answer: Answer) =>
    (await sendBatch({ [pushId]: answer }, [pushId], grouped)).result.hasSucceeded;

  expect([await batch('a', 'ok'), await batch('b', down()), await batch('c', down())]).toEqual([
    true,
    true,
    false,
  ]);
});

it.each([
  ['rate_limit', new RateLimited('Too many requests', 60_000)],
  ['unauthorized', new Unauthorized('401')],
])(
  'rule 10: one answer of %s is known while other calls of its batch are in progress',
  async (kind, error) => {
    const { troubles, result } = await sendBatch({ a: 'ok', b: error, c: down(), d: 'ok' });

    expect(troubles).toEqual([{ kind, answered: 2 }]);
    expect(result.trouble.kind).toBe(kind);
  },
);

describe('D2: a failure of our own database while a connector works', () => {
  /** As connectors report what is none of their four errors. */
  const own = (code: string) =>
    toConnectorError(noteOwnFailure(Object.assign(new Error('canceling statement'), { code })));

  it('counts as an attempt of the push and names the database, not the app', async () => {
    const { isCounted, noticed } = await sendBatch({ a: own('57014'), b: own('57014'), c: own('55P03') });

    expect(isCounted).toBe(false);
    expect(noticed.trouble).toEqual({ kind: 'well' });
    for (const { outcome } of noticed.concluded)
      expect(outcome).toMatchObject({
        kind: 'retry',
        refusals: 1,
        errors: [{ category: 'internal', origin: 'us', code: 'database_failed' }],
      });
  });

  it('uses up no attempt if the database is away', async () => {
    const { noticed } = await sendBatch({ a: own('08006'), b: own('25006') });

    expect(noticed.trouble).toEqual({ kind: 'well' });
    for (const { outcome } of noticed.concluded)
      expect(outcome).toMatchObject({ kind: 'waiting', wasCalled: true, errors: null });
  });

  it('is not assumed of the same error at a database that the app is', async () => {
    const linked = new Unavailable('slow', null, { cause: Object.assign(new Error(), { code: '57014' }) });
    const { isCounted } = await sendBatch({ a: linked, b: linked, c: linked });

    expect(isCounted).toBe(true);
  });
});
