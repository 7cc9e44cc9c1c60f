/** The whole schema of version 0.2.0, by subject. Later changes are migrations of their own. */
import { type Kysely, sql } from 'kysely';
import { integrations } from './integrations';
import { notifications } from './notifications';
import { overviews } from './overviews';
import { platform } from './platform';
import { pull } from './pull';
import { records } from './records';
import { syncRuns } from './sync-runs';
import { tenants } from './tenants';
import { webhooks } from './webhooks';

/** In the order in which tables reference each other. */
const statements = [
  ...tenants,
  ...platform,
  ...notifications,
  ...webhooks,
  ...integrations,
  ...records,
  ...syncRuns,
  ...pull,
  ...overviews,
];

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db);
}
