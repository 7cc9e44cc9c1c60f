/** Problems of reading a record type: settings that would leave records out, and settings without effect. */
import type { RecordTypeConfig } from '../config/config';
import type { DeletedListConfig, ListConfig, ModifiedSinceConfig } from '../config/config-read';
import { ZONELESS } from '../read/time-format';
import { GET_WITH_BODY, type Problem, problemsOfCall, problemsOfGet, templatesOf } from './validate-call';
import { problemsOfDetailCall } from './validate-detail';
import { problemsOfKeysetTimes } from './validate-keyset';
import { problemsOfPaging } from './validate-paging';
import { isKnownInList, problemsOfParents } from './validate-parents';
import { problemsOfPartitions } from './validate-partitions';
import { problemsOfSyncTokens } from './validate-sync-token';

const nothing = () => false;
const NO_VARIABLES =
  'a call that reads a list only knows the names under "parameters", ' +
  'and {modified_since} under "modified_since".';
const unknown = (name: string) => `{${name}} is not known here: ${NO_VARIABLES}`;

export function problemsOfReading(pointer: string, type: RecordTypeConfig): Problem[] {
  return [
    ...(type.list === undefined
      ? []
      : [
          ...problemsOfList(`${pointer}/list`, type.list, type.fields !== undefined),
          ...problemsOfWindow(`${pointer}/list`, type.list),
          ...problemsOfKeysetTimes(`${pointer}/list`, type.list),
          ...problemsOfDetail(`${pointer}/list/detail`, type.list, type),
          ...problemsOfParents(`${pointer}/list`, type.list),
          ...pagingOfParents(`${pointer}/list`, type.list),
        ]),
    ...problemsOfPartitions(pointer, type),
    ...problemsOfSyncTokens(pointer, type),
    ...problemsOfChanges(pointer, type),
    ...problemsOfDeletedList(`${pointer}/deleted_list`, type),
    ...problemsOfCount(`${pointer}/count`, type),
    ...problemsOfDescribe(`${pointer}/describe`, type),
  ];
}

function problemsOfList(pointer: string, list: ListConfig | DeletedListConfig, hasFields = false): Problem[] {
  const isKnown = isKnownInList(list);
  return [
    ...problemsOfCall(pointer, list, (name) => (name === 'fields' ? hasFields : isKnown(name)), unknown),
    ...problemsOfGet(pointer, list),
    ...problemsOfPaging(`${pointer}/paging`, list),
    ...(list.key_at !== undefined && list.items_as !== 'map'
      ? [{ pointer: `${pointer}/key_at`, message: 'key_at is read together with "items_as": "map" only.' }]
      : []),
    ...(list.modified_since === undefined
      ? []
      : problemsOfModifiedSince(`${pointer}/modified_since`, list.modified_since, list, hasFields)),
  ];
}

const pagingOfParents = (pointer: string, { parents }: ListConfig): Problem[] =>
  parents === undefined ? [] : problemsOfPaging(`${pointer}/parents/paging`, parents);

function problemsOfDetail(
  pointer: string,
  { detail }: ListConfig,
  { fields }: Pick<RecordTypeConfig, 'fields'>,
): Problem[] {
  return problemsOfDetailCall(pointer, detail, (name) => name === 'fields' && fields !== undefined);
}

function problemsOfWindow(pointer: string, { paging, modified, modified_since }: ListConfig): Problem[] {
  if (!('window' in paging) || paging.window === undefined) return [];
  const missing = [
    ...(modified === undefined ? ['modified'] : []),
    ...(modified_since === undefined ? ['modified_since'] : []),
  ];
  if (missing.length > 0)
    return [
      {
        pointer: `${pointer}/paging/window`,
        message: `Set ${missing.join(' and ')}: behind the window the list is requested from the time of its last record on.`,
      },
    ];
  if (paging.size !== undefined && paging.size >= paging.window)
    return [{ pointer: `${pointer}/paging/window`, message: 'A window has room for several pages.' }];
  return [];
}

function problemsOfModifiedSince(
  pointer: string,
  filter: ModifiedSinceConfig,
  { method = 'GET' }: { method?: string | undefined },
  hasFields: boolean,
): Problem[] {
  const { format, zone, body } = filter;
  const texts = templatesOf(pointer, filter);
  const problems = texts.flatMap(({ at, variables }) =>
    variables
      .filter((name) => !['modified_since', 'now', ...(hasFields ? ['fields'] : [])].includes(name))
      .map((name) => ({ pointer: at, message: unknown(name) })),
  );
  if (zone !== undefined && !ZONELESS.includes(format))
    problems.push({
      pointer: `${pointer}/zone`,
      message: `Instants in the format ${format} name their zone. Only ${ZONELESS.join(', ')} need one.`,
    });
  if (!texts.some(({ variables }) => variables.includes('modified_since'))) {
    const message =
      '{modified_since} is used nowhere, so every record would be read. ' +
      'Use it in parameters, headers or body, or remove modified_since.';
    problems.push({ pointer, message });
  }
  if (body !== undefined && method === 'GET')
    problems.push({
      pointer: `${pointer}/body`,
      message: GET_WITH_BODY,
    });
  return problems;
}

function problemsOfChanges(pointer: string, { list, changes, fields }: RecordTypeConfig): Problem[] {
  if (changes === undefined) return [];
  const at = `${pointer}/changes`;
  const problems = [
    ...problemsOfList(at, changes, fields !== undefined),
    ...problemsOfWindow(at, changes),
    ...problemsOfDetail(`${at}/detail`, changes, { fields }),
    ...problemsOfParents(at, changes),
    ...pagingOfParents(at, changes),
  ];
  if (list === undefined)
    problems.push({ pointer: at, message: 'changes needs a list, which full runs read.' });
  else if (list.modified_since !== undefined && !hasWindow(list))
    problems.push({
      pointer: `${pointer}/list/modified_since`,
      message: 'Incremental runs read changes, so modified_since of the list has no effect.',
    });
  if (changes.modified_since === undefined && changes.sync_token === undefined)
    problems.push({
      pointer: at,
      message: 'Set modified_since, the time from which changes are wanted, or sync_token.',
    });
  return problems;
}

const hasWindow = ({ paging }: ListConfig): boolean => 'window' in paging && paging.window !== undefined;

function problemsOfDeletedList(
  pointer: string,
  { list, changes, deleted_list: deletedList }: RecordTypeConfig,
): Problem[] {
  if (deletedList === undefined) return [];
  const { modified_since: filter, sync_token: token } = changes ?? list ?? {};
  if (filter === undefined && token === undefined) {
    const message =
      'deleted_list needs a list with modified_since. Without it, a full run finds deleted records.';
    return [{ pointer, message }];
  }
  if ('window' in deletedList.paging && deletedList.paging.window !== undefined)
    return [{ pointer: `${pointer}/paging/window`, message: 'A window is continued in the list only.' }];
  return problemsOfList(pointer, deletedList);
}

function problemsOfCount(pointer: string, { count }: RecordTypeConfig): Problem[] {
  if (count === undefined) return [];
  const { method = 'GET', ...call } = count;
  const problems = problemsOfCall(pointer, call, nothing, unknown);
  if ((count.at === undefined) === (count.header === undefined))
    problems.push({
      pointer,
      message: 'Set one location for the number: at (pointer into the response) or header.',
    });
  if (method === 'HEAD' && count.at !== undefined)
    problems.push({
      pointer: `${pointer}/at`,
      message: 'The response to HEAD has no body. Set the header with the number.',
    });
  if (method !== 'POST' && count.body !== undefined)
    problems.push({
      pointer: `${pointer}/body`,
      message: `A ${method} has no body. Set a method, usually POST.`,
    });
  return problems;
}

function problemsOfDescribe(pointer: string, { describe }: RecordTypeConfig): Problem[] {
  if (describe === undefined) return [];
  const { fields } = describe;
  const isIdle =
    fields.type === 'list' && fields.field_type === undefined && Object.keys(fields.types).length > 0;
  return [
    ...problemsOfCall(pointer, describe, nothing, unknown),
    ...problemsOfGet(pointer, describe),
    ...(isIdle
      ? [
          {
            pointer: `${pointer}/fields/types`,
            message: 'Set field_type, the location of the type in an entry. Without it, types has no effect.',
          },
        ]
      : []),
    ...(fields.type === 'list' && fields.value !== '' && fields.values === undefined
      ? [
          {
            pointer: `${pointer}/fields/value`,
            message: 'Set values, the location of the values in an entry. Without it, value has no effect.',
          },
        ]
      : []),
  ];
}
