/**
 * Addresses of next pages from third parties. Only addresses that may receive the credentials are followed,
 * and they are stored without credentials.
 */
import type { RestConfig } from '../config/config';
import { withoutParameters } from '../http/query';

/** The target of `rel="next"` (RFC 8288). Undefined if there is none. */
export function nextInLinkHeader(header: string | undefined): string | undefined {
  for (const [, target, parameters = ''] of (header ?? '').matchAll(
    /<([^>]*)>((?:\s*;\s*[^\s=;,]+\s*(?:=\s*(?:"[^"]*"|[^\s",;]+))?)*)/g,
  )) {
    const relations = /;\s*rel\s*=\s*(?:"([^"]*)"|([^\s",;]+))/i.exec(parameters);
    if ((relations?.[1] ?? relations?.[2] ?? '').toLowerCase().split(/\s+/).includes('next')) return target;
  }
  return undefined;
}

export type NextAddress = { ok: true; url: string } | { ok: false; problem: string };

/**
 * The absolute address. Refused if its host or scheme differs from base_url, because the credentials would be
 * sent there.
 */
export function resolveNext(
  address: string,
  from: string,
  config: RestConfig,
  take?: 'path_and_query',
): NextAddress {
  if (!URL.canParse(address, from))
    return { ok: false, problem: 'the address of the next page is not valid.' };
  const base = new URL(config.base_url);
  const given = new URL(address, from);
  const isWeb = /^https?:$/.test(given.protocol);
  const next = take === undefined || !isWeb ? given : new URL(base.origin + given.pathname + given.search);
  if (
    next.protocol !== base.protocol ||
    next.host !== base.host ||
    next.username !== '' ||
    next.password !== ''
  ) {
    const place = `${next.protocol}//${next.host}`;
    return {
      ok: false,
      problem: `the next page is at ${place}, but the credentials are only sent to ${base.protocol}//${base.host}.`,
    };
  }
  next.hash = '';
  // Some APIs repeat the whole query, including an API key. The key is added to every call and must not be
  // stored.
  const secrets = config.auth.type === 'query' ? Object.keys(config.auth.parameters) : [];
  return { ok: true, url: withoutParameters(next.href, secrets) };
}
