/**
 * Hostile sessions: one connector makes one kind of call to a third party that does harm. The seed decides
 * everything, so that a session can be repeated alone.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Connector, ConnectorContext, HttpClient, PushItem, ReadPage } from '../../connectors/connector';
import { ConnectorError } from '../../connectors/errors';
import { postgres } from '../../connectors/postgres';
import { rest } from '../../connectors/rest';
import { scim } from '../../connectors/scim';
import { EMPLOYEES_MAPPING } from '../../connectors/scim/fields';
import { type RecordTypeMapping, mapRecord } from '../../domain/records/mapping';
import type { EgressPolicy } from '../../egress/egress-policy';
import { createHttpClient } from '../../egress/http-client';
import { createSocketOpener } from '../../egress/socket-opener';
import { CONTACTS_MAPPING } from '../connectors/rest/rest-given';
import { memoryTokens } from '../connectors/suite/given';
import type { Random } from '../support/random';
import { randomOf } from './session-seeds';
import { type Settings, postgresSettings, restSettings, scimSettings } from './session-settings';
import type { HostileThirdParties } from './third-parties';

const PAGES_MAX = 5;
/** A session that takes longer has no bound. */
const SESSION_TIMEOUT_MS = 60_000;

const CALLS = ['read', 'read', 'push', 'push', 'check', 'count', 'describe', 'checkRecordType'] as const;
type Call = (typeof CALLS)[number];

export interface SessionResult {
  /** `rest push`. */
  name: string;
  /** null if it ended as every session with a third party may. */
  harm: string | null;
  /** What it ended with: `ok`, or the name of the error. */
  outcome: string;
  /** Of the error. */
  message: string;
  connections: number;
}

export interface SessionEnvironment {
  thirdParties: HostileThirdParties;
  policy: EgressPolicy;
  login: { user: string; password: string };
  database: string;
}

const connectorsByName: Record<string, Connector> = {
  rest,
  scim,
  postgres,
};
const mappings: Record<string, RecordTypeMapping> = { rest: CONTACTS_MAPPING, scim: EMPLOYEES_MAPPING };

/** What a result or an error of a connector must not be. */
class Harm extends Error {}

function itemOf(random: Random, connector: string, recordType: string, number: number): PushItem {
  const mapped = mapRecord(mappings[connector] as RecordTypeMapping, {
    first_name: 'Ada',
    last_name: 'Byron',
    email: `ada${number}@example.com`,
    user_name: `ada${number}`,
  });
  if (!mapped.ok) throw new Error('The fields of the test cannot be mapped.');
  return {
    pushId: `psh_${number}`,
    operation: random.pick(['upsert', 'upsert', 'deactivate', 'delete']),
    recordType,
    externalId: `emp-${number}`,
    payload: mapped.payload,
    remoteId: random.pick([null, 'r1']),
    remoteVersion: random.pick([null, 'W/"1"']),
    isReadFirst: random.chance(0.4),
    isDeactivated: random.chance(0.2),
    unresolvedCreation: null,
    isSentAlone: random.chance(0.2),
    fieldNames: {},
  };
}

async function push(connector: string, settings: Settings, context: ConnectorContext, random: Random) {
  const count = random.between(1, 4);
  const items = Array.from({ length: count }, (_, index) =>
    itemOf(random, connector, settings.recordType, index),
  );
  const results = await (connectorsByName[connector] as Connector).push(items, context);
  const ids = results.map(({ pushId }) => pushId);
  if (new Set(ids).size !== ids.length || !ids.every((id) => items.some(({ pushId }) => pushId === id)))
    throw new Harm(`results for ${ids.join(', ')}`);
  const errors = results.flatMap((result) => (result.ok ? [] : [result.error]));
  for (const error of errors) if (!(error instanceof ConnectorError)) throw error;
  if (errors[0] !== undefined) throw errors[0];
}

async function read(
  connector: Connector,
  { recordType }: Settings,
  context: ConnectorContext,
  random: Random,
) {
  const modifiedSince = random.pick([null, new Date('2026-01-01T00:00:00Z')]);
  let cursor: string | null = null;
  for (let page = 0; page < PAGES_MAX; page += 1) {
    const answer: ReadPage | undefined = await connector.readPage?.(
      { recordType, modifiedSince, cursor },
      context,
    );
    for (const { remoteId, fields } of answer?.records ?? [])
      if (typeof remoteId !== 'string' || typeof fields !== 'object')
        throw new Harm(`a record with the id ${JSON.stringify(remoteId)}`);
    cursor = answer?.nextCursor ?? null;
    if (cursor === null) return;
    if (Buffer.byteLength(cursor) > 1_000_000) throw new Harm(`a cursor of ${cursor.length} characters`);
  }
}

async function callOnce(
  call: Call,
  name: string,
  settings: Settings,
  context: ConnectorContext,
  random: Random,
): Promise<unknown> {
  const connector = connectorsByName[name] as Connector;
  const { recordType } = settings;
  if (call === 'read') return read(connector, settings, context, random);
  if (call === 'push' && name !== 'postgres') return push(name, settings, context, random);
  if (call === 'count') return connector.count?.(recordType, context);
  if (call === 'describe') return connector.describeRecordTypes?.(context);
  if (call === 'checkRecordType') return connector.checkRecordType?.(recordType, context);
  return connector.check(context);
}

function contextOf(
  environment: SessionEnvironment,
  connector: Connector,
  settings: Settings,
  seed: number,
  timeoutMs: number,
): ConnectorContext {
  const config = connector.configSchema.parse(settings.config);
  const hosts = connector.hosts(config);
  const { policy } = environment;
  const { signal } = new AbortController();
  const owner = { tenantId: 'hostile', integrationId: `hostile-${seed}` };
  const http: HttpClient = createHttpClient({ policy, hosts, signal, owner, timeoutMs });
  const context: ConnectorContext = {
    config,
    credentials: connector.credentialsSchema.parse(settings.credentials),
    mappings: {},
    http,
    sockets: createSocketOpener({ policy, hosts, signal }),
    tokens: memoryTokens(),
    signal,
    claimRemote: async () => undefined,
    beforeWrite: async (item) => item.payload,
    beforeCreateAgain: () => undefined,
  };
  // Of PostgreSQL.
  return Object.assign(context, {
    readerLimits: { loginTimeoutMs: timeoutMs * 3, silenceMs: timeoutMs * 3 },
  });
}

/** Runs the session of a seed. */
export async function runSession(environment: SessionEnvironment, seed: number): Promise<SessionResult> {
  const random = randomOf(seed, 0);
  const name = random.weighted({ rest: 48, scim: 36, postgres: 16 });
  const call = random.pick(CALLS);
  const isTls = name !== 'postgres' && random.chance(0.12);
  const protocol = name === 'postgres' ? 'postgres' : isTls ? 'https' : 'http';
  const thirdParty = await environment.thirdParties.open(seed, protocol);
  const url = `${isTls ? 'https' : 'http'}://127.0.0.1:${thirdParty.port}`;
  const settings =
    name === 'rest'
      ? restSettings(random, url)
      : name === 'scim'
        ? scimSettings(random, url)
        : postgresSettings(
            random,
            { port: thirdParty.port, database: environment.database },
            environment.login,
          );
  const timeoutMs = random.pick([500, 500, 500, 3_000]);
  const context = contextOf(environment, connectorsByName[name] as Connector, settings, seed, timeoutMs);
  let [harm, outcome, message]: [string | null, string, string] = [null, 'ok', ''];
  try {
    const deadline = sleep(SESSION_TIMEOUT_MS, undefined, { ref: false }).then(() => {
      throw new Harm(`it did not end within ${SESSION_TIMEOUT_MS / 1_000} s`);
    });
    await Promise.race([callOnce(call, name, settings, context, random), deadline]);
  } catch (error) {
    [outcome, message] = [(error as Error).constructor.name, (error as Error).message];
    if (!(error instanceof ConnectorError)) harm = String((error as Error).stack);
  }
  const { connections, strays } = await thirdParty.close();
  if (strays > 0) harm ??= 'a connection was opened to an address that the integration does not name';
  if (Object.keys(Object.prototype).length > 0 || 'polluted' in {}) harm ??= 'Object.prototype was changed';
  return { name: `${name} ${call}`, harm, outcome, message, connections };
}
