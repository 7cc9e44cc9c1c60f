/** Hides secrets in texts that people see: errors quote what third parties answer. */

/** Short values are not hidden, because they are parts of other words, too. */
const SECRET_LENGTH_MIN = 6;

/** A value as it stands in a form or a query. */
export const formEncoded = (text: string): string => new URLSearchParams({ '': text }).toString().slice(1);

/** Hides each secret in a text: plain, JSON-escaped, and as in a form. */
export function hiding(secrets: readonly string[]): (text: string) => string {
  const forms = secrets
    .flatMap((secret) => [secret, JSON.stringify(secret).slice(1, -1), formEncoded(secret)])
    .filter((form) => form.length >= SECRET_LENGTH_MIN);
  return (text) => forms.reduce((shown, form) => shown.replaceAll(form, '•••'), text);
}

/** The texts in a value, such as credentials; a package may make objects of them that refer to each other. */
export function textsIn(value: unknown, seen = new Set<unknown>()): string[] {
  if (typeof value === 'string') return value === '' ? [] : [value];
  if (typeof value !== 'object' || value === null || seen.has(value)) return [];
  seen.add(value);
  return Object.values(value).flatMap((member) => textsIn(member, seen));
}
