/** Checks settings that a version of a definition makes, as linking does. */
import type { Connector } from '../../connectors/connector';
import { faultIn } from '../../domain/connector-fault';
import { findContradictions, findRefusedUrls, type WhyUrlIsRefused } from '../../domain/connector-settings';
import type { JsonObject } from '../../domain/json';
import { type ProblemDetail, pointerTo } from '../../domain/problem-detail';
import { findMappingProblems } from '../../domain/records/problems/mapping-problems';
import type { RecordTypeMapping, RecordTypeMappings } from '../../domain/records/mapping';
import type { ReadConfig, Settings } from '../../domain/third-parties/definition';

const PROBLEMS_MAX = 100;

/** With the connector's defaults, if it accepts the configuration; `checkSettings` says why it does not. */
export const lenientConfig =
  ({ configSchema }: Pick<Connector, 'configSchema'>): ReadConfig =>
  (config) => {
    const parsed = configSchema.safeParse(config);
    return parsed.success ? (parsed.data as JsonObject) : config;
  };

/** @throws ConnectorFault, which says nothing about the settings */
export function checkSettings(
  connector: Connector,
  { config, recordTypes }: Settings,
  whyUrlIsRefused: WhyUrlIsRefused,
): ProblemDetail[] {
  const parsed = connector.configSchema.safeParse(config);
  const fault = parsed.success ? undefined : faultIn(parsed.error);
  if (fault !== undefined) throw fault;
  if (!parsed.success)
    return parsed.error.issues.slice(0, PROBLEMS_MAX).map(({ path, message }) => ({
      pointer: pointerTo(['config', ...path.map((part) => (typeof part === 'symbol' ? String(part) : part))]),
      code: 'invalid_value',
      message,
    }));
  const remains = findRemains(recordTypes);
  if (remains.length > 0) return remains.slice(0, PROBLEMS_MAX);
  const read = parsed.data as JsonObject;
  return [
    ...findRefusedUrls(read, connector.hosts(read), whyUrlIsRefused),
    ...findMappingProblems(recordTypes, connector.onDelete),
    ...findContradictions(connector, read, recordTypes),
  ].slice(0, PROBLEMS_MAX);
}

/** Of a record type that the version does not have, what the integration has changed is all that is left. */
function findRemains(recordTypes: RecordTypeMappings): ProblemDetail[] {
  const mappings: [string, Partial<RecordTypeMapping>][] = Object.entries(recordTypes);
  return mappings.flatMap(([recordType, { direction, fields, onDelete }]) =>
    direction !== undefined && fields !== undefined && onDelete !== undefined
      ? []
      : [
          {
            pointer: pointerTo(['record_types', recordType]),
            code: 'not_in_version',
            message:
              'The version does not have this record type, and the integration has changed its mapping. ' +
              'Remove the record type from the integration, or publish a version that has it.',
          },
        ],
  );
}
