/**
 * A third party that misbehaves by plan, and an umpire over every call that reaches it: nothing early, never
 * two calls for one record sync at once, the same push id always with the same content, no call that begins
 * during a requested pause.
 */
import { Context } from '@temporalio/activity';
import type { PushItem } from '../../../../connectors/connector';
import {
  type ConnectorError,
  RateLimited,
  RecordRejected,
  Unauthorized,
  Unavailable,
} from '../../../../connectors/errors';
import type { PushEnvironment } from '../../../support/environments/push-environment';
import { GONE, payloadText, type Wanted } from './model';
import type { Random } from '../../../support/random';

export type Mood = 'well' | 'down' | 'failing' | 'unauthorized';

/** A value that every third party refuses. */
export const REFUSED = 'refused';

export interface Call {
  owner: string;
  externalId: string;
  pushId: string;
  /** What the third party holds afterwards if it takes the call. */
  wanted: Wanted;
  at: number;
}

export class ThirdParty {
  readonly moods = new Map<string, Mood>();
  readonly violations: string[] = [];
  /** Chances per call, while the trial has not healed. */
  chances = { lostAnswer: 0, rateLimit: 0, death: 0, slow: 0 };
  onCall: (call: Call) => void = () => {};
  /** Runs while a call is under way. */
  duringCall: (call: Call) => Promise<void> = async () => {};
  private readonly underWay = new Map<string, string>();
  private readonly contents = new Map<string, string>();
  private readonly quietUntil = new Map<string, number>();
  private readonly dead = new Set<string>();

  constructor(
    private readonly environment: PushEnvironment,
    private readonly random: Random,
  ) {
    environment.ledger.answer = (item, owner) => this.answer(item, owner);
    environment.ledger.checkAnswer = (owner) => this.checkAnswer(owner);
    const { database } = environment;
    // A worker that died says nothing to the database any more, and Temporal hears nothing of what it was
    // doing.
    environment.dependencies.database = new Proxy(database, {
      get: (target, name) => {
        if (name === 'withTenant' && this.dead.has(attempt()))
          return () => Promise.reject(new Error('This worker is dead.'));
        const value: unknown = Reflect.get(target, name);
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
  }

  get isBusy(): boolean {
    return this.underWay.size > 0;
  }

  holds(owner: string, externalId: string): Wanted {
    const payload = this.environment.ledger.held.get(`${owner} ${externalId}`);
    return payload === undefined ? GONE : payloadText(payload);
  }

  heal(): void {
    this.chances = { lostAnswer: 0, rateLimit: 0, death: 0, slow: 0 };
    this.moods.clear();
  }

  private async answer(item: PushItem, owner: string): Promise<ConnectorError | undefined> {
    // A call that began before another one was answered cannot know of the pause in that answer.
    const quietUntil = this.quietUntil.get(owner) ?? 0;
    const key = `${owner} ${item.externalId}`;
    const wanted = item.operation === 'upsert' ? payloadText(item.payload) : GONE;
    const call = {
      owner,
      externalId: item.externalId,
      pushId: item.pushId,
      wanted,
      at: await this.environment.now(),
    };
    if (this.dead.has(attempt())) throw new Error('This worker is dead.');
    this.umpire(call, item, quietUntil);
    this.underWay.set(key, item.pushId);
    try {
      this.onCall(call);
      await this.duringCall(call);
      if (this.random.chance(this.chances.slow)) await new Promise((resolve) => setTimeout(resolve, 15));
      return this.decide(item, owner, call);
    } finally {
      this.underWay.delete(key);
    }
  }

  private umpire(call: Call, item: PushItem, quietUntil: number): void {
    const key = `${call.owner} ${call.externalId}`;
    if (this.underWay.has(key))
      this.violations.push(
        `two calls for ${call.externalId} at once: ${this.underWay.get(key)} and ${call.pushId}`,
      );
    const content = `${item.operation} ${call.wanted}`;
    if ((this.contents.get(call.pushId) ?? content) !== content)
      this.violations.push(`push ${call.pushId} of ${call.externalId} was sent with two contents`);
    this.contents.set(call.pushId, content);
    if (call.at < quietUntil)
      this.violations.push(`called ${quietUntil - call.at} ms before the rate limit ended`);
  }

  private decide(item: PushItem, owner: string, call: Call): ConnectorError | undefined {
    if (this.random.chance(this.chances.death)) {
      const hasArrived = this.random.chance(0.5) && !call.wanted.includes(REFUSED);
      if (hasArrived) this.take(item, owner, call);
      this.dead.add(attempt());
      throw new Error('The worker died over this call.');
    }
    const mood = this.moods.get(owner) ?? 'well';
    if (mood === 'down') return new Unavailable('connect ECONNREFUSED');
    if (mood === 'unauthorized') return new Unauthorized('401');
    if (mood === 'failing') return new Unavailable('Internal Server Error', 500);
    if (call.wanted.includes(REFUSED)) return new RecordRejected('Refused.', []);
    if (this.random.chance(this.chances.rateLimit)) {
      const pauseMs = this.random.pick([1_000, 60_000, 20 * 60_000]);
      this.quietUntil.set(owner, Math.max(call.at + pauseMs, this.quietUntil.get(owner) ?? 0));
      return new RateLimited('Too many requests', pauseMs);
    }
    if (this.random.chance(this.chances.lostAnswer)) {
      this.take(item, owner, call);
      return new Unavailable('The answer was lost.');
    }
    return undefined;
  }

  private take(item: PushItem, owner: string, { at }: Call): void {
    const { held, calls } = this.environment.ledger;
    if (item.operation === 'upsert') held.set(`${owner} ${item.externalId}`, item.payload);
    else held.delete(`${owner} ${item.externalId}`);
    calls.push({
      owner,
      pushId: item.pushId,
      externalId: item.externalId,
      operation: item.operation,
      payload: item.payload,
      at,
    });
  }

  private checkAnswer(owner: string): ConnectorError | undefined {
    const mood = this.moods.get(owner) ?? 'well';
    if (mood === 'down') return new Unavailable('connect ECONNREFUSED');
    return mood === 'unauthorized' ? new Unauthorized('401') : undefined;
  }
}

/** Names the attempt of the activity that runs this; empty outside of one. */
function attempt(): string {
  try {
    const { info } = Context.current();
    return `${info.workflowExecution?.runId} ${info.activityId} ${info.attempt}`;
  } catch {
    return '';
  }
}
