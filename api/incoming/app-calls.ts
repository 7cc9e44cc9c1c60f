/**
 * Calls at the address of an OAuth app. The secret of the app proves a call once. Each event is noted for the
 * integrations whose consent is for the account that the event names. Each tenant has a transaction and a
 * rate of its own. Events of accounts without an integration are counted and answered like the others,
 * because a third party stops calling an address that fails.
 */
import { MemoryStore } from 'express-rate-limit';
import type { IncomingCall, IncomingOutcome, IncomingRecord } from '../../connectors/incoming';
import { type TenantWork, unlessDeleted } from '../../db/database';
import {
  type AccountIntegration,
  type AppPlace,
  appWebhookSecretLocation,
  countUnknownEvents,
  findAppAddress,
  locateAccounts,
  noteAppCall,
} from '../../db/integrations/incoming/app-addresses';
import { addIncomingChanges } from '../../db/integrations/incoming/incoming-changes';
import { findIntegration } from '../../db/integrations/integrations';
import { groupBy } from '../../domain/group-by';
import { pulledRecordTypes } from '../../domain/records/mapping-directions';
import type { ApiDependencies } from '../dependencies';
import { findAppWebhooks } from './app-webhooks';

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

  async receive(place: AppPlace, call: Omit<IncomingCall, 'now'>): Promise<IncomingOutcome> {
    const { database } = this.dependencies;
    const { tenantId, oauthAppId } = place;
    const verified = await unlessDeleted(
      database.withTenant(tenantId, (work) => this.#verify(work, place, call)),
    );
    if (verified?.kind !== 'records') return verified ?? { kind: 'refused' };
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

  async #verify(
    work: TenantWork,
    { oauthAppId }: AppPlace,
    given: Omit<IncomingCall, 'now'>,
  ): Promise<IncomingOutcome> {
    const { encryption } = this.dependencies;
    const address = await findAppAddress(work, { oauthAppId });
    const webhooks = address && (await findAppWebhooks(work, address, this.dependencies));
    if (address === undefined || webhooks === undefined) return { kind: 'refused' };
    const secret =
      address.secret === null
        ? null
        : await encryption.open(work, appWebhookSecretLocation(oauthAppId), address.secret);
    const outcome = webhooks.receive({ ...given, now: work.now }, secret);
    if (outcome.kind !== 'answer')
      await noteAppCall(work, { oauthAppId, isRefused: outcome.kind === 'refused' });
    return outcome;
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
        for (const { integrationId, accountId } of integrations)
          await note(work, integrationId, byAccount.get(accountId) ?? [], excess === 1);
      });
      await unlessDeleted(noted).catch((error: unknown) => failures.push(error));
    }
    if (failures.length > 0) throw failures[0];
  }
}

/** @param isWhole a flood: the record types are read for what was modified */
async function note(
  work: TenantWork,
  integrationId: string,
  records: readonly IncomingRecord[],
  isWhole: boolean,
): Promise<void> {
  const integration = await findIntegration(work, { integrationId });
  if (integration === undefined) return;
  const pulled = pulledRecordTypes(integration);
  const changes = records
    .filter(({ recordType }) => pulled.includes(recordType))
    .map(({ recordType, remoteId }) => ({ recordType, remoteId: isWhole ? null : remoteId }));
  await addIncomingChanges(work, { integrationId, changes });
}
