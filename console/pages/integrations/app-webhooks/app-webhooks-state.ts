/** The state of the webhooks of an app in words: what is set up, and what is missing next. */
import type { Schemas } from '../../../api/client';

type IncomingWebhooks = Schemas['IncomingWebhooks'];
type Integration = Pick<Schemas['Integration'], 'app' | 'config'>;

export interface Standing {
  color: 'teal' | 'orange' | 'red' | 'blue';
  title: string;
  /** What to do. */
  next: string;
}

export function standingOf({ app, config }: Integration, webhooks: IncomingWebhooks): Standing {
  if (webhooks.subscription !== null) return standingOfSubscription(app, webhooks, webhooks.subscription);
  if (webhooks.created_at === null)
    return isForAllAccounts(config) ? ofAllAccounts(app) : withoutAddress(app);
  return standingOfCalls(app, webhooks);
}

type Calls = Pick<IncomingWebhooks, 'has_secret' | 'received_at' | 'refused_at'>;

/** Of an address that was made. */
export function standingOfCalls(
  app: string,
  { has_secret: hasSecret, received_at: received, refused_at: refused }: Calls,
): Standing {
  if (!hasSecret) return withoutSecret(app);
  if (isLastRefused({ received_at: received, refused_at: refused })) return lastRefused(app);
  return received === null
    ? {
        color: 'orange',
        title: 'No webhook has arrived yet',
        next: `Enter the address in the settings of ${app}, then change a record there.`,
      }
    : {
        color: 'teal',
        title: 'Webhooks arrive',
        next: `Changes in ${app} are read within seconds.`,
      };
}

const isLastRefused = ({
  received_at: received,
  refused_at: refused,
}: Pick<Calls, 'received_at' | 'refused_at'>): boolean =>
  refused !== null && (received === null || refused > received);

const lastRefused = (app: string): Standing => ({
  color: 'red',
  title: 'The last webhook was refused',
  next: `It was not signed with the stored secret. Compare the secret with that of ${app}, and store it again.`,
});

const withoutAddress = (app: string): Standing => ({
  color: 'blue',
  title: 'There is no address yet',
  next:
    `Make the address, and enter it in the settings of ${app}. ` +
    `Until then, changes in ${app} arrive with the next hourly run.`,
});

const withoutSecret = (app: string): Standing => ({
  color: 'orange',
  title: 'The secret is missing: every webhook is refused',
  next: `Store the secret that ${app} shows for its webhooks.`,
});

const ofAllAccounts = (app: string): Standing => ({
  color: 'blue',
  title: 'This account has no address of its own',
  next:
    `${app} calls one address for all accounts of an OAuth app, which the owner of the app makes. ` +
    'Make an address here only for an app that no other account uses.',
});

/** docs/connectors/rest-app-webhooks.md: events name the account. */
function isForAllAccounts({ webhooks }: Integration['config']): boolean {
  const { events } = (webhooks ?? {}) as { events?: unknown };
  return Array.isArray(events) && events.some((event: object) => 'account' in event);
}

/** Of webhooks to which Syncline subscribes itself. */
function standingOfSubscription(
  app: string,
  { created_at: createdAt, has_secret: hasSecret, ...calls }: IncomingWebhooks,
  { ends_at: endsAt, error, needs_secret: needsSecret }: NonNullable<IncomingWebhooks['subscription']>,
): Standing {
  if (createdAt === null)
    return {
      color: 'blue',
      title: 'There is no address yet',
      next: needsSecret
        ? `Make the address, and store the secret of the webhooks of ${app}. Syncline then subscribes itself.`
        : `Make the address. Syncline then subscribes to the webhooks of ${app} itself.`,
    };
  if (needsSecret && !hasSecret) return withoutSecret(app);
  if (error !== null)
    return {
      color: 'red',
      title: `${app} has refused to send webhooks`,
      next: `${error} The next hourly run tries again.`,
    };
  // A secret that Syncline has made fits. Then a refused call is not from the app.
  if (needsSecret && isLastRefused(calls)) return lastRefused(app);
  if (endsAt !== null && Date.parse(endsAt) < Date.now())
    return {
      color: 'orange',
      title: 'The subscription has ended',
      next: 'Runs of every hour renew it. Turn them on, or wait for the next run.',
    };
  return endsAt === null
    ? { color: 'orange', title: 'The next run subscribes to webhooks', next: 'There is nothing left to do.' }
    : { color: 'teal', title: 'Syncline is subscribed', next: `Changes in ${app} are read within seconds.` };
}
