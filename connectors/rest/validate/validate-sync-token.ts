/** Problems of sync tokens: a token that is never found or sent, and settings that read by another way. */
import type { RecordTypeConfig } from '../config/config';
import type { ListConfig } from '../config/config-read';
import type { SyncTokenConfig } from '../config/config-sync-token';
import { isPagingStable } from '../read/paging';
import { GET_WITH_BODY, type Problem, problemsOfCall, problemsOfGet } from './validate-call';
import { problemsOfDetailCall } from './validate-detail';

/** @param pointer of the record type */
export function problemsOfSyncTokens(pointer: string, type: RecordTypeConfig): Problem[] {
  const { list, changes, fields } = type;
  const isKnown = (name: string) => name === 'fields' && fields !== undefined;
  const problems: Problem[] = [];
  for (const [part, read] of Object.entries({ list, changes })) {
    if (read?.sync_token === undefined) continue;
    const at = `${pointer}/${part}`;
    problems.push(
      ...problemsOfPlace(`${at}/sync_token`, read.sync_token, 'the token'),
      ...problemsOfSending(`${at}/sync_token`, read.sync_token, read),
      ...problemsOfDetailCall(`${at}/sync_token/detail`, read.sync_token.detail, isKnown),
      ...problemsOfStart(`${at}/sync_token`, read.sync_token, part === 'changes', isKnown),
      ...problemsBeside(at, read, type),
    );
  }
  if (list?.sync_token !== undefined && changes !== undefined)
    problems.push({
      pointer: `${pointer}/list/sync_token`,
      message: 'Incremental runs read changes. Set sync_token there, or remove changes.',
    });
  return problems;
}

function problemsOfPlace(
  pointer: string,
  { at, header }: Pick<SyncTokenConfig, 'at' | 'header'>,
  what: string,
): Problem[] {
  return (at === undefined) === (header === undefined)
    ? [{ pointer, message: `Set one location for ${what}: at (pointer into the response) or header.` }]
    : [];
}

function problemsOfSending(
  pointer: string,
  { parameter, in: where }: SyncTokenConfig,
  { method = 'GET' }: ListConfig,
): Problem[] {
  if (where === 'query') return [];
  if (parameter === undefined)
    return [{ pointer: `${pointer}/in`, message: 'Set parameter: without it, the token is an address.' }];
  return method === 'GET' ? [{ pointer: `${pointer}/in`, message: GET_WITH_BODY }] : [];
}

function problemsOfStart(
  pointer: string,
  { start }: SyncTokenConfig,
  isOfChanges: boolean,
  isKnown: (name: string) => boolean,
): Problem[] {
  if (start === undefined)
    return isOfChanges
      ? [
          {
            pointer,
            message:
              'Set start: the call that gives the token of now. It is made before the whole list is read, ' +
              'so that no change in between is lost.',
          },
        ]
      : [];
  const at = `${pointer}/start`;
  if (!isOfChanges)
    return [{ pointer: at, message: 'The end of the list gives the token. start belongs to changes.' }];
  const hasPlace = start.at !== undefined || start.header !== undefined;
  return [
    ...problemsOfCall(at, start, isKnown),
    ...problemsOfGet(at, start),
    ...(hasPlace ? problemsOfPlace(at, start, 'its token') : []),
  ];
}

/** What reads by time, in parts, or by pages that shift. */
function problemsBeside(
  pointer: string,
  list: ListConfig,
  { list: whole, deleted_list: deletedList }: RecordTypeConfig,
): Problem[] {
  // One token is taken at the beginning of a full run: not one for each part, which begin at other times.
  const others = {
    modified_since: list.modified_since,
    parents: list.parents ?? whole?.parents,
    partitions: list.partitions ?? whole?.partitions,
    deleted_list: deletedList,
  };
  const problems = Object.entries(others).flatMap(([name, other]): Problem[] =>
    other === undefined
      ? []
      : [{ pointer: `${pointer}/sync_token`, message: `A list with a sync token has no ${name}.` }],
  );
  if (!isPagingStable(list.paging))
    problems.push({
      pointer: `${pointer}/paging`,
      message:
        'The token belongs to the end of the list, so its pages must not shift while it is read: use ' +
        'cursors, or set "stable": true if the addresses keep their position.',
    });
  return problems;
}
