/**
 * What every connector that pushes and reads guarantees about pushed values: what the third party makes of
 * them is no change, no difference and no reason to push again (rules.md 17, 22, 46, 48).
 */
import { randomUUID } from 'node:crypto';
import type { Connector, PushItem, RemoteRecord } from '../../../connectors/connector';
import { deletedThere } from '../../../connectors/errors';
import type { JsonObject, JsonValue } from '../../../domain/json';
import { remoteDifference } from '../../../domain/pull/remote-difference';
import { findUnreadEdits, type UnreadEdits } from '../../../domain/pull/unread-edits';
import { mergePulled } from '../../../domain/pull/three-way-merge';
import { pushTarget, type RecordTypeMapping, targetText } from '../../../domain/records/mapping';
import { type Notation, notationAfterPush } from '../../../domain/records/notation';
import { contextWith, egressHttp, pushItem } from './given';
import type { ConnectorHarness, StartedThirdParty } from './harness';

const PAGES_MAX = 100;

/** An agreement as the link of a pushed record holds it. */
interface Agreed {
  fields: JsonObject;
  payload: JsonObject;
  notation: Notation;
  remoteId: string;
  remoteVersion: string | null;
}

export function itKeepsNotations(
  { connector, recordType, mapping: documented, typed }: ConnectorHarness,
  started: () => Pick<StartedThirdParty, 'config' | 'credentials' | 'remove'>,
): void {
  const removeThere = (remoteId: string) => started().remove(remoteId);
  const mapping: RecordTypeMapping = {
    ...documented,
    direction: 'both',
    fields: [...documented.fields, ...typed.fields],
  };

  describe('rule 46: what it makes of pushed values', () => {
    const contextFor = () => {
      const { config, credentials } = started();
      const hosts = connector.hosts(config);
      const mappings = { [recordType]: mapping };
      return contextWith({ config, credentials, mappings, http: egressHttp(hosts), hosts });
    };

    const itemOf = (fields: JsonObject, overrides: Partial<PushItem> = {}) =>
      pushItem(recordType, mapping, fields, overrides);

    async function pushed(item: PushItem, fields: JsonObject, before: Notation | null): Promise<Agreed> {
      const [result] = await connector.push([item], contextFor());
      if (result?.ok !== true || result.remoteId === null)
        throw new Error('the push failed', { cause: result?.ok === false ? result.error : undefined });
      const notation = notationAfterPush(mapping, fields, { before, shown: result.shown ?? null });
      const { remoteId, remoteVersion } = result;
      return { fields, payload: item.payload, notation, remoteId, remoteVersion };
    }

    async function read(remoteId: string): Promise<RemoteRecord> {
      const { readPage } = connector as Connector & Required<Pick<Connector, 'readPage'>>;
      let cursor: string | null = null;
      for (let pages = 0; pages < PAGES_MAX; pages += 1) {
        const page = await readPage({ recordType, modifiedSince: null, cursor }, contextFor());
        const found = page.records.find((record) => record.remoteId === remoteId);
        if (found !== undefined) return found;
        cursor = page.nextCursor;
        if (cursor === null) break;
      }
      throw new Error('the list lacks the record');
    }

    function expectNoChange(agreed: Agreed, there: JsonObject): Notation {
      const { fields, payload, notation } = agreed;
      const merged = mergePulled(mapping, fields, { agreed: payload, notation }, there);
      expect(merged).toMatchObject({ fields, changedFields: [], conflicts: [], isAgreed: true });
      const { difference } = remoteDifference(mapping, { fields, payload }, there, notation);
      expect(difference).toBeNull();
      const textOf = (each: JsonObject) =>
        targetText(pushTarget(mapping, { fields: each, isDeleted: false }));
      expect(textOf(merged.fields)).toBe(textOf(fields));
      return merged.notation;
    }

    const anEmployee = () => ({
      first_name: 'Ada',
      last_name: 'Lovelace',
      email: `${randomUUID()}@example.com`,
    });

    it.each(typed.values.map((values) => [JSON.stringify(values), values] as const))(
      'is neither a change nor a difference, and is not pushed again: %s',
      async (_values, values) => {
        const fields = { ...anEmployee(), ...values };
        const item = itemOf(fields);
        const created = await pushed(item, fields, null);
        const notation = expectNoChange(created, (await read(created.remoteId)).fields);
        // Read once, its notation is known exactly.
        expectNoChange({ ...created, notation }, (await read(created.remoteId)).fields);

        const { externalId } = item;
        for (const change of [{ first_name: 'Grace' }, ...typed.values]) {
          const edited = { ...fields, ...change };
          const { remoteId, remoteVersion } = created;
          const update = itemOf(edited, { externalId, remoteId, remoteVersion });
          const updated = await pushed(update, edited, notation);
          expectNoChange(updated, (await read(remoteId)).fields);
        }
      },
    );

    it('rule 17: a push keeps what was edited there since the record was read', async () => {
      const fields = { ...anEmployee(), ...typed.values[0] };
      const item = itemOf(fields);
      const created = await pushed(item, fields, null);
      const { externalId } = item;
      const { remoteId } = created;
      const notation = expectNoChange(created, (await read(remoteId)).fields);
      const editedThere = { ...fields, email: `${randomUUID()}@example.com` };
      await pushed(itemOf(editedThere, { externalId, remoteId }), editedThere, null);

      const edited = { ...fields, first_name: 'Grace' };
      const seen: UnreadEdits[] = [];
      const beforeWrite = async (
        { payload }: PushItem,
        remote: JsonObject,
        { isReplaced }: { isReplaced: boolean },
      ) => {
        const agreement = { agreed: created.payload, notation, pushed: payload };
        const found = findUnreadEdits(mapping, { fields: edited, payload }, agreement, {
          remote,
          isReplaced,
        });
        seen.push(found);
        return found.sent;
      };
      const update = itemOf(edited, { externalId, remoteId, isReadFirst: true });
      const [result] = await connector.push([update], { ...contextFor(), beforeWrite });

      expect(result).toMatchObject({ ok: true, effect: 'updated' });
      expect(seen).toMatchObject([{ conflicts: [] }]);
      const { fields: merged } = mergePulled(
        mapping,
        fields,
        { agreed: created.payload, notation },
        (await read(remoteId)).fields,
      );
      expect(merged).toMatchObject({ first_name: 'Grace', email: editedThere.email });
    });

    it('rule 50: a record that was deleted there is not created again before a decision', async () => {
      const fields = { ...anEmployee(), ...typed.values[0] };
      const item = itemOf(fields);
      const created = await pushed(item, fields, null);
      await removeThere(created.remoteId);
      const beforeCreateAgain = () => {
        throw deletedThere(created.remoteId);
      };
      const { externalId } = item;
      const update = itemOf(fields, { externalId, remoteId: created.remoteId, isReadFirst: true });
      const [result] = await connector.push([update], { ...contextFor(), beforeCreateAgain });

      expect(result).toMatchObject({ ok: false, error: { conflict: { kind: 'edited_here_deleted_there' } } });
      await expect(read(created.remoteId)).rejects.toThrow('the list lacks the record');
    });

    it('is the same with its lists in another order', async () => {
      const fields = { ...anEmployee(), ...typed.values[0] };
      const created = await pushed(itemOf(fields), fields, null);
      const { fields: there } = await read(created.remoteId);
      const notation = expectNoChange(created, there);
      expectNoChange({ ...created, notation }, reversed(there) as JsonObject);
    });
  });
}

function reversed(value: JsonValue): JsonValue {
  if (Array.isArray(value)) return value.toReversed().map(reversed);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, reversed(member)]));
}
