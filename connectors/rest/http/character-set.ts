/**
 * Sets of characters in a configuration (`A-Za-z0-9_-`): ranges and single characters. Regular expressions
 * are not supported, because they could run forever. A dash at the beginning or end is literal.
 */

export function isCharacterAllowed(set: string, character: string): boolean {
  const members = Array.from(set);
  const code = codeOf(character);
  for (let index = 0; index < members.length; index += 1) {
    const isRange = members[index + 1] === '-' && members[index + 2] !== undefined;
    const first = codeOf(members[index]);
    const last = isRange ? codeOf(members[index + 2]) : first;
    if (code >= first && code <= last) return true;
    if (isRange) index += 2;
  }
  return false;
}

/**
 * The value with every character outside the set written as the sign and two hex digits per UTF-8 byte
 * (`emp.1` → `emp_2e1`). Two values never become the same as long as the set does not hold the sign. Without
 * a sign: undefined for a value that does not fit.
 */
export function fitInto(set: string, sign: string | undefined, value: string): string | undefined {
  const characters = Array.from(value);
  if (sign === undefined)
    return characters.every((character) => isCharacterAllowed(set, character)) ? value : undefined;
  return characters
    .map((character) => (isCharacterAllowed(set, character) ? character : hexOf(sign, character)))
    .join('');
}

function hexOf(sign: string, character: string): string {
  return Array.from(Buffer.from(character), (byte) => sign + byte.toString(16).padStart(2, '0')).join('');
}

function codeOf(character: string | undefined): number {
  return character?.codePointAt(0) ?? -1;
}
