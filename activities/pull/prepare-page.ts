/**
 * Prepares a page for the database, outside its transaction: maps remote records to local fields, hashes
 * them, and separates the records that cannot be stored.
 */
import { createHash, hash as digest } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import type { ReadPage, RemoteRecord } from '../../connectors/connector';
import type { PageToApply, PulledPromise, PulledRecord, RecordError } from '../../db/pull/page';
import { sanitizeForPostgres } from '../../db/sql/sanitize-text';
import { canonicalJson, type JsonObject, type JsonValue } from '../../domain/json';
import type { RecordTypeMapping } from '../../domain/records/mapping';
import {
  fieldsFromRemote,
  furtherPlaces,
  type PulledPlace,
  type ReadProblem,
} from '../../domain/pull/reverse-mapping';
import { type Picklists, unlistedValues } from '../../domain/records/picklists';
import { parsePlace, valueAt } from '../../domain/records/place';
import { referenceFields, unknownIdsIn } from '../../domain/records/references';

export type PreparedPage = Pick<
  PageToApply,
  'records' | 'tombstones' | 'refused' | 'altered' | 'warned' | 'nextCursor' | 'syncToken' | 'asOf' | 'total'
>;

/** The same limits as for records that API callers send. */
const RECORD_BYTES_MAX = 256 * 1024;
const DEPTH_MAX = 32;
const REMOTE_ID_LENGTH_MAX = 500;
/** A page of thousands of records must not stop the pushes and answers of other tenants meanwhile. */
const RECORDS_IN_ONE_GO = 200;
/**
 * Characters that PostgreSQL cannot store, as JSON.stringify writes them: NUL and halves of surrogate pairs.
 */
const UNSTORABLE = /\\u0000|\\ud[89a-f]/i;
const NONE: never[] = [];

export function createPagePreparation(
  mapping: RecordTypeMapping | undefined,
  picklists?: Picklists,
): (page: ReadPage) => Promise<PreparedPage> {
  if (mapping === undefined) throw new Error('The record type is no longer mapped.');
  const toLocal = fieldsFromRemote(mapping);
  const isTwoWay = mapping.direction === 'both';
  const further = isTwoWay ? furtherPlaces(mapping) : [];
  // If the mapping's fields or direction change, every record counts as changed.
  const mappingText = `${mapping.direction} ${canonicalJson(mapping.fields as never)} `;
  const mappingSeed = createHash('sha256').update(mappingText).digest('base64url').slice(0, 8);
  // Fields with `values` or a transform report a value without a counterpart anyway.
  const listed = {
    fields: mapping.fields.filter(
      ({ name, to, values, direction }) =>
        name && values === undefined && direction !== 'push' && picklists?.has(to),
    ),
  };
  const unlistedIn =
    listed.fields.length === 0
      ? () => NONE
      : (fields: JsonObject) => unlistedValues(listed, fields, picklists);
  const promisesIn = promisesOf(mapping);
  return (page) =>
    new PagePreparation(toLocal, isTwoWay, mappingSeed, further, unlistedIn, promisesIn).prepare(page);
}

/** The fields of a record that name records which are not known here yet. */
function promisesOf(mapping: RecordTypeMapping): (fields: JsonObject) => PulledPromise[] {
  const places = referenceFields(mapping)
    .filter(({ direction }) => direction !== 'push')
    .map((field) => ({ ...field, path: parsePlace(field.to) }));
  if (places.length === 0) return () => NONE;
  return (fields) =>
    places.flatMap(({ name, to, ref, path }) => {
      const value = valueAt(fields, path);
      const unknown = unknownIdsIn(value);
      if (value === undefined || unknown.length === 0) return [];
      // No record has such an id: it does not fit, and is reported.
      if (unknown.some((id) => id.length > REMOTE_ID_LENGTH_MAX)) return [];
      return [{ field: name, place: to, recordType: ref.recordType, value }];
    });
}

class PagePreparation {
  private readonly records = new Map<string, PulledRecord>();
  private readonly refused: RecordError[] = [];
  private readonly altered: RecordError[] = [];
  private readonly warned: RecordError[] = [];

  constructor(
    private readonly toLocal: ReturnType<typeof fieldsFromRemote>,
    private readonly isTwoWay: boolean,
    private readonly mappingSeed: string,
    private readonly further: readonly PulledPlace[],
    private readonly unlistedIn: (fields: JsonObject) => readonly ReadProblem[],
    private readonly promisesIn: (fields: JsonObject) => readonly PulledPromise[],
  ) {}

  async prepare(page: ReadPage): Promise<PreparedPage> {
    const tombstones = new Set<string>();
    this.refused.push(...page.unreadable);
    let index = 0;
    for (const remote of page.records) {
      if (index % RECORDS_IN_ONE_GO === 0) await setImmediate();
      index += 1;
      // Of a record that is listed twice, the later entry counts.
      if (remote.isDeleted) {
        const remoteId = sanitizeForPostgres(remote.remoteId);
        this.records.delete(remoteId);
        tombstones.add(remoteId);
        continue;
      }
      if (tombstones.size > 0) tombstones.delete(sanitizeForPostgres(remote.remoteId));
      this.addOrRefuse(remote);
    }
    return {
      records: [...this.records.values()],
      tombstones: [...tombstones],
      refused: this.refused.map((record) => sanitizeForPostgres(record)),
      altered: this.altered,
      warned: this.warned.map((warning) => sanitizeForPostgres(warning)),
      nextCursor: page.nextCursor,
      syncToken: page.syncToken,
      asOf: page.asOf,
      total: page.total,
    };
  }

  /** A record that no rule has foreseen does not fail its page. */
  private addOrRefuse(remote: RemoteRecord): void {
    try {
      this.add(remote);
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      this.refuse(remote.remoteId, 'cannot_be_read', `The record cannot be read: ${message}`);
    }
  }

  private add(remote: RemoteRecord): void {
    const { remoteId, remoteVersion, externalId, modifiedAt = null } = remote;
    if (remoteId.length > REMOTE_ID_LENGTH_MAX)
      return this.refuse(null, 'id_too_long', `The id has more than ${REMOTE_ID_LENGTH_MAX} characters.`);
    const { fields, problems } = this.toLocal(remote.fields);
    // Checked before any recursive function sees the record: it must not fail the whole page.
    if (isDeeperThan(DEPTH_MAX, fields))
      return this.refuse(
        remoteId,
        'too_deep',
        `The mapped fields are nested deeper than ${DEPTH_MAX} levels.`,
      );
    // If only the order of inner keys differs, the hash differs too; the merge then finds no change.
    const text = JSON.stringify(fields);
    if (text.length > RECORD_BYTES_MAX)
      return this.refuse(
        remoteId,
        'too_large',
        `The mapped fields take more than ${RECORD_BYTES_MAX} bytes.`,
      );
    const promises = this.promisesIn(remote.fields);
    const unread = problems.length === 0 ? NONE : this.warnOfUnread(remoteId, problems, promises);
    this.warn(remoteId, 'value_not_listed', this.unlistedIn(remote.fields));
    const hash = this.hashOf(remote, text, problems);
    const remoteFields = this.isTwoWay ? remote.fields : null;
    const isTextStorable = !text.includes('\\u') || !UNSTORABLE.test(text);
    if (isTextStorable && isStorable(remoteId) && isStorable(remoteVersion ?? ''))
      return void this.records.set(
        remoteId,
        new PreparedRecord(
          remoteId,
          remoteVersion,
          externalId,
          text,
          remoteFields,
          hash,
          unread,
          modifiedAt,
          promises,
        ),
      );
    this.addSanitized(remote, fields, { text, remoteFields, hash, unread, promises });
  }

  /** The hash of everything in the record that the mapping uses. */
  private hashOf(
    { remoteVersion, fields }: RemoteRecord,
    text: string,
    problems: readonly ReadProblem[],
  ): string {
    let whole = this.mappingSeed + (this.isTwoWay ? `${remoteVersion} ` : '') + text;
    if (problems.length > 0) whole += JSON.stringify(problems);
    if (this.further.length > 0)
      whole += this.further.map(({ path }) => JSON.stringify(valueAt(fields, path) ?? null)).join(' ');
    return digest('sha256', whole, 'base64url').slice(0, 22);
  }

  /** @returns the unread fields, which keep their values in Syncline. */
  private warnOfUnread(
    remoteId: string,
    problems: readonly ReadProblem[],
    promises: readonly PulledPromise[],
  ): string[] {
    const isPromised = ({ field }: ReadProblem) => promises.some((promise) => promise.field === field);
    const unpromised = problems.filter((problem) => !isPromised(problem));
    this.warn(remoteId, 'value_not_expressible', unpromised);
    return problems.map(({ field }) => field);
  }

  private addSanitized(
    { remoteId, remoteVersion, externalId, modifiedAt = null }: RemoteRecord,
    fields: JsonObject,
    {
      text,
      remoteFields,
      hash,
      unread,
      promises,
    }: Pick<PulledRecord, 'text' | 'hash'> &
      Required<Pick<PulledRecord, 'unread' | 'promises'>> & { remoteFields: JsonObject | null },
  ): void {
    const ids = sanitizeForPostgres({ remoteId, remoteVersion, externalId });
    const kept = new PreparedRecord(
      ids.remoteId,
      ids.remoteVersion,
      ids.externalId,
      JSON.stringify(sanitizeForPostgres(fields)),
      sanitizeForPostgres(remoteFields),
      hash,
      unread,
      modifiedAt,
      sanitizeForPostgres(promises),
    );
    this.records.set(kept.remoteId, kept);
    // UNSTORABLE also matches escaped text such as a literal "\\u0000", which is stored unchanged.
    if (kept.text === text && kept.remoteId === remoteId && kept.remoteVersion === remoteVersion) return;
    this.altered.push({
      remoteId: kept.remoteId,
      code: 'text_replaced',
      message:
        'The record contains characters that cannot be stored (NUL, or half of a surrogate pair). ' +
        'They were replaced.',
    });
  }

  /**
   * `value_not_expressible`: the fields keep the values that they have here (rules.md 48). A value that is
   * not listed is taken, since the third party itself shows it.
   */
  private warn(
    remoteId: string,
    code: 'value_not_expressible' | 'value_not_listed',
    problems: readonly ReadProblem[],
  ): void {
    if (problems.length === 0) return;
    const message = problems.map(({ field, to, message: why }) => `${field} (${to}): ${why}`).join(' ');
    this.warned.push({ remoteId, code, message });
  }

  private refuse(remoteId: string | null, code: string, message: string): void {
    this.refused.push({ remoteId, code, message });
  }
}

/**
 * Parses the fields again only when they are read. Most records are never read, and thousands of them are in
 * memory at a time.
 */
class PreparedRecord implements PulledRecord {
  private parsed: JsonObject | undefined;

  constructor(
    readonly remoteId: string,
    readonly remoteVersion: string | null,
    readonly externalId: string | null,
    readonly text: string,
    readonly remote: JsonObject | null,
    readonly hash: string,
    readonly unread: readonly string[],
    readonly modifiedAt: Date | null,
    readonly promises: readonly PulledPromise[],
  ) {}

  get fields(): JsonObject {
    this.parsed ??= JSON.parse(this.text) as JsonObject;
    return this.parsed;
  }
}

const isStorable = (text: string): boolean => !/[\p{Surrogate}\0]/u.test(text);

function isDeeperThan(levels: number, value: JsonValue): boolean {
  if (typeof value !== 'object' || value === null) return false;
  if (levels === 0) return true;
  if (Array.isArray(value)) return value.some((member) => isDeeperThan(levels - 1, member));
  for (const name in value) if (isDeeperThan(levels - 1, value[name] ?? null)) return true;
  return false;
}
