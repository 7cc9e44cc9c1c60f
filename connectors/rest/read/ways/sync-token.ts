/**
 * Lists of changes that continue from a token: the end of a reading gives it, as a value or as the address of
 * the next reading. It is kept with a digest of the call that it was given for, because third parties keep
 * the fields and filters of that call in it.
 */
import { createHash } from 'node:crypto';
import { isJsonObject, type JsonValue } from '../../../../domain/json';
import type { HttpResponse, ReadRequest } from '../../../connector';
import { SyncTokenExpired } from '../../../errors';
import type { RecordTypeConfig, RestConfig } from '../../config/config';
import type { ListConfig } from '../../config/config-read';
import type { SyncTokenConfig } from '../../config/config-sync-token';
import { requestTo } from '../../http/calls';
import { hasSign, NO_FIELDS, readAnswer, rulesFor } from '../../http/response-rules';
import type { Variables } from '../../http/templates';
import { parseJson, readAt } from '../../json-pointer';
import { aboutDataset, type DatasetReading, notReadable } from '../dataset-errors';
import { listRequest } from '../list-request';
import { resolveNext } from '../next-address';
import { putParameter, type ReadAnswer } from '../paging';
import { isFirst, type Place, POSITION_LENGTH_MAX } from '../read-position';
import type { ReadingWay } from './way';

/** How a record type follows tokens, in this reading. */
export interface Feed {
  config: SyncTokenConfig;
  /** The list that is read with the token. */
  list: ListConfig;
  phase: 'list' | 'changes';
  /** Of the call that tokens belong to. */
  digest: string;
  /** undefined: everything is read. */
  token: string | undefined;
}

/** undefined: the record type follows no tokens. @throws SyncTokenExpired for one of another call. */
export function feedOf(
  recordType: RecordTypeConfig,
  config: RestConfig,
  { recordType: name, syncToken }: ReadRequest,
  known: Variables,
): Feed | undefined {
  const phase = recordType.changes === undefined ? 'list' : 'changes';
  const list = recordType[phase];
  if (list?.sync_token === undefined) return undefined;
  const { url, body } = listRequest(config, list, null, known);
  const digest = createHash('sha256')
    .update(JSON.stringify([url, body]))
    .digest('base64url')
    .slice(0, 22);
  const token = syncToken === undefined || syncToken === null ? undefined : tokenOf(syncToken, digest);
  if (token === null) throw expired(name, 'it was given for another configuration or for other fields.');
  return { config: list.sync_token, list, phase, digest, token };
}

/** null: it cannot be used. */
function tokenOf(kept: string, digest: string): string | null {
  const value = parseJson(kept);
  if (!isJsonObject(value) || value['of'] !== digest || typeof value['token'] !== 'string') return null;
  return value['token'];
}

function expired(recordType: string, problem: string): SyncTokenExpired {
  const message = `${recordType}: the sync token is not known any more: ${problem}`;
  const explanation = 'Everything is read once, and changes from then on.';
  const error = { field: null, remoteField: null, code: 'sync_token_expired', message, explanation };
  return new SyncTokenExpired(message, [error]);
}

/** Reads the changes since the token. Without one, the end of the list gives the first. */
export function byToken(
  feed: Feed | undefined,
  { phase: read }: Pick<Place, 'phase'>,
  { config, recordType, name }: DatasetReading,
): ReadingWay {
  if (feed === undefined) return {};
  const { token, phase } = feed;
  const { parameter, in: where, expired: sign } = feed.config;
  const tokenAtEnd = (answer: ReadAnswer): string =>
    keptToken(feed, feed.config, { ...answer, config, name });
  const atEnd: ReadingWay = read === phase ? { tokenAtEnd } : {};
  if (token === undefined) return atEnd;
  const isEnd = (response: HttpResponse, place: Place): boolean => {
    if (isFirst(place) && hasSign(response, sign, rulesFor(config, recordType)))
      throw expired(name, `the third party answered ${response.status}.`);
    return false;
  };
  if (parameter !== undefined)
    return { ...atEnd, isEnd, request: (request) => putParameter(request, where, parameter, token) };
  const next = resolveNext(token, config.base_url, config);
  if (!next.ok) throw notReadable(name, phase, 'sync_token_unusable', next.problem);
  const { url } = next;
  return {
    ...atEnd,
    isEnd,
    request: (request) => ({ ...request, url }),
    // The address contains all that the call needs.
    from: (place) => (isFirst(place) ? { ...place, url } : place),
  };
}

/** The list whose items are the changes: they may be read one by one. */
export const listOfChanges = (list: ListConfig, feed: Feed | undefined): ListConfig =>
  feed?.token === undefined || feed.config.detail === undefined
    ? list
    : { ...list, detail: feed.config.detail };

/**
 * The token of now, before everything is read by another call than the changes: no change in between is lost.
 */
export async function tokenAtStart(
  feed: Feed,
  known: Variables,
  { config, recordType, name, session }: DatasetReading,
): Promise<string | undefined> {
  const { start } = feed.config;
  if (start === undefined) return undefined;
  const request = requestTo(config, start, 'GET', known);
  const response = await session.send(request);
  const answer = readAnswer(response, rulesFor(config, recordType), NO_FIELDS, session.quotable);
  if (answer.meaning !== 'done') throw aboutDataset(answer.error, name, feed.phase, response.status);
  const hasOwnPlace = start.at !== undefined || start.header !== undefined;
  const place = hasOwnPlace ? start : feed.config;
  return keptToken(feed, place, { request, response, body: answer.body, config, name });
}

/** A page without a token may have been cut off, so it is never taken for the end. */
function keptToken(
  { config: { parameter }, list, phase, digest }: Feed,
  { at, header }: { at?: string | undefined; header?: string | undefined },
  {
    request,
    response,
    body,
    config,
    name,
  }: Omit<ReadAnswer, 'items' | 'total'> & Pick<DatasetReading, 'config' | 'name'>,
): string {
  const value = at === undefined ? response.headers[(header ?? '').toLowerCase()] : readAt(body, at);
  if (value === undefined || value === null || value === '')
    throw notReadable(
      name,
      phase,
      'no_sync_token',
      `the last page has no sync token at ${at ?? header}, so it may not be the end of the list.`,
    );
  const token = typeof value === 'number' ? String(value) : value;
  const problem = problemOfToken(token);
  if (typeof token !== 'string' || problem !== undefined)
    throw notReadable(name, phase, 'sync_token_unusable', problem ?? '');
  if (parameter !== undefined) return JSON.stringify({ token, of: digest });
  const take = 'take' in list.paging ? list.paging.take : undefined;
  const next = resolveNext(token, request.url, config, take);
  if (!next.ok) throw notReadable(name, phase, 'sync_token_unusable', next.problem);
  return JSON.stringify({ token: next.url, of: digest });
}

function problemOfToken(token: JsonValue): string | undefined {
  if (typeof token !== 'string') return 'the sync token is not a text or a number.';
  if (token.length > POSITION_LENGTH_MAX)
    return `the sync token has ${token.length} characters; at most ${POSITION_LENGTH_MAX} are kept.`;
  return /[\p{Surrogate}\p{Cc}]/u.test(token)
    ? 'the sync token has characters that cannot be sent.'
    : undefined;
}
