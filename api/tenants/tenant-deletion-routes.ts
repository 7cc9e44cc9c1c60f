/** Deleting a tenant with everything that belongs to it, and the receipt (rules.md 62). */
import { z } from 'zod';
import type { TenantWork } from '../../db/database';
import {
  findTenantDeletion,
  requestTenantDeletion,
  type TenantDeletion,
} from '../../db/erasures/tenant-deletions';
import { toTypeId } from '../../db/sql/ids';
import { PLATFORM_TENANT_ID } from '../../db/tables/tenants';
import { lockTenant } from '../../db/tenants/tenants';
import { HttpError } from '../http/http-error';
import { instant, toInstant, typeId } from '../routing/common-schemas';
import { defineRoute, type Route } from '../routing/define-route';
import { endSubscriptions } from './end-subscriptions';
import { tenantParams } from './tenant-schema';

const tag = 'Tenants';

const deletionView = z
  .object({
    tenant_id: typeId('ten'),
    state: z.enum(['ending', 'removing', 'done']).meta({
      description:
        '`ending`: its work ends. `removing`: rows are deleted in the background. `done`: none is left.',
    }),
    deleted_rows: z
      .record(z.string(), z.int())
      .meta({ description: 'How many rows were deleted, by table.', example: { records: 1200 } }),
    webhook_subscriptions: z
      .object({ canceled: z.int(), left: z.int() })
      .nullable()
      .meta({
        description:
          'How many integrations had their webhook subscriptions at the app canceled, and how many still ' +
          'have some: those end by themselves, or an admin of the app removes them. null = unknown.',
      }),
    request_id: z.string(),
    requested_at: instant,
    finished_at: instant.nullable(),
  })
  .meta({ id: 'TenantDeletion' });

export const tenantDeletionRoutes: readonly Route[] = [
  defineRoute({
    scope: 'named_tenant_after_trial',
    method: 'delete',
    path: '/v1/tenants/{tenant_id}',
    operationId: 'deleteTenant',
    tag,
    summary: 'Delete a tenant',
    description:
      'This cannot be undone. First, webhook subscriptions at the apps of its integrations are canceled, for ' +
      'up to 50 seconds; nothing else is changed there. Then the tenant is invisible at once: its API keys ' +
      'and sessions are refused, and none of its work begins any more. All its rows are deleted in the ' +
      'background.',
    params: tenantParams,
    query: z.strictObject({
      name: z.string().max(200).meta({ description: 'The name of the tenant, as a confirmation.' }),
    }),
    tenantOf: ({ params }) => params.tenant_id,
    responses: { 202: { description: 'The tenant was deleted.', schema: deletionView } },
    problems: ['tenant_name_differs'],
    action: 'tenant.deleted',
    async prepare(work, { query }, context) {
      await requireName(work, query);
      const ending = await endSubscriptions(work, context);
      return async () => {
        const countLeft = await ending();
        return async (later) => {
          await requireName(later, query);
          const subscriptions = await countLeft(later);
          const { requestId } = context;
          const body = toWire(await requestTenantDeletion(later, { requestId, subscriptions }));
          return { status: 202, body, audit: { target: body.tenant_id, detail: {} } };
        };
      };
    },
  }),

  defineRoute({
    scope: 'all_tenants',
    method: 'get',
    path: '/v1/tenants/{tenant_id}/deletion',
    operationId: 'showTenantDeletion',
    tag,
    summary: 'Show the receipt of a deleted tenant',
    description: 'The receipt has counts and instants, and no personal data. It stays.',
    params: tenantParams,
    responses: { 200: { description: 'The receipt.', schema: deletionView } },
    problems: ['tenant_deletion_not_found'],
    async run(work, { params }) {
      const found = await findTenantDeletion(work, { tenantId: params.tenant_id });
      if (found === undefined) throw new HttpError('tenant_deletion_not_found');
      return { status: 200, body: toWire(found) };
    },
  }),
];

async function requireName(work: TenantWork, { name }: { name: string }): Promise<void> {
  const tenant = await lockTenant(work);
  if (tenant === undefined || work.tenantId === PLATFORM_TENANT_ID) throw new HttpError('tenant_not_found');
  if (tenant.name !== name) throw new HttpError('tenant_name_differs');
}

function toWire(deletion: TenantDeletion): z.output<typeof deletionView> {
  return {
    tenant_id: toTypeId('ten', deletion.tenantId),
    state: deletion.state,
    deleted_rows: deletion.rows,
    webhook_subscriptions:
      deletion.subscriptionsCanceled === null || deletion.subscriptionsLeft === null
        ? null
        : { canceled: deletion.subscriptionsCanceled, left: deletion.subscriptionsLeft },
    request_id: deletion.requestId,
    requested_at: toInstant(deletion.requestedAt),
    finished_at: deletion.finishedAt === null ? null : toInstant(deletion.finishedAt),
  };
}
