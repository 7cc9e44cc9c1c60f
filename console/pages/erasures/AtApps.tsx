import { Select, Text } from '@mantine/core';
import type { Schemas } from '../../api/client';
import { toNumber } from '../../common/formatting';
import { type Column, RowsTable } from '../../common/RowsTable';
import { useIntegrationNames } from '../integrations/use-integration-names';
import { ACTION_CHOICES, type ErasureActions, actionLabel } from './erasure-actions';

type AtApp = Schemas['ErasureAtApp'];

interface AtAppsProps {
  erasure: Schemas['Erasure'];
  /** What is chosen in a preview; undefined after the confirmation. */
  choice?: { actions: ErasureActions; onChoose: (actions: ErasureActions) => void } | undefined;
}

/** What happens in each app that has the records, and how the apps answered. */
export function AtApps({ erasure: { integrations, state }, choice }: AtAppsProps) {
  const { nameOf } = useIntegrationNames();
  if (integrations.length === 0) return <Text c="dimmed">No app has these records.</Text>;
  const columns: Column<AtApp>[] = [
    { title: 'App', cell: ({ integration_id: id }) => nameOf(id) },
    { title: 'Records', isFigure: true, cell: ({ records }) => toNumber(records) },
    {
      title: 'In the app',
      cell: ({ integration_id: id, action }) =>
        choice === undefined ? (
          actionLabel(action)
        ) : (
          <Select
            aria-label={`What happens in ${nameOf(id)}`}
            w={{ base: 150, sm: 180 }}
            allowDeselect={false}
            data={ACTION_CHOICES}
            value={choice.actions[id] ?? 'keep'}
            onChange={(chosen) => choice.onChoose({ ...choice.actions, [id]: chosen ?? 'keep' })}
          />
        ),
    },
  ];
  if (state === 'done') columns.push({ title: 'Result', cell: (atApp) => <Result atApp={atApp} /> });
  return (
    <RowsTable label="Apps" columns={columns} rows={integrations} rowKey={(row) => row.integration_id} />
  );
}

function Result({ atApp: { action, succeeded, failed, unanswered } }: { atApp: AtApp }) {
  if (action === 'keep') return <>Nothing was sent</>;
  return (
    <>
      {toNumber(succeeded)} succeeded
      {failed > 0 && <Text c="var(--mantine-color-error)">{toNumber(failed)} failed: check in the app</Text>}
      {unanswered > 0 && (
        <Text c="var(--mantine-color-error)">{toNumber(unanswered)} not answered: check in the app</Text>
      )}
    </>
  );
}
