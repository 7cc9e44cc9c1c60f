/**
 * Any third party with a JSON API over HTTP, described by configuration, without code or an expression
 * language (docs/connectors/rest.md). Like every connector it creates no duplicate after a lost response,
 * returns results per record, and assigns the third party's errors to fields.
 */
import type { RecordType } from '../../domain/records/record-type';
import type { Connector, ReadAbilities, ReadPage, ReadRequest } from '../connector';
import { type ConnectorError, RecordRejected, Unauthorized, Unavailable, WrongAddress } from '../errors';
import { formOf } from '../http-errors';
import { NO_FIELDS, readAnswer, rulesFor } from './http/response-rules';
import { requestTo } from './http/calls';
import { countRecords } from './read/count';
import type { NamedRequest } from '../incoming';
import type { RangesRequest } from '../list-ranges';
import { RestConfig } from './config/config';
import { recordTypeOf } from './config/record-type-of';
import { oauthSettingsOf, RestCredentials } from './config/config-auth';
import type { RestContext } from './http/credentials';
import { clientIdentityOf } from './signing/client-identity';
import { describeLive } from './read/describe';
import { isPagingStable } from './read/paging';
import { pushBatch } from './push/push-batch';
import { canReadNamed, readNamedRecords } from './webhooks/read-named';
import { partitionsOf } from './read/ways/partitions';
import { readRestPage } from './read/read-page';
import { describeRecordType } from './config/record-types';
import { openSession } from './http/session';
import { findRestProblems } from './validate/validate';
import { credentialsOf } from './validate/validate-auth';
import { incomingWebhooks } from './webhooks/receive';
import { subscribe, unsubscribe } from './webhooks/subscribe';

const BATCH_SIZE = 40;

export const rest: Connector<RestConfig, RestCredentials> = {
  kind: 'rest',
  title: 'REST API',
  description:
    'Any third party with a JSON API. The configuration describes its addresses, authentication, ids and errors.',
  configSchema: RestConfig,
  credentialsSchema: RestCredentials,
  appName: ({ app }) => app,
  batchSize: BATCH_SIZE,
  callsAtOnce: ({ concurrency }) => concurrency,
  onDelete: ['deactivate', 'delete', 'leave'],

  recordTypes: recordTypesOf,

  validate: findRestProblems,

  origins: originsIn,

  oauth: ({ auth }) => (auth.type === 'oauth2_authorization_code' ? oauthSettingsOf(auth) : undefined),
  credentialNames: (config) => [...new Set(credentialsOf(config))],
  clientIdentity: clientIdentityOf,
  incoming: incomingWebhooks,
  subscribe,
  unsubscribe,

  hosts: (config) => [...new Set(Object.values(originsIn(config)).map((origin) => new URL(origin).host))],

  push: pushBatch,

  readAbilities({ record_types: types }, recordType): ReadAbilities | null {
    const type = Object.hasOwn(types, recordType) ? types[recordType] : undefined;
    if (type?.list === undefined) return null;
    const { list, changes } = type;
    const at = `/config/record_types/${recordType}`;
    return {
      canFilterByModified: (changes ?? list).modified_since !== undefined,
      followsSyncToken: (changes ?? list).sync_token !== undefined,
      isSparse: true,
      // Whether the partitions hold every record shows only when the records are counted.
      isPagingStable:
        list.partitions === undefined &&
        [list, changes ?? list]
          .flatMap((one) => (one.parents === undefined ? [one] : [one, one.parents]))
          .every(({ paging }) => isPagingStable(paging)),
      declaredAt: {
        filter: `${at}/${changes === undefined ? 'list' : 'changes'}/modified_since`,
        paging: `${at}/list/paging`,
      },
    };
  },

  readSignature({ base_url: baseUrl, headers, record_types: types }, recordType) {
    const type = types[recordType];
    const {
      list,
      changes,
      deleted_list: deletedList,
      fields,
      id,
      external_id: externalId,
      version,
      tombstone,
    } = type ?? {};
    return { baseUrl, headers, list, changes, deletedList, fields, id, externalId, version, tombstone };
  },

  async readPage(request: ReadRequest, context: RestContext): Promise<ReadPage> {
    return readRestPage(request, recordTypeOf(context.config, request.recordType), context);
  },

  canReadNamed: ({ record_types: types }, recordType) => {
    const type = Object.hasOwn(types, recordType) ? types[recordType] : undefined;
    return type !== undefined && canReadNamed(type);
  },
  async readNamed(request: NamedRequest, context: RestContext): Promise<ReadPage> {
    return readNamedRecords(request, recordTypeOf(context.config, request.recordType), context);
  },

  async ranges(request: RangesRequest, context: RestContext): Promise<string[] | null> {
    return partitionsOf(request, recordTypeOf(context.config, request.recordType), context);
  },

  async count(recordType: string, context: RestContext): Promise<number | null> {
    return countRecords(recordType, recordTypeOf(context.config, recordType), context);
  },

  async describeRecordTypes(context: RestContext): Promise<RecordType[]> {
    const types = Object.entries(context.config.record_types);
    if (types.every(([, type]) => type.describe === undefined)) return recordTypesOf(context.config);
    const session = await openSession(context);
    const described: RecordType[] = [];
    for (const [name, type] of types) described.push(await describeLive(name, type, context, session));
    return described;
  },

  async check(context: RestContext): Promise<void> {
    const { config } = context;
    const session = await openSession(context);
    const response = await session.send(requestTo(config, config.check, 'GET', () => undefined));
    if (config.check.expect?.includes(response.status)) return;
    const answer = readAnswer(response, rulesFor(config), NO_FIELDS, session.quotable);
    if (answer.meaning === 'done' && config.check.expect === undefined) {
      if (answer.body !== undefined || response.text.trim() === '') return;
      throw new WrongAddress(
        `The check was answered with something else than JSON (${formOf(response)}). Verify base_url and the ` +
          `path of the check. If this response is correct, set check.expect to [${response.status}].`,
        'not_json',
      );
    }
    if (answer.meaning === 'done')
      throw new Unavailable(
        `The check was answered ${response.status}, which is not a success in the configuration.`,
        response.status,
      );
    throw inCheck(answer.error, response.status);
  },
};

function originsIn({ base_url: baseUrl, auth }: RestConfig): Record<string, string> {
  const account = auth.type === 'oauth2_authorization_code' ? auth : undefined;
  const urls = {
    '/config/base_url': baseUrl,
    '/config/auth/authorization_url': account?.authorization_url,
    '/config/auth/token_url': 'token_url' in auth ? auth.token_url : undefined,
    '/config/auth/account/url': account?.account?.url,
    '/config/auth/accounts/url': account?.accounts?.url,
    '/config/auth/url': auth.type === 'login' ? auth.url : undefined,
  };
  return Object.fromEntries(
    Object.entries(urls).flatMap(([pointer, url]) =>
      url === undefined ? [] : [[pointer, new URL(url).origin]],
    ),
  );
}

function recordTypesOf({ record_types: types }: RestConfig): RecordType[] {
  return Object.entries(types).map(([name, type]) => describeRecordType(name, type));
}

/** A check involves no record: a refusal concerns the credentials (403) or the configuration. */
function inCheck(error: ConnectorError, status: number): ConnectorError {
  if (!(error instanceof RecordRejected) || error instanceof WrongAddress) return error;
  if (error.isForbidden)
    return new Unauthorized(`The credentials do not allow the check (403). ${error.message}`);
  return new Unavailable(
    `The check was answered ${status}. Verify its path in the configuration. ${error.message}`,
    status,
  );
}
