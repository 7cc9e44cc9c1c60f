import type { Request } from 'express';

/** The value of a cookie, as it was sent; undefined if the request has none of this name. */
export function cookieOf(request: Request, name: string): string | undefined {
  const cookies = request.headers.cookie?.split(/; */) ?? [];
  return cookies.find((cookie) => cookie.startsWith(`${name}=`))?.slice(name.length + 1);
}
