/**
 * Pushes the records of a batch side by side, so that they can share calls (a bulk request, a combined
 * search). Each record is pushed by the code that pushes it alone. A question that can share a call waits
 * until all records in progress wait, and is then sent together with the others of its kind.
 *
 * As in `bounded-concurrency.ts`, no further call is started after a rate limit, refused credentials, an
 * abort, or a few failures without a response in a row.
 */
import { UNAVAILABLE_IN_A_ROW_MAX, toConnectorError } from './bounded-concurrency';
import type { ConnectorContext, HttpClient, PushItem, PushResult } from './connector';
import { NoResultInBatch, RateLimited, Unauthorized, Unavailable } from './errors';

/** The call was not started because the batch has stopped: its record has no result. */
class NotStarted extends Error {}

/** A kind of questions that share calls. */
export interface Sharing<Question, Answer> {
  /** Divides what waits into calls. */
  divide(questions: Question[]): Question[][];
  /** One answer per question, in the same order. */
  send(questions: Question[]): Promise<Answer[]>;
}

export interface RequestLimits<Question> {
  countMax: number;
  bytesMax: number;
  bytesOf(question: Question): number;
  /** Two questions with the same key are never in one request; undefined = with any other. */
  keyOf(question: Question): string | undefined;
}

/** Divides questions into requests, in their order. A question that exceeds the bytes has a request alone. */
export function divideIntoRequests<Question>(
  questions: readonly Question[],
  { countMax, bytesMax, bytesOf, keyOf }: RequestLimits<Question>,
): Question[][] {
  const requests: { questions: Question[]; keys: Set<string>; bytes: number }[] = [];
  for (const question of questions) {
    const bytes = bytesOf(question);
    const key = keyOf(question);
    const last = requests.at(-1);
    const hasRoom =
      last !== undefined &&
      last.questions.length < countMax &&
      last.bytes + bytes <= bytesMax &&
      (key === undefined || !last.keys.has(key));
    const request = hasRoom ? last : { questions: [], keys: new Set<string>(), bytes: 0 };
    if (!hasRoom) requests.push(request);
    request.questions.push(question);
    request.bytes += bytes;
    if (key !== undefined) request.keys.add(key);
  }
  return requests.map((request) => request.questions);
}

/** The answer to a question if its part of a shared call failed. Other parts may have been answered. */
export class PartFailed {
  constructor(readonly error: unknown) {}
}

/**
 * Sends a call that was refused as a whole in two halves. If one fails, the answers to the half before it
 * are kept, and the half after it is not sent.
 */
export async function sendHalves<Question, Answer>(
  questions: readonly Question[],
  send: (half: readonly Question[]) => Promise<(Answer | PartFailed)[]>,
): Promise<(Answer | PartFailed)[]> {
  const middle = Math.ceil(questions.length / 2);
  const answers: (Answer | PartFailed)[] = [];
  for (const half of [questions.slice(0, middle), questions.slice(middle)]) {
    const failed = answers.find((answer) => answer instanceof PartFailed);
    const sent = failed === undefined ? send(half) : Promise.reject(failed.error);
    answers.push(...(await sent.catch((error: unknown) => half.map(() => new PartFailed(error)))));
  }
  return answers;
}

/** What a shared call says about one record. `alone`: it is sent in a call of its own. */
export type SharedOutcome<Answer> = Answer | 'alone' | 'unknown' | PartFailed;

/** @param call as in "The answer to a batch". @returns undefined = the record is sent alone. */
export function answerOf<Answer>(outcome: SharedOutcome<Answer>, call: string): Answer | undefined {
  if (outcome instanceof PartFailed) throw withoutResult(outcome.error);
  if (outcome === 'unknown')
    throw new NoResultInBatch(`The answer to ${call} has no usable result for this record.`);
  return outcome === 'alone' ? undefined : outcome;
}

/** The error of a record whose shared call failed. */
function withoutResult(error: unknown): unknown {
  return error instanceof Unavailable
    ? new NoResultInBatch(error.message, error.status, { cause: error })
    : error;
}

interface Waiting<Question, Answer> {
  question: Question;
  resolve(answer: Answer): void;
  reject(error: unknown): void;
}

export class SharedPush {
  /** Records that neither wait for a shared call nor have ended. */
  #running = 0;
  /** Shared calls in progress. */
  #sending = 0;
  #freeSlots: number;
  #isStopped = false;
  #unavailableInARow = 0;
  readonly #waitingForSlots: (() => void)[] = [];
  readonly #queues: (() => void)[] = [];

  /** @param limit how many calls may be in progress at once */
  constructor(
    limit: number,
    private readonly context: Pick<ConnectorContext, 'signal' | 'pushing'>,
  ) {
    this.#freeSlots = Math.min(limit, context.pushing?.recordsAtOnce ?? limit);
  }

  /** `pushOne` throws one of the four errors. Records that were not started or stopped have no result. */
  async push(
    items: readonly PushItem[],
    pushOne: (item: PushItem) => Promise<Extract<PushResult, { ok: true }>>,
  ): Promise<PushResult[]> {
    this.#running += items.length;
    const results = await Promise.all(items.map((item) => this.#pushOne(item, pushOne)));
    return results.filter((result) => result !== undefined);
  }

  /** For single records: all of the batch are in progress at once, but few calls and few queries. */
  bounded<Context extends ConnectorContext>(context: Context): Context {
    const { http, claimRemote, beforeWrite, beforeCreateAgain } = context;
    return {
      ...context,
      http: this.#singleHttp(http),
      claimRemote: claimRemote && this.limited(claimRemote),
      beforeWrite: beforeWrite && this.limited(beforeWrite),
      beforeCreateAgain: beforeCreateAgain && this.limited(async (item: PushItem) => beforeCreateAgain(item)),
    };
  }

  /** No call is started after the share of the execution has ended. */
  #singleHttp(http: HttpClient): HttpClient {
    return {
      send: this.limited((request) => {
        if (this.context.pushing?.mayBegin() === false) throw new NotStarted();
        return http.send(request);
      }),
    };
  }

  /** The client for shared calls. */
  sharedHttp(http: HttpClient): HttpClient {
    return { send: this.limited((request) => http.send(request)) };
  }

  /** The same work, of which only a few run at once. */
  limited<Args extends unknown[], T>(work: (...args: Args) => Promise<T>): (...args: Args) => Promise<T> {
    return async (...args) => {
      if (this.#freeSlots > 0) this.#freeSlots -= 1;
      else await new Promise<void>((resolve) => this.#waitingForSlots.push(resolve));
      try {
        if (this.#hasStopped()) throw new NotStarted();
        return await work(...args);
      } finally {
        // Later, so that a rate limit stops the batch before the next call starts.
        setImmediate(() => this.#freeSlot());
      }
    };
  }

  /** A function that asks one question and waits for the shared call. */
  sharing<Question, Answer>({
    divide,
    send,
  }: Sharing<Question, Answer>): (question: Question) => Promise<Answer> {
    let waiting: Waiting<Question, Answer>[] = [];
    this.#queues.push(() => {
      const taken = new Map(waiting.map((each) => [each.question, each]));
      waiting = [];
      for (const questions of divide([...taken.keys()])) {
        const asked = questions.map((question) => taken.get(question) as Waiting<Question, Answer>);
        void this.#send(asked, send);
      }
    });
    return (question) =>
      new Promise((resolve, reject) => {
        waiting.push({ question, resolve, reject });
        this.#pause();
      });
  }

  async #send<Question, Answer>(
    asked: Waiting<Question, Answer>[],
    send: Sharing<Question, Answer>['send'],
  ): Promise<void> {
    this.#sending += 1;
    const settle = (each: (waiting: Waiting<Question, Answer>, index: number) => void) => {
      this.#sending -= 1;
      this.#running += asked.length;
      asked.forEach(each);
    };
    try {
      if (this.#hasStopped()) throw new NotStarted();
      const answers = await send(asked.map(({ question }) => question));
      settle(({ resolve }, index) => resolve(answers[index] as Answer));
    } catch (error) {
      // One call, whatever the number of its records.
      if (error instanceof Unavailable) this.#unavailableInARow += 1;
      settle(({ reject }) => reject(withoutResult(error)));
    }
  }

  async #pushOne(
    item: PushItem,
    pushOne: (item: PushItem) => Promise<PushResult>,
  ): Promise<PushResult | undefined> {
    try {
      const result = await pushOne(item);
      this.#unavailableInARow = 0;
      this.context.pushing?.onResult(result);
      return result;
    } catch (error) {
      if (error instanceof NotStarted) return undefined;
      const result = this.#failed(item, error);
      this.context.pushing?.onResult(result);
      return result;
    } finally {
      this.#pause();
    }
  }

  #failed({ pushId }: PushItem, error: unknown): PushResult {
    const failure = toConnectorError(error);
    if (!(failure instanceof Unavailable)) this.#unavailableInARow = 0;
    else if (!(failure instanceof NoResultInBatch)) this.#unavailableInARow += 1;
    this.#isStopped ||=
      failure instanceof RateLimited ||
      failure instanceof Unauthorized ||
      this.#unavailableInARow >= UNAVAILABLE_IN_A_ROW_MAX;
    return { pushId, ok: false, error: failure };
  }

  /** A record ends or waits for a shared call. What waits is sent when nothing else is in progress. */
  #pause(): void {
    this.#running -= 1;
    if (this.#running === 0 && this.#sending === 0) for (const sendWaiting of this.#queues) sendWaiting();
  }

  #freeSlot(): void {
    const next = this.#waitingForSlots.shift();
    if (next === undefined) this.#freeSlots += 1;
    else next();
  }

  #hasStopped(): boolean {
    return this.#isStopped || this.context.signal.aborted;
  }
}
