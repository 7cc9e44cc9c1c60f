import { Modal } from '@mantine/core';
import { useInfiniteQuery } from '@tanstack/react-query';
import { Plus } from 'lucide-react';
import { useState } from 'react';
import type { Schemas } from '../../api/client';
import { peopleQuery } from '../../api/queries';
import { ActionButton } from '../../common/ActionButton';
import { CopyAsCurl } from '../../common/CopyAsCurl';
import { ListTable } from '../../common/ListTable';
import { Page } from '../../common/Page';
import { Empty } from '../../common/States';
import { useRefusal } from '../../session/session';
import { NewPerson } from './NewPerson';
import { OneTimeLink } from './OneTimeLink';
import { personColumns } from './PersonCells';

export function PeoplePage() {
  const people = useInfiniteQuery(peopleQuery);
  const [isOpen, setOpen] = useState(false);
  const [invited, setInvited] = useState<Schemas['PersonWithLink']>();
  const close = (): void => setOpen(false);
  return (
    <Page
      title="Users"
      subtitle="The people who can sign in to this console, and their roles."
      actions={
        <>
          <CopyAsCurl path="/people" />
          <ActionButton
            leftSection={<Plus size={16} aria-hidden />}
            refusal={useRefusal('admin')}
            onClick={() => setOpen(true)}
          >
            Add user
          </ActionButton>
        </>
      }
    >
      <ListTable
        label="Users"
        query={people}
        columns={personColumns(setInvited)}
        rowKey={(person) => person.id}
        empty={<Empty title="No users yet" />}
      />
      <Modal opened={isOpen} onClose={close} title="Add user">
        <NewPerson
          onDone={(person) => {
            close();
            setInvited(person);
          }}
        />
      </Modal>
      <Modal
        opened={invited !== undefined}
        onClose={() => setInvited(undefined)}
        title={`Sign-in link for ${invited?.name ?? ''}`}
        closeOnClickOutside={false}
      >
        {invited !== undefined && <OneTimeLink link={invited.invitation} />}
      </Modal>
    </Page>
  );
}
