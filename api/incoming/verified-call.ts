/** What a call at an address says once it is verified, and what is noted of it. */
import type {
  IncomingCall,
  IncomingOutcome,
  IncomingRecord,
  IncomingWebhooks,
} from '../../connectors/incoming';
import type { TenantWork } from '../../db/database';
import {
  type AddressOf,
  type AddressOwner,
  noteCall,
  webhookSecretLocation,
} from '../../db/integrations/incoming/addresses';
import { addIncomingChanges } from '../../db/integrations/incoming/incoming-changes';
import type { Integration } from '../../db/integrations/integrations';
import { pulledRecordTypes } from '../../domain/records/mapping-directions';
import type { ApiDependencies } from '../dependencies';

export type Call = Omit<IncomingCall, 'now'>;

export const REFUSED: IncomingOutcome = { kind: 'refused' };

interface Receiver {
  owner: AddressOwner;
  address: AddressOf<AddressOwner> | undefined;
  /** undefined: nothing describes them, so each call is refused. */
  webhooks: IncomingWebhooks | undefined;
  /** The secret of the OAuth app, for an address without a secret of its own. */
  appSecret?: string | null;
}

/** Counts the call, except for a question whether the address is ours, which need not prove anything. */
export async function verifyCall(
  work: TenantWork,
  { owner, address, webhooks, appSecret = null }: Receiver,
  call: Call,
  { encryption }: Pick<ApiDependencies, 'encryption'>,
): Promise<IncomingOutcome> {
  if (address === undefined) return REFUSED;
  const secret =
    address.secret === null
      ? appSecret
      : await encryption.open(work, webhookSecretLocation(owner), address.secret);
  const outcome = webhooks?.receive({ ...call, now: work.now }, secret) ?? REFUSED;
  if (outcome.kind !== 'answer') await noteCall(work, owner, { isRefused: outcome.kind === 'refused' });
  return outcome;
}

/** @param isWhole the record types are read for what was modified, instead of the named records */
export async function noteRecords(
  work: TenantWork,
  integration: Integration,
  records: readonly IncomingRecord[],
  isWhole = false,
): Promise<void> {
  const pulled = pulledRecordTypes(integration);
  const changes = records
    .filter(({ recordType }) => pulled.includes(recordType))
    .map(({ recordType, remoteId }) => ({ recordType, remoteId: isWhole ? null : remoteId }));
  await addIncomingChanges(work, { integrationId: integration.integrationId, changes });
}
