import { Alert, Button } from '@mantine/core';
import { useInfiniteQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { Info } from 'lucide-react';
import { recordsQuery } from '../../api/queries';
import { CopyAsCurl } from '../../common/CopyAsCurl';
import { ListTable } from '../../common/ListTable';
import { Page } from '../../common/Page';
import { Empty } from '../../common/States';
import { useRecordTypeLabel } from '../../shell/record-types';
import { RecordFilters } from './RecordFilters';
import { useRecordColumns } from './use-record-columns';

const route = getRouteApi('/shell/records/$recordType');

export function RecordsPage() {
  const { recordType } = route.useParams();
  const search = route.useSearch();
  const label = useRecordTypeLabel(recordType);
  const records = useInfiniteQuery(recordsQuery(recordType, search));
  const [firstPage] = records.data?.pages ?? [];
  const columns = useRecordColumns(recordType, firstPage?.data ?? []);
  const isFiltered =
    search.q !== undefined || search.status !== undefined || search.integration_id !== undefined;
  return (
    <Page title={label} actions={<CopyAsCurl path={`/records/${recordType}`} query={search} />}>
      {firstPage?.is_partial && (
        <Alert color="blue" variant="light" icon={<Info aria-hidden />}>
          The initial sync is in progress, so this list may be incomplete.
        </Alert>
      )}
      <RecordFilters />
      <ListTable
        label={label}
        query={records}
        columns={columns}
        rowKey={(record) => record.id}
        isSearch={isFiltered}
        empty={isFiltered ? <NoMatch label={label} /> : <NoRecords label={label} />}
      />
    </Page>
  );
}

function NoMatch({ label }: { label: string }) {
  const navigate = route.useNavigate();
  return (
    <Empty
      title="No matching records"
      action={
        <Button variant="default" onClick={() => void navigate({ search: {} })}>
          Show all {label.toLowerCase()}
        </Button>
      }
    >
      Change the search or the filters.
    </Empty>
  );
}

function NoRecords({ label }: { label: string }) {
  return (
    <Empty title={`No ${label.toLowerCase()} yet`}>
      Records come from your product (PUT /v1/records/{'{record_type}'}/…) or are imported from an app.
    </Empty>
  );
}
