/**
 * Problems of a record type: a creation that would be repeated after a lost response, and a search that could
 * return another record.
 */
import type { RecordTypeMapping } from '../../../domain/records/mapping';
import { externalIdPointer, isOwnId, sendsVersion } from '../http/calls';
import type { RecordTypeConfig } from '../config/config';
import type { CallConfig } from '../config/config-call';
import { isCharacterAllowed } from '../http/character-set';
import { textsIn, textVariables } from '../http/templates';
import {
  isAddressedByOurId,
  type Problem,
  problemsOfCall,
  problemsOfGet,
  unknownVariable,
} from './validate-call';
import { problemsOfPaging } from './validate-paging';
import { problemsOfReading } from './validate-read';
import { isInSentObject, merges, problemsOfReplacing } from './validate-replacing';

const CALLS = ['find', 'read', 'create', 'update', 'upsert', 'delete', 'deactivate', 'activate'] as const;

export function problemsOfType(pointer: string, type: RecordTypeConfig): Problem[] {
  const hasOwnId = isOwnId(type.id);
  const calls = CALLS.flatMap((name) => {
    const call = type[name];
    if (call === undefined) return [];
    const isKnown = (variable: string) =>
      variable === 'external_id' ||
      variable === 'push_id' ||
      variable.startsWith('payload.') ||
      (variable === 'version' && name === 'update' && type.version !== undefined) ||
      (variable === 'fields' && name === 'read' && type.fields !== undefined) ||
      (variable === 'random_password' && name === 'create') ||
      (variable === 'remote_id' && (hasOwnId || !['find', 'create', 'upsert'].includes(name)));
    const isRead = name === 'find' || name === 'read';
    return [
      ...problemsOfCall(`${pointer}/${name}`, call as Partial<CallConfig>, isKnown),
      ...(isRead ? problemsOfGet(`${pointer}/${name}`, call as CallConfig) : []),
    ];
  });
  return [
    ...calls,
    ...problemsOfId(pointer, type),
    ...(isOnlyRead(type) ? [] : problemsOfWrites(pointer, type, hasOwnId)),
    ...problemsOfReplacing(pointer, type, hasOwnId),
    ...problemsOfCreateOnly(`${pointer}/create_only`, type),
    ...problemsOfSwitches(pointer, type),
    ...problemsOfReads(pointer, type, hasOwnId),
    ...problemsOfReading(pointer, type),
    ...problemsOfKnownFields(pointer, type),
  ];
}

/** A record type that is only pulled has a list, and no call that only pushes use. */
export function isOnlyRead(type: RecordTypeConfig): boolean {
  return type.list !== undefined && CALLS.every((name) => name === 'read' || type[name] === undefined);
}

/** Either create and update, where create is safe to repeat, or upsert. */
function problemsOfWrites(pointer: string, type: RecordTypeConfig, hasOwnId: boolean): Problem[] {
  if (type.upsert !== undefined) {
    const others = (['create', 'update'] as const).filter((name) => type[name] !== undefined);
    return [
      ...others.map((name) => ({
        pointer: `${pointer}/${name}`,
        message: `upsert replaces create and update. Remove ${name} or upsert.`,
      })),
      ...(isAddressedByOurId(type.upsert, hasOwnId)
        ? []
        : [
            {
              pointer: `${pointer}/upsert/path`,
              message:
                'The path of upsert must contain {external_id} or an id that Syncline assigns. ' +
                'Otherwise every call would change the same record.',
            },
          ]),
    ];
  }
  const missing = (['create', 'update'] as const).filter((name) => type[name] === undefined);
  if (missing.length > 0)
    return missing.map((name) => ({
      pointer: `${pointer}/${name}`,
      message: `${name} is missing. Set create and update, or upsert.`,
    }));
  if (type.find !== undefined || hasOwnId || type.create?.idempotency_header !== undefined) return [];
  const message =
    'If a response is lost, the record would be created twice. Set find, or an id that Syncline assigns ' +
    '(id.template), or the header in which the third party accepts an idempotency key (idempotency_header).';
  return [{ pointer: `${pointer}/create`, message }];
}

function problemsOfId(pointer: string, { id }: RecordTypeConfig): Problem[] {
  if (!isOwnId(id)) return [];
  const unknown = textVariables(id.template).filter((name) => name !== 'external_id');
  const sign = id.otherwise;
  return [
    ...unknown.map((name) => ({
      pointer: `${pointer}/id/template`,
      message: `{${name}} is not known here. An id that Syncline assigns is formed from {external_id}.`,
    })),
    ...(sign !== undefined && isCharacterAllowed(id.allow, sign)
      ? [
          {
            pointer: `${pointer}/id/otherwise`,
            message: `${sign} introduces an escaped character, so "allow" must not contain it: two ids could become equal.`,
          },
        ]
      : []),
  ];
}

function problemsOfReads(pointer: string, type: RecordTypeConfig, hasOwnId: boolean): Problem[] {
  const problems: Problem[] = [];
  if (
    type.find?.items !== undefined &&
    type.find.match === undefined &&
    externalIdPointer(type) === undefined
  ) {
    const message =
      'A found record must be recognizable. Set external_id (the location of the Syncline id in the record) ' +
      'or find.match: most APIs ignore a filter that they do not understand.';
    problems.push({ pointer: `${pointer}/find`, message });
  }
  for (const key of ['item_at', 'empty'] as const) {
    if (type.find?.[key] !== undefined && type.find.items === undefined)
      problems.push({
        pointer: `${pointer}/find/${key}`,
        message: `${key} needs a list. Set items too.`,
      });
  }
  if (type.find !== undefined)
    problems.push(
      ...problemsOfSimilar(`${pointer}/find`, type.find),
      ...problemsOfQuotes(`${pointer}/find/body`, type.find),
    );
  for (const variable of textVariables(type.find?.match?.value ?? '')) {
    const isKnown =
      variable === 'external_id' || variable.startsWith('payload.') || (hasOwnId && variable === 'remote_id');
    if (!isKnown)
      problems.push({ pointer: `${pointer}/find/match/value`, message: unknownVariable(variable) });
  }
  const wantsVersion = (['update', 'delete'] as const).filter((name) => type[name]?.if_match === true);
  for (const name of wantsVersion) {
    if (type.version === undefined)
      problems.push({
        pointer: `${pointer}/${name}/if_match`,
        message: 'if_match sends the version. Set "version" to its location in a response.',
      });
    if (type.read === undefined && type.find === undefined)
      problems.push({
        pointer: `${pointer}/${name}/if_match`,
        message: 'After a 412 the current version is read. Set read or find.',
      });
  }
  const isVersioned = type.update !== undefined && sendsVersion(type.update);
  if (isVersioned && type.read === undefined && type.find === undefined)
    problems.push({
      pointer: `${pointer}/update`,
      message: 'The version is read before a change if it is not known. Set read or find.',
    });
  return problems;
}

/** An update also reads for a field of the mapping that is sent on creation only. */
export function problemsOfUnusedRead(
  pointer: string,
  type: RecordTypeConfig,
  mapping: RecordTypeMapping | undefined,
): Problem[] {
  if (type.read === undefined || type.list !== undefined || merges(type)) return [];
  const isVersioned = type.update !== undefined && sendsVersion(type.update);
  const wantsVersion = type.update?.if_match === true || type.delete?.if_match === true;
  const isInObject = mapping?.fields.some((field) => isInSentObject(field, mapping));
  if (isVersioned || wantsVersion || isInObject === true) return [];
  const message =
    'read is called only for "merge", for {version}, after a 412, for fields with only_on_create inside others, ' +
    'and where records are also listed. ' +
    'Set "merge": true, or "if_match": true in update or delete, or list, or remove read.';
  return [{ pointer: `${pointer}/read`, message }];
}

/** In a query language within JSON, a value could end the quotes around it and add conditions. */
function problemsOfQuotes(
  pointer: string,
  { body = {}, parameters = {} }: NonNullable<RecordTypeConfig['find']>,
): Problem[] {
  const quoted = textsIn(body).flatMap((text) => [...text.matchAll(/(['"`])\{([A-Za-z_][\w.]*)\}\1/g)]);
  return quoted
    .filter(([, , name = '']) => !Object.hasOwn(parameters, name))
    .map(([, , name]) => ({
      pointer,
      message:
        `{${name}} is inside quotes. Put the text under "parameters", with rules for the quote and the ` +
        'backslash, and name the parameter here.',
    }));
}

/** A search that also returns similar records is read to its end, or a record would be created twice. */
function problemsOfSimilar(
  pointer: string,
  { exact, items, paging, method }: NonNullable<RecordTypeConfig['find']>,
): Problem[] {
  if (exact !== false)
    return paging === undefined
      ? []
      : [{ pointer: `${pointer}/paging`, message: 'paging is read together with "exact": false only.' }];
  if (items === undefined)
    return [
      { pointer: `${pointer}/exact`, message: 'A search for similar records needs a list. Set items.' },
    ];
  if (paging === undefined)
    return [
      {
        pointer: `${pointer}/paging`,
        message: 'Set how the search is paged, {"type": "none"} if one response contains everything.',
      },
    ];
  if ('window' in paging && paging.window !== undefined)
    return [{ pointer: `${pointer}/paging/window`, message: 'A window is continued in the list only.' }];
  return problemsOfPaging(`${pointer}/paging`, { paging, method });
}

function problemsOfSwitches(pointer: string, type: RecordTypeConfig): Problem[] {
  return (['deactivate', 'activate'] as const).flatMap((name) => {
    const change = type[name];
    if (change === undefined) return [];
    const problems: Problem[] = [];
    if (change.path === undefined && change.set === undefined)
      problems.push({
        pointer: `${pointer}/${name}`,
        message: `Set what ${name} does: "set" (constants) or a call of its own (path).`,
      });
    const idle = (['method', 'parameters', 'headers', 'body', 'body_at'] as const).filter(
      (key) => change.path === undefined && change[key] !== undefined,
    );
    for (const key of idle)
      problems.push({
        pointer: `${pointer}/${name}/${key}`,
        message: `${key} needs a call of its own. Set path too.`,
      });
    if (name === 'activate' && type.deactivate === undefined)
      problems.push({
        pointer: `${pointer}/activate`,
        message: 'activate reverses deactivate, which is missing.',
      });
    return problems;
  });
}

function problemsOfCreateOnly(pointer: string, type: RecordTypeConfig): Problem[] {
  if (type.create_only === undefined || type.create !== undefined) return [];
  return [
    { pointer, message: 'create_only needs create and update: one call for both always sends all fields.' },
  ];
}

function problemsOfKnownFields(pointer: string, { known_fields: fields = [] }: RecordTypeConfig): Problem[] {
  return fields.flatMap((field, index) => {
    const at = `${pointer}/known_fields/${index}`;
    const problems: Problem[] = [];
    const hasValues = (field.values ?? []).length > 0;
    if (field.type === 'picklist' && !hasValues)
      problems.push({ pointer: `${at}/values`, message: 'A picklist needs its values.' });
    if (field.values !== undefined && (!hasValues || (field.type ?? 'picklist') !== 'picklist'))
      problems.push({ pointer: `${at}/values`, message: 'Only a picklist has values.' });
    if (fields.findIndex(({ name }) => name === field.name) < index)
      problems.push({ pointer: `${at}/name`, message: `${field.name} is described twice.` });
    return problems;
  });
}
