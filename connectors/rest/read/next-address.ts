/**
 * Addresses of next pages as third parties give them: followed only where the credentials may go, and kept
 * without them.
 */
import type { RestConfig } from '../config/config';
import { withoutParameters } from '../http/query';

/** RFC 8288: the target of `rel="next"`. Undefined when there is none. */
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
 * The absolute address. Refused when it leads to another host or scheme than base_url: credentials would go
 * there.
 */
export function resolveNext(address: string, from: string, config: RestConfig): NextAddress {
  if (!URL.canParse(address, from))
    return { ok: false, problem: 'the address of the next page is not valid.' };
  const [next, base] = [new URL(address, from), new URL(config.base_url)];
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
  // Some APIs repeat the whole query, with an API key that is added to every call and must not be stored.
  const secrets = config.auth.type === 'query' ? Object.keys(config.auth.parameters) : [];
  return { ok: true, url: withoutParameters(next.href, secrets) };
}
