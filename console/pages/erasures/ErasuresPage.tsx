import { Modal } from '@mantine/core';
import { useInfiniteQuery } from '@tanstack/react-query';
import { Eraser } from 'lucide-react';
import { useState } from 'react';
import type { Schemas } from '../../api/client';
import { erasuresQuery } from '../../api/queries';
import { ActionButton } from '../../common/ActionButton';
import { CopyAsCurl } from '../../common/CopyAsCurl';
import { plural } from '../../common/formatting';
import { type Column, ListTable } from '../../common/ListTable';
import { Page } from '../../common/Page';
import { RouterLink } from '../../common/RouterLink';
import { Empty } from '../../common/States';
import { Instant } from '../../common/Time';
import { useRefusal } from '../../session/session';
import { ErasureBadge } from './ErasureBadge';
import { NewErasure } from './NewErasure';

/** Erasures of people's data (rules.md 62), each with its preview or receipt. */
export function ErasuresPage() {
  const erasures = useInfiniteQuery(erasuresQuery);
  const [isOpen, setOpen] = useState(false);
  const close = (): void => setOpen(false);
  return (
    <Page
      title="Erasures"
      subtitle={
        'Erases records of people from Syncline, and from the apps if you choose so. ' +
        'A preview shows first what would be erased. The receipts stay and have no personal data.'
      }
      actions={
        <>
          <CopyAsCurl path="/erasures" />
          <ActionButton
            leftSection={<Eraser size={16} aria-hidden />}
            refusal={useRefusal('admin')}
            onClick={() => setOpen(true)}
          >
            Preview erasure
          </ActionButton>
        </>
      }
    >
      <ListTable
        label="Erasures"
        query={erasures}
        columns={columns}
        rowKey={({ id }) => id}
        empty={
          <Empty title="No erasures yet">
            Preview one when a person asks for the deletion of their data. A preview changes nothing.
          </Empty>
        }
      />
      <Modal opened={isOpen} onClose={close} title="Preview erasure">
        <NewErasure onClose={close} />
      </Modal>
    </Page>
  );
}

const columns: Column<Schemas['Erasure']>[] = [
  {
    title: 'Erasure',
    cell: ({ id, state, records }) => (
      <RouterLink to="/erasures/$erasureId" params={{ erasureId: id }} fw={600}>
        {state === 'previewing' ? 'Preview' : plural(records, 'record')}
      </RouterLink>
    ),
  },
  { title: 'State', cell: (erasure) => <ErasureBadge erasure={erasure} /> },
  { title: 'Requested', from: 'sm', cell: ({ requested_at: at }) => <Instant at={at} /> },
  {
    title: 'Completed',
    from: 'md',
    cell: ({ finished_at: at }) => (at === null ? '–' : <Instant at={at} />),
  },
];
