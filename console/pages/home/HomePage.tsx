/** The first page: what needs attention, what is pending, how fresh integrations are, and the last runs. */
import { useQuery } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { Plus } from 'lucide-react';
import { integrationsQuery, recentSyncRunsQuery, syncSummaryQuery } from '../../api/queries';
import { ActionButton } from '../../common/ActionButton';
import { CopyAsCurl } from '../../common/CopyAsCurl';
import { Page } from '../../common/Page';
import { RouterLink } from '../../common/RouterLink';
import { Section } from '../../common/Section';
import { Empty, Read } from '../../common/States';
import { useRefusal, useSession } from '../../session/session';
import { RecentSyncRuns } from '../sync-logs/SyncRunTable';
import { FigureLinks } from './FigureLinks';
import { FreshnessTable } from './FreshnessTable';
import { useAttention, usePending } from './use-figures';

export function HomePage() {
  const { tenant } = useSession();
  const integrations = useQuery(integrationsQuery);
  return (
    <Page
      title="Home"
      subtitle={`The sync of ${tenant.name} at a glance. Each figure links to the list that it counts.`}
      actions={<CopyAsCurl path="/sync-summary" />}
    >
      <Read query={integrations}>{(all) => (all.length === 0 ? <NothingConnected /> : <Summary />)}</Read>
    </Page>
  );
}

function NothingConnected() {
  const navigate = useNavigate();
  return (
    <Empty
      title="No app is connected yet"
      action={
        <ActionButton
          leftSection={<Plus size={16} aria-hidden />}
          refusal={useRefusal('admin')}
          onClick={() => void navigate({ to: '/integrations/new' })}
        >
          Connect an app
        </ActionButton>
      }
    >
      Connect an HR, CRM or identity system to push your records to it, or to import its records.
    </Empty>
  );
}

function Summary() {
  const summary = useQuery(syncSummaryQuery);
  const runs = useQuery(recentSyncRunsQuery);
  const attention = useAttention(summary.data);
  const pending = usePending(summary.data);
  return (
    <>
      <Section title="Needs attention">
        <Read query={summary} rows={3}>
          {() => <FigureLinks figures={attention} empty="Nothing needs your attention." />}
        </Read>
      </Section>
      <Section title="Pending" hint="Changes that are being pushed, or wait for their grace period to end.">
        <Read query={summary} rows={2}>
          {() => <FigureLinks figures={pending} empty="No changes are pending." />}
        </Read>
      </Section>
      <Section title="Integrations" hint="When each app was last read, and when it is read next.">
        <Read query={summary} rows={3}>
          {(shown) => <FreshnessTable summary={shown} />}
        </Read>
      </Section>
      <Section
        title="Last sync runs"
        actions={
          <RouterLink to="/sync-runs" size="sm" underline="always">
            All Sync Logs
          </RouterLink>
        }
      >
        <Read query={runs} rows={3}>
          {(shown) => <RecentSyncRuns runs={shown} />}
        </Read>
      </Section>
    </>
  );
}
