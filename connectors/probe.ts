/**
 * Tries what a connector declares about reading, while an integration is linked: whether the second page is
 * another one, and whether the filter on modified records is obeyed. A declaration that does not hold would
 * make runs blind without a word (rules.md 52).
 */
import type { Connector, ConnectorContext, ReadAbilities, ReadPage } from './connector';
import { RecordRejected } from './errors';

/** `refuse`: runs would miss records. `warn`: runs are complete, but read more than they should. */
export interface CheckProblem {
  /** In the request that sets it: `/config/…`. */
  pointer: string;
  code: string;
  message: string;
  severity: 'refuse' | 'warn';
}

interface Probe {
  connector: Pick<Connector, 'readAbilities' | 'readPage' | 'checkRecordType'>;
  context: ConnectorContext;
  /** Aborts at the time limit of the check. */
  signal: AbortSignal;
}

const DAY_MS = 24 * 3_600_000;
const YEAR_MS = 365 * DAY_MS;

/** The check has reached its time limit. */
export class TimedOut extends Error {}

/**
 * Ends when the signal aborts, even if the third party hangs. Each record type that was not read by then gets
 * a warning. @throws the errors of connectors, except refusals: those are problems.
 */
export async function probeRecordTypes(probe: Probe): Promise<CheckProblem[]> {
  const problems: CheckProblem[] = [];
  for (const recordType of Object.keys(probe.context.mappings)) {
    const pointer = `/config/record_types/${recordType}`;
    try {
      problems.push(
        ...(await beforeAbort(
          probe.signal,
          problemsOf(pointer, () => probeRecordType(recordType, pointer, probe)),
        )),
      );
    } catch (error) {
      if (!(error instanceof TimedOut)) throw error;
      const message = `The check reached its time limit before it could read ${recordType}.`;
      problems.push({ pointer, code: 'not_tried', message, severity: 'warn' });
    }
  }
  return problems;
}

async function probeRecordType(
  recordType: string,
  pointer: string,
  { connector, context, signal }: Probe,
): Promise<CheckProblem[]> {
  if (signal.aborted) return [];
  await connector.checkRecordType?.(recordType, context);
  const abilities = connector.readAbilities?.(context.config, recordType) ?? null;
  const isRead = context.mappings[recordType]?.direction !== 'push';
  const { readPage } = connector;
  if (!isRead || abilities === null || readPage === undefined) return [];
  return probeReading(recordType, pointer, abilities, (modifiedSince, cursor = null) =>
    readPage({ recordType, modifiedSince, cursor }, context),
  );
}

/** @throws TimedOut */
export async function beforeAbort<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  work.catch(() => undefined);
  if (signal.aborted) throw new TimedOut();
  let stop: (() => void) | undefined;
  const aborted = new Promise<never>((_resolve, reject) => {
    stop = () => reject(new TimedOut());
    signal.addEventListener('abort', stop, { once: true });
  });
  try {
    return await Promise.race([work, aborted]);
  } catch (error) {
    // The same signal aborts the requests. Their errors must not be taken for an outage.
    throw signal.aborted ? new TimedOut() : error;
  } finally {
    if (stop !== undefined) signal.removeEventListener('abort', stop);
  }
}

async function probeReading(
  recordType: string,
  pointer: string,
  { canFilterByModified, declaredAt = {} }: ReadAbilities,
  read: (modifiedSince: Date | null, cursor?: string | null) => Promise<ReadPage>,
): Promise<CheckProblem[]> {
  const first = await read(null);
  const ids = idsOf(first);
  if (ids === '') return [];
  if (first.nextCursor !== null && idsOf(await read(null, first.nextCursor)) === ids)
    return [
      {
        pointer: declaredAt.paging ?? pointer,
        code: 'paging_ignored',
        message: `The second page of ${recordType} has the same records as the first one.`,
        severity: 'refuse',
      },
    ];
  if (!canFilterByModified) return [];
  const at = declaredAt.filter ?? pointer;
  return problemsOf(at, async () => {
    const all = await readSinceEver(read);
    if (all === undefined) return [];
    if (idsOf(all) === '' && all.nextCursor === null)
      return [
        {
          pointer: at,
          code: 'filter_blind',
          message: `There are records of ${recordType}, but none that was modified since 1970, so incremental runs would find nothing.`,
          severity: 'refuse' as const,
        },
      ];
    if ((await idsModifiedInAYear(read)) !== ids) return [];
    return [
      {
        pointer: at,
        code: 'filter_ignored',
        message: `${recordType} that were modified after a time in the future are listed all the same: every incremental run reads all records.`,
        severity: 'warn' as const,
      },
    ];
  });
}

/** undefined if only recent times are accepted. */
async function readSinceEver(
  read: (modifiedSince: Date) => Promise<ReadPage>,
): Promise<ReadPage | undefined> {
  try {
    return await read(new Date(0));
  } catch (error) {
    if (!(error instanceof RecordRejected)) throw error;
    await read(new Date(Date.now() - DAY_MS));
    return undefined;
  }
}

/** Some third parties refuse a time in the future. */
async function idsModifiedInAYear(read: (modifiedSince: Date) => Promise<ReadPage>): Promise<string> {
  try {
    return idsOf(await read(new Date(Date.now() + YEAR_MS)));
  } catch (error) {
    if (error instanceof RecordRejected) return '';
    throw error;
  }
}

async function problemsOf(pointer: string, probe: () => Promise<CheckProblem[]>): Promise<CheckProblem[]> {
  try {
    return await probe();
  } catch (error) {
    if (!(error instanceof RecordRejected)) throw error;
    const code = error.errors[0]?.code ?? 'refused';
    const at = error.setting === undefined ? pointer : `${pointer}/${error.setting}`;
    return [{ pointer: at, code, message: error.message, severity: 'refuse' }];
  }
}

const idsOf = ({ records }: ReadPage): string => records.map(({ remoteId }) => remoteId).join('\n');
