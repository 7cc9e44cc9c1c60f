/**
 * Calls at the address of an OAuth app. The secret of the app proves a call once. Each event is noted for the
 * integrations whose consent is for the account that the event names. Each tenant has a transaction and a
 * rate of its own. Events of accounts without an integration are counted and answered like the others,
 * because a third party stops calling an address that fails.
 */
import { MemoryStore } from 'express-rate-limit';
import type { IncomingOutcome, IncomingRecord } from '../../connectors/incoming';
import { unlessDeleted } from '../../db/database';
import { findAddress } from '../../db/integrations/incoming/addresses';
import {
  type AccountIntegration,
  type AppPlace,
  countUnknownEvents,
  locateAccounts,
} from '../../db/integrations/incoming/app-addresses';
import { findIntegration } from '../../db/integrations/integrations';
import { groupBy } from '../../domain/group-by';
import type { ApiDependencies } from '../dependencies';
import { findAppWebhooks } from './described-webhooks';
import { type Call, noteRecords, REFUSED, verifyCall } from './verified-call';

/** The next run finds what further ones have changed. */
const ACCOUNTS_MAX = 200;
const INTEGRATIONS_MAX = 500;
/** So many calls of a tenant name records; of the next one, whole record types are read. */
const NOTED = { calls: 100, withinMs: 2_000 };

export class AppCalls {
  readonly #noted = new MemoryStore();

  constructor(
    private readonly dependencies: Pick<ApiDependencies, 'database' | 'encryption' | 'connectors'>,
    private readonly noted = NOTED,
  ) {
    this.#noted.init({ windowMs: noted.withinMs } as Parameters<MemoryStore['init']>[0]);
  }

  async receive(place: AppPlace, call: Call): Promise<IncomingOutcome> {
    const { database } = this.dependencies;
    const { tenantId, oauthAppId } = place;
    const verifying = database.withTenant(tenantId, async (work) => {
      const address = await findAddress(work, { oauthAppId });
      const webhooks = address && (await findAppWebhooks(work, address, this.dependencies));
      return verifyCall(work, { owner: { oauthAppId }, address, webhooks }, call, this.dependencies);
    });
    const verified = (await unlessDeleted(verifying)) ?? REFUSED;
    if (verified.kind !== 'records') return verified;
    const byAccount = groupBy(verified.records, ({ accountId }) => accountId ?? '');
    const accountIds = [...byAccount.keys()].filter((id) => id !== '').slice(0, ACCOUNTS_MAX);
    const found = await database.withPlatform((work) =>
      locateAccounts(work, { ...place, accountIds, limit: INTEGRATIONS_MAX }),
    );
    await this.#noteAll(found, byAccount);
    const known = new Set(found.map(({ accountId }) => accountId));
    const events = verified.records.filter(({ accountId = '' }) => !known.has(accountId)).length;
    if (events > 0)
      await unlessDeleted(
        database.withTenant(tenantId, (work) => countUnknownEvents(work, { oauthAppId, events })),
      );
    return verified;
  }

  /** A tenant whose transaction fails keeps no other from its events; the third party then calls again. */
  async #noteAll(
    found: readonly AccountIntegration[],
    byAccount: ReadonlyMap<string, readonly IncomingRecord[]>,
  ): Promise<void> {
    const failures: unknown[] = [];
    for (const [tenantId, integrations] of groupBy(found, (one) => one.tenantId)) {
      const excess = (await this.#noted.increment(tenantId)).totalHits - this.noted.calls;
      if (excess > 1) continue;
      const noted = this.dependencies.database.withTenant(tenantId, async (work) => {
        for (const { integrationId, accountId } of integrations) {
          const integration = await findIntegration(work, { integrationId });
          const records = byAccount.get(accountId) ?? [];
          // After a flood, the record types are read for what was modified.
          if (integration !== undefined) await noteRecords(work, integration, records, excess === 1);
        }
      });
      await unlessDeleted(noted).catch((error: unknown) => failures.push(error));
    }
    if (failures.length > 0) throw failures[0];
  }
}
