/**
 * A third party made for tests that can be read and written: keeps records per account, lists them page by
 * page, records every request. Can be set to answer badly, to shift its list while it is read, and to
 * have a wrong clock.
 */
import { z } from 'zod';
import type {
  Connector,
  ConnectorContext,
  PushItem,
  PushResult,
  ReadAbilities,
  ReadPage,
  ReadRequest,
  RemoteRecord,
} from '../../../connectors/connector';
import { ConnectorError, RecordRejected, SyncTokenExpired } from '../../../connectors/errors';
import { forUpdate } from '../../../connectors/payload-of-update';
import type { JsonObject } from '../../../domain/json';
import type { RecordType } from '../../../domain/records/record-type';

export interface CrmRecord {
  fields: JsonObject;
  version: number;
  /** By the CRM's clock. */
  modifiedAt: number;
  /** Its place among all changes of the account. */
  change: number;
  isDeleted: boolean;
  externalId: string | null;
}

export interface CrmRead extends ReadRequest {
  owner: string;
  at: number;
}

/** One account of the CRM. */
export class CrmAccount {
  readonly types = new Map<string, Map<string, CrmRecord>>();
  abilities: ReadAbilities = { canFilterByModified: true, isPagingStable: true };
  pageSize = 3;
  listsTombstones = false;
  /** Sync tokens of another number are not known any more. */
  tokens = 1;
  /** The first page of everything gives the token, instead of the last one. */
  givesTokenFirst = false;
  /** Changes are listed with what they were before, which is out of date. */
  listsChangesTwice = false;
  /** The ids that divide its lists into ranges: each range ends with one. */
  bounds: string[] = [];
  /** How far the CRM's clock is ahead of Syncline's. */
  clockAheadMs = 0;
  reportsTime = true;
  reportsTotal = false;
  canCount = true;
  describes: RecordType[] | undefined;
  /** Called before a page is answered; what it throws is the answer. */
  beforePage: (request: ReadRequest) => void | Promise<void> = () => undefined;
  /** Changes a page before it goes out. */
  distort: (page: ReadPage, request: ReadRequest) => ReadPage = (page) => page;
  /** Called before a record is taken; what it throws is the answer. */
  beforePush: (item: PushItem) => void = () => undefined;
  /** A deactivated record stays in the list, otherwise unchanged. */
  keepsDeactivated = false;
  /** Called before it says that it is well; what it throws is the answer. */
  beforeCheck: () => void = () => undefined;
  /** Called before it lists its fields; what it throws is the answer. */
  beforeDescribe: () => void = () => undefined;
  /** What the CRM makes of the fields that are pushed: rounds, truncates, changes the case. */
  habit: (fields: JsonObject) => JsonObject = (fields) => fields;
  /** Records are read before they are written, where a push asks for it. */
  readsFirst = false;
  /** The answer to a push shows the record. */
  showsPushed = false;
  readonly reads: CrmRead[] = [];
  readonly pushes: (PushItem & { at: number })[] = [];
  counts = 0;
  checks = 0;
  private changes = 0;
  /** Every request so far. */
  get calls(): number {
    return this.reads.length + this.pushes.length + this.counts + this.checks;
  }

  constructor(private readonly now: () => Promise<number> | number) {}

  type(recordType: string): Map<string, CrmRecord> {
    const known = this.types.get(recordType) ?? new Map<string, CrmRecord>();
    this.types.set(recordType, known);
    return known;
  }

  async put(
    recordType: string,
    id: string,
    fields: JsonObject,
    externalId: string | null = null,
  ): Promise<void> {
    const known = this.type(recordType).get(id);
    this.type(recordType).set(id, {
      fields,
      version: (known?.version ?? 0) + 1,
      modifiedAt: await this.clock(),
      change: (this.changes += 1),
      isDeleted: false,
      externalId: externalId ?? known?.externalId ?? null,
    });
  }

  async remove(recordType: string, id: string): Promise<void> {
    const known = this.type(recordType).get(id);
    if (known === undefined) return;
    const modifiedAt = await this.clock();
    const change = (this.changes += 1);
    this.type(recordType).set(id, { ...known, isDeleted: true, modifiedAt, change });
  }

  /** What it holds, by id. */
  held(recordType: string): Map<string, JsonObject> {
    return new Map(
      [...this.type(recordType)]
        .filter(([, { isDeleted }]) => !isDeleted)
        .map(([id, { fields }]) => [id, fields]),
    );
  }

  async clock(): Promise<number> {
    return (await this.now()) + this.clockAheadMs;
  }

  async readPage(request: ReadRequest, owner: string): Promise<ReadPage> {
    this.reads.push({ ...request, owner, at: await this.now() });
    await this.beforePage(request);
    const { recordType, modifiedSince, cursor } = request;
    if (!this.types.has(recordType)) throw new RecordRejected(`The table ${recordType} does not exist.`, []);
    const asOf = this.reportsTime ? new Date(await this.clock()) : null;
    if (typeof request.syncToken === 'string')
      return this.distort({ ...this.changesAfter(request, request.syncToken), asOf }, request);
    const [after, upTo] = JSON.parse(request.range ?? '[null, null]') as (string | null)[];
    const matching = [...this.type(recordType)]
      .filter(([id]) => (after == null || id > after) && (upTo == null || id <= upTo))
      .filter(([, record]) =>
        modifiedSince === null
          ? !record.isDeleted
          : record.modifiedAt >= modifiedSince.getTime() && (this.listsTombstones || !record.isDeleted),
      )
      .sort(([a], [b]) => (a < b ? -1 : 1));
    const rest = this.abilities.isPagingStable
      ? matching.filter(([id]) => cursor === null || id > cursor)
      : matching.slice(Number(cursor ?? 0));
    const shown = rest.slice(0, this.pageSize);
    const next = this.abilities.isPagingStable
      ? (shown.at(-1)?.[0] ?? null)
      : String(Number(cursor ?? 0) + shown.length);
    const page: ReadPage = {
      records: shown.map(([id, record]) => toRemote(id, record)),
      unreadable: [],
      nextCursor: rest.length > shown.length ? next : null,
      asOf,
      total: this.reportsTotal && modifiedSince === null ? matching.length : null,
    };
    if (request.syncToken === null) this.addToken(page, request);
    return this.distort(page, request);
  }

  /** Of what has changed since the list began: it may have been changed behind the page that is read. */
  private addToken(page: ReadPage, { cursor }: ReadRequest): void {
    if (cursor === null) this.tokenOfList = this.token();
    const isAtEnd = page.nextCursor === null;
    if (this.givesTokenFirst ? cursor === null : isAtEnd) page.syncToken = this.tokenOfList;
  }

  private tokenOfList = '';
  private token = (): string => JSON.stringify([this.tokens, this.changes]);

  /** In their order. A record that is changed meanwhile is listed again behind them. */
  private changesAfter({ recordType, cursor }: ReadRequest, token: string): Omit<ReadPage, 'asOf'> {
    const [tokens, since] = JSON.parse(token) as [number, number];
    if (tokens !== this.tokens)
      throw cursor === null ? new SyncTokenExpired('Expired.', []) : new RecordRejected('Expired.', []);
    const rest = [...this.type(recordType)]
      .filter(([, { change }]) => change > Math.max(since, Number(cursor ?? 0)))
      .sort(([, a], [, b]) => a.change - b.change);
    const shown = rest.slice(0, this.pageSize);
    const isAtEnd = rest.length === shown.length;
    const records = shown.map(([id, record]) => toRemote(id, record));
    const before = records.map((record) => ({
      ...record,
      isDeleted: !record.isDeleted,
      fields: { name: 'old' },
    }));
    return {
      records: this.listsChangesTwice ? [...before, ...records] : records,
      unreadable: [],
      nextCursor: isAtEnd ? null : String(shown.at(-1)?.[1].change),
      ...(isAtEnd && { syncToken: this.token() }),
      total: null,
    };
  }
}

const toRemote = (
  remoteId: string,
  { fields, version, isDeleted, externalId, modifiedAt }: CrmRecord,
): RemoteRecord => ({
  modifiedAt: new Date(modifiedAt),
  remoteId,
  remoteVersion: String(version),
  fields: isDeleted ? {} : fields,
  externalId,
  isDeleted,
});

export interface Crm {
  connector: Connector;
  account(owner: string): CrmAccount;
  /** Decides the answer to a check: an error to throw, or nothing. */
  checkAnswer: (owner: string) => Error | undefined;
  checks: number;
}

export function createCrm(now: () => Promise<number> | number): Crm {
  const accounts = new Map<string, CrmAccount>();
  const account = (owner: string): CrmAccount => {
    const known = accounts.get(owner) ?? new CrmAccount(now);
    accounts.set(owner, known);
    return known;
  };
  const ownerOf = ({ config }: { config: unknown }): string => (config as { owner: string }).owner;
  const crm: Crm = {
    account,
    checkAnswer: () => undefined,
    checks: 0,
    connector: {
      kind: 'crm',
      title: 'CRM',
      description: 'A third party made for tests.',
      configSchema: z.object({ owner: z.string().default('') }),
      credentialsSchema: z.object({ token: z.string().optional() }),
      batchSize: 20,
      onDelete: ['delete', 'deactivate', 'leave'],
      recordTypes: () => [],
      hosts: () => [],
      readAbilities: (config, recordType) =>
        recordType === 'unreadable' ? null : account(ownerOf({ config })).abilities,
      readPage: (request, context) => account(ownerOf(context)).readPage(request, ownerOf(context)),
      async ranges(_request, context) {
        const { bounds } = account(ownerOf(context));
        const ends = [null, ...bounds, null];
        return bounds.length === 0
          ? null
          : ends.slice(1).map((end, place) => JSON.stringify([ends[place], end]));
      },
      async count(recordType, context) {
        const it = account(ownerOf(context));
        it.counts += 1;
        return it.canCount ? it.held(recordType).size : null;
      },
      async describeRecordTypes(context) {
        account(ownerOf(context)).beforeDescribe();
        return account(ownerOf(context)).describes ?? [];
      },
      push: (items, context) => push(account(ownerOf(context)), items, { context, now }),
      async check(context: ConnectorContext) {
        crm.checks += 1;
        account(ownerOf(context)).checks += 1;
        account(ownerOf(context)).beforeCheck();
        const error = crm.checkAnswer(ownerOf(context));
        if (error !== undefined) throw error;
      },
    },
  };
  return crm;
}

async function push(
  account: CrmAccount,
  items: readonly PushItem[],
  { context, now }: { context: ConnectorContext; now: () => Promise<number> | number },
): Promise<PushResult[]> {
  const results: PushResult[] = [];
  for (const item of items) {
    const { pushId, operation, recordType, externalId, remoteId } = item;
    let { payload } = item;
    try {
      payload = await readFirst(account, item, context);
      account.pushes.push({ ...item, payload, at: await now() });
      account.beforePush(item);
    } catch (error) {
      if (!(error instanceof ConnectorError)) throw error;
      results.push({ pushId, ok: false, error });
      if (error instanceof RecordRejected) continue;
      return results;
    }
    const found =
      remoteId ??
      [...account.type(recordType)].find(
        ([, record]) => record.externalId === externalId && !record.isDeleted,
      )?.[0] ??
      null;
    const id = found ?? `new-${externalId}`;
    const isDeactivated = operation === 'deactivate' && account.keepsDeactivated;
    if (operation === 'upsert')
      await account.put(
        recordType,
        id,
        { ...account.type(recordType).get(id)?.fields, ...account.habit(payload) },
        externalId,
      );
    else if (!isDeactivated) await account.remove(recordType, id);
    const removal = isDeactivated ? 'deactivated' : 'deleted';
    const effect = operation === 'upsert' ? (found === null ? 'created' : 'updated') : removal;
    results.push({
      pushId,
      ok: true,
      effect,
      remoteId: operation === 'upsert' || isDeactivated ? id : null,
      remoteVersion: null,
      shown: account.showsPushed ? account.type(recordType).get(id)?.fields : undefined,
    });
  }
  return results;
}

/** The payload after the record was read. */
async function readFirst(
  account: CrmAccount,
  item: PushItem,
  context: ConnectorContext,
): Promise<JsonObject> {
  const { recordType, remoteId, operation } = item;
  const { payload } = remoteId === null ? item : forUpdate(item);
  if (!account.readsFirst || !item.isReadFirst || remoteId === null) return payload;
  const there = account.held(recordType).get(remoteId);
  if (there === undefined && operation === 'upsert') await context.beforeCreateAgain?.(item);
  return (
    (there && (await context.beforeWrite?.({ ...item, payload }, there, { isReplaced: false }))) ?? payload
  );
}
