/** The number of records, from a separate call or from a page of the list. */
import { isSuccess } from '../../http-errors';
import { NO_FIELDS, readAnswer, rulesFor, unreadable } from '../http/response-rules';
import { requestTo } from '../http/calls';
import { selectedFields } from '../http/selected-fields';
import { pageBytesMax } from '../../page-size';
import type { RecordTypeConfig } from '../config/config';
import type { InAnswerConfig } from '../config/config-read';
import type { RestContext } from '../http/credentials';
import { aboutDataset, notReadable } from './dataset-errors';
import { numberIn } from './number-in-answer';
import { pageRequest } from './paging';
import { BEGINNING } from './read-position';
import { listRequest } from './list-request';
import { openSession } from '../http/session';

/** null: the configuration describes no count. */
export async function countRecords(
  name: string,
  recordType: RecordTypeConfig,
  context: RestContext,
): Promise<number | null> {
  const { config } = context;
  const how = callOf(name, recordType, context);
  if (how === null) return null;
  const session = await openSession(context);
  const response = await session.send({ ...how.request, responseBytesMax: pageBytesMax(config) });
  const answer = readAnswer(response, rulesFor(config, recordType), NO_FIELDS, session.quotable);
  if (answer.meaning !== 'done') throw aboutDataset(answer.error, name, how.part, response.status);
  const total = numberIn(how.where, response, answer.body);
  if (total !== null) return total;
  if ('at' in how.where && answer.body === undefined && isSuccess(response))
    throw unreadable(session.quotable(response));
  throw notReadable(
    name,
    how.part,
    'no_count',
    `the response has no number of records ${'at' in how.where ? `at ${how.where.at}` : `in ${how.where.header}`}.`,
  );
}

function callOf(name: string, recordType: RecordTypeConfig, { config, mappings }: RestContext) {
  const { count, list } = recordType;
  if (count !== undefined) {
    const where: InAnswerConfig = count.at === undefined ? { header: count.header ?? '' } : { at: count.at };
    const { method = 'GET', path, parameters, headers, body } = count;
    const request = requestTo(config, { path, parameters, headers, body }, method, () => undefined);
    return { part: 'count' as const, where, request };
  }
  if (list?.total === undefined) return null;
  const known = (variable: string) =>
    variable === 'fields' ? selectedFields(recordType, mappings[name]) : undefined;
  const request = pageRequest(listRequest(config, list, null, known), list.paging, BEGINNING, { size: 1 });
  return { part: 'list' as const, where: list.total, request };
}
