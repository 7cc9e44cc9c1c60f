import { Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { asProblem, type Schemas } from '../../api/client';
import { tenantByIdQuery } from '../../api/platform-queries';
import { CopyAsCurl } from '../../common/CopyAsCurl';
import { toNumber } from '../../common/formatting';
import { Page } from '../../common/Page';
import { type Column, RowsTable } from '../../common/RowsTable';
import { Section } from '../../common/Section';
import { Read } from '../../common/States';
import { Instant } from '../../common/Time';
import { DeletedTenantPage } from './DeletedTenantPage';
import { DeleteTenant } from './DeleteTenant';
import { ExportTenant } from './ExportTenant';
import { FirstAdmin } from './FirstAdmin';

type Tenant = Schemas['Tenant'];
const route = getRouteApi('/platform-shell/platform/tenants/$tenantId');

/** A tenant, or the receipt of a deleted one. */
export function TenantPage() {
  const { tenantId } = route.useParams();
  const tenant = useQuery(tenantByIdQuery(tenantId));
  if (tenant.error !== null && asProblem(tenant.error).code === 'tenant_deleted')
    return <DeletedTenantPage tenantId={tenantId} />;
  return (
    <Page
      title={tenant.data?.name ?? 'Tenant'}
      subtitle={tenantId}
      actions={
        <>
          <CopyAsCurl path={`/tenants/${tenantId}`} keyVariable="PLATFORM_KEY" />
          {tenant.data && <FirstAdmin tenant={tenant.data} />}
          {tenant.data && <DeleteTenant tenant={tenant.data} />}
        </>
      }
    >
      <Read query={tenant}>
        {(shown) => (
          <>
            <Section
              title="Settings"
              hint="Admins change the time zone and the contact address in their console."
            >
              <RowsTable
                label="Settings"
                columns={COLUMNS}
                rows={settingsOf(shown)}
                rowKey={([name]) => name}
              />
            </Section>
            <Section
              title="Export"
              hint={
                'Everything that the tenant has, as JSON lines, without passwords and keys. Export a tenant ' +
                'before you delete it.'
              }
            >
              <ExportTenant key={shown.id} tenant={shown} />
            </Section>
          </>
        )}
      </Read>
    </Page>
  );
}

type Setting = readonly [name: string, value: ReactNode];

const COLUMNS: Column<Setting>[] = [
  { title: 'Setting', cell: ([name]) => <Text fw={600}>{name}</Text> },
  { title: 'Value', cell: ([, value]) => value },
];

const limitOf = (count: number | null): string =>
  count === null ? 'That of the installation' : toNumber(count);

const settingsOf = ({ limits, ...tenant }: Tenant): Setting[] => [
  ['Time zone', tenant.time_zone],
  ['Contact address', tenant.contact_email ?? 'None'],
  ['Limit of integrations', limitOf(limits.integrations)],
  ['Limit of records of a type', limitOf(limits.records_per_type)],
  ['Created', <Instant key="created" at={tenant.created_at} />],
  ['Changed', <Instant key="changed" at={tenant.updated_at} />],
];
