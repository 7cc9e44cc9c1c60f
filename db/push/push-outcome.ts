/** How a push ended, or why it waits. */
import type { JsonObject } from '../../domain/json';
import type { PushConflict } from '../../domain/records/conflict';
import type { Notation } from '../../domain/records/notation';
import type { SyncError } from '../../domain/sync-error';
import type { PushEffect } from '../tables/records';
import type { ClaimedPush } from './claim';

/** Edits at the third party that were found when a push read the record before writing it. */
export interface UnreadOfPush {
  /** What was sent: the payload without the places that were left as they are there. */
  payload: JsonObject;
  /** Our agreed values of these places, by `to` of the mapping. */
  leftAsIs: JsonObject;
  /** Values there that replace ours, in Syncline's field names. */
  taken: JsonObject;
  /** What both sides agree on once these are stored here. */
  takenAs: Notation;
}

/**
 * An answer with a status of success that says too little: about the creation of a record without its id
 * (`created`), or nothing readable. The third party is up.
 */
export type UnusableSuccess = 'created' | 'unreadable';

export type PushOutcome =
  | {
      kind: 'succeeded';
      effect: PushEffect;
      remoteId: string | null;
      remoteVersion: string | null;
      /** What both sides agree on from now on; absent = as before the push. */
      notation?: Notation | undefined;
      unread?: UnreadOfPush | undefined;
    }
  /**
   * `isCertain`: the third party refused it, so its record is unchanged; otherwise the outcome is unknown.
   */
  | {
      kind: 'failed';
      errors: SyncError[];
      isCertain: boolean;
      conflict?: PushConflict | undefined;
      answer?: UnusableSuccess | undefined;
      creation?: string | null | undefined;
    }
  /**
   * The third party answered with an error of its own (5xx) while it is reachable: retried automatically.
   * `isFailing`: it shows Sync failed meanwhile. `creation`: the push whose creation was accepted without an
   * id.
   */
  | {
      kind: 'retry';
      errors: SyncError[];
      refusals: number;
      nextAttemptAt: Date;
      isFailing: boolean;
      answer?: UnusableSuccess | undefined;
      creation?: string | null | undefined;
    }
  /**
   * The whole integration waits: outage, rate limit, credentials, or the worker is stopping. `errors` null =
   * no error of this record. `dueAt`: when the record is due; absent = now, after those that are due already.
   * `goesAlone`: it shares no call with other records, which are tried before this one.
   */
  | {
      kind: 'waiting';
      wasCalled: boolean;
      errors: SyncError[] | null;
      isFailing: boolean;
      dueAt?: Date | undefined;
      goesAlone?: boolean;
    };

export interface FinishedPush {
  push: ClaimedPush;
  outcome: PushOutcome;
}
