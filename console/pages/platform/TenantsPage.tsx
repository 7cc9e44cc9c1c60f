import { Group, Modal, Text } from '@mantine/core';
import { useInfiniteQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { Plus } from 'lucide-react';
import { useState } from 'react';
import type { Schemas } from '../../api/client';
import { tenantsQuery } from '../../api/platform-queries';
import { ActionButton } from '../../common/ActionButton';
import { CopyAsCurl } from '../../common/CopyAsCurl';
import { type Column, ListTable } from '../../common/ListTable';
import { Page } from '../../common/Page';
import { RouterLink } from '../../common/RouterLink';
import { Empty } from '../../common/States';
import { Instant } from '../../common/Time';
import { SearchField } from '../records/SearchField';
import { NewTenant } from './NewTenant';

const route = getRouteApi('/platform-shell/platform/tenants');
const TENANT_ID = /^ten_[0-9a-z]{26}$/;

export function TenantsPage() {
  const { q } = route.useSearch();
  const navigate = route.useNavigate();
  const tenants = useInfiniteQuery(tenantsQuery(q));
  return (
    <Page
      title="Tenants"
      subtitle="The companies that use this installation, in the order in which they were created."
      actions={
        <>
          <CopyAsCurl path="/tenants" query={{ q }} keyVariable="PLATFORM_KEY" />
          <CreateTenant />
        </>
      }
    >
      <Group role="search">
        <SearchField
          placeholder="Name or id (press /)"
          initial={q ?? ''}
          onSearch={(words) =>
            void navigate({ search: { q: words === '' ? undefined : words }, replace: true })
          }
        />
      </Group>
      <ListTable
        label="Tenants"
        query={tenants}
        columns={COLUMNS}
        rowKey={({ id }) => id}
        isSearch={q !== undefined}
        empty={<NoTenants search={q} />}
      />
    </Page>
  );
}

function CreateTenant() {
  const [isOpen, setOpen] = useState(false);
  const navigate = route.useNavigate();
  const close = (): void => setOpen(false);
  return (
    <>
      <ActionButton leftSection={<Plus size={16} aria-hidden />} onClick={() => setOpen(true)}>
        Create tenant
      </ActionButton>
      <Modal opened={isOpen} onClose={close} title="Create tenant">
        <NewTenant
          onClose={close}
          onDone={({ id }) => navigate({ to: '/platform/tenants/$tenantId', params: { tenantId: id } })}
        />
      </Modal>
    </>
  );
}

/** A search for the id of a deleted tenant leads to its receipt. */
function NoTenants({ search }: { search: string | undefined }) {
  if (search === undefined) return <Empty title="No tenants yet">Create the first one.</Empty>;
  if (!TENANT_ID.test(search)) return <Empty title="No matching tenants">Change the search.</Empty>;
  return (
    <Empty
      title="An id was entered"
      action={
        <RouterLink to="/platform/tenants/$tenantId" params={{ tenantId: search }} underline="always">
          Show {search}
        </RouterLink>
      }
    >
      It may belong to a tenant, or to a deleted tenant that has a receipt.
    </Empty>
  );
}

const COLUMNS: Column<Schemas['Tenant']>[] = [
  {
    title: 'Name',
    cell: ({ id, name }) => (
      <>
        <RouterLink to="/platform/tenants/$tenantId" params={{ tenantId: id }} fw={600}>
          {name}
        </RouterLink>
        <Text size="xs" c="dimmed">
          {id}
        </Text>
      </>
    ),
  },
  { title: 'Time zone', from: 'sm', cell: ({ time_zone: zone }) => zone },
  { title: 'Contact address', from: 'md', cell: ({ contact_email: email }) => email ?? '–' },
  { title: 'Created', from: 'sm', cell: ({ created_at: at }) => <Instant at={at} /> },
];
