import { answerOf, api } from '../../api/client';
import type { operations } from '../../api/schema';
import { useAction } from '../../common/use-action';
import { beginConsent, openLink } from '../../connect/calls';

type NewSession = NonNullable<
  operations['createConnectSession']['requestBody']
>['content']['application/json'];
/** A new integration, or one to connect again. */
type Target = Pick<NewSession, 'integration' | 'integration_id'>;

/** The person at the console agrees: a session is made and opened in this browser, which goes to the app. */
export function useConsent() {
  return useAction({
    run: async (target: Target) => {
      const body = { ...target, return_url: '/console/integrations' };
      const { link } = await answerOf(api.POST('/v1/connect-sessions', { body }));
      const { id } = await openLink(new URL(link).pathname.split('/').at(-1) ?? '');
      window.location.assign(await beginConsent(id));
    },
    isQuiet: true,
  });
}

/** True if an account is connected by consent at the app, not by credentials. */
export const isByConsent = (config: Readonly<Record<string, unknown>>): boolean =>
  (config.auth as { type?: unknown } | undefined)?.type === 'oauth2_authorization_code';
