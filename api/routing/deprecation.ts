/**
 * Deprecation of `first_dataset`, the former policy of COMPANY_SYNCHRONIZED (rules.md 42). Responses that
 * show it carry the headers Deprecation (RFC 9745) and Sunset (RFC 8594).
 */
import { effectivePolicy } from '../../db/sync-runs/company-sync';
import type { CompanySynchronizedPolicy } from '../../db/tables/tenants';
import type { ApiSettings } from '../dependencies';
import { HttpError } from '../http/http-error';

/** The day on which `all_datasets` became the default. */
const DEPRECATED_AT = new Date('2023-10-10T00:00:00Z');

export const DEPRECATION_HEADERS = {
  Deprecation: 'If the response shows `first_dataset`: since when it is deprecated (RFC 9745).',
  Sunset: 'Beside Deprecation: when `first_dataset` is removed (RFC 8594).',
  Link: 'Beside Deprecation: a page with details.',
};

type Settings = Pick<ApiSettings, 'companySynchronizedSwitchAt' | 'publicUrl'>;

/** The headers of a response that shows these policies. */
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
export function requirePolicyAvailable(
  wanted: CompanySynchronizedPolicy,
  now: Date,
  settings: Settings,
): void {
  if (effectivePolicy(wanted, { now, switchAt: settings.companySynchronizedSwitchAt }) === wanted) return;
  throw new HttpError('policy_gone', {
    headers: deprecationOf([wanted], settings),
    errors: [
      {
        pointer: '/company_synchronized_policy',
        code: 'gone',
        message: `Removed on ${settings.companySynchronizedSwitchAt.toISOString()}.`,
      },
    ],
  });
}
