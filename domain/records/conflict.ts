/** Conflicts between the two sides of a record, and how a person may decide them. */

/** `dismiss`: both sides stay as they are. */
export const CONFLICT_DECISIONS = ['ours', 'theirs', 'dismiss'] as const;
export type ConflictDecision = (typeof CONFLICT_DECISIONS)[number];

/** The decisions that each kind allows. What they do: db/pull/decide-conflicts.ts. */
export const DECISIONS_OF = {
  field_changed_on_both_sides: ['ours', 'theirs', 'dismiss'],
  field_keeps_changing: ['ours', 'theirs'],
  ambiguous_match: ['dismiss'],
  already_linked: ['ours', 'dismiss'],
  answered_other_id: ['ours', 'theirs', 'dismiss'],
  edited_here_deleted_there: ['ours', 'theirs'],
  doubtful_creation: ['ours', 'dismiss'],
} as const satisfies Record<string, readonly ConflictDecision[]>;

export type ConflictKind = keyof typeof DECISIONS_OF;
export const CONFLICT_KINDS = Object.keys(DECISIONS_OF) as ConflictKind[];

/** A conflict that a push found. What `ours` and `theirs` are depends on the kind. */
export interface PushConflict {
  kind: 'already_linked' | 'answered_other_id' | 'doubtful_creation' | 'edited_here_deleted_there';
  remoteId: string;
  ours: string | null;
  theirs: string | null;
}

/** What is said of a record whose counterpart at the third party belongs to the record `holder`. */
export const alreadyLinkedWords = (remoteId: string, holder: string) => ({
  code: 'already_linked',
  message: `The record ${remoteId} of the third party belongs to the record ${holder} already.`,
  explanation:
    'Correct the values that identify the record. If both records are the same, delete one of them. Then retry.',
});

/** `ended`: it no longer exists, for example because the record was pushed since. */
export const CONFLICT_STATES = ['open', 'decided', 'ended'] as const;
export type ConflictState = (typeof CONFLICT_STATES)[number];
