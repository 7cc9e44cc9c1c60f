/** Names of the workflow that deletes a tenant. Permanent: running workflows carry them. */
import { typeIdOf } from '../domain/typeid';

export const TENANT_DELETION_WORKFLOW = 'tenantDeletionWorkflow';

export interface TenantDeletionInput {
  tenantId: string;
}

export function tenantDeletionWorkflowId({ tenantId }: TenantDeletionInput): string {
  return `tenant-deletion:${typeIdOf('ten', tenantId)}`;
}

/** The type of the failure of an activity whose tenant was deleted. Its workflow ends. */
export const TENANT_DELETED = 'TenantDeleted';
