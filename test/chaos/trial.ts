/**
 * One trial: writers change a few records again and again over HTTP while faults happen; then everything is
 * healed, and the ledger is asked whether anything was lost, doubled, early, out of order or overlapping.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Json, recordPath } from '../support/clients/api-client';
import { ledgerIntegration, type LedgerServer } from '../support/servers/ledger-server';
import type { ProductTenant } from '../support/environments/product';
import { type Account, type Change, violationsOf } from './oracle';
import type { Random } from '../support/random';

const WRITERS = 4;
const RECORDS = 8;
const CHAOS_MS = 4_000;
/** A trial with fewer acknowledged changes says nothing about us. */
const CHANGES_LEAST = 5;
const SETTLED_WITHIN_MS = 120_000;

export interface TrialOptions {
  random: Random;
  ledger: LedgerServer;
  /** How the product reaches the ledger: through a faulty link, perhaps. */
  ledgerUrl: string;
  tenant: ProductTenant;
  /** Begins and ends one fault. */
  fault(): Promise<void>;
  faults: number;
  /** Everything runs and answers again. */
  heal(): Promise<void>;
}

/** What the oracle found wrong; empty = nothing. */
export async function runTrial(parts: TrialOptions, name: string): Promise<string[]> {
  const accounts = await linkAccounts(parts, name);
  const changes: Change[] = [];
  const versions = new Map<string, number>();
  const end = Date.now() + CHAOS_MS;
  const writers = Promise.all(Array.from({ length: WRITERS }, () => write(parts, changes, versions, end)));
  for (let count = 0; count < parts.faults; count += 1) {
    await sleep(parts.random.between(200, CHAOS_MS / parts.faults));
    await parts.fault();
  }
  await writers;
  await parts.heal();
  const open = await openRecordSyncs(parts.tenant, SETTLED_WITHIN_MS);
  if (open.length > 0)
    return [`has not settled within ${SETTLED_WITHIN_MS / 1_000} s: ${JSON.stringify(open)}`];
  const versionOf = new Map<string, number>();
  for (const externalId of versions.keys()) {
    const { status, body } = await parts.tenant.api.persist('GET', recordPath(externalId));
    if (status === 200) versionOf.set(externalId, body.version);
  }
  if (changes.filter(({ isAcknowledged }) => isAcknowledged).length < CHANGES_LEAST)
    return ['the trial proves nothing: hardly a change was acknowledged'];
  return accounts.flatMap((account) => violationsOf({ account, changes, versionOf, ledger: parts.ledger }));
}

async function linkAccounts({ random, tenant, ledgerUrl }: TrialOptions, name: string): Promise<Account[]> {
  const accounts: Account[] = [];
  for (const by of ['find', 'key'] as const) {
    const account = `${name} by ${by}`;
    const graceMs = random.pick([0, 300, 1_000]);
    const body = ledgerIntegration(ledgerUrl, account, { by, grace_period_ms: graceMs, max_wait_ms: null });
    const { id } = await tenant.api.must('POST', '/v1/integrations', body);
    accounts.push({ name: account, integrationId: id, graceMs });
  }
  return accounts;
}

/** Most requests are repeated until they are answered; some are sent once, with an unknown outcome. */
async function write(
  { random, tenant }: TrialOptions,
  changes: Change[],
  versions: Map<string, number>,
  end: number,
): Promise<void> {
  while (Date.now() < end) {
    const externalId = `r-${random.between(1, RECORDS)}`;
    const version = (versions.get(externalId) ?? 0) + 1;
    versions.set(externalId, version);
    const change: Change = { externalId, version, sentAt: Date.now(), isAcknowledged: false };
    changes.push(change);
    const body = { fields: { name: `N ${random.between(1, 1_000_000)}`, rev: version }, version };
    const send = random.chance(0.7) ? tenant.api.persist.bind(tenant.api) : tenant.api.call.bind(tenant.api);
    const answer = await send('PUT', recordPath(externalId), body).catch(() => undefined);
    change.isAcknowledged = answer !== undefined && answer.status >= 200 && answer.status <= 299;
    if (answer !== undefined && !change.isAcknowledged && answer.status !== 503)
      throw new Error(`A change was answered ${answer.status}: ${JSON.stringify(answer.body)}`);
    await sleep(random.between(5, 80));
  }
}

/** Pairs that are not synced; waits until there are none, or the time is over. */
async function openRecordSyncs({ api }: ProductTenant, timeoutMs: number): Promise<Json[]> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const lists = await Promise.all(
      ['sync_pending', 'syncing', 'sync_failed'].map((status) =>
        api.persist('GET', `/v1/record-syncs?status=${status}`),
      ),
    );
    const open = lists.flatMap(({ body }) => body.data as Json[]);
    if (open.length === 0 || Date.now() > deadline) return open;
    await sleep(200);
  }
}
