/**
 * What goes away: `first_dataset`, the former policy of COMPANY_SYNCHRONIZED (rules.md 42). Answers about it say since when it is
 * deprecated (RFC 9745) and when it is gone (RFC 8594).
 */
import { effectivePolicy } from '../../db/sync-runs/company-sync';
import type { CompanySynchronizedPolicy } from '../../db/tables/tenants';
import type { ApiSettings } from '../dependencies';
import { HttpError } from '../http/http-error';

/** The day on which `all_datasets` became what everybody gets. */
const DEPRECATED_AT = new Date('2023-10-10T00:00:00Z');

export const DEPRECATION_HEADERS = {
  Deprecation: 'Sent where the answer is about `first_dataset`: since when it is deprecated (RFC 9745).',
  Sunset: 'Sent beside Deprecation: from when on it is gone (RFC 8594).',
  Link: 'Sent beside Deprecation: leads to a page about it.',
};

type Settings = Pick<ApiSettings, 'companySynchronizedSwitchAt' | 'publicUrl'>;

/** The headers of an answer that shows these policies. */
export function deprecationOf(
  shown: readonly CompanySynchronizedPolicy[],
  { companySynchronizedSwitchAt: switchAt, publicUrl }: Settings,
): Record<string, string> {
  if (!shown.includes('first_dataset')) return {};
  const deprecatedAt = Math.min(DEPRECATED_AT.getTime(), switchAt.getTime());
  return {
    Deprecation: `@${Math.floor(deprecatedAt / 1_000)}`,
    Sunset: switchAt.toUTCString(),
    Link: `<${publicUrl}/docs/errors/policy_gone>; rel="deprecation"; type="text/html"`,
  };
}

/** Throws `policy_gone` once the switch has passed. */
export function requirePolicyThere(wanted: CompanySynchronizedPolicy, now: Date, settings: Settings): void {
  if (effectivePolicy(wanted, { now, switchAt: settings.companySynchronizedSwitchAt }) === wanted) return;
  throw new HttpError('policy_gone', {
    headers: deprecationOf([wanted], settings),
    errors: [
      {
        pointer: '/company_synchronized_policy',
        code: 'gone',
        message: `Gone since ${settings.companySynchronizedSwitchAt.toISOString()}.`,
      },
    ],
  });
}
