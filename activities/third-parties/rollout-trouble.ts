/** Why a rollout, or the change of an integration, does not go on: in words for those who run Syncline. */
import { ConnectorError } from '../../connectors/errors';
import { EncryptionError } from '../../db/platform/encryption-keys';
import { sanitizeForPostgres } from '../../db/sql/sanitize-text';
import type { RolloutTrouble } from '../../db/tables/third-parties';
import type { ProblemDetail } from '../../domain/problem-detail';
import { isOfConnector } from '../integrations/connector-failures';

/** undefined: a fault that only the log of the worker explains. */
export function knownTrouble(error: unknown): RolloutTrouble | undefined {
  if (isOfConnector(error)) return { code: 'connector_not_usable', message: error.message };
  if (error instanceof ConnectorError) return { code: error.kind, message: error.message };
  if (error instanceof EncryptionError) return { code: 'cannot_decrypt', message: error.message };
  return undefined;
}

/** Of the whole rollout, which belongs to the platform: without the words of a tenant's third party. */
export function troubleOf(error: unknown): RolloutTrouble {
  if (error instanceof ConnectorError && !isOfConnector(error))
    return { code: error.kind, message: 'The third party of an integration refuses or does not answer.' };
  return (
    knownTrouble(error) ?? {
      code: 'worker_failed',
      message: 'A worker fails at the rollout; its log says why. It tries again by itself.',
    }
  );
}

/** The problems of an integration as they are stored. */
export const toColumn = (problems: readonly ProblemDetail[]): string =>
  JSON.stringify(sanitizeForPostgres(problems));

export const wholeOf = (trouble: RolloutTrouble): ProblemDetail => ({ pointer: '', ...trouble });

/** The problem of an integration if its dry run or change fails for an unknown reason. */
export const failedAt = (what: 'dry run' | 'change'): ProblemDetail =>
  wholeOf({ code: 'dry_run_failed', message: `A worker fails at the ${what}; its log says why.` });
