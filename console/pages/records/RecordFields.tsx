/** The fields of a record: which ones sync and to where, what a third party said about each, and the form to change them. */
import {
  Badge,
  Box,
  Button,
  Group,
  Select,
  Stack,
  Table,
  Text,
  Textarea,
  TextInput,
  Tooltip,
} from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { CloudUpload, Download, Lock, Pencil, Plus, TriangleAlert } from 'lucide-react';
import { type FormEvent, useEffect, useRef, useState } from 'react';
import { answerOf, api, asProblem, type Schemas } from '../../api/client';
import { integrationsQuery } from '../../api/queries';
import { ActionButton } from '../../common/ActionButton';
import { Section } from '../../common/Section';
import { Empty, ProblemView } from '../../common/States';
import { statusLabel } from '../../common/StatusBadge';
import { useAction } from '../../common/use-action';
import { cut, plural, toText, toWords } from '../../common/formatting';
import { useRefusal } from '../../session/session';
import { fromDraft, kindOf, toDraft } from './field-values';
import { SyncErrorText } from './SyncErrorText';

type RecordView = Schemas['Record'];

export function RecordFields({ record }: { record: RecordView }) {
  const integrations = useQuery(integrationsQuery).data ?? [];
  const [drafts, setDrafts] = useState<Record<string, string>>();
  const [newName, setNewName] = useState('');
  const refusal = useRefusal('operator');
  const whyNotEdit =
    refusal ??
    (record.is_deleted
      ? 'A deleted record cannot be edited.'
      : record.is_partial
        ? 'It cannot be changed while its integration is being onboarded.'
        : undefined);
  const save = useAction({
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
        ? 'Saved. No third party needs to know.'
        : `Saved. ${plural(syncs.length, 'third party is', 'third parties are')} told after the grace period.`,
    changes: ['record', 'records', 'pushes'],
    onDone: () => setDrafts(undefined),
  });

  const isEditing = drafts !== undefined;
  const form = useRef<HTMLFormElement>(null);
  const editButton = useRef<HTMLButtonElement>(null);
  const wasEditing = useRef(false);
  // The button that was pressed is gone, and the focus with it: it goes to the first field, and back to the button afterwards.
  useEffect(() => {
    if (isEditing === wasEditing.current) return;
    wasEditing.current = isEditing;
    if (isEditing) form.current?.querySelector<HTMLElement>('input, textarea')?.focus();
    else editButton.current?.focus();
  }, [isEditing]);
  const names = [
    ...new Set([
      ...Object.keys(record.field_syncs),
      ...Object.keys(record.fields).toSorted(),
      ...Object.keys(drafts ?? {}),
    ]),
  ];
  const labelOf = (name: string): string =>
    integrations
      .flatMap((one) => one.remote_record_types)
      .find((type) => type.name === record.record_type)
      ?.fields.find((field) => field.name === name)?.label ?? toWords(name);

  // Fields are named by whoever sends them, like what every object has: "toString" too.
  const valueOf = (name: string): unknown =>
    Object.hasOwn(record.fields, name) ? record.fields[name] : undefined;
  const draftOf = (name: string): string =>
    (drafts !== undefined && Object.hasOwn(drafts, name) ? drafts[name] : undefined) ??
    toDraft(valueOf(name));
  const wrong = new Map<string, string>();
  const changes: [string, unknown][] = [];
  for (const [name, draft] of Object.entries(drafts ?? {})) {
    if (draft === toDraft(valueOf(name)) && Object.hasOwn(record.fields, name)) continue;
    try {
      changes.push([name, fromDraft(draft, valueOf(name))]);
    } catch (error) {
      wrong.set(name, (error as Error).message);
    }
  }
  const problem = save.error === null ? undefined : asProblem(save.error);
  for (const { pointer, message } of problem?.errors ?? []) wrong.set(toFieldName(pointer), message);

  const submit = (event: FormEvent): void => {
    event.preventDefault();
    if (wrong.size === 0 || problem !== undefined) save.mutate(Object.fromEntries(changes));
  };
  const edit = (name: string, draft: string): void => {
    save.reset();
    setDrafts({ ...drafts, [name]: draft });
  };

  return (
    <Section
      title="Fields"
      hint="The icons mark the fields that sync, and to where."
      actions={
        !isEditing && (
          <ActionButton
            ref={editButton}
            variant="default"
            leftSection={<Pencil size={14} aria-hidden />}
            refusal={whyNotEdit}
            onClick={() => setDrafts({})}
          >
            Edit
          </ActionButton>
        )
      }
    >
      {problem && <ProblemView error={problem} />}
      <form ref={form} onSubmit={submit}>
        <Table.ScrollContainer minWidth={280} type="native" tabIndex={0} role="region" aria-label="Fields">
          <Table verticalSpacing="xs" aria-label="Fields">
            <Table.Thead>
              <Table.Tr>
                <Table.Th scope="col" w="26%">
                  Field
                </Table.Th>
                <Table.Th scope="col">Value</Table.Th>
                <Table.Th scope="col" w="26%" visibleFrom="sm">
                  Syncs with
                </Table.Th>
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {names.map((name) => {
                const owner = ownerOf(name, record, integrations);
                const errors = record.syncs.flatMap(({ app, errors: all }) =>
                  all.filter(({ field }) => field === name).map((error) => ({ app, error })),
                );
                const isOpen = isEditing && owner === undefined;
                return (
                  <Table.Tr key={name}>
                    <Table.Th scope="row" fw={500} title={name}>
                      {cut(labelOf(name), 50)}
                    </Table.Th>
                    <Table.Td>
                      <Stack gap={4}>
                        {isOpen ? (
                          <FieldInput
                            label={labelOf(name)}
                            before={valueOf(name)}
                            draft={draftOf(name)}
                            error={wrong.get(name)}
                            onEdit={(draft) => edit(name, draft)}
                          />
                        ) : (
                          <Group gap={6}>
                            <span className="long">
                              {toText(valueOf(name)) || (
                                <Text span c="dimmed">
                                  empty
                                </Text>
                              )}
                            </span>
                            {isEditing && owner !== undefined && (
                              <Tooltip label={`Only read from ${owner}: change it there.`}>
                                <Badge color="gray" leftSection={<Lock size={12} aria-hidden />}>
                                  Owned by {owner}
                                </Badge>
                              </Tooltip>
                            )}
                          </Group>
                        )}
                        {errors.map(({ app, error }) => (
                          <Group
                            key={app + error.code + error.message}
                            gap={6}
                            wrap="nowrap"
                            align="flex-start"
                          >
                            <TriangleAlert
                              size={16}
                              color="var(--mantine-color-error)"
                              aria-hidden
                              style={{ flexShrink: 0, marginTop: 2 }}
                            />
                            <SyncErrorText error={error} app={app} />
                          </Group>
                        ))}
                        <Box hiddenFrom="sm">
                          <FieldSyncs name={name} record={record} integrations={integrations} />
                        </Box>
                      </Stack>
                    </Table.Td>
                    <Table.Td visibleFrom="sm">
                      <FieldSyncs name={name} record={record} integrations={integrations} />
                    </Table.Td>
                  </Table.Tr>
                );
              })}
            </Table.Tbody>
          </Table>
        </Table.ScrollContainer>
        {names.length === 0 && <Empty title="No fields yet" />}
        {isEditing && (
          <Group mt="md" align="flex-end" justify="space-between">
            <Group align="flex-end" gap="xs">
              <TextInput
                label="Another field"
                placeholder="its_name"
                value={newName}
                onChange={(event) => setNewName(event.currentTarget.value)}
              />
              <ActionButton
                variant="default"
                leftSection={<Plus size={14} aria-hidden />}
                refusal={
                  newName.trim() === ''
                    ? 'Name the field first.'
                    : names.includes(newName.trim())
                      ? 'There is a field of this name.'
                      : undefined
                }
                onClick={() => {
                  edit(newName.trim(), '');
                  setNewName('');
                }}
              >
                Add
              </ActionButton>
            </Group>
            <Group gap="xs">
              <Button
                variant="default"
                onClick={() => {
                  save.reset();
                  setDrafts(undefined);
                }}
              >
                Cancel
              </Button>
              <ActionButton
                type="submit"
                loading={save.isPending}
                refusal={changes.length === 0 && wrong.size === 0 ? 'Nothing is changed yet.' : undefined}
              >
                Save
              </ActionButton>
            </Group>
          </Group>
        )}
      </form>
    </Section>
  );
}

/** `/fields/a~1b/0` → `a/b` (RFC 6901). */
const toFieldName = (pointer: string): string =>
  (pointer.replace(/^\/fields\//, '').split('/', 1)[0] ?? '').replaceAll('~1', '/').replaceAll('~0', '~');

function FieldInput({
  label,
  before,
  draft,
  error,
  onEdit,
}: {
  label: string;
  before: unknown;
  draft: string;
  error: string | undefined;
  onEdit: (draft: string) => void;
}) {
  const kind = kindOf(before);
  if (kind === 'boolean')
    return (
      <Select
        aria-label={label}
        error={error}
        value={draft}
        data={['true', 'false']}
        allowDeselect={false}
        onChange={(value) => onEdit(value ?? 'false')}
      />
    );
  const props = {
    'aria-label': label,
    error,
    value: draft,
    onChange: (event: { currentTarget: { value: string } }) => onEdit(event.currentTarget.value),
  };
  return kind === 'json' || draft.length > 80 ? (
    <Textarea autosize maxRows={8} {...props} />
  ) : (
    <TextInput {...(kind === 'number' ? { inputMode: 'decimal' } : {})} {...props} />
  );
}

/** The app whose field this is, where it is only read (rules.md 17). */
function ownerOf(
  name: string,
  record: RecordView,
  integrations: readonly Schemas['Integration'][],
): string | undefined {
  const mapping = integrations.filter((one) =>
    one.record_types[record.record_type]?.fields?.some((field) => field.name === name),
  );
  const pulling = mapping.filter((one) => one.record_types[record.record_type]?.direction === 'pull');
  return pulling.length > 0 && pulling.length === mapping.length ? pulling[0]?.app : undefined;
}

function FieldSyncs({
  name,
  record,
  integrations,
}: {
  name: string;
  record: RecordView;
  integrations: readonly Schemas['Integration'][];
}) {
  const reading = integrations.filter((one) => {
    const mapping = one.record_types[record.record_type];
    return (
      mapping !== undefined &&
      mapping.direction !== 'push' &&
      mapping.fields?.some((field) => field.name === name)
    );
  });
  const writing = record.syncs.filter(({ fields }) => fields.some((field) => field.name === name));
  if (reading.length + writing.length === 0)
    return (
      <Text size="sm" c="dimmed">
        Not synced
      </Text>
    );
  return (
    <Group gap={6}>
      {writing.map((sync) => {
        const targets = sync.fields.filter((field) => field.name === name).map((field) => field.to);
        const state = sync.errors.some(({ field }) => field === name) ? 'sync_failed' : sync.status;
        return (
          <Tooltip
            key={sync.integration_id}
            label={`Goes to ${sync.app} (${sync.account_name}) as ${targets.join(', ')}. ${state === null ? 'Not sent.' : `${statusLabel(state)}${sync.is_paused ? ', paused' : ''}.`}`}
          >
            <Badge
              color={state === 'sync_failed' ? 'red' : 'gray'}
              tabIndex={0}
              leftSection={<CloudUpload size={13} aria-hidden />}
            >
              {sync.app}
            </Badge>
          </Tooltip>
        );
      })}
      {reading.map((one) => (
        <Tooltip key={one.id} label={`Read from ${one.app} (${one.account_name}).`}>
          <Badge color="gray" tabIndex={0} leftSection={<Download size={13} aria-hidden />}>
            {one.app}
          </Badge>
        </Tooltip>
      ))}
    </Group>
  );
}
