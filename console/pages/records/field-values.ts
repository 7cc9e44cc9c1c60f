/** Fields are JSON; people edit text. */
export type FieldKind = 'text' | 'number' | 'boolean' | 'json';

export function kindOf(value: unknown): FieldKind {
  if (typeof value === 'number') return 'number';
  if (typeof value === 'boolean') return 'boolean';
  return typeof value === 'object' && value !== null ? 'json' : 'text';
}

export const toDraft = (value: unknown): string =>
  value === null || value === undefined ? '' : typeof value === 'string' ? value : JSON.stringify(value);

/** The value a draft stands for. Throws an Error that says what is wrong. An emptied field is null, unless it was an empty text. */
export function fromDraft(draft: string, before: unknown): unknown {
  if (draft === '') return before === '' ? '' : null;
  const kind = kindOf(before);
  if (kind === 'text') return draft;
  if (kind === 'number') {
    const number = Number(draft);
    if (draft.trim() === '' || !Number.isFinite(number)) throw new Error('This is no number.');
    return number;
  }
  try {
    return JSON.parse(draft);
  } catch {
    throw new Error('This is no JSON.');
  }
}
