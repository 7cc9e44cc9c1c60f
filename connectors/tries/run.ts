/** What the tries of one request share: the connection, the test record, and words for errors. */
import { randomBytes, randomUUID } from 'node:crypto';
import { isJsonObject, type JsonObject } from '../../domain/json';
import { mapRecord, type RecordTypeMapping } from '../../domain/records/mapping';
import type { TryOutcome, TryPlan, TryResult } from '../../domain/third-parties/tries';
import type { Connector, ConnectorContext, PushItem, PushResult, ReadPage } from '../connector';
import {
  type ConnectorError,
  CreatedWithoutId,
  RateLimited,
  RecordRejected,
  Unauthorized,
  Unavailable,
  WrongAddress,
} from '../errors';

export type Step = Pick<TryResult, 'message' | 'found'> & {
  outcome: TryOutcome;
  problems?: TryResult['problems'];
};

export interface TestRecord {
  externalId: string;
  fields: JsonObject;
  /** null: an answer was lost, so it may or may not be there. */
  remoteId: string | null;
  remoteVersion: string | null;
  isThere: boolean;
}

export const newTestName = (): string => `synclinetry${randomBytes(6).toString('hex')}`;

/** `withoutId`: the record was created, and searched because the answer lacks its id. */
export type Written = PushResult & { withoutId?: CreatedWithoutId | undefined };

/** A search has found a record; nothing was written to it. */
class Found extends RecordRejected {
  constructor(readonly remoteId: string) {
    super(
      `There is a record with the id ${remoteId} already. Nothing was written to it. If it is left from an ` +
        'earlier try, delete it there, or choose other values.',
      [],
    );
  }
}

export interface Opened {
  connector: Connector;
  context: ConnectorContext;
}

export class Run {
  readonly recordType: string;
  readonly mapping: RecordTypeMapping | undefined;
  firstPage: ReadPage | undefined;
  /** The product limits the rate of requests: nothing more is tried. */
  limited: Step | undefined;
  /** The records of this run that may be there. */
  readonly testRecords: TestRecord[] = [];

  constructor(
    readonly opened: Opened,
    readonly plan: TryPlan,
    /** 1 for the first attempt. A later one means that a worker died during the attempt before. */
    private readonly attempt: number,
  ) {
    this.recordType = plan.recordType;
    this.mapping = opened.context.mappings[plan.recordType];
    for (let earlier = 1; earlier < attempt; earlier += 1) {
      const left = { remoteId: null, remoteVersion: null, isThere: true };
      const { tries, record, wrong } = plan;
      if (tries.includes('create') && record !== undefined)
        this.testRecords.push({ ...left, externalId: this.testName('create', earlier), fields: record });
      if (tries.includes('error') && wrong !== undefined)
        this.testRecords.push({ ...left, externalId: this.testName('error', earlier), fields: wrong });
    }
  }

  /** Letters and digits alone: the ids of some products allow nothing else. */
  testName(purpose: 'create' | 'error', attempt = this.attempt): string {
    return `${this.plan.testName ?? newTestName()}${purpose === 'create' ? 'a' : 'b'}${attempt}`;
  }

  get testRecord(): TestRecord | undefined {
    return this.testRecords.find(({ isThere, remoteId }) => isThere && remoteId !== null);
  }

  /** A part of the record type in the configuration of `rest`; other connectors have none. */
  part(name: string): unknown {
    const { config } = this.opened.context;
    const types = isJsonObject(config) ? config['record_types'] : undefined;
    const type = isJsonObject(types) ? types[this.recordType] : undefined;
    return isJsonObject(type) ? type[name] : undefined;
  }

  get isRest(): boolean {
    return this.opened.connector.kind === 'rest';
  }

  pointer(part = ''): string {
    return `/config/record_types/${this.recordType}${part === '' ? '' : `/${part}`}`;
  }

  async read(modifiedSince: Date | null = null, cursor: string | null = null): Promise<ReadPage> {
    const { connector, context } = this.opened;
    if (connector.readPage === undefined) throw new Error('The connector cannot read.');
    return connector.readPage({ recordType: this.recordType, modifiedSince, cursor }, context);
  }

  /** The id of a record that a search finds; null = none. Writes nothing. */
  async find(externalId: string, payload: JsonObject): Promise<string | null> {
    const operation = this.mapping?.onDelete === 'deactivate' ? 'deactivate' : 'delete';
    const result = await this.push({ operation, externalId, payload });
    if (result.ok) return null;
    if (result.error instanceof Found) return result.error.remoteId;
    throw result.error;
  }

  /** In the shape of the product. @throws RecordRejected */
  payloadOf(fields: JsonObject): JsonObject {
    if (this.mapping === undefined) throw new Error('The record type has no mapping.');
    const mapped = mapRecord(this.mapping, fields);
    if (mapped.ok) return mapped.payload;
    const message = mapped.errors.map((error) => error.message).join(' ');
    const error = { field: null, remoteField: null, code: 'not_mappable', message, explanation: '' };
    throw new RecordRejected(message, [error]);
  }

  /** Writes to no record that a search finds, except to `remote`: others are not test records. */
  async push({
    operation,
    externalId,
    payload,
    remote,
  }: {
    operation: PushItem['operation'];
    externalId: string;
    payload: JsonObject;
    remote?: Pick<TestRecord, 'remoteId' | 'remoteVersion'>;
  }): Promise<Written> {
    const { connector, context } = this.opened;
    let withoutId: CreatedWithoutId | undefined;
    const fields = this.mapping?.fields ?? [];
    const named = fields.flatMap(({ name, to }) => (name === undefined ? [] : [[to, name] as const]));
    const item: PushItem = {
      pushId: `psh_${randomUUID()}`,
      operation,
      recordType: this.recordType,
      externalId,
      payload,
      remoteId: remote?.remoteId ?? null,
      remoteVersion: remote?.remoteVersion ?? null,
      isReadFirst: false,
      isDeactivated: false,
      unresolvedCreation: null,
      isSentAlone: true,
      fieldNames: Object.fromEntries(named),
    };
    const claimRemote = async (_item: PushItem, remoteId: string, created?: CreatedWithoutId) => {
      withoutId = created;
      if (created === undefined && remoteId !== remote?.remoteId) throw new Found(remoteId);
    };
    const isOwnId = this.hasOwnIds;
    const [result] = await connector.push([item], {
      ...context,
      ...(!isOwnId && { claimRemote }),
    });
    if (result === undefined)
      return { pushId: item.pushId, ok: false, error: new Unavailable('Nothing was sent.') };
    return { ...result, withoutId };
  }

  /** Syncline assigns the ids, so a new id is free and nothing is searched. */
  get hasOwnIds(): boolean {
    const id = this.part('id');
    return isJsonObject(id) && 'template' in id;
  }
}

/** Where a code says more than the call. */
const PARTS: Readonly<Record<string, string>> = {
  no_list: 'list/items',
  next_page_unusable: 'list/paging',
  find_not_exact: 'find',
  no_id: 'id',
};

/** @param part what to correct if the error does not say it */
export function failed(run: Run, error: ConnectorError, part: string): Step {
  if (error instanceof RateLimited) return (run.limited = tooManyRequests(error));
  const code = codeOf(error);
  const setting = error instanceof RecordRejected ? error.setting : undefined;
  const pointer =
    error instanceof WrongAddress
      ? '/config/base_url'
      : error instanceof Unauthorized
        ? '/sign_in'
        : part.startsWith('/')
          ? part
          : run.pointer(setting ?? PARTS[code] ?? part);
  const { message } = error;
  return { outcome: 'failed', message, problems: [{ pointer, code, message }] };
}

export function tooManyRequests({ retryAfterMs }: RateLimited): Step {
  const wait = retryAfterMs === null ? 'Wait' : `Wait ${Math.ceil(retryAfterMs / 1_000)} s`;
  return {
    outcome: 'not_tried',
    message: `The product limits the rate of requests. ${wait} and try again; nothing in the definition is wrong.`,
  };
}

function codeOf(error: ConnectorError): string {
  if (error instanceof CreatedWithoutId) return 'no_id';
  return error instanceof RecordRejected ? (error.errors[0]?.code ?? 'refused') : error.kind;
}

export const notPossible = (message: string): Step => ({ outcome: 'not_possible', message });
export const passed = (message: string): Step => ({ outcome: 'passed', message });

export function problem(pointer: string, code: string, message: string): Step {
  return { outcome: 'failed', message, problems: [{ pointer, code, message }] };
}
