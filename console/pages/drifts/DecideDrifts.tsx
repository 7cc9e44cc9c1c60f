import { Group, Text } from '@mantine/core';
import { answerOf, api } from '../../api/client';
import { ActionButton } from '../../common/ActionButton';
import { plural } from '../../common/formatting';
import { useAction } from '../../common/use-action';
import { useRefusal } from '../../session/session';

const DECISIONS = [
  { decision: 'repair', label: 'Push again' },
  { decision: 'accept', label: "Accept the app's version" },
] as const;
type Decision = (typeof DECISIONS)[number]['decision'];

interface DecideDriftsProps {
  integrationId: string;
  recordType: string;
  /** Absent: all drifts of the record type. */
  externalId?: string | undefined;
  label?: string;
}

/** A button for each decision about the drifts of a record, or of all records of a type. */
export function DecideDrifts({ integrationId, recordType, externalId, label }: DecideDriftsProps) {
  const refusal = useRefusal('operator');
  const action = useAction({
    run: (decision: Decision) => decideAll({ integrationId, recordType, externalId }, decision),
    done: ({ decided, skipped }) =>
      `${plural(decided, 'record')} decided` +
      (skipped === 0 ? '.' : `, ${skipped} skipped: held, changed since, or not readable.`),
    changes: ['drifts', 'records', 'record', 'sync-summary'],
  });
  return (
    <Group gap="xs" role="group" aria-label={label ?? externalId}>
      {label !== undefined && <Text size="sm">{label}:</Text>}
      {DECISIONS.map(({ decision, label: title }) => (
        <ActionButton
          key={decision}
          size="xs"
          variant="default"
          refusal={refusal}
          loading={action.isPending}
          onClick={() => action.mutate(decision)}
        >
          {title}
        </ActionButton>
      ))}
    </Group>
  );
}

interface Decided {
  decided: number;
  skipped: number;
  next_cursor: string | null;
}

async function decideAll(
  { integrationId, recordType, externalId }: Omit<DecideDriftsProps, 'label'>,
  decision: Decision,
): Promise<{ decided: number; skipped: number }> {
  const sum = { decided: 0, skipped: 0 };
  let cursor: string | null = null;
  do {
    const page: Decided = await answerOf(
      api.POST('/v1/drifts/decide', {
        body: {
          integration_id: integrationId,
          record_type: recordType,
          decision,
          ...(externalId === undefined ? {} : { external_ids: [externalId] }),
          ...(cursor === null ? {} : { cursor }),
        },
      }),
    );
    sum.decided += page.decided;
    sum.skipped += page.skipped;
    cursor = page.next_cursor;
  } while (cursor !== null);
  return sum;
}
