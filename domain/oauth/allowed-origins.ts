/**
 * The origins that the secret, codes and tokens of an app may be sent to: `https://login.example.com`, or
 * `https://*.example.com` for every host below that name, at any depth.
 */
const ORIGIN = /^https?:\/\/(\*\.)?[a-z0-9.-]+(:\d{1,5})?$|^https?:\/\/\[[0-9a-f:.]+\](:\d{1,5})?$/;
const ANY_HOST = /^(https?:\/\/)\*\./;

/** A wildcard needs a name of two labels below it: `https://*.com` would be most of the internet. */
export function whyOriginIsRefused(text: string): string | undefined {
  const plain = text.replace(ANY_HOST, '$1any.');
  if (!ORIGIN.test(text) || !URL.canParse(plain) || new URL(plain).origin !== plain)
    return 'Enter scheme, host and port, such as https://login.example.com or https://*.example.com.';
  if (plain !== text && text.replace(ANY_HOST, '').split('.').length < 2)
    return 'A wildcard needs a domain below it, such as https://*.example.com.';
  return undefined;
}

export function isAllowedOrigin(allowed: readonly string[], url: string): boolean {
  if (!URL.canParse(url)) return false;
  const { origin } = new URL(url);
  return allowed.some((pattern) => {
    if (!ANY_HOST.test(pattern)) return new URL(pattern).origin === origin;
    const [scheme = '', domain = ''] = pattern.split('*');
    return origin.startsWith(scheme) && origin.endsWith(domain);
  });
}
