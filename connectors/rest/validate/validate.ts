/**
 * Problems of a configuration whose single values are valid: a creation that would be repeated after a lost
 * response, an unknown variable, a value that could break out of a filter, a mapping without a call for it,
 * or missing credentials. Messages are for the author of the configuration. Pointers begin with /config,
 * /record_types (the mappings) or /credentials.
 */
import { problemOfEntry } from '../../../domain/records/create-only';
import type { FieldMapping, RecordTypeMapping } from '../../../domain/records/mapping';
import { isSelector, parsePlace, toPath } from '../../../domain/records/place';
import { externalIdPointer } from '../http/calls';
import { isFieldName } from '../http/field-name';
import { fieldNameOf } from '../http/selected-fields';
import type { RecordTypeConfig, RestConfig } from '../config/config';
import type { RestCredentials } from '../config/config-auth';
import { isSafePath } from '../json-pointer';
import { problemsOfAnswers } from './validate-answers';
import { problemsOfAuth, problemsOfCredentials } from './validate-auth';
import { problemsOfBatches } from './validate-batch';
import { type Problem, problemsOfCall, problemsOfGet, problemsOfHeaders } from './validate-call';
import { isOnlyRead, problemsOfType, problemsOfUnusedRead } from './validate-record-type';
import { isInSentObject } from './validate-replacing';
import { problemsOfWebhooks } from './validate-webhooks';

/** All problems of a configuration; empty if there is none. Credentials are checked only if given. */
export function findRestProblems(
  config: RestConfig,
  mappings: Record<string, RecordTypeMapping>,
  credentials?: RestCredentials,
): Problem[] {
  return [
    ...Object.entries(config.record_types).flatMap(([name, type]) => [
      ...problemsOfType(`/config/record_types/${name}`, type),
      ...problemsOfUnusedRead(`/config/record_types/${name}`, type, mappings[name]),
    ]),
    ...problemsOfCall('/config/check', config.check, () => false),
    ...problemsOfGet('/config/check', config.check),
    ...problemsOfHeaders('/config/headers', config.headers, () => false),
    ...problemsOfAnswers(config),
    ...problemsOfAuth(config),
    ...problemsOfBatches(config),
    ...problemsOfWebhooks(config),
    ...Object.entries(mappings).flatMap(([name, mapping]) =>
      problemsOfMapping(`/record_types/${name}`, mapping, config.record_types[name]),
    ),
    ...(credentials === undefined ? [] : problemsOfCredentials(config, credentials)),
  ];
}

function problemsOfMapping(
  pointer: string,
  mapping: RecordTypeMapping,
  type: RecordTypeConfig | undefined,
): Problem[] {
  if (type === undefined)
    return [{ pointer, message: 'The configuration does not describe this record type.' }];
  const problems: Problem[] = [];
  const isPushed = mapping.direction !== 'pull';
  if (mapping.direction !== 'push' && type.list === undefined) {
    const message =
      'The configuration does not describe how to read these records. ' +
      'Add "list" (with path, items and paging) to the record type, or choose push.';
    problems.push({ pointer: `${pointer}/direction`, message });
  }
  if (isPushed && isOnlyRead(type)) {
    const message =
      'The configuration does not describe how to write these records. ' +
      'Add create and update, or upsert, to the record type, or choose pull.';
    problems.push({ pointer: `${pointer}/direction`, message });
  } else if (isPushed && mapping.onDelete !== 'leave' && type[mapping.onDelete] === undefined) {
    problems.push({
      pointer: `${pointer}/on_delete`,
      message: `The configuration does not describe ${mapping.onDelete}. Add it, or choose another on_delete.`,
    });
  }
  // A pull uses match_by to link records that exist in Syncline. A push would have to search by it.
  if (mapping.matchBy !== undefined && mapping.direction === 'push')
    problems.push({ pointer: `${pointer}/match_by`, message: insteadOfMatchBy(mapping, mapping.matchBy) });
  mapping.fields.forEach((field, index) => {
    const problem = problemOfField(field, type, { mapping, isPushed });
    if (problem !== undefined) problems.push({ pointer: `${pointer}/fields/${index}/to`, message: problem });
  });
  return problems;
}

const keepsOtherFields = ({ merge, partial }: NonNullable<RecordTypeConfig['update']>): boolean =>
  merge === true || partial === true;

function problemOfField(
  field: FieldMapping,
  type: RecordTypeConfig,
  { mapping, isPushed }: { mapping: RecordTypeMapping; isPushed: boolean },
): string | undefined {
  const { to, onlyOnCreate } = field;
  if (onlyOnCreate === true && type.upsert !== undefined)
    return 'The configuration creates and updates records in one call (upsert), so no field is sent on creation only.';
  if (onlyOnCreate === true && type.update?.method === 'PUT' && !keepsOtherFields(type.update))
    return 'Each update replaces the record (PUT), so a field that is sent on creation only would be lost. Set "merge": true.';
  if (type.read === undefined && type.update !== undefined && isInSentObject(field, mapping))
    return 'Updates send the object or list around this field without it, so it could be lost. Describe "read": what is there is then sent along.';
  const unclear = isPushed ? problemOfEntry(to, mapping.fields) : undefined;
  if (unclear !== undefined) return unclear;
  if (isPushed && parsePlace(to).some(isSelector))
    return 'This connector writes lists as a whole. A selected member of a list can only be read (pull).';
  const selected = type.fields && fieldNameOf(to, type.fields.below);
  if (selected !== undefined && !isFieldName(selected))
    return `${selected} cannot be asked for by name. Names have letters, digits and the characters _ . : -`;
  if (!isSafePath(toPath(to))) return 'The keys __proto__, constructor and prototype are not allowed.';
  const externalIdAt = externalIdPointer(type);
  if (externalIdAt !== undefined && toPath(to).join('/') === toPath(externalIdAt).join('/'))
    return `${to} contains the Syncline id of the record (external_id in the configuration) and cannot be mapped.`;
  return undefined;
}

/**
 * If match_by were accepted and ignored, it would create duplicates. `find` can search by the field instead.
 */
function insteadOfMatchBy({ fields }: RecordTypeMapping, matchBy: string): string {
  const to = fields.find(({ name }) => name === matchBy)?.to;
  const path = to === undefined ? ['…'] : toPath(to);
  const match = `"match": {"at": "/${path.map((key) => key.replaceAll('~', '~0').replaceAll('/', '~1')).join('/')}", "value": "{payload.${path.join('.')}}"}`;
  return [
    'This connector does not support match_by. Remove it, and let find in the configuration',
    `search by ${matchBy} and recognize the record by it: ${match}.`,
  ].join(' ');
}
