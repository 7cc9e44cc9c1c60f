/** The people of a world, who create and edit records on all sides. */
import type { TenantWork } from '../../../db/database';
import { acceptChanges } from '../../../db/records/accept-changes';
import type { JsonObject, JsonValue } from '../../../domain/json';
import type { RecordChange } from '../../../domain/records/record-change';
import type { Random } from '../../support/random';
import { editOf, type FieldName, FIELDS, valueOf } from './habits';
import type { Edit } from './edit';
import type { ThirdParty } from './third-party';

const MINUTE = 60_000;
export const RECORD_TYPE = 'people';

export interface Site {
  party: ThirdParty;
  integrationId: string;
  direction: 'both' | 'push';
}

export interface RecordHere {
  recordId: string;
  externalId: string;
  fields: JsonObject;
  version: number;
}

/** An empty list is another matter (rules.md 35). */
const RECORDS_LEAST = 3;

/** Where the people live. */
interface Place {
  random: Random;
  product: { now: number };
  edits: Edit[];
  noteOf(key: string, text: string): void;
  records(): Promise<RecordHere[]>;
  inTenant<T>(work: (context: TenantWork) => Promise<T>): Promise<T>;
}

export class People {
  private editCount = 0;
  private keyCount = 0;

  constructor(private readonly world: Place) {}

  async createHere(): Promise<void> {
    const key = this.nextKey();
    const fields: JsonObject = { key };
    for (const field of FIELDS)
      if (this.world.random.chance(0.8)) fields[field] = this.edited(key, field, 'here', undefined);
    await this.accept({ recordType: RECORD_TYPE, externalId: key, kind: 'put', fields });
  }

  createThere({ party, direction }: Site): void {
    if (direction !== 'both') return;
    const key = this.nextKey();
    const payload: JsonObject = { key };
    for (const field of FIELDS)
      if (this.world.random.chance(0.8)) payload[field] = this.edited(key, field, party.name, undefined);
    const id = party.put(null, payload);
    this.world.noteOf(key, `${party.name}: created ${JSON.stringify(party.records.get(id)?.fields)}`);
    if (party.habits.commits === 'late' && this.world.random.chance(0.5))
      party.commitLate(id, undefined, this.world.random.between(1, 10) * MINUTE);
  }

  async editHere(): Promise<void> {
    const record = this.world.random.pick(await this.world.records());
    if (record === undefined) return;
    const key = record.fields['key'] as string;
    const fields: JsonObject = {};
    for (const field of this.someFields()) {
      const replaced = editOf(field, record.fields[field]);
      fields[field] = this.edited(key, field, 'here', replaced);
    }
    await this.accept({ recordType: RECORD_TYPE, externalId: record.externalId, kind: 'patch', fields });
  }

  private async accept(change: RecordChange): Promise<void> {
    const key = (await this.world.records()).find(({ externalId }) => externalId === change.externalId)
      ?.fields['key'];
    this.world.noteOf(
      (key ?? change.fields['key']) as string,
      `here: ${change.kind} ${JSON.stringify(change.fields)}`,
    );
    const [result] = await this.world.inTenant((work) =>
      acceptChanges(work, [change], { actor: 'ana', requestId: 'truth' }),
    );
    if (result === undefined || !['accepted', 'no_change', 'duplicate'].includes(result.outcome))
      throw new Error(`The change was ${result?.outcome ?? 'ignored'}.`);
  }

  async editThere(site: Site): Promise<void> {
    const { party } = site;
    const [id, record] = this.world.random.pick(party.live()) ?? [];
    if (site.direction !== 'both' || id === undefined || record === undefined) return;
    const key = record.fields['key'] as string;
    const before = this.world.edits.length;
    const payload: JsonObject = {};
    for (const field of this.someFields())
      payload[field] = this.edited(key, field, party.name, editOf(field, record.fields[field]));
    const edits = this.world.edits.slice(before);
    party.put(id, payload);
    for (const field of Object.keys(payload)) party.touched.add(`${key} ${field}`);
    for (const edit of edits) party.edited(id, edit);
    this.world.noteOf(key, `${party.name}: edited ${JSON.stringify(payload)}`);
    if (party.habits.commits === 'late' && this.world.random.chance(0.5))
      party.commitLate(id, record, this.world.random.between(1, 10) * MINUTE);
  }

  private someFields(): FieldName[] {
    return this.world.random.shuffled(FIELDS).slice(0, this.world.random.pick([1, 1, 1, 2, 7]));
  }

  /** A new value, the empty one, or the value of an earlier edit. */
  private edited(
    key: string,
    field: FieldName,
    site: string,
    replaced: number | null | undefined,
  ): JsonValue {
    const earlier = this.world.edits.filter(
      (edit) => edit.key === key && edit.field === field && edit.value !== 'gone',
    );
    const kind = this.world.random.weighted({ new: 8, empty: 1, undo: earlier.length > 0 ? 2 : 0 });
    const value =
      kind === 'new'
        ? ++this.editCount
        : kind === 'empty'
          ? null
          : (this.world.random.pick(earlier)?.value ?? null);
    if (value !== replaced) this.log({ key, field, value, site, replaced });
    return typeof value === 'number' ? valueOf(field, value) : null;
  }

  async deleteHere(): Promise<void> {
    const records = await this.world.records();
    const record = this.world.random.pick(records);
    if (record === undefined || records.length < RECORDS_LEAST) return;
    this.logDeletion(record.fields, 'here');
    await this.accept({ recordType: RECORD_TYPE, externalId: record.externalId, kind: 'delete', fields: {} });
  }

  deleteThere({ party, direction }: Site): void {
    const live = party.live();
    const [id, record] = this.world.random.pick(live) ?? [];
    if (direction !== 'both' || id === undefined || record === undefined || live.length < RECORDS_LEAST)
      return;
    for (const edit of this.logDeletion(record.fields, party.name)) party.edited(id, edit);
    party.remove(id);
    this.world.noteOf(record.fields['key'] as string, `${party.name}: deleted`);
  }

  /** A record that was deleted there comes back as it was. What is here is not an edit of it. */
  async restoreThere({ party, direction }: Site): Promise<void> {
    const isLive = (key: unknown): boolean => party.live().some(([, { fields }]) => fields['key'] === key);
    const gone = [...party.records].filter(
      ([, { isDeleted, fields }]) => isDeleted && !isLive(fields['key']),
    );
    const [id, record] = this.world.random.pick(gone) ?? [];
    if (direction !== 'both' || id === undefined || record === undefined) return;
    const key = record.fields['key'] as string;
    const here = (await this.world.records()).find(({ fields }) => fields['key'] === key);
    for (const field of FIELDS) {
      const value = editOf(field, record.fields[field]);
      const edit = this.log({ key, field, value, site: party.name, replaced: 'gone' });
      if (here !== undefined && editOf(field, here.fields[field]) === value) edit.isUndone = true;
      party.edited(id, edit);
    }
    party.restore(id);
    this.world.noteOf(key, `${party.name}: restored`);
  }

  private logDeletion(fields: JsonObject, site: string): Edit[] {
    const key = fields['key'] as string;
    return FIELDS.map((field) =>
      this.log({ key, field, value: 'gone', site, replaced: editOf(field, fields[field]) }),
    );
  }

  private log(edit: Omit<Edit, 'at'>): Edit {
    const logged = { ...edit, at: this.world.product.now };
    this.world.edits.push(logged);
    return logged;
  }

  private nextKey(): string {
    return `k${++this.keyCount}`;
  }
}
