/**
 * The oracle of a trial (rules.md): what the callers were answered, what Syncline holds, and what the ledger
 * saw have to agree. Nothing acknowledged is lost, each version has one effect, nothing goes out before its
 * quiet time, backwards, or twice at once.
 */
import type { LedgerCall, LedgerServer } from '../support/servers/ledger-server';

/** Both clocks are this machine's; PostgreSQL's instants are cut to milliseconds on the wire. */
const EARLY_TOLERANCE_MS = 2;

export interface Change {
  externalId: string;
  version: number;
  sentAt: number;
  isAcknowledged: boolean;
}

export interface Account {
  name: string;
  integrationId: string;
  graceMs: number;
}

export interface Case {
  account: Account;
  changes: readonly Change[];
  /** As the API shows them at the end. */
  versionOf: ReadonlyMap<string, number>;
  ledger: Pick<LedgerServer, 'changes' | 'people'>;
}

/** What is wrong, in words; empty = nothing. */
export function violationsOf({ account, changes, versionOf, ledger }: Case): string[] {
  const calls = ledger.changes(account.name);
  const faults: string[] = [];
  const complain = (what: string, call?: LedgerCall) =>
    faults.push(
      call === undefined ? `${account.name}: ${what}` : `${account.name}: ${what} ${JSON.stringify(call)}`,
    );

  for (const [externalId, version] of versionOf) {
    const acknowledged = Math.max(
      0,
      ...changes
        .filter((change) => change.externalId === externalId && change.isAcknowledged)
        .map((change) => change.version),
    );
    const held = ledger.people(account.name).filter((person) => person.external_id === externalId);
    if (version < acknowledged)
      complain(`${externalId}: version ${acknowledged} was acknowledged and is lost; we hold ${version}`);
    if (held.length !== 1) complain(`${externalId} is there ${held.length} times`);
    else if (held[0]?.rev !== version)
      complain(`${externalId} is there as version ${held[0]?.rev}, and should be ${version}`);
  }
  for (const { externalId } of changes.filter((change) => change.isAcknowledged))
    if (!versionOf.has(externalId)) complain(`${externalId} was acknowledged and is lost`);

  const effects = new Map<string, number>();
  for (const call of calls.filter(({ isEffect }) => isEffect))
    effects.set(`${call.externalId} ${call.rev}`, (effects.get(`${call.externalId} ${call.rev}`) ?? 0) + 1);
  for (const [change, count] of effects) if (count > 1) complain(`${change} had ${count} effects`);

  const newest = new Map<string, number>();
  for (const call of calls) {
    const change = changes.find(
      ({ externalId, version }) => externalId === call.externalId && version === call.rev,
    );
    if (change === undefined) complain('a call for a change that was never made', call);
    else if (call.at < change.sentAt + account.graceMs - EARLY_TOLERANCE_MS)
      complain(`${change.sentAt + account.graceMs - call.at} ms early`, call);
    if (call.isOverlapping) complain('two calls of one pair at once', call);
    if (!call.isEffect) continue;
    if ((call.rev as number) < (newest.get(call.externalId as string) ?? 0))
      complain('an older version after a newer one', call);
    newest.set(call.externalId as string, call.rev as number);
  }
  return faults;
}
