/**
 * Sends what waits in one topic of the outbox. Messages about the same subject are merged into one call, and
 * tenants take turns. A row is deleted after Temporal accepted the call, so a crash repeats a message and
 * never loses one. Its lease is renewed until then, so no other dispatcher sends it meanwhile.
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
import type { OutboxHandler } from './outbox-handlers';
import { isTemporalAway } from './temporal-away';

/** After this long the rows of a dispatcher that died are taken by another (rules.md R3). */
const LEASE_SECONDS = 3;
/** No call begins later: what is left is leased again, with newer messages of other tenants. */
const BEGIN_WITHIN_MS = 1_000;
const ROWS_PER_FLUSH = 500;
/** Of each topic and dispatcher. */
const CALLS_AT_ONCE = 16;
/** A refused message is tried again after 2 s, 4 s, 8 s, at last once an hour. It is never dropped. */
const BACK_OFF_SECONDS_MAX = 3_600;
const ERROR_LENGTH_MAX = 1_000;

export interface FlushOptions {
  database: Pick<Database, 'withDispatcher'>;
  topic: string;
  handleRow: OutboxHandler;
  /** The tenant whose turn it was last. */
  afterTenant?: string | undefined;
  /** Of rows to lease; `ROWS_PER_FLUSH` by default. */
  limit?: number | undefined;
  /** How long the message can wait without harm; 0 = it is sent now. */
  waitMsOf?: (message: DueMessage) => number;
  onSent?: (message: DueMessage) => void;
  onRefused?: (refused: RefusedMessage) => void;
  /** Also of a flush that failed: how many rows the next one should lease. */
  onNextLimit?: (rows: number) => void;
}

export interface Flushed {
  /** There are more messages to send now. */
  isMore: boolean;
  /** Until a message that can wait is sent. */
  waitMs: number | null;
  /** The tenant whose turn it was last. */
  lastTenant: string | undefined;
}

/** A flush returns leased rows that it cannot send, so the next one leases about as many as it can send. */
const limitAfter = (sentRows: number): number =>
  Math.min(Math.max(2 * sentRows, CALLS_AT_ONCE), ROWS_PER_FLUSH);

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
 * A refused message backs off, and the others are sent. @throws if Temporal is away, after releasing the
 * messages that were not tried.
 */
export async function flushTopic(options: FlushOptions): Promise<Flushed> {
  const { database, topic, afterTenant, limit = ROWS_PER_FLUSH, waitMsOf = () => 0 } = options;
  const leased = await database.withDispatcher((work) =>
    leaseMessages(work, { topic, afterTenant, limit, leaseSeconds: LEASE_SECONDS }),
  );
  const merged = takeTurns(mergeBySubject(leased));
  const waits = new Map(merged.map((each) => [each, waitMsOf(each.message)]));
  const waiting = merged.filter((each) => waits.get(each) !== 0);
  const flush = new Flush(
    options,
    merged.filter((each) => waits.get(each) === 0),
  );
  const waitMs = waiting.length === 0 ? null : Math.min(...waiting.map((each) => waits.get(each) ?? 0));
  if (waitMs !== null)
    await database.withDispatcher((work) =>
      setLeases(work, outboxIdsOf(waiting), { seconds: waitMs / 1_000 }),
    );
  const { isDone, lastTenant = afterTenant } = await flush.run();
  return { isMore: leased.length >= limit || !isDone, waitMs, lastTenant };
}

class Flush {
  readonly #untried: MergedMessage[];
  readonly #unsettled: Set<MergedMessage>;
  #isDone = true;
  #handledRows = 0;
  #sent: MergedMessage[] = [];
  #refused: { each: MergedMessage; error: unknown }[] = [];
  #settling: Promise<void> | undefined;
  #away: unknown;
  #lastTenant: string | undefined;

  constructor(
    private readonly options: FlushOptions,
    messages: readonly MergedMessage[],
  ) {
    this.#untried = [...messages];
    this.#unsettled = new Set(messages);
  }

  async run(): Promise<{ isDone: boolean; lastTenant: string | undefined }> {
    // What fails here is tried again in a second. Without it another dispatcher repeats the messages.
    const upkeep = setInterval(() => void this.#keepLeases().catch(() => undefined), BEGIN_WITHIN_MS);
    try {
      await Promise.all(Array.from({ length: CALLS_AT_ONCE }, () => this.#sendUntried()));
      await this.#settling;
    } finally {
      clearInterval(upkeep);
      const isAllHandled = this.#isDone && this.#unsettled.size === 0;
      this.options.onNextLimit?.(isAllHandled ? ROWS_PER_FLUSH : limitAfter(this.#handledRows));
    }
    await this.#release([...this.#unsettled]);
    if (this.#away !== undefined) throw this.#away;
    return { isDone: this.#isDone, lastTenant: this.#lastTenant };
  }

  async #sendUntried(): Promise<void> {
    while (this.#away === undefined) {
      const next = this.#untried.shift();
      if (next === undefined) return;
      this.#lastTenant = next.message.tenantId;
      await this.#send(next);
    }
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
    try {
      await this.options.handleRow(each.message);
      this.#sent.push(each);
      this.options.onSent?.(each.message);
    } catch (error) {
      if (isTemporalAway(error)) {
        this.#away = error;
        return;
      }
      this.#refused.push({ each, error });
    }
    this.#handledRows += each.outboxIds.length;
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
  const seconds = Math.min(2 ** (attempts + 1), BACK_OFF_SECONDS_MAX);
  return { outboxIds, seconds, error: String(error).slice(0, ERROR_LENGTH_MAX) };
}

function reportOf({ message, outboxIds, attempts }: MergedMessage, error: unknown): RefusedMessage {
  const { tenantId, topic } = message;
  return { outboxIds, tenantId, topic, subjectId: subjectIdOf(message), attempts: attempts + 1, error };
}

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
