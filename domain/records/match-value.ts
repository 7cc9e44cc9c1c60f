/** Values by which records of two systems are recognized as the same. */

const EMAIL = /^[^ @]+@[^ @]+\.[^ @]+$/;

/**
 * The form in which values are compared. Upper and lower case are the same in e-mail addresses, and in every
 * value if the configuration says so.
 */
export function matchForm(value: string, { ignoresCase }: { ignoresCase: boolean }): string {
  return ignoresCase || EMAIL.test(value) ? value.toLowerCase() : value;
}
