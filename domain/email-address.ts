/**
 * The one form in which e-mail addresses are compared: for look-ups, for counters of failed sign-ins, and for
 * addresses of identity providers. The database never folds the case of what a caller sends: its lower() and
 * toLowerCase() differ (İ).
 */
export const canonicalEmail = (address: string): string => address.normalize('NFKC').toLowerCase();

/** False for an address that only looks like its canonical form, such as one with full-width letters. */
export const isWrittenPlainly = (address: string): boolean =>
  canonicalEmail(address) === address.toLowerCase();
