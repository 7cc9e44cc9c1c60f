/**
 * An integration that pulls, as an API client sees it: its runs, its jobs, what is held of the third party's
 * records.
 */
import { Client } from 'pg';
import { fromTypeId } from '../../../db/sql/ids';
import { ApiClient, type Json } from '../clients/api-client';
import type { Product, ProductTenant } from './product';
import type { ListServer } from '../servers/list-server';
import { until } from '../until';

export type RequestableKind = 'full' | 'incremental' | 'last_day';

export class PullingIntegration {
  private constructor(
    private readonly api: ApiClient,
    readonly id: string,
  ) {}

  /** Links it; its onboarding begins by itself. Without a check, because tests count what is read. */
  static async link({ api }: ProductTenant, body: object): Promise<PullingIntegration> {
    // Nothing comes by itself while a test looks.
    const { id } = await api.must('POST', '/v1/integrations?check=false', {
      is_hourly_sync_on: false,
      nightly_sync_at: null,
      ...body,
    });
    return new PullingIntegration(api, id);
  }

  /** One that is linked already. */
  static of({ api }: ProductTenant, id: string): PullingIntegration {
    return new PullingIntegration(api, id);
  }

  /** The same, and waits until it can be used. */
  static async onboarded(tenant: ProductTenant, body: object): Promise<PullingIntegration> {
    const integration = await PullingIntegration.link(tenant, body);
    await integration.untilOnboarding('complete');
    await integration.untilQuiet();
    return integration;
  }

  show = (): Promise<Json> => this.api.must('GET', `/v1/integrations/${this.id}`);
  act = (act: 'pause' | 'resume'): Promise<Json> =>
    this.api.must('POST', `/v1/integrations/${this.id}/${act}`);

  /** Changes settings with the ETag of the current version. */
  async change(body: object): Promise<void> {
    const { headers } = await this.api.call('GET', `/v1/integrations/${this.id}`);
    await this.api.must('PATCH', `/v1/integrations/${this.id}?check=false`, body, {
      'if-match': headers.get('etag') ?? '',
    });
  }

  untilOnboarding = (state: string, timeoutMs = 120_000): Promise<unknown> =>
    until(
      `the onboarding is ${state}`,
      async () => (await this.show()).onboarding.state === state,
      timeoutMs,
    );

  start = (kind: RequestableKind, more: object = {}): Promise<Json> =>
    this.api.must('POST', `/v1/integrations/${this.id}/sync-runs`, { kind, ...more });

  /** A run from the request to its end; what it brought forward is not waited for. */
  async sync(kind: RequestableKind, more: object = {}): Promise<Json> {
    return this.untilEnded((await this.start(kind, more)).id);
  }

  run = (runId: string): Promise<Json> => this.api.must('GET', `/v1/sync-runs/${runId}`);
  runs = (): Promise<Json[]> => this.api.list(`/v1/sync-runs?integration_id=${this.id}`);

  untilEnded = (runId: string, timeoutMs = 120_000): Promise<Json> =>
    until(
      `${runId} has ended`,
      () => this.run(runId).then((run) => run.finished_at !== null && run),
      timeoutMs,
    );

  untilState = (runId: string, state: string): Promise<Json> =>
    until(`${runId} is ${state}`, () => this.run(runId).then((run) => run.state === state && run));

  /** No run is at work and none waits behind it. */
  untilQuiet = (timeoutMs = 120_000): Promise<unknown> =>
    until(
      'no run is open',
      async () => (await this.runs()).every((run) => run.finished_at !== null),
      timeoutMs,
    );

  async job(runId: string, recordType: string | null = 'employees'): Promise<Json> {
    const { data } = await this.api.must('GET', `/v1/sync-runs/${runId}/jobs`);
    const job = (data as Json[]).find((one) => one.record_type === recordType);
    if (job === undefined) throw new Error(`The run ${runId} has no job for ${recordType ?? 'metadata'}.`);
    return job;
  }

  /** What a run did, by our ids without the integration's: `created a`. */
  async changes(runId: string): Promise<string[]> {
    const changes = await this.api.list(`/v1/sync-runs/${runId}/changes`);
    return changes
      .map((one) => `${one.change} ${(one.external_id as string).replace(`${this.id}:`, '')}`)
      .sort((a, b) => a.localeCompare(b));
  }

  /** The newest row of the Sync Status log. */
  async status(): Promise<Json> {
    return (await this.api.must('GET', `/v1/sync-status?integration_id=${this.id}&limit=1`)).data[0];
  }

  /** The fields of what came from there and is not deleted, by their id. */
  async held(recordType = 'employees'): Promise<Map<string, Json>> {
    const pulled = (await this.api.list(`/v1/records/${recordType}`)).filter((record) =>
      (record.external_id as string).startsWith(`${this.id}:`),
    );
    return new Map(
      pulled.map((record) => [(record.external_id as string).slice(this.id.length + 1), record.fields]),
    );
  }

  externalId = (remoteId: string): string => `${this.id}:${remoteId}`;
}

/** Where the tenant's e-mails go. */
export async function setContactAddress(
  product: Product,
  tenant: ProductTenant,
  contactEmail: string,
): Promise<void> {
  const platform = new ApiClient(product.apiUrl, product.platformKey);
  const { headers } = await platform.call('GET', `/v1/tenants/${tenant.id}`);
  await platform.must(
    'PATCH',
    `/v1/tenants/${tenant.id}`,
    { contact_email: contactEmail },
    { 'if-match': headers.get('etag') ?? '' },
  );
}

export interface Copy {
  /** Records that differ, plus records that only one side has. */
  differences: number;
  held: number;
  /** Pages that are recorded more than once, or out of order. */
  pagesNotedWrongly: number;
}

/** Compares what Syncline holds of a dataset with the list server, in SQL because there are many records. */
export async function compareCopy(
  databaseUrl: string,
  integrationId: string,
  lists: ListServer,
  dataset: string,
): Promise<Copy> {
  const client = new Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    const parameters = [fromTypeId('int', integrationId), dataset];
    const { rows } = await client.query<{ remote_id: string; name: string }>(
      `select link.remote_id, record.fields->>'name' as name from record_links link join records record using (tenant_id, record_id)
       where link.integration_id = $1 and link.record_type = $2 and record.deleted_at is null`,
      parameters,
    );
    const remote = lists.held(dataset);
    const same = rows.filter(({ remote_id: id, name }) => remote.get(id) === name).length;
    const pages = await client.query<{ wrong: number }>(
      `select coalesce(sum(abs(numbered.page - numbered.expected)), 0)::int as wrong from (
         select page.page, row_number() over (partition by page.sync_run_id order by page.page) - 1 as expected
         from sync_pages page join sync_runs run using (tenant_id, sync_run_id)
         where run.integration_id = $1 and page.record_type = $2 and page.seen is not null) numbered`,
      parameters,
    );
    return {
      differences: remote.size - same + (rows.length - same),
      held: rows.length,
      pagesNotedWrongly: pages.rows[0]?.wrong ?? -1,
    };
  } finally {
    await client.end();
  }
}
