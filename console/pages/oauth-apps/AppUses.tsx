import type { Schemas } from '../../api/client';
import type { AppOwner } from '../../api/oauth-app-queries';
import { toNumber } from '../../common/formatting';
import { RouterLink } from '../../common/RouterLink';
import { type Column, RowsTable } from '../../common/RowsTable';
import { Section } from '../../common/Section';
import { Empty } from '../../common/States';

type Use = Schemas['OAuthApp']['uses'][number];

/** What uses the app, by definition. */
export function AppUses({ owner, app }: { owner: AppOwner; app: Schemas['OAuthApp'] }) {
  return (
    <Section
      title="Used by"
      hint="Integrations that name this app, or whose account it has connected. An app in use cannot be deleted."
    >
      {app.uses.length === 0 ? (
        <Empty title="Nothing uses this app yet">
          Choose it where a product is connected, or name its id ({app.id}) as <code>app_id</code> in a
          configuration.
        </Empty>
      ) : (
        <RowsTable
          label="Used by"
          columns={owner === 'platform' ? PLATFORM_COLUMNS : TENANT_COLUMNS}
          rows={app.uses}
          rowKey={({ definition_key: key }) => key ?? ''}
        />
      )}
    </Section>
  );
}

const NO_DEFINITION = 'No definition';
const COUNTS: Column<Use>[] = [
  { title: 'Integrations', isFigure: true, cell: ({ integrations }) => toNumber(integrations) },
  { title: 'Accounts connected', isFigure: true, cell: ({ connected }) => toNumber(connected) },
];
const TENANT_COLUMNS: Column<Use>[] = [
  { title: 'Definition', cell: ({ definition_key: key }) => key ?? NO_DEFINITION },
  ...COUNTS,
];
const PLATFORM_COLUMNS: Column<Use>[] = [
  {
    title: 'Definition',
    cell: ({ definition_key: key }) =>
      key === null ? (
        NO_DEFINITION
      ) : (
        <RouterLink
          to="/platform/definitions/$definitionKey"
          params={{ definitionKey: key }}
          underline="always"
        >
          {key}
        </RouterLink>
      ),
  },
  ...COUNTS,
  { title: 'Tenants', isFigure: true, cell: ({ tenants }) => toNumber(tenants) },
];
