import type { Schemas } from '../../api/client';

type ErasureAction = Schemas['ErasureAction'];
/** By the id of the integration; the others keep their records. */
export type ErasureActions = Readonly<Record<string, ErasureAction>>;

export const ACTION_CHOICES: { value: ErasureAction; label: string }[] = [
  { value: 'keep', label: 'Keep' },
  { value: 'deactivate', label: 'Deactivate' },
  { value: 'delete', label: 'Delete' },
];
const LABELS = new Map(ACTION_CHOICES.map(({ value, label }) => [value, label]));
export const actionLabel = (action: ErasureAction): string => LABELS.get(action) ?? action;

/** An address may stand in texts although no record has it. */
export const isNothingFound = ({ found }: Schemas['Erasure']): boolean =>
  Object.values(found).every((rows) => rows === 0);
