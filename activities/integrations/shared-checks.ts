/**
 * Checks of third parties, shared by all push queues of this process: one call per integration and five
 * seconds, counted from its answer. While it is under way, all queues wait for that one.
 */
import type { Integration } from '../../db/integrations/integrations';
import type { OpenConnector } from '../dependencies';
import { askThirdParty, type ThirdPartyState } from './third-party-health';

const HOLDS_MS = 5_000;
const KNOWN_MAX = 5_000;

interface SharedCheck {
  state: Promise<ThirdPartyState>;
  /** null = under way. */
  answeredAt: number | null;
}

export class SharedChecks {
  readonly #checks = new Map<string, SharedCheck>();

  async ask(
    { integrationId, version, credentialsUpdatedAt }: Integration,
    open: () => Promise<OpenConnector>,
  ): Promise<ThirdPartyState> {
    // Another configuration or other credentials need a check of their own.
    const key = `${integrationId} ${version} ${credentialsUpdatedAt?.getTime() ?? 0}`;
    const known = this.#checks.get(key);
    if (known !== undefined && (known.answeredAt === null || performance.now() - known.answeredAt < HOLDS_MS))
      return known.state;
    if (this.#checks.size >= KNOWN_MAX) this.#checks.clear();
    const check: SharedCheck = { state: this.#askAndKeep(key, open), answeredAt: null };
    this.#checks.set(key, check);
    return check.state;
  }

  async #askAndKeep(key: string, open: () => Promise<OpenConnector>): Promise<ThirdPartyState> {
    let isKept = false;
    let signal: AbortSignal | undefined;
    try {
      const state = await askThirdParty(async () => {
        const opened = await open();
        ({ signal } = opened.context);
        return opened;
      });
      // An aborted check says nothing about the third party.
      isKept = signal?.aborted !== true;
      return state;
    } finally {
      const check = this.#checks.get(key);
      if (check !== undefined && isKept) check.answeredAt = performance.now();
      else this.#checks.delete(key);
    }
  }
}
