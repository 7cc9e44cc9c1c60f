/** Where the webhooks of an app stand, in words: what has been done, and what is missing next. */
import type { Schemas } from '../../../api/client';

type IncomingWebhooks = Schemas['IncomingWebhooks'];

interface Standing {
  color: 'teal' | 'orange' | 'red' | 'blue';
  title: string;
  /** What to do. */
  next: string;
}

export function standingOf(app: string, webhooks: IncomingWebhooks): Standing {
  const {
    created_at: createdAt,
    has_secret: hasSecret,
    received_at: received,
    refused_at: refused,
  } = webhooks;
  if (createdAt === null)
    return {
      color: 'blue',
      title: 'There is no address yet',
      next: `Make the address, and enter it in the settings of ${app}. Until then, changes in ${app} arrive with the next hourly run.`,
    };
  if (!hasSecret)
    return {
      color: 'orange',
      title: 'The secret is missing: every webhook is refused',
      next: `Store the secret that ${app} shows for its webhooks.`,
    };
  if (refused !== null && (received === null || refused > received))
    return {
      color: 'red',
      title: 'The last webhook was refused',
      next: `It was not signed with the stored secret. Compare the secret with that of ${app}, and store it again.`,
    };
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
