/**
 * Reads the third parties themselves and says what Syncline shows wrongly: Synced is there, a difference is
 * shown, no edit is lost without a conflict, and when the edits stop, the writes stop.
 */
import { type JsonObject, jsonEquals, type JsonValue } from '../../../domain/json';
import { mapRecord } from '../../../domain/records/mapping';
import { isNotationOf, isSameValue } from '../../../domain/records/notation';
import { editOf, fieldMappings, type FieldName, FIELDS, stored } from './habits';
import type { Edit } from './edit';
import { RECORD_TYPE, type RecordHere, type Site } from './people';
import type { World } from './world';

interface Violation {
  key: string;
  what: string;
}

export interface Findings {
  checks: number;
  violations: Violation[];
}

interface SyncShown {
  integrationId: string;
  recordId: string;
  status: string | null;
  remoteId: string | null;
}

interface ConflictShown {
  /** Of the record, also of a deleted one. */
  key: string | null;
  recordId: string | null;
  isOpen: boolean;
  kind: string;
  integrationId: string;
  field: string | null;
  ours: unknown;
  theirs: unknown;
}

/** What the product shows. */
interface Shown {
  records: RecordHere[];
  syncs: Map<string, SyncShown>;
  conflicts: ConflictShown[];
}

/** After the world has settled. */
export async function judge(world: World): Promise<Findings> {
  const findings: Findings = { checks: 0, violations: [] };
  const check = (isTrue: boolean, key: string, what: () => string): void => {
    findings.checks += 1;
    if (!isTrue) findings.violations.push({ key, what: what() });
  };
  const shown = await readShown(world);
  checkPairs(world, shown, check);
  checkEdits(world, shown, check);
  await checkSilence(world, check);
  await checkCounts(world, check);
  return findings;
}

type Check = (isTrue: boolean, key: string, what: () => string) => void;

async function readShown(world: World): Promise<Shown> {
  const records = await world.records();
  return world.inTenant(async ({ trx, tenantId }) => {
    const syncs = await trx
      .selectFrom('recordSyncs as sync')
      .leftJoin('recordLinks as link', (join) =>
        join
          .onRef('link.tenantId', '=', 'sync.tenantId')
          .onRef('link.integrationId', '=', 'sync.integrationId')
          .onRef('link.recordId', '=', 'sync.recordId'),
      )
      .select(['sync.integrationId', 'sync.recordId', 'sync.status', 'link.remoteId'])
      .where('sync.tenantId', '=', tenantId)
      .execute();
    const conflicts = await trx
      .selectFrom('syncConflicts as conflict')
      .leftJoin('records as record', (join) =>
        join
          .onRef('record.tenantId', '=', 'conflict.tenantId')
          .onRef('record.recordId', '=', 'conflict.recordId'),
      )
      .select([
        'conflict.recordId',
        'integrationId',
        'field',
        'ours',
        'theirs',
        'kind',
        'state',
        'record.fields',
      ])
      .where('conflict.tenantId', '=', tenantId)
      .execute();
    return {
      records,
      syncs: new Map(syncs.map((sync) => [`${sync.integrationId} ${sync.recordId}`, sync])),
      conflicts: conflicts.map(({ state, fields, ...conflict }) => ({
        ...conflict,
        key: (fields?.['key'] as string | undefined) ?? null,
        isOpen: state === 'open',
      })),
    };
  });
}

/** Synced is there, what differs is shown, and nothing is there twice. */
function checkPairs(world: World, shown: Shown, check: Check): void {
  const { records } = shown;
  const keys = records.map(({ fields }) => fields['key'] as string);
  for (const key of keys)
    check(keys.filter((one) => one === key).length === 1, key, () => 'the record is here twice');
  for (const site of world.sites) {
    const there = new Map<string, number>();
    for (const [, { fields }] of site.party.live())
      there.set(fields['key'] as string, (there.get(fields['key'] as string) ?? 0) + 1);
    for (const [key, count] of there) {
      check(count === 1, key, () => `the record is ${count} times at ${site.party.name}`);
      if (site.direction === 'both')
        check(keys.includes(key), key, () => `the record at ${site.party.name} is not here`);
    }
    for (const record of records) checkPair(world, site, record, shown, check);
  }
}

function checkPair(
  world: World,
  site: Site,
  record: RecordHere,
  { syncs, conflicts }: Shown,
  check: Check,
): void {
  const { party, integrationId } = site;
  const key = record.fields['key'] as string;
  const sync = syncs.get(`${integrationId} ${record.recordId}`);
  const status = sync?.status ?? 'no status';
  const remote = sync?.remoteId == null ? undefined : party.records.get(sync.remoteId);
  const isThere = remote !== undefined && !remote.isDeleted;
  const open = conflicts.filter(
    (conflict) =>
      conflict.isOpen && conflict.recordId === record.recordId && conflict.integrationId === integrationId,
  );
  const wasDeletedThere = world.edits.some(
    (edit) => edit.key === key && edit.value === 'gone' && edit.site === party.name,
  );
  if (status === 'synced' || (status === 'no status' && !wasDeletedThere))
    check(isThere, key, () => `${status}, and not at ${party.name}`);
  check(
    open.length > 0 || (status !== 'sync_pending' && status !== 'syncing'),
    key,
    () => `${party.name}: still ${status}`,
  );
  if (!isThere || status === 'sync_failed') return;
  for (const field of FIELDS) {
    if (open.some((conflict) => conflict.field === field && conflict.kind === 'field_keeps_changing'))
      continue;
    const [here, there] = [record.fields[field], remote.fields[field]];
    check(
      isHeldAs(site, field, here, there) || isUndoneThere(site, { key, field }, here, there),
      key,
      () => `${status}, and ${field} is ${text(here)} here and ${text(there)} at ${party.name}`,
    );
  }
}

/**
 * Excluded (truth.test.ts): a value is set back there in another notation before a run has read it.
 */
function isUndoneThere(
  { party }: Site,
  { key, field }: Pick<Edit, 'key' | 'field'>,
  here: JsonValue | undefined,
  there: JsonValue | undefined,
): boolean {
  return isNotationOf(here, there) && party.touched.has(`${key} ${field}`);
}

/** The third party makes `there` of our value, or our value is what its value means. */
function isHeldAs(
  { party }: Site,
  field: FieldName,
  here: JsonValue | undefined,
  there: JsonValue | undefined,
): boolean {
  if (editOf(field, here) !== editOf(field, there)) return false;
  if (isSameValue(here, there) || editOf(field, here) === null) return true;
  return [true, false].some((isTyped) => {
    const mapping = { direction: 'both', fields: fieldMappings(isTyped), onDelete: 'leave' } as const;
    const mapped = mapRecord(mapping, { [field]: here as JsonValue });
    if (!mapped.ok) return false;
    const kept: JsonObject = stored(party.habits, mapped.payload);
    return isSameValue(kept[field], there) || isSameValue(stored(party.habits, kept)[field], there);
  });
}

/** Every edit is shown at the end, was replaced by a person who saw it, or is in a conflict. */
function checkEdits(world: World, { records, conflicts }: Shown, check: Check): void {
  world.edits.forEach((edit, index) => {
    if (edit.isOverwrittenUnread === true || edit.isUndone === true) return;
    const { key, field, value, site } = edit;
    check(
      isShown(world, records, edit) ||
        world.edits.some((by, at) => (at > index || isAnsweredBy(edit, by)) && isReplaced(edit, by)) ||
        world.edits.some((there) => isNoChangeBeside(there, edit)) ||
        isInConflict(edit, conflicts),
      key,
      () => `the edit of ${field} to ${value === null ? 'empty' : value} at ${site} is lost`,
    );
  });
}

/** Excluded (truth.test.ts): an edit here sets back what the third party last had; only `there` counts. */
const isNoChangeBeside = (there: Edit, edit: Edit): boolean =>
  edit.site === 'here' &&
  isSameField(there, edit) &&
  there.readAt !== undefined &&
  there.readAt >= edit.at &&
  there.known === edit.value;

/** Excluded (truth.test.ts): an edit there of a record that was deleted here with the same value. */
const isAnsweredBy = (edit: Edit, by: Edit): boolean =>
  edit.site !== 'here' && by.site === 'here' && by.value === 'gone';

const isReplaced = (edit: Edit, by: Edit): boolean => isSameField(by, edit) && by.replaced === edit.value;

const isSameField = (one: Edit, other: Edit): boolean => one.key === other.key && one.field === other.field;

function isShown(world: World, records: readonly RecordHere[], { key, field, value, site }: Edit): boolean {
  const isAt = (fields: JsonObject): boolean => fields['key'] === key;
  if (value === 'gone') {
    const isHere = records.some(({ fields }) => isAt(fields));
    // What others hold stays, and its next change creates it there again (rules.md 50).
    if (site === 'here') return !isHere;
    const party = world.sites.find((one) => one.party.name === site)?.party;
    return isHere || party?.live().some(([, { fields }]) => isAt(fields)) !== true;
  }
  const values = [
    ...records.map(({ fields }) => fields),
    ...world.sites.flatMap(({ party }) => party.live().map(([, { fields }]) => fields)),
  ].filter(isAt);
  return values.some((fields) => editOf(field, fields[field]) === value);
}

function isInConflict({ key, field, value }: Edit, conflicts: readonly ConflictShown[]): boolean {
  return conflicts.some(
    (conflict) =>
      conflict.key === key &&
      (conflict.kind === 'edited_here_deleted_there' ||
        (conflict.field === field &&
          [conflict.ours, conflict.theirs].some((side) => editOf(field, side as JsonValue) === value))),
  );
}

/** When the edits stop, nothing is written and nothing changes. */
async function checkSilence(world: World, check: Check): Promise<void> {
  const before = await world.records();
  const writes = world.sites.map(({ party }) => party.writes);
  await world.round();
  world.sites.forEach(({ party }, index) =>
    check(party.writes === writes[index], '', () => `${party.name} is still written`),
  );
  const after = await world.records();
  for (const { recordId, version, fields } of before) {
    const now = after.find((record) => record.recordId === recordId);
    check(
      now?.version === version && jsonEquals(now.fields, fields),
      fields['key'] as string,
      () => `the record still changes: ${text(fields)} to ${text(now?.fields)}`,
    );
  }
}

/** read = new + changed + unchanged + failed + held back. */
async function checkCounts(world: World, check: Check): Promise<void> {
  const jobs = await world.inTenant(({ trx, tenantId }) =>
    trx
      .selectFrom('syncJobs')
      .selectAll()
      .where('tenantId', '=', tenantId)
      .where('recordType', '=', RECORD_TYPE)
      .execute(),
  );
  for (const { recordsRead, ...job } of jobs) {
    const { recordsNew, recordsChanged, recordsUnchanged, recordsFailed, recordsHeldBack } = job;
    const kinds = [recordsNew, recordsChanged, recordsUnchanged, recordsFailed, recordsHeldBack];
    const sum = kinds.reduce((total, count) => total + count, 0);
    const names = 'new, changed, unchanged, failed, held back';
    check(recordsRead === sum, '', () => `${recordsRead} read; ${names}: ${kinds.join(', ')}`);
  }
}

const text = (value: JsonValue | undefined): string => JSON.stringify(value) ?? 'absent';
