/** Whether a failed call to Temporal says that Temporal is away, and nothing about what was sent. */
import { isGrpcServiceError } from '@temporalio/client';

/** gRPC's CANCELLED, DEADLINE_EXCEEDED, PERMISSION_DENIED, RESOURCE_EXHAUSTED, UNAVAILABLE, no identity. */
const AWAY = new Set([1, 4, 7, 8, 14, 16]);

export function isTemporalAway(error: unknown): boolean {
  if (isGrpcServiceError(error)) return AWAY.has(error.code);
  return error instanceof Error && error.cause !== undefined && isTemporalAway(error.cause);
}
