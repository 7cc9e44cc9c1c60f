/** Fields are JSON values; the form edits them as text. */
export type FieldKind = 'text' | 'number' | 'boolean' | 'json';

export function kindOf(value: unknown): FieldKind {
  if (typeof value === 'number') return 'number';
  if (typeof value === 'boolean') return 'boolean';
  return typeof value === 'object' && value !== null ? 'json' : 'text';
}

export const toDraft = (value: unknown): string =>
  value === null || value === undefined ? '' : typeof value === 'string' ? value : JSON.stringify(value);

/**
 * The value of a draft. Throws an Error with the reason.
 * An emptied field is null, unless it was an empty text before.
 */
export function fromDraft(draft: string, before: unknown): unknown {
  if (draft === '') return before === '' ? '' : null;
  const kind = kindOf(before);
  if (kind === 'text') return draft;
  if (kind === 'number') {
    const number = Number(draft);
    if (draft.trim() === '' || !Number.isFinite(number)) throw new Error('Not a number.');
    return number;
  }
  try {
    return JSON.parse(draft);
  } catch {
    throw new Error('Not valid JSON.');
  }
}
