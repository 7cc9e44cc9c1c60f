import { Checkbox, Group, TextInput } from '@mantine/core';
import { useDebouncedCallback, useHotkeys } from '@mantine/hooks';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { Search } from 'lucide-react';
import { useRef, useState } from 'react';
import { integrationsQuery } from '../../api/queries';
import { FilterSelect } from '../../common/FilterSelect';
import { statusLabel } from '../../common/StatusBadge';
import { SYNC_STATUSES } from '../../search';

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

function SearchField({ initial, onSearch }: { initial: string; onSearch: (words: string) => void }) {
  const [words, setWords] = useState(initial);
  const field = useRef<HTMLInputElement>(null);
  const search = useDebouncedCallback(onSearch, 250);
  useHotkeys([['/', () => field.current?.focus()]]);
  return (
    <TextInput
      ref={field}
      type="search"
      label="Search"
      placeholder="Name, e-mail, id … (press /)"
      leftSection={<Search size={14} aria-hidden />}
      w={{ base: '100%', sm: 280 }}
      maxLength={200}
      value={words}
      onChange={(event) => {
        setWords(event.currentTarget.value);
        search(event.currentTarget.value.trim());
      }}
    />
  );
}
