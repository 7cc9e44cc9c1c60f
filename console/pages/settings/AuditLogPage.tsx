import { Group, TextInput } from '@mantine/core';
import { useInfiniteQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { useState } from 'react';
import { auditLogQuery } from '../../api/queries';
import { CopyAsCurl } from '../../common/CopyAsCurl';
import { Page } from '../../common/Page';
import { useTypedSearch } from '../records/use-typed-search';
import { AuditEntries } from './AuditEntries';

const route = getRouteApi('/shell/settings/audit-log');

export function AuditLogPage() {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const [action, setAction] = useState(search.action ?? '');
  const entries = useInfiniteQuery(auditLogQuery(search));
  const filter = useTypedSearch(
    (value) => void navigate({ search: { action: value === '' ? undefined : value }, replace: true }),
  );
  return (
    <Page
      title="Audit log"
      subtitle="All changes, with the user or key, the target and the IP address."
      actions={<CopyAsCurl path="/audit-log" query={search} />}
    >
      <Group role="search">
        <TextInput
          label="Action"
          placeholder="integration.paused"
          value={action}
          onChange={(event) => {
            setAction(event.currentTarget.value);
            filter(event.currentTarget.value);
          }}
        />
      </Group>
      <AuditEntries query={entries} isFiltered={search.action !== undefined} />
    </Page>
  );
}
