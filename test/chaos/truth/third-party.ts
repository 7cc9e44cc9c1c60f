/** A third party of a world: keeps records in its own notation, lists them and takes pushes. */
import type {
  ConnectorContext,
  PushItem,
  PushResult,
  ReadPage,
  ReadRequest,
  RemoteRecord,
} from '../../../connectors/connector';
import { type ConnectorError, RecordConflict, RecordRejected, Unavailable } from '../../../connectors/errors';
import type { JsonObject } from '../../../domain/json';
import type { Random } from '../../support/random';
import { PUSH_RECORDED_WITHIN_MS } from '../../../db/pull/page';
import type { Edit, EditedValue } from './edit';
import { editOf, FIELDS, type Habits, removedBy, stored } from './habits';

export interface ThereRecord {
  fields: JsonObject;
  version: number;
  modifiedAt: number;
  isDeleted: boolean;
  externalId: string | null;
  /** What the list shows until a late commit. */
  before: { fields: JsonObject; version: number; isListed: boolean; until: number } | null;
}

const keyOf = (fields: JsonObject): string => fields['key'] as string;

export class ThirdParty {
  readonly records = new Map<string, ThereRecord>();
  pageSize = 3;
  canFilter = true;
  /** The share of pushes that are refused, and of answers that are lost. */
  refuses = 0;
  loses = 0;
  isWriteOutage = false;
  writes = 0;
  /** Edits that Syncline has not read yet, by record and field. */
  private readonly unread = new Map<string, Edit>();
  /** What their fields had when they were last read. */
  private readonly lastRead = new Map<string, Edit['replaced']>();
  /** What fields had before a push whose answer was lost: Syncline cannot know that it replaced that. */
  private readonly beforeLost = new Map<string, EditedValue>();
  /** When the last push of a record ended. */
  private readonly pushedAt = new Map<string, number>();
  /** The fields that people have changed here, by key and field. */
  readonly touched = new Set<string>();
  private listed: [string, Edit][] = [];
  /** Called in the middle of reading and pushing. */
  meanwhile: (during: 'first_page' | 'page' | 'push') => Promise<void> = async () => {};
  private created = 0;

  constructor(
    readonly name: string,
    readonly habits: Habits,
    private readonly random: Random,
    private readonly now: () => number,
    private readonly note: (text: string, key: string) => void,
  ) {}

  /** A person creates or changes a record there. */
  put(id: string | null, payload: JsonObject, externalId: string | null = null): string {
    const remoteId = id ?? `${this.name}-${++this.created}`;
    const known = this.records.get(remoteId);
    const fields = { ...known?.fields, ...stored(this.habits, payload) };
    for (const name of removedBy(this.habits, payload)) delete fields[name];
    this.records.set(remoteId, {
      fields,
      version: (known?.version ?? 0) + 1,
      modifiedAt: this.now(),
      isDeleted: false,
      externalId: externalId ?? known?.externalId ?? null,
      before: null,
    });
    return remoteId;
  }

  /** The change so far is committed only after a while: until then the list shows the record as it was. */
  commitLate(remoteId: string, known: ThereRecord | undefined, delayMs: number): void {
    const record = this.records.get(remoteId);
    if (record === undefined) return;
    record.before = {
      fields: known?.fields ?? {},
      version: known?.version ?? 0,
      isListed: known !== undefined && !known.isDeleted,
      until: this.now() + delayMs,
    };
  }

  remove(remoteId: string): void {
    const known = this.records.get(remoteId);
    if (known !== undefined)
      this.records.set(remoteId, { ...known, isDeleted: true, modifiedAt: this.now(), before: null });
  }

  /** A run has stored what was listed so far, and has missed what a full run since then did not list. */
  confirmRead(fullSince: number | null): void {
    for (const [place, edit] of this.unread)
      if (edit.value === 'gone' && fullSince !== null && edit.at < fullSince) this.unread.delete(place);
    for (const [place, edit] of this.listed) if (this.unread.get(place) === edit) this.markRead(place, edit);
    this.listed = [];
  }

  /** A person has changed a field of a record here. */
  edited(remoteId: string, edit: Edit): void {
    const place = `${remoteId} ${edit.field}`;
    if (!this.unread.has(place)) {
      const isUnknown = this.beforeLost.has(place);
      this.lastRead.set(place, isUnknown ? this.beforeLost.get(place) : edit.replaced);
    }
    this.unread.set(place, edit);
  }

  /** @param before the fields before the lost answer; undefined = Syncline knows the record again */
  private rememberLost(remoteId: string | null, before: JsonObject | undefined): void {
    for (const field of FIELDS) {
      const place = `${remoteId} ${field}`;
      if (before === undefined) this.beforeLost.delete(place);
      else if (!this.beforeLost.has(place)) this.beforeLost.set(place, editOf(field, before[field]));
    }
  }

  private markRead(place: string, edit: Edit): void {
    edit.known = this.lastRead.get(place);
    edit.readAt = this.now();
    if (edit.value === edit.known) edit.isUndone = true;
    this.unread.delete(place);
  }

  restore(remoteId: string): void {
    const known = this.records.get(remoteId);
    if (known !== undefined)
      this.records.set(remoteId, {
        ...known,
        version: known.version + 1,
        isDeleted: false,
        modifiedAt: this.now(),
      });
  }

  live(): [string, ThereRecord][] {
    return [...this.records].filter(([, { isDeleted }]) => !isDeleted);
  }

  async readPage({ modifiedSince, cursor }: ReadRequest): Promise<ReadPage> {
    await this.meanwhile(cursor === null ? 'first_page' : 'page');
    const listed = [...this.records]
      .flatMap(([id, record]) => this.listedAs(id, record))
      .filter(({ modifiedAt }) => modifiedSince === null || modifiedAt >= modifiedSince.getTime());
    const isStable = this.habits.paging === 'stable';
    // New records come first in a list that shifts.
    const inOrder = isStable
      ? listed.toSorted((a, b) => (a.remote.remoteId < b.remote.remoteId ? -1 : 1))
      : listed.toReversed();
    const rest = isStable
      ? inOrder.filter(({ remote }) => cursor === null || remote.remoteId > cursor)
      : inOrder.slice(Number(cursor ?? 0));
    const shown = rest.slice(0, this.pageSize).map(({ remote }) => remote);
    const next = isStable ? (shown.at(-1)?.remoteId ?? null) : String(Number(cursor ?? 0) + shown.length);
    for (const { remoteId, fields } of shown) {
      this.note(`lists ${JSON.stringify(fields)}`, keyOf(fields));
      if (fields !== this.records.get(remoteId)?.fields) continue;
      this.listed.push(...this.unreadOf(remoteId, FIELDS));
      this.rememberLost(remoteId, undefined);
    }
    return {
      records: shown,
      unreadable: [],
      nextCursor: rest.length > shown.length ? next : null,
      asOf: new Date(this.now()),
      total: null,
    };
  }

  private listedAs(remoteId: string, record: ThereRecord): { remote: RemoteRecord; modifiedAt: number }[] {
    const { before, modifiedAt, externalId } = record;
    const isLate = before !== null && before.until > this.now();
    if (isLate ? !before.isListed : record.isDeleted) return [];
    const { fields, version } = isLate ? before : record;
    const remote = { remoteId, remoteVersion: String(version), fields, externalId, isDeleted: false };
    return [{ remote, modifiedAt }];
  }

  async push(items: readonly PushItem[], context: ConnectorContext): Promise<PushResult[]> {
    const results: PushResult[] = [];
    for (const item of items)
      try {
        results.push(await this.pushOne(item, context));
      } catch (error) {
        if (!(error instanceof RecordConflict)) throw error;
        results.push({ pushId: item.pushId, ok: false, error });
      }
    return results;
  }

  private async pushOne(item: PushItem, context: ConnectorContext): Promise<PushResult> {
    const { pushId, operation, externalId } = item;
    await this.meanwhile('push');
    const isGone = item.remoteId !== null && this.records.get(item.remoteId)?.isDeleted !== false;
    const found =
      (isGone ? null : item.remoteId) ??
      this.live().find(([, record]) => record.externalId === externalId)?.[0] ??
      null;
    if (found === null && operation === 'upsert' && item.remoteId !== null && item.isReadFirst) {
      this.note('is asked for a deleted record', keyOf(item.payload));
      await context.beforeCreateAgain?.(item);
    }
    const { payload, isLatest } = (await this.readFirst(item, found, context)) ?? {
      payload: item.payload,
      isLatest: false,
    };
    this.writes += 1;
    if (isGone && item.remoteId !== null) this.overwrite(item.remoteId, FIELDS);
    const refusal = this.refusal();
    if (refusal !== undefined) {
      this.note(`refuses ${operation} ${JSON.stringify(payload)}: ${refusal.kind}`, keyOf(payload));
      return { pushId, ok: false, error: refusal };
    }
    if (found !== null && isLatest)
      for (const [place, edit] of this.unreadOf(found, FIELDS)) this.markRead(place, edit);
    if (found !== null) this.overwrite(found, operation === 'upsert' ? Object.keys(payload) : FIELDS);
    const before = found === null ? {} : (this.records.get(found)?.fields ?? {});
    const remoteId = operation === 'upsert' ? this.put(found, payload, externalId) : found;
    if (operation !== 'upsert' && found !== null) this.remove(found);
    this.note(`takes ${operation} ${JSON.stringify(payload)}`, keyOf(payload));
    const isLost = this.random.chance(this.loses);
    this.rememberLost(remoteId, isLost ? before : undefined);
    if (isLost) {
      this.note('the answer is lost', keyOf(payload));
      return { pushId, ok: false, error: new Unavailable('The connection was reset.') };
    }
    const effect = operation === 'upsert' ? (found === null ? 'created' : 'updated') : 'deleted';
    if (remoteId !== null) this.pushedAt.set(remoteId, this.now());
    return {
      pushId,
      ok: true,
      effect,
      remoteId: operation === 'upsert' ? remoteId : null,
      remoteVersion: null,
      shown: operation === 'upsert' && remoteId !== null ? this.shownBy(remoteId) : undefined,
    };
  }

  /** The payload after the record was read; undefined = it cannot be read, or is not to be. */
  private async readFirst(
    item: PushItem,
    remoteId: string | null,
    { beforeWrite }: ConnectorContext,
  ): Promise<{ payload: JsonObject; isLatest: boolean } | undefined> {
    const record = remoteId === null ? undefined : this.records.get(remoteId);
    if (!item.isReadFirst || this.habits.single !== 'readable') return undefined;
    if (remoteId === null || record === undefined || beforeWrite === undefined) return undefined;
    const [shown] = this.listedAs(remoteId, record);
    if (shown === undefined) return undefined;
    const { fields } = shown.remote;
    this.note(`is read before a push: ${JSON.stringify(fields)}`, keyOf(fields));
    const payload = await beforeWrite(item, fields, { isReplaced: false });
    const isJustPushed = this.now() - (this.pushedAt.get(remoteId) ?? 0) < PUSH_RECORDED_WITHIN_MS;
    return { payload, isLatest: fields === record.fields && !isJustPushed };
  }

  private overwrite(remoteId: string, fields: readonly string[]): void {
    for (const [place, edit] of this.unreadOf(remoteId, fields)) {
      edit.isOverwrittenUnread = true;
      this.unread.delete(place);
    }
  }

  private unreadOf(remoteId: string, fields: readonly string[]): [string, Edit][] {
    return fields.flatMap((field): [string, Edit][] => {
      const edit = this.unread.get(`${remoteId} ${field}`);
      return edit === undefined ? [] : [[`${remoteId} ${field}`, edit]];
    });
  }

  private shownBy(remoteId: string): JsonObject | undefined {
    const fields = this.records.get(remoteId)?.fields ?? {};
    if (this.habits.answers === 'none') return undefined;
    if (this.habits.answers === 'full') return fields;
    return Object.fromEntries(Object.entries(fields).filter(([name]) => name < 'n'));
  }

  private refusal(): ConnectorError | undefined {
    if (this.isWriteOutage) return new Unavailable('Maintenance.', 503);
    if (!this.random.chance(this.refuses)) return undefined;
    const message = 'Refused at random.';
    return new RecordRejected(message, [
      { field: null, remoteField: null, code: 'refused', message, explanation: message },
    ]);
  }
}
