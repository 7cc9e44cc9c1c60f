/** What is wrong with the configuration and the mappings taken together. */
import type { RecordTypeMapping } from '../../domain/records/mapping';
import { type Place, isPosition, isSelector, parsePlace } from '../../domain/records/place';
import type { ResourceTypeConfig, ScimConfig } from './config';
import { isUserType } from './fields';
import { AttributeNames, attributePath, selectingPaths } from './names';

interface Problem {
  pointer: string;
  message: string;
}

/** Attributes that the connector or the server sets (RFC 7643 3.1). */
const RESERVED = new Set(['id', 'externalid', 'meta', 'schemas']);

const STANDARD_NAMES = new AttributeNames();

export function findScimProblems(config: ScimConfig, mappings: Record<string, RecordTypeMapping>): Problem[] {
  return Object.entries(mappings).flatMap(([recordType, mapping]) => {
    const pointer = `/record_types/${recordType}`;
    const type = config.record_types[recordType];
    if (!type) return [{ pointer, message: `The configuration has no record type ${recordType}.` }];
    return [...findTypeProblems(type, mapping, pointer), ...findFieldProblems(mapping, pointer)];
  });
}

function findTypeProblems(type: ResourceTypeConfig, mapping: RecordTypeMapping, pointer: string): Problem[] {
  const problems: Problem[] = [];
  if (mapping.onDelete === 'deactivate' && type.active_attribute === null)
    problems.push({
      pointer: `${pointer}/on_delete`,
      message: `A ${type.resource_type} cannot be deactivated in the third party. Choose delete or leave.`,
    });
  const hasUserName = mapping.fields.some(({ to }) => keyOf(attributePath(to)) === 'username');
  if (isUserType(type) && mapping.direction !== 'pull' && !hasUserName)
    problems.push({
      pointer: `${pointer}/fields`,
      message: 'SCIM requires a userName of every User (RFC 7643 4.1.1). Map a field to /userName.',
    });
  return problems;
}

function findFieldProblems({ fields }: RecordTypeMapping, pointer: string): Problem[] {
  const spellings = new Map<string, string>();
  return fields.flatMap(({ to }, index) => {
    const place = parsePlace(to);
    const selecting = selectingPaths(to);
    const [message] = [
      problemOfPlace(place),
      ...selecting.map(problemOfSelecting),
      ...[attributePath(to), ...selecting].map((path) => problemOfSpelling(path, spellings)),
    ].filter((problem) => problem !== undefined);
    return message === undefined ? [] : [{ pointer: `${pointer}/fields/${index}/to`, message }];
  });
}

function problemOfPlace(place: Place): string | undefined {
  const [attribute] = place;
  if (typeof attribute === 'string' && RESERVED.has(attribute.toLowerCase()))
    return `${attribute} is set by the service itself and cannot be mapped.`;
  if (place.some(isPosition))
    return (
      'The order of a SCIM list has no meaning. Select the member by a sub-attribute: ' +
      'emails[type eq "work"].value, or emails[primary eq true].value.'
    );
  if (place.some((step) => typeof step === 'string' && /[[\]]/.test(step)))
    return 'The selector is not valid. Write it like emails[type eq "work"].value, with eq and and only.';
  if (isSelector(place.at(-1))) return 'Add the sub-attribute, as in emails[type eq "work"].value.';
  const selected = place.find(
    (step, depth): step is string => typeof step === 'string' && isSelectedBy(place[depth - 1], step),
  );
  if (selected !== undefined)
    return `${selected} is already set by the selector. Remove this field, or select by another sub-attribute.`;
  return undefined;
}

function isSelectedBy(step: Place[number] | undefined, name: string): boolean {
  return (
    isSelector(step) && step.where.some((condition) => condition.name.toLowerCase() === name.toLowerCase())
  );
}

/** Names are case-insensitive, so all fields must write a name the same way. */
function problemOfSpelling(path: readonly string[], spellings: Map<string, string>): string | undefined {
  for (const [depth, name] of path.entries()) {
    const key = keyOf(path.slice(0, depth + 1));
    const other = spellings.get(key) ?? name;
    spellings.set(key, other);
    if (other !== name) return `Another field writes this attribute as ${other}. Write it the same way here.`;
  }
  return undefined;
}

/** `type` and `primary` are known by name when a list is written. */
function problemOfSelecting(path: readonly string[]): string | undefined {
  const name = path.at(-1) ?? '';
  const standard = STANDARD_NAMES.spell(path);
  return name === standard ? undefined : `Write the selector with ${standard} instead of ${name}.`;
}

function keyOf(path: readonly string[]): string {
  return path.join('/').toLowerCase();
}
