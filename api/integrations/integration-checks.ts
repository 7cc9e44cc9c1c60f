/** Checks that the settings of an integration fit together, at creation and at every change. */
import type { Integration } from '../../db/integrations/integrations';
import { findContradictions } from '../../domain/connector-settings';
import type { RecordTypeMappings } from '../../domain/records/mapping';
import { findMappingProblems } from '../../domain/records/problems/mapping-problems';
import type { JsonObject } from '../../domain/json';
import type { DescribedConnector } from './connector-catalogue';
import { HttpError, type ProblemDetail } from '../http/http-error';
import type { WireMappings } from './mapping-schema';
import { toMappings } from './mappings/wire-mappings';

/**
 * Returns the given mappings, or the defaults of the connector. Throws `invalid_mapping`. `checkTogether`
 * checks them with the rest.
 */
export function readMappings(
  connector: DescribedConnector,
  config: JsonObject,
  wire: WireMappings | undefined,
): RecordTypeMappings {
  const [onDeleteDefault] = connector.onDelete;
  const mappings =
    wire === undefined ? connector.defaultMappings?.(config) : toMappings(wire, onDeleteDefault ?? 'leave');
  if (mappings === undefined) {
    const message = 'This connector has no default mappings. List the fields and where they go.';
    throw new HttpError('invalid_mapping', {
      errors: [{ pointer: '/record_types', code: 'required', message }],
    });
  }
  const errors = findMappingProblems(mappings, connector.onDelete);
  if (errors.length > 0) throw new HttpError('invalid_mapping', { errors });
  return mappings;
}

/**
 * Must also run when only one part changes. All contradictions are reported under the code of the part to fix
 * first. Throws `invalid_config`, `invalid_mapping` or `invalid_credentials_shape`.
 */
export function checkTogether(
  connector: DescribedConnector,
  config: JsonObject,
  mappings: RecordTypeMappings,
  credentials?: JsonObject,
): void {
  const errors = findContradictions(connector, config, mappings, credentials);
  if (errors.length === 0) return;
  if (errors.some(isAbout('config'))) throw new HttpError('invalid_config', { errors });
  throw new HttpError(
    errors.every(isAbout('credentials')) ? 'invalid_credentials_shape' : 'invalid_mapping',
    { errors },
  );
}

/**
 * For new credentials of an existing integration: problems in its other settings are ignored. Throws
 * `invalid_credentials_shape`.
 */
export function checkCredentials(
  connector: DescribedConnector,
  { config, recordTypes }: Integration,
  credentials: JsonObject,
): void {
  const errors = findContradictions(connector, config, recordTypes, credentials).filter(
    isAbout('credentials'),
  );
  if (errors.length > 0) throw new HttpError('invalid_credentials_shape', { errors });
}

const isAbout =
  (part: string) =>
  ({ pointer }: ProblemDetail): boolean =>
    pointer === `/${part}` || pointer.startsWith(`/${part}/`);

/** The maximum wait must exceed the grace period (rules.md 2). Throws `invalid_settings`. */
export function checkWaits({
  gracePeriodMs,
  maxWaitMs,
}: {
  gracePeriodMs: number;
  maxWaitMs: number | null;
}): void {
  if (maxWaitMs === null || maxWaitMs > gracePeriodMs) return;
  const message = `max_wait_ms must exceed grace_period_ms (${gracePeriodMs}), or be null.`;
  throw new HttpError('invalid_settings', {
    errors: [{ pointer: '/max_wait_ms', code: 'too_small', message }],
  });
}
