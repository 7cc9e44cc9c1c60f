/**
 * The contract of a shipped definition: it runs the definition against a simulator of the documented
 * behaviour of its product. Each product is a table entry; what it cannot do is left out of the entry.
 */
import path from 'node:path';
import { compileDefinition } from '../../../api/third-parties/compile-definition';
import { readShippedDefinitions } from '../../../api/third-parties/shipped-definitions';
import { connectors } from '../../../connectors';
import type { PushItem, PushResult } from '../../../connectors/connector';
import { RateLimited, RecordRejected, Unauthorized } from '../../../connectors/errors';
import { closeConnections } from '../../../egress/http-client';
import { isJsonObject, type JsonObject, type JsonValue } from '../../../domain/json';
import type { RecordTypeMapping } from '../../../domain/records/mapping';
import { parsePlace, valueAt } from '../../../domain/records/place';
import { expand } from '../../../domain/third-parties/definition';
import { contextWith, egressHttp, loopbackPolicy, memoryTokens, pushItem } from '../suite/given';
import type { ScriptedAnswer } from '../suite/scripted-server';
import { type Product, type Row, type Simulator, startSimulator } from './simulator';
import { describeWebhook, type Linked, type WebhookContract } from './webhook-contract';

export interface Contract {
  key: string;
  parameters: Record<string, string>;
  /** By the way to sign in. None for a consent: its token is CONSENTED_TOKEN. */
  credentials: Record<string, Record<string, string>>;
  product(): Product;
  /** What the product answers beyond its limit, and the wait that it asks for, if it does. */
  throttled: ScriptedAnswer & { waitMs: number | null };
  recordType: string;
  /** Of a record type without a default mapping. */
  mapping?: RecordTypeMapping;
  /** Adds the record with this number, as if a person had made it there. At least five fit on two pages. */
  seed(product: Product, number: number): Row;
  /** A change there. */
  touch: JsonObject;
  /** Whether a list can be limited to what changed. */
  hasChanges: boolean;
  /** Whether a list of changes has the deleted records. */
  tellsDeletions?: boolean;
  /** All records come in one answer. */
  isOnePage?: boolean;
  /** A field that only the product's own description of its fields names. */
  describes?: { name: string; label: string };
  webhook?: WebhookContract;
  push?: {
    /** The record with this number, as Syncline has it. */
    fields(number: number): JsonObject;
    /** The place in the product's record of what `change` changes. */
    change: JsonObject;
    changed: JsonObject;
    /** A record that the product refuses, and where Syncline shows it. */
    refused: { fields: JsonObject; field: string | null; says: RegExp };
    /** The field by which a record is found again. */
    key: string;
    /** What the product has after a deactivation. */
    deactivated?: JsonObject;
    deletes: boolean;
  };
}

export const CONSENTED_TOKEN = 'consented-token';

/** Values that must stay values in addresses, filters and bodies. */
const HOSTILE = [
  `x' or 'a' eq 'a`,
  'x" or "a"="a',
  '../../admin',
  'a/b?c=d#e',
  'a&b=c,d',
  '%2e%2e%2fx',
  'ü\\',
];

/** @param describeMore what only this product does */
export function describeContract(contract: Contract, describeMore?: (given: Given) => void): void {
  let simulator: Simulator;
  let product: Product;

  beforeEach(async () => {
    product = contract.product();
    simulator = await startSimulator(product);
  });
  afterEach(async () => {
    await closeConnections(loopbackPolicy);
    await simulator.stop();
  });

  const signIns = Object.keys(contract.credentials);
  const linked = (change: Linking = {}) => link(contract, simulator.url, change);
  const { push, recordType } = contract;

  describe(`${contract.key}: ${recordType}`, () => {
    it.each(signIns)('signs in by %s and reads', async (signIn) => {
      const row = contract.seed(product, 1);
      const context = await linked({ signIn });

      await context.connector.check(context);
      const read = await readAll(context, recordType);

      expect(read.map(({ remoteId }) => remoteId)).toEqual([row.id]);
    });

    it('says that wrong credentials were refused', async () => {
      const context = await linked({ isWrong: true });

      await expect(context.connector.check(context)).rejects.toBeInstanceOf(Unauthorized);
    });

    it('reads every record once, on all pages', async () => {
      const rows = [1, 2, 3, 4, 5].map((number) => contract.seed(product, number));

      const read = await readAll(await linked(), recordType);

      expect(read.map(({ remoteId }) => remoteId).sort()).toEqual(rows.map(({ id }) => id).sort());
      expect(read.every(({ isDeleted }) => !isDeleted)).toBe(true);
      expect(read.pages > 1).toBe(contract.isOnePage !== true);
    });

    it('shows in each read record what the default mapping reads', async () => {
      contract.seed(product, 1);
      const context = await linked();

      const [record] = await readAll(context, recordType);

      const fields = context.mappings[recordType]!.fields.filter(({ name }) => name !== undefined);
      for (const { to } of fields)
        expect([to, valueAt(record!.fields, parsePlace(to))]).not.toEqual([to, undefined]);
    });

    it('waits as long as the product asks for beyond its limit', async () => {
      contract.seed(product, 1);
      const context = await linked();
      await context.connector.check(context);
      const { waitMs, ...answer } = contract.throttled;

      simulator.answerNextWith(answer);
      const error: unknown = await readAll(context, recordType).catch((thrown: unknown) => thrown);

      expect(error).toBeInstanceOf(RateLimited);
      expect((error as RateLimited).retryAfterMs).toBe(waitMs);
    });

    if (contract.hasChanges)
      it('reads of changes only what changed', async () => {
        const [, changed, deleted] = [1, 2, 3].map((number) => contract.seed(product, number));
        // Some filters include the instant itself, and others do not.
        product.records.change(changed!, contract.touch);
        const since = product.records.now();
        product.records.change(changed!, contract.touch);
        if (contract.tellsDeletions === true) product.records.delete(deleted!);

        const read = await readAll(await linked(), recordType, since);

        expect(read.filter(({ isDeleted }) => !isDeleted).map(({ remoteId }) => remoteId)).toEqual([
          changed!.id,
        ]);
        expect(read.filter(({ isDeleted }) => isDeleted).map(({ remoteId }) => remoteId)).toEqual(
          contract.tellsDeletions === true ? [deleted!.id] : [],
        );
      });

    if (contract.hasChanges)
      it('reads every change once, on all pages', async () => {
        const rows = [1, 2, 3, 4, 5].map((number) => contract.seed(product, number));
        const since = product.records.now();
        for (const row of rows) product.records.change(row, contract.touch);

        const read = await readAll(await linked(), recordType, since);

        expect(read.map(({ remoteId }) => remoteId).sort()).toEqual(rows.map(({ id }) => id).sort());
      });

    if (contract.describes !== undefined)
      it('takes the fields from the product', async () => {
        const context = await linked();

        const [described] = await context.connector.describeRecordTypes!(context);

        expect(described!.fields).toContainEqual(expect.objectContaining(contract.describes));
      });

    const given = () => ({ simulator, product, linked });
    if (contract.webhook !== undefined) describeWebhook(contract, contract.webhook, given);
    if (push !== undefined) describePush(contract, push, given);
    describeMore?.(given);
  });
}

export type Given = () => {
  simulator: Simulator;
  product: Product;
  linked(change?: Linking): Promise<Linked>;
};

function describePush(contract: Contract, push: NonNullable<Contract['push']>, given: Given): void {
  const { recordType } = contract;
  const itemOf = itemsOf(recordType);

  it('creates a record, finds it after a lost answer, and changes it', async () => {
    const { product, linked } = given();
    const context = await linked({ direction: 'both' });
    contract.seed(product, 7);

    const created = await pushOne(itemOf(context, push.fields(1)), context);
    const found = await pushOne(itemOf(context, { ...push.fields(1), ...push.change }), context);

    const [, row, ...more] = product.records.living();
    expect(created).toMatchObject({ ok: true, effect: 'created', remoteId: row!.id });
    expect(found).toMatchObject({ ok: true, effect: 'updated', remoteId: row!.id });
    expect(row!.fields).toMatchObject(push.changed);
    expect(more).toEqual([]);
  });

  it('changes a linked record by its id, and leaves its other fields', async () => {
    const { product, linked } = given();
    const context = await linked({ direction: 'both' });
    const row = contract.seed(product, 1);
    product.records.change(row, { kept: 'there' });

    const item = itemOf(context, { ...push.fields(1), ...push.change }, { remoteId: row.id });
    const result = await pushOne(item, context);

    expect(result).toMatchObject({ ok: true, effect: 'updated', remoteId: row.id });
    expect(row.fields).toMatchObject({ ...push.changed, kept: 'there' });
  });

  it('shows a refusal in the words of the product', async () => {
    const { linked } = given();
    const context = await linked({ direction: 'both' });

    const result = await pushOne(itemOf(context, push.refused.fields), context);

    const error = result.ok ? undefined : result.error;
    expect(error).toBeInstanceOf(RecordRejected);
    const said = (error as RecordRejected).errors;
    expect(said.map(({ field }) => field)).toContain(push.refused.field);
    expect(said.map(({ message }) => message).join(' ')).toMatch(push.refused.says);
  });

  it('creates a record again that is gone there', async () => {
    const { product, linked } = given();
    const context = await linked({ direction: 'both' });
    const row = contract.seed(product, 1);
    product.records.delete(row);

    const result = await pushOne(itemOf(context, push.fields(1), { remoteId: row.id }), context);

    expect(result).toMatchObject({ ok: true, effect: 'created' });
    expect(product.records.living()).toHaveLength(1);
  });

  it.each(HOSTILE)('touches no other record for the id and the value %s', async (hostile) => {
    const { product, linked } = given();
    const context = await linked({ direction: 'both' });
    const other = contract.seed(product, 2);
    const before = JSON.stringify(other.fields);

    const withValue = { ...push.fields(1), ...push.change, [push.key]: hostile };
    await pushOne(itemOf(context, withValue), context);
    await pushOne(itemOf(context, withValue, { externalId: hostile }), context);
    await pushOne(itemOf(context, { ...push.fields(1), ...push.change }, { remoteId: hostile }), context);

    expect(JSON.stringify(other.fields)).toBe(before);
    expect(other.isDeleted).toBe(false);
  });

  if (push.deactivated !== undefined)
    it('deactivates a record, and activates it again', async () => {
      const { product, linked } = given();
      const context = await linked({ direction: 'both' });
      const row = contract.seed(product, 1);

      await pushOne(itemOf(context, push.fields(1), { operation: 'deactivate', remoteId: row.id }), context);
      expect(row.fields).toMatchObject(push.deactivated!);
      await pushOne(itemOf(context, push.fields(1), { remoteId: row.id, isDeactivated: true }), context);
      expect(row.fields).not.toMatchObject(push.deactivated!);
    });

  if (push.deletes)
    it('deletes a record, also one that is gone already', async () => {
      const { product, linked } = given();
      const context = await linked({ direction: 'both' });
      const row = contract.seed(product, 1);

      const removal = itemOf(context, push.fields(1), { operation: 'delete', remoteId: row.id });
      const results = [await pushOne(removal, context), await pushOne(removal, context)];

      expect(results.map(({ ok }) => ok)).toEqual([true, true]);
      expect(row.isDeleted).toBe(true);
    });
}

/** Makes items of a record type by the mapping of its integration. */
export const itemsOf =
  (recordType: string) =>
  (context: Linked, fields: JsonObject, overrides: object = {}) =>
    pushItem(recordType, context.mappings[recordType]!, fields, { externalId: 'e1', ...overrides });

interface Linking {
  signIn?: string;
  isWrong?: boolean;
  direction?: 'both';
}

/** The definition as an integration has it, with the addresses of the simulator. */
async function link(
  { key, parameters, credentials, recordType, mapping }: Contract,
  url: string,
  { signIn = Object.keys(credentials)[0]!, isWrong = false, direction }: Linking,
): Promise<Linked> {
  const shipped = await readShippedDefinitions(path.join(__dirname, '../../../third-parties'));
  const document = shipped.find((definition) => definition.key === key);
  if (document === undefined) throw new Error(`There is no definition of ${key}.`);
  const rules = compileDefinition(document, connectors);
  const { config, recordTypes } = expand(rules, { signIn, parameters }, (given) => atSimulator(given, url));
  const connector = connectors[rules.connector]!;
  const parsed = connector.configSchema.parse(config);
  const given = Object.entries(credentials[signIn]!).map(([name, value]) => [
    name,
    isWrong ? 'wrong' : value,
  ]);
  const secrets = connector.credentialsSchema.parse(Object.fromEntries(given));
  const own: RecordTypeMapping = mapping ?? recordTypes[recordType]!;
  const mappings = { ...recordTypes, [recordType]: direction === undefined ? own : { ...own, direction } };
  expect(connector.validate?.(parsed, mappings, secrets) ?? []).toEqual([]);
  const token = { value: isWrong ? 'wrong' : CONSENTED_TOKEN, generation: 1 };
  const accessTokens = {
    current: async () => token,
    renew: async () => undefined,
    known: () => [token.value],
  };
  const context = {
    ...contextWith({
      config: parsed,
      credentials: secrets,
      mappings,
      http: egressHttp(connector.hosts(parsed), 10_000),
    }),
    tokens: memoryTokens(),
    accessTokens,
    connector,
  };
  return context as unknown as Linked;
}

async function pushOne(item: PushItem, context: Linked): Promise<PushResult> {
  const results = await context.connector.push([item], context);
  expect(results).toHaveLength(1);
  return results[0]!;
}

const ADDRESSES = ['base_url', 'token_url', 'authorization_url', 'url'];

/** The same configuration at the simulator: only scheme and host of addresses differ. */
function atSimulator(config: JsonObject, url: string): JsonObject {
  const moved = (value: JsonValue, name: string): JsonValue => {
    if (typeof value === 'string')
      return ADDRESSES.includes(name) ? value.replace(/^https:\/\/[^/]+/, url) : value;
    if (Array.isArray(value)) return value.map((item) => moved(item, name));
    return isJsonObject(value) ? atSimulator(value, url) : value;
  };
  return Object.fromEntries(Object.entries(config).map(([name, value]) => [name, moved(value, name)]));
}

export async function readAll(context: Linked, recordType: string, modifiedSince: Date | null = null) {
  const records = [];
  let cursor: string | null = null;
  let pages = 0;
  do {
    const page = await context.connector.readPage!({ recordType, modifiedSince, cursor }, context);
    expect(page.unreadable).toEqual([]);
    records.push(...page.records);
    cursor = page.nextCursor;
    pages += 1;
    expect(pages).toBeLessThan(100);
  } while (cursor !== null);
  return Object.assign(records, { pages });
}
