/**
 * Subscribes to the webhooks of an app, and renews the subscription before it ends. A failure is stored for
 * the admin, and the next run tries again. A failure does not fail the run, because runs find what no webhook
 * announces.
 */
import { ConnectorError } from '../../connectors/errors';
import { secretsOf } from '../../connectors/incoming';
import { hiding } from '../../connectors/redaction';
import type { Database } from '../../db/database';
import { findAddress, webhookSecretLocation } from '../../db/integrations/incoming/addresses';
import { incomingAddressLocation, saveSubscription } from '../../db/integrations/incoming/incoming-addresses';
import { findAppWithSecret } from '../../db/integrations/oauth/app-webhook-secrets';
import type { Integration } from '../../db/integrations/integrations';
import type { Encryption } from '../../db/platform/encryption';
import { ownFailure } from '../../db/sql/database-away';
import { pulledRecordTypes } from '../../domain/records/mapping-directions';
import { typeIdOf } from '../../domain/typeid';
import type { ActivityLog, OpenConnector } from '../dependencies';
import { storeSurely } from './store-surely';

interface Options {
  database: Database;
  encryption: Encryption;
  log: ActivityLog;
  tenantId: string;
  integration: Pick<Integration, 'integrationId' | 'recordTypes'>;
  opened: OpenConnector;
}

type Result = Parameters<typeof saveSubscription>[2];

export async function keepSubscription(options: Options): Promise<void> {
  const { integration, opened, log } = options;
  const { connector, context } = opened;
  const { integrationId } = integration;
  const incoming = connector.incoming?.(context.config);
  if (incoming?.isSubscribed !== true || connector.subscribe === undefined) return;
  const known = await knownAddress(options);
  if (known === undefined) return;
  const pulled = pulledRecordTypes(integration);
  const isWanted = incoming.recordTypes.some((recordType) => pulled.includes(recordType));
  const { request, stored } = known;
  const hasSecret = stored.secret !== null || (incoming.isSecretGiven === true && known.hasAppSecret);
  if (isWanted && !hasSecret) return;
  const hide = hiding(secretsOf(request));
  const save = (result: Result) => saveFor(options, known, result);
  try {
    if (!isWanted) {
      await cancelSubscription(options, known);
      return;
    }
    const subscription = await connector.subscribe(request, context);
    if (subscription === undefined) return;
    const { error } = subscription;
    // Without its id, the next run would subscribe again beside it.
    await storeSurely(() => save({ ...subscription, error: error === undefined ? undefined : hide(error) }));
    // After a refusal, a former subscription may have no successor, so all former ones stay until they end.
    if (error !== undefined) return;
    const former = known.ids.filter((id) => !subscription.ids.includes(id));
    await unlessRefused(cancel(opened, request, former));
  } catch (error) {
    if (context.signal.aborted || ownFailure(error) !== undefined) throw error;
    if (!(error instanceof ConnectorError))
      log.error(
        { err: error, integration_id: typeIdOf('int', integrationId) },
        'could not subscribe to webhooks',
      );
    const said = error instanceof ConnectorError ? error.message : 'Syncline could not subscribe.';
    await save({ error: hide(said) });
  }
}

/**
 * Cancels all subscriptions of the integration at the app. @returns false if the app cannot cancel them.
 * @throws ConnectorError if the app refuses, or does not answer
 */
export async function cancelSubscription(options: Options, given?: KnownAddress): Promise<boolean> {
  const { opened } = options;
  const known = given ?? (await knownAddress(options));
  if (known === undefined) return false;
  if (known.ids.length === 0) return true;
  if (!(await cancel(opened, known.request, known.ids))) return false;
  await saveFor(options, known, { ids: [], endsAt: null });
  return true;
}

/** A rotation of the data keys may have encrypted the same secret again meanwhile. */
function saveFor(
  { database, encryption, tenantId, integration: { integrationId } }: Options,
  { stored, request }: KnownAddress,
  result: Result,
): Promise<void> {
  return database.withTenant(tenantId, async (work) => {
    const place = { integrationId };
    const { secret = null } = (await findAddress(work, place, { forUpdate: true })) ?? {};
    const isSame =
      secret !== null &&
      (await encryption.open(work, webhookSecretLocation(place), secret)) === request.secret;
    await saveSubscription(work, { ...place, ...stored, ...(isSame ? { secret } : {}) }, result);
  });
}

async function cancel(
  { connector, context }: OpenConnector,
  { address, secret }: KnownAddress['request'],
  ids: readonly string[],
): Promise<boolean> {
  return ids.length === 0 || ((await connector.unsubscribe?.({ address, secret, ids }, context)) ?? false);
}

/** A refusal is ignored: the subscriptions end by themselves, and new credentials may not allow the call. */
async function unlessRefused(canceling: Promise<boolean>): Promise<void> {
  await canceling.catch((error: unknown) => {
    if (!(error instanceof ConnectorError)) throw error;
  });
}

type KnownAddress = NonNullable<Awaited<ReturnType<typeof knownAddress>>>;

async function knownAddress({ database, encryption, tenantId, integration: { integrationId } }: Options) {
  return database.withTenant(tenantId, async (work) => {
    const found = await findAddress(work, { integrationId });
    if (found?.address == null) return undefined;
    const { subscriptionIds, subscribedUntil, tokenHash } = found;
    return {
      /** Ids of former subscriptions, too. */
      ids: subscriptionIds ?? [],
      stored: { tokenHash, secret: found.secret },
      /** A creation does not send the secret of an OAuth app, so the secret itself is not read here. */
      hasAppSecret: found.secret === null && (await findAppWithSecret(work, { integrationId })) !== undefined,
      request: {
        address: await encryption.open(work, incomingAddressLocation(integrationId), found.address),
        secret:
          found.secret === null
            ? ''
            : await encryption.open(work, webhookSecretLocation({ integrationId }), found.secret),
        current: subscribedUntil === null ? null : { ids: subscriptionIds ?? [], endsAt: subscribedUntil },
      },
    };
  });
}
