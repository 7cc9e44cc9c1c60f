/**
 * Trouble of the integration as a whole that a single answer names (a requested pause, refused credentials).
 * It is stored while other calls of the batch are in progress, so that neither another batch nor another
 * execution begins a call meanwhile (rules.md 10, 34).
 */
import type { ThirdPartyState } from '../integrations/third-party-health';

export class EarlyTrouble {
  private readonly kinds = new Set<ThirdPartyState['kind']>();
  private readonly stored: Promise<void>[] = [];

  constructor(private readonly store: (state: ThirdPartyState) => Promise<void>) {}

  add(state: ThirdPartyState): void {
    const stored = this.store(state);
    stored.catch(() => {}); // `end` throws it
    this.kinds.add(state.kind);
    this.stored.push(stored);
  }

  /** Returns once the trouble of the batch is stored. @throws if it could not be stored. */
  async end(state: ThirdPartyState): Promise<void> {
    await Promise.all(this.stored);
    if (state.kind !== 'well' && !this.kinds.has(state.kind)) await this.store(state);
  }
}
