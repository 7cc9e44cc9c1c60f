/** The fields of a record: which sync and with which app, their errors, and the form that edits them. */
import { Table } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Pencil } from 'lucide-react';
import { type FormEvent, type RefObject, useEffect, useRef } from 'react';
import type { Schemas } from '../../api/client';
import { integrationsQuery } from '../../api/queries';
import { ActionButton } from '../../common/ActionButton';
import { Section } from '../../common/Section';
import { Empty, ProblemView } from '../../common/States';
import { useRefusal } from '../../session/session';
import { FieldRow } from './FieldRow';
import { RecordFormActions } from './RecordFormActions';
import { type RecordForm, useRecordForm } from './use-record-form';

type RecordView = Schemas['Record'];

export function RecordFields({ record }: { record: RecordView }) {
  const form = useRecordForm(record);
  const refusal = useEditRefusal(record);
  const element = useRef<HTMLFormElement>(null);
  const editButton = useRef<HTMLButtonElement>(null);
  useFocusOfForm(form.isEditing, element, editButton);
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    form.submit();
  };
  return (
    <Section
      title="Fields"
      hint="The badges show which apps a field syncs with."
      actions={
        !form.isEditing && (
          <ActionButton
            ref={editButton}
            variant="default"
            leftSection={<Pencil size={14} aria-hidden />}
            refusal={refusal}
            onClick={form.open}
          >
            Edit
          </ActionButton>
        )
      }
    >
      {form.problem && <ProblemView error={form.problem} />}
      <form ref={element} onSubmit={submit}>
        <FieldTable record={record} form={form} />
        {form.names.length === 0 && <Empty title="No fields yet" />}
        {form.isEditing && <RecordFormActions form={form} />}
      </form>
    </Section>
  );
}

function FieldTable({ record, form }: { record: RecordView; form: RecordForm }) {
  const integrations = useQuery(integrationsQuery).data ?? [];
  return (
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
          {form.names.map((name) => (
            <FieldRow key={name} name={name} record={record} form={form} integrations={integrations} />
          ))}
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  );
}

function useEditRefusal(record: RecordView): string | undefined {
  const refusal = useRefusal('operator');
  if (refusal !== undefined) return refusal;
  if (record.is_deleted) return 'A deleted record cannot be edited.';
  return record.is_partial
    ? 'This record is read-only until the initial sync of its integration is complete.'
    : undefined;
}

/** Edit and Save remove the focused button, so the focus moves to the first field, and back to Edit. */
function useFocusOfForm(
  isEditing: boolean,
  form: RefObject<HTMLFormElement | null>,
  editButton: RefObject<HTMLButtonElement | null>,
): void {
  const wasEditing = useRef(false);
  useEffect(() => {
    if (isEditing === wasEditing.current) return;
    wasEditing.current = isEditing;
    if (isEditing) form.current?.querySelector<HTMLElement>('input, textarea')?.focus();
    else editButton.current?.focus();
  }, [isEditing, form, editButton]);
}
