import type { Schemas } from '../../api/client';

type Kind = Schemas['SyncConflictKind'];
type Decision = Schemas['SyncConflictDecision'];

interface KindLabels {
  title: string;
  /** The buttons, by decision. */
  decisions: Partial<Record<Decision, string>>;
}

export const KIND_LABELS: Readonly<Record<Kind, KindLabels>> = {
  field_changed_on_both_sides: {
    title: 'Changed on both sides',
    decisions: { ours: 'Keep Syncline’s value', theirs: 'Take the app’s value', dismiss: 'Dismiss' },
  },
  field_keeps_changing: {
    title: 'Keeps changing',
    decisions: { ours: 'Keep Syncline’s value', theirs: 'Take the app’s value' },
  },
  ambiguous_match: { title: 'Ambiguous match', decisions: { dismiss: 'Dismiss' } },
  already_linked: {
    title: 'Already linked',
    decisions: { ours: 'Push again', dismiss: 'Dismiss' },
  },
  answered_other_id: {
    title: 'Answered about another record',
    decisions: { ours: 'Create again', theirs: 'Link to the other record', dismiss: 'Dismiss' },
  },
  edited_here_deleted_there: {
    title: 'Edited in Syncline, deleted in the app',
    decisions: { ours: 'Create again in the app', theirs: 'Delete in Syncline' },
  },
  doubtful_creation: {
    title: 'Doubtful creation',
    decisions: { ours: 'Push again', dismiss: 'Dismiss' },
  },
};

export const decisionLabel = (kind: Kind, decision: Decision): string =>
  KIND_LABELS[kind].decisions[decision] ?? decision;
