/** Which errors say that PostgreSQL cannot be reached, whatever was asked of it. */

/**
 * SQLSTATE classes for lost connections, shutdown, overload and timeouts, and the errors of Node's sockets.
 */
export function isDatabaseAway(error: unknown): boolean {
  const code = (error as { code?: unknown } | null)?.code;
  if (typeof code !== 'string')
    return /timeout|terminated|Connection/i.test((error as Error | null)?.message ?? '');
  // 57014 is the timeout of a statement, which would time out again.
  return /^(08|53|57P|25|58)/.test(code) || /^E[A-Z]+$/.test(code);
}
