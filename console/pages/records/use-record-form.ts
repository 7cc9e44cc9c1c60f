/** The state of the form that edits a record: drafts of fields, their errors, and saving them. */
import { useState } from 'react';
import { answerOf, api, asProblem, type Problem, type Schemas } from '../../api/client';
import { plural } from '../../common/formatting';
import { useAction } from '../../common/use-action';
import { fromDraft, toDraft } from './field-values';

type RecordView = Schemas['Record'];
type Drafts = Readonly<Record<string, string>>;

export interface RecordForm {
  isEditing: boolean;
  isSaving: boolean;
  /** Fields of the record, and those added in this form. */
  names: readonly string[];
  hasChanges: boolean;
  problem: Problem | undefined;
  valueOf: (name: string) => unknown;
  draftOf: (name: string) => string;
  errorOf: (name: string) => string | undefined;
  open: () => void;
  close: () => void;
  edit: (name: string, draft: string) => void;
  submit: () => void;
}

export function useRecordForm(record: RecordView): RecordForm {
  const [drafts, setDrafts] = useState<Drafts>();
  const save = useSaveFields(record, () => setDrafts(undefined));
  const { changes, errors } = readDrafts(record, drafts ?? {});
  const problem = save.error === null ? undefined : asProblem(save.error);
  for (const { pointer, message } of problem?.errors ?? []) errors.set(toFieldName(pointer), message);
  const replaceDrafts = (next: Drafts | undefined): void => {
    save.reset();
    setDrafts(next);
  };
  return {
    isEditing: drafts !== undefined,
    isSaving: save.isPending,
    names: namesOf(record, drafts ?? {}),
    hasChanges: changes.length > 0 || errors.size > 0,
    problem,
    valueOf: (name) => valueOf(record, name),
    draftOf: (name) =>
      (drafts !== undefined && Object.hasOwn(drafts, name) ? drafts[name] : undefined) ??
      toDraft(valueOf(record, name)),
    errorOf: (name) => errors.get(name),
    open: () => replaceDrafts({}),
    close: () => replaceDrafts(undefined),
    edit: (name, draft) => replaceDrafts({ ...drafts, [name]: draft }),
    submit() {
      if (errors.size === 0 || problem !== undefined) save.mutate(Object.fromEntries(changes));
    },
  };
}

function useSaveFields(record: RecordView, onDone: () => void) {
  return useAction({
    run: (fields: Record<string, unknown>) =>
      answerOf(
        api.PATCH('/v1/records/{record_type}/{external_id}', {
          params: { path: { record_type: record.record_type, external_id: record.external_id } },
          body: { fields },
        }),
      ),
    isQuiet: true,
    done: ({ syncs }) =>
      syncs.length === 0
        ? 'Saved. No integration syncs these fields.'
        : `Saved. ${plural(syncs.length, 'integration')} will be updated after the grace period.`,
    changes: ['record', 'records', 'pushes'],
    onDone,
  });
}

function namesOf(record: RecordView, drafts: Drafts): string[] {
  const own = Object.keys(record.fields).toSorted();
  return [...new Set([...Object.keys(record.field_syncs), ...own, ...Object.keys(drafts)])];
}

/** Field names are free, and may be those of properties that every object has, such as `toString`. */
const valueOf = (record: RecordView, name: string): unknown =>
  Object.hasOwn(record.fields, name) ? record.fields[name] : undefined;

function readDrafts(
  record: RecordView,
  drafts: Drafts,
): { changes: [string, unknown][]; errors: Map<string, string> } {
  const changes: [string, unknown][] = [];
  const errors = new Map<string, string>();
  for (const [name, draft] of Object.entries(drafts)) {
    const value = valueOf(record, name);
    if (draft === toDraft(value) && Object.hasOwn(record.fields, name)) continue;
    try {
      changes.push([name, fromDraft(draft, value)]);
    } catch (error) {
      errors.set(name, (error as Error).message);
    }
  }
  return { changes, errors };
}

/** `/fields/a~1b/0` → `a/b` (RFC 6901). */
const toFieldName = (pointer: string): string =>
  (pointer.replace(/^\/fields\//, '').split('/', 1)[0] ?? '').replaceAll('~1', '/').replaceAll('~0', '~');
