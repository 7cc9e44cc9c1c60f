import { useInfiniteQuery } from '@tanstack/react-query';
import { platformAuditLogQuery } from '../../api/platform-queries';
import { CopyAsCurl } from '../../common/CopyAsCurl';
import { Page } from '../../common/Page';
import { AuditEntries } from '../settings/AuditEntries';

export function PlatformAuditLogPage() {
  const entries = useInfiniteQuery(platformAuditLogQuery);
  return (
    <Page
      title="Audit log"
      subtitle={
        'Sign-ins of operators, and changes of what belongs to the whole installation. Changes of a tenant ' +
        'are in the audit log of the tenant.'
      }
      actions={<CopyAsCurl path="/platform/audit-log" keyVariable="PLATFORM_KEY" />}
    >
      <AuditEntries query={entries} isFiltered={false} />
    </Page>
  );
}
