/**
 * What every connector that pushes and reads guarantees about pushed values: what the third party makes of
 * them is no change, no difference and no reason to push again (rules.md 17, 22, 46, 48).
 */
import { randomUUID } from 'node:crypto';
import type { Connector, PushItem, RemoteRecord } from '../../../connectors/connector';
import type { JsonObject, JsonValue } from '../../../domain/json';
import { remoteDifference } from '../../../domain/pull/remote-difference';
import { mergePulled } from '../../../domain/pull/three-way-merge';
import { pushTarget, type RecordTypeMapping, targetText } from '../../../domain/records/mapping';
import { type Notation, notationAfterPush } from '../../../domain/records/notation';
import { contextWith, egressHttp, pushItem } from './given';
import type { ConnectorHarness } from './harness';

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
  started: () => { config: unknown; credentials: unknown },
): void {
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
