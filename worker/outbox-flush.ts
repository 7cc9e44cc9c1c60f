/**
 * Sends what waits in one topic of the outbox. Messages about the same subject are merged into one call, and
 * tenants take turns. A row is deleted after Temporal accepted the call, so a crash repeats a message and
 * never loses one. Its lease is renewed until then, so no other dispatcher sends it meanwhile. A flush ends
 * after a second; slower calls go on beside the next flush.
 */
import type { Database } from '../db/database';
import {
  type BackOff,
  type DueMessage,
  type LeasedMessage,
  leaseMessages,
  renewLeases,
  setLeases,
  settleMessages,
  subjectIdOf,
} from '../db/platform/outbox';
import { CALLS_AT_ONCE, type TopicCall, TopicCalls } from './outbox-calls';
import type { OutboxHandler } from './outbox-handlers';
import { isTransient, TemporalAway } from './temporal-away';

/** After this long the rows of a dispatcher that died are taken by another (rules.md R3). */
const LEASE_SECONDS = 3;
/** No call begins later: what is left is leased again, with newer messages of other tenants. */
const BEGIN_WITHIN_MS = 1_000;
/** How long a message waits while a call about its subject is under way. */
const BEHIND_CALL_MS = 1_000;
const ROWS_PER_FLUSH = 500;
/** A refused message is tried again after 2 s, 4 s, 8 s, at last once an hour. It is never dropped. */
const BACK_OFF_SECONDS_MAX = 3_600;
const TRANSIENT_BACK_OFF_SECONDS_MAX = 60;
const ERROR_LENGTH_MAX = 1_000;

export interface FlushOptions {
  database: Pick<Database, 'withDispatcher'>;
  topic: string;
  handleRow: OutboxHandler;
  /** Of all flushes of the topic. */
  calls?: TopicCalls;
  /** The tenant whose turn it was last. */
  afterTenant?: string | undefined;
  /** Of rows to lease; `ROWS_PER_FLUSH` by default. */
  limit?: number | undefined;
  /** How long the message can wait without harm; 0 = it is sent now. */
  waitMsOf?: (message: DueMessage) => number;
  onSent?: (message: DueMessage) => void;
  onRefused?: (refused: RefusedMessage) => void;
  /** The error of a call that was slower than the flush, if it is about Temporal or the database. */
  onLateTrouble?: (error: unknown) => void;
  /** Also of a flush that failed: how many rows the next one should lease. */
  onNextLimit?: (rows: number) => void;
  /** A call has ended, and tenants were left out because of their calls. */
  onPlaceFree?: () => void;
}

export interface Flushed {
  /** There are more messages to send now. */
  isMore: boolean;
  /** Until a message that can wait is sent. */
  waitMs: number | null;
  /** The tenant whose turn it was last. */
  lastTenant: string | undefined;
}

/**
 * A flush returns leased rows that it cannot send, so the next one leases about as many as it can send: at
 * least what one tenant may begin.
 */
const limitAfter = (sentRows: number): number =>
  Math.min(Math.max(2 * sentRows, CALLS_AT_ONCE / 2), ROWS_PER_FLUSH);

/** A message that Temporal or its handler refused, for the log. */
export interface RefusedMessage {
  outboxIds: number[];
  tenantId: string;
  topic: string;
  subjectId: string;
  attempts: number;
  error: unknown;
}

/** Messages about one subject: the first of them, with the earliest instant of all. */
interface MergedMessage {
  message: DueMessage;
  outboxIds: number[];
  attempts: number;
}

/**
 * A refused message backs off, and the others are sent. Tenants that hold all of their places are left out.
 * @throws if Temporal is away, after releasing the messages that were not tried.
 */
export async function flushTopic(options: FlushOptions): Promise<Flushed> {
  const { database, topic, afterTenant, limit = ROWS_PER_FLUSH, calls = new TopicCalls() } = options;
  const waitMsOf = (message: DueMessage): number =>
    calls.isUnderWay(subjectIdOf(message)) ? BEHIND_CALL_MS : (options.waitMsOf?.(message) ?? 0);
  const withoutTenants = calls.tenantsAtLimit();
  if (withoutTenants.length > 0) void calls.untilOneEnds().then(() => options.onPlaceFree?.());
  const leased = await database.withDispatcher((work) =>
    leaseMessages(work, { topic, afterTenant, withoutTenants, limit, leaseSeconds: LEASE_SECONDS }),
  );
  if (leased.length === 0) return { isMore: false, waitMs: null, lastTenant: afterTenant };
  const merged = takeTurns(mergeBySubject(leased));
  const waits = new Map(merged.map((each) => [each, waitMsOf(each.message)]));
  const waiting = merged.filter((each) => waits.get(each) !== 0);
  const flush = new Flush(
    options,
    calls,
    merged.filter((each) => waits.get(each) === 0),
    withoutTenants.length > 0,
  );
  const waitMs = waiting.length === 0 ? null : Math.min(...waiting.map((each) => waits.get(each) ?? 0));
  if (waitMs !== null)
    await database.withDispatcher((work) =>
      setLeases(work, outboxIdsOf(waiting), { seconds: waitMs / 1_000 }),
    );
  const { isDone, lastTenant = afterTenant } = await flush.run();
  return { isMore: leased.length >= limit || !isDone, waitMs, lastTenant };
}

interface FailedMessage {
  each: MergedMessage;
  error: unknown;
}

class Flush {
  readonly #untried: MergedMessage[];
  readonly #unsettled: Set<MergedMessage>;
  #isDone = true;
  #handledRows = 0;
  #sent: MergedMessage[] = [];
  #refused: FailedMessage[] = [];
  #settling: Promise<void> | undefined;
  #away: TemporalAway | undefined;
  #lastTenant: string | undefined;

  constructor(
    private readonly options: FlushOptions,
    private readonly calls: TopicCalls,
    messages: readonly MergedMessage[],
    private readonly areTenantsLeftOut: boolean,
  ) {
    this.#untried = [...messages];
    this.#unsettled = new Set(messages);
  }

  /** Ends when all is sent, or after the time in which calls begin. */
  async run(): Promise<{ isDone: boolean; lastTenant: string | undefined }> {
    let endTime = (): void => undefined;
    const timeIsUp = new Promise<void>((resolve) => (endTime = resolve));
    // What fails here is tried again in a second. Without it another dispatcher repeats the messages.
    const keepLeases = (): unknown =>
      this.#keepLeases()
        .catch(() => undefined)
        .finally(endTime);
    const upkeep = setInterval(keepLeases, BEGIN_WITHIN_MS);
    const sending = this.#sendAll().finally(() => clearInterval(upkeep));
    this.calls.track(sending);
    try {
      await Promise.race([sending, timeIsUp]);
      this.#throwIfAway();
    } finally {
      const isAllHandled = this.#isDone && this.#unsettled.size === 0 && !this.areTenantsLeftOut;
      this.options.onNextLimit?.(isAllHandled ? ROWS_PER_FLUSH : limitAfter(this.#handledRows));
    }
    sending.catch((error: unknown) => this.options.onLateTrouble?.(error));
    return { isDone: this.#isDone, lastTenant: this.#lastTenant };
  }

  async #sendAll(): Promise<void> {
    const calls: Promise<void>[] = [];
    while (this.#untried.length > 0 && this.#away === undefined) {
      const next = this.#takeNext();
      if (next === undefined) await this.calls.untilOneEnds();
      else calls.push(this.calls.hold(callOf(next), () => this.#send(next)));
    }
    await Promise.all(calls);
    await this.#settling;
    await this.#release([...this.#unsettled]);
    this.#throwIfAway();
  }

  #throwIfAway(): void {
    if (this.#away !== undefined) throw this.#away;
  }

  /** @returns undefined if the tenants of all that is left hold their places. */
  #takeNext(): MergedMessage | undefined {
    const index = this.#untried.findIndex(({ message }) => this.calls.mayBegin(message.tenantId));
    const [next] = index < 0 ? [] : this.#untried.splice(index, 1);
    if (next !== undefined) this.#lastTenant = next.message.tenantId;
    return next;
  }

  /** Gives messages back whose calls have not begun, and keeps the others. */
  async #keepLeases(): Promise<void> {
    await this.#release(this.#untried.splice(0));
    const outboxIds = outboxIdsOf([...this.#unsettled]);
    await this.options.database.withDispatcher((work) =>
      renewLeases(work, outboxIds, { seconds: LEASE_SECONDS }),
    );
  }

  async #release(messages: readonly MergedMessage[]): Promise<void> {
    if (messages.length === 0) return;
    this.#isDone = false;
    for (const each of messages) this.#unsettled.delete(each);
    await this.options.database.withDispatcher((work) =>
      setLeases(work, outboxIdsOf(messages), { seconds: null }),
    );
  }

  async #send(each: MergedMessage): Promise<void> {
    const { message } = each;
    try {
      await this.options.handleRow(message);
    } catch (error) {
      if (error instanceof TemporalAway) this.#away ??= error;
      else this.#note({ sent: [], refused: [{ each, error }] });
      return;
    }
    this.options.onSent?.(message);
    this.#note({ sent: [each], refused: [] });
  }

  #note({ sent, refused }: { sent: MergedMessage[]; refused: FailedMessage[] }): void {
    this.#sent.push(...sent);
    this.#refused.push(...refused);
    this.#handledRows += outboxIdsOf([...sent, ...refused.map(({ each }) => each)]).length;
    this.#settling ??= this.#settle();
    // Errors of the database are thrown by `run`.
    this.#settling.catch(() => undefined);
  }

  /** Writes the outcomes of several calls at once. */
  async #settle(): Promise<void> {
    while (this.#sent.length + this.#refused.length > 0) {
      const [sent, refused] = [this.#sent, this.#refused];
      [this.#sent, this.#refused] = [[], []];
      const backOffs = refused.map(({ each, error }) => backOffOf(each, error));
      await this.options.database.withDispatcher((work) =>
        settleMessages(work, { sent: outboxIdsOf(sent), refused: backOffs }),
      );
      for (const each of [...sent, ...refused.map((one) => one.each)]) this.#unsettled.delete(each);
      for (const { each, error } of refused) this.options.onRefused?.(reportOf(each, error));
    }
    this.#settling = undefined;
  }
}

function backOffOf({ outboxIds, attempts }: MergedMessage, error: unknown): BackOff {
  const secondsMax = isTransient(error) ? TRANSIENT_BACK_OFF_SECONDS_MAX : BACK_OFF_SECONDS_MAX;
  const seconds = Math.min(2 ** (attempts + 1), secondsMax);
  return { outboxIds, seconds, error: textOf(error).slice(0, ERROR_LENGTH_MAX) };
}

/** The client's error says what failed, and its cause says why. */
const textOf = (error: unknown): string =>
  error instanceof Error && error.cause !== undefined
    ? `${String(error)}: ${textOf(error.cause)}`
    : String(error);

function reportOf({ message, outboxIds, attempts }: MergedMessage, error: unknown): RefusedMessage {
  const { tenantId, topic } = message;
  return { outboxIds, tenantId, topic, subjectId: subjectIdOf(message), attempts: attempts + 1, error };
}

const callOf = ({ message }: MergedMessage): TopicCall => ({
  tenantId: message.tenantId,
  subjectId: subjectIdOf(message),
});

const outboxIdsOf = (merged: readonly MergedMessage[]): number[] =>
  merged.flatMap(({ outboxIds }) => outboxIds);

function mergeBySubject(leased: readonly LeasedMessage[]): MergedMessage[] {
  const bySubject = new Map<string, MergedMessage>();
  for (const { outboxId, attempts, ...message } of leased) {
    const subjectId = subjectIdOf(message);
    const merged = bySubject.get(subjectId) ?? { message, outboxIds: [], attempts: 0 };
    merged.attempts = Math.max(merged.attempts, attempts);
    if (message.nextDueAt < merged.message.nextDueAt) merged.message.nextDueAt = message.nextDueAt;
    merged.outboxIds.push(outboxId);
    bySubject.set(subjectId, merged);
  }
  return [...bySubject.values()];
}

/** The first message of each tenant, then the second one of each, and so on. */
function takeTurns(merged: readonly MergedMessage[]): MergedMessage[] {
  const served = new Map<string, number>();
  const turns = merged.map((each) => {
    const turn = served.get(each.message.tenantId) ?? 0;
    served.set(each.message.tenantId, turn + 1);
    return { each, turn };
  });
  return turns.toSorted((a, b) => a.turn - b.turn).map(({ each }) => each);
}
