/** What an integration's settings have to fulfil together, at creation and at every change. */
import type { RecordTypeMappings } from '../db/tables';
import type { JsonObject } from '../domain/json';
import { type DescribedConnector, findContradictions } from './connector-catalogue';
import { HttpError } from './http-error';
import { findMappingProblems, toMappings, type WireMappings } from './wire/mapping';

/** Mappings as given, or the connector's own where none are. Throws `invalid_mapping`. */
export function readMappings(connector: DescribedConnector, config: JsonObject, wire: WireMappings | undefined): RecordTypeMappings {
  const [onDeleteDefault] = connector.onDelete;
  const mappings = wire === undefined ? connector.defaultMappings?.(config) : toMappings(wire, onDeleteDefault ?? 'leave');
  if (mappings === undefined) {
    const message = 'This connector has no mappings of its own: say which fields go where.';
    throw new HttpError('invalid_mapping', { errors: [{ pointer: '/record_types', code: 'required', message }] });
  }
  checkMappings(connector, config, mappings);
  return mappings;
}

/** Also to be asked when only the configuration changes. Throws `invalid_mapping`. */
export function checkMappings(connector: DescribedConnector, config: JsonObject, mappings: RecordTypeMappings): void {
  const problems = findMappingProblems(mappings, connector.onDelete);
  const errors = problems.length > 0 ? problems : findContradictions(connector, config, mappings);
  if (errors.length > 0) throw new HttpError('invalid_mapping', { errors });
}

/** The maximum wait must exceed the grace period (semantics.md 2). Throws `invalid_settings`. */
export function checkWaits({ gracePeriodMs, maxWaitMs }: { gracePeriodMs: number; maxWaitMs: number | null }): void {
  if (maxWaitMs === null || maxWaitMs > gracePeriodMs) return;
  const message = `max_wait_ms must exceed grace_period_ms (${gracePeriodMs}), or be null.`;
  throw new HttpError('invalid_settings', { errors: [{ pointer: '/max_wait_ms', code: 'too_small', message }] });
}
