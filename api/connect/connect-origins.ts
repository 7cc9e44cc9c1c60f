/** Web origins: where a connect page may lead back to, and where it may be embedded. */
import { z } from 'zod';

/** For the description: what this accepts is an origin. International names and low ports are, too. */
const PATTERN =
  '^(https://([a-z0-9]+(-[a-z0-9]+)*\\.)*[a-z][a-z0-9]*(-[a-z0-9]+)*|http://localhost|http://127\\.0\\.0\\.1)' +
  '(:([1-9][0-9]{3}|[1-5][0-9]{4}))?$';

/** A scheme, a host and a port, as browsers write it. http only for this machine. */
export const webOrigin = z
  .string()
  .max(300)
  .refine(isWebOrigin, 'must be an origin such as https://app.example.com, without a path')
  .meta({ pattern: PATTERN, example: 'https://app.example.com' });

function isWebOrigin(text: string): boolean {
  const url = parse(text);
  return url !== undefined && url.origin === text && /^[a-z0-9.:[\]-]+$/.test(url.host);
}

/** Undefined unless it is a web address without a user. */
function parse(text: string): URL | undefined {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || url.username !== '' || url.password !== '') return undefined;
  const isLocal = url.hostname === 'localhost' || url.hostname === '127.0.0.1' || url.hostname === '[::1]';
  return url.protocol === 'https:' || (url.protocol === 'http:' && isLocal) ? url : undefined;
}

const CONSOLE = '/console/';

/**
 * The address as browsers will read it; undefined unless its origin is one of these, or it is the path of a
 * page of the console.
 */
export function allowedReturnUrl(
  text: string,
  origins: readonly string[],
  publicUrl: string,
): string | undefined {
  if (text.startsWith(CONSOLE)) {
    const page = new URL(text, publicUrl);
    return page.pathname.startsWith(CONSOLE) ? page.href : undefined;
  }
  const url = parse(text);
  return url !== undefined && origins.includes(url.origin) ? url.href : undefined;
}

/** Where providers send the browser back to, for all apps. */
export const redirectUri = ({ publicUrl }: { publicUrl: string }): string => `${publicUrl}/connect/callback`;
