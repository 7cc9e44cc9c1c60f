/** Whether a provider has granted the rights that were asked for. */

/** About the person and the refresh token: answers often leave them out, and no record needs them. */
const NO_RIGHTS = new Set([
  'address',
  'email',
  'offline',
  'offline_access',
  'openid',
  'phone',
  'profile',
  'refresh_token',
]);

/**
 * The scopes that were asked for and that the answer with the tokens leaves out. An answer without scopes
 * means all of them (RFC 6749 5.1). Case and the address of the resource before a scope do not count;
 * `….default` stands for whatever an administrator has agreed to.
 */
export function missingScopes(asked: readonly string[], granted: string | null): string[] {
  const given = new Set(
    (granted ?? '').split(/[\s,]+/).flatMap((scope) => (scope === '' ? [] : [nameOf(scope)])),
  );
  if (given.size === 0) return [];
  return asked.filter((scope) => {
    const name = nameOf(scope);
    return !NO_RIGHTS.has(name) && name !== '.default' && !given.has(name);
  });
}

/** For people, to be put after a sentence; empty if nothing is missing. */
export const missingScopesWords = (missing: readonly string[]): string =>
  missing.length === 0
    ? ''
    : ` The provider did not grant everything that was asked for: ${missing.join(', ')} is missing.`;

const nameOf = (scope: string): string => scope.slice(scope.lastIndexOf('/') + 1).toLowerCase();
