import { Checkbox, Group } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { integrationsQuery } from '../../api/queries';
import { FilterSelect } from '../../common/FilterSelect';
import { statusLabel } from '../../common/StatusBadge';
import { SYNC_STATUSES } from '../../search';
import { SearchField } from './SearchField';

const route = getRouteApi('/shell/records/$recordType');
const STATUS_CHOICES = SYNC_STATUSES.map((value) => ({ value, label: statusLabel(value) }));

export function RecordFilters() {
  const { recordType } = route.useParams();
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const integrations = useQuery(integrationsQuery).data ?? [];
  const filter = (change: Partial<typeof search>) =>
    void navigate({ search: (before) => ({ ...before, ...change }), replace: true });
  return (
    <Group align="flex-end" role="search">
      <SearchField
        key={recordType}
        placeholder="Name, e-mail, id … (press /)"
        initial={search.q ?? ''}
        onSearch={(q) => filter({ q: q === '' ? undefined : q })}
      />
      <FilterSelect
        label="Status"
        w={{ base: 'calc(50% - 8px)', sm: 160 }}
        choices={STATUS_CHOICES}
        value={search.status}
        onChange={(status) => filter({ status })}
      />
      <FilterSelect
        label="Integration"
        w={{ base: 'calc(50% - 8px)', sm: 220 }}
        choices={integrations
          .filter((one) => recordType in one.record_types)
          .map((one) => ({ value: one.id, label: `${one.app} (${one.account_name})` }))}
        value={search.integration_id}
        onChange={(id) => filter({ integration_id: id })}
      />
      <Checkbox
        label="Include deleted"
        pb={8}
        checked={search.include_deleted === 'true'}
        onChange={(event) => filter({ include_deleted: event.currentTarget.checked ? 'true' : undefined })}
      />
    </Group>
  );
}
