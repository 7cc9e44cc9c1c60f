/**
 * What every reading connector guarantees, run against a real third party. Tests follow each other on the
 * same records; the last one stops the third party.
 */
import type { Connector, ReadPage, ReadRequest, RemoteRecord } from '../../../connectors/connector';
import { RecordRejected, Unauthorized, Unavailable } from '../../../connectors/errors';
import { closeConnections } from '../../../egress/http-client';
import { isJsonObject, type JsonValue } from '../../../domain/json';
import { toPath } from '../../../domain/records/place';
import { contextWith, egressHttp, loopbackPolicy } from './given';
import type { ReadingHarness, StartedSource } from './reading-harness';
import { itDescribesItself } from './shared-description';

const RECORDS = 25;
const PAGES_MAX = 100;
const DAY_MS = 24 * 3_600_000;

/** What the pages of two passes over all records became; within the repository only, which has a database. */
export type AccountForPages = (harness: ReadingHarness, ...passes: ReadPage[][]) => Promise<unknown[]>;

export function describeReading(harness: ReadingHarness, accountFor?: AccountForPages): void {
  const { recordType, mapping, lastNameAt } = harness;
  const connector = harness.connector as Connector &
    Required<Pick<Connector, 'readAbilities' | 'readPage' | 'count' | 'describeRecordTypes'>>;

  describe(`reading: ${harness.title}`, () => {
    let source: StartedSource;
    let isStopped = false;
    const stop = async () => {
      if (!isStopped) await source.stop();
      isStopped = true;
    };

    beforeAll(async () => {
      source = await harness.start();
    }, 300_000);

    afterAll(async () => {
      await closeConnections(loopbackPolicy);
      await stop();
    });

    /** A new one each time, as another process would have. */
    const contextFor = (parts: { config?: unknown; credentials?: unknown } = {}) => {
      const { config, credentials } = { config: source.config, credentials: source.credentials, ...parts };
      const hosts = connector.hosts(config);
      return contextWith({
        config,
        credentials,
        mappings: { [recordType]: mapping },
        http: egressHttp(hosts),
        hosts,
      });
    };

    const readPage = (request: Partial<ReadRequest> = {}, context = contextFor()) =>
      connector.readPage({ recordType, modifiedSince: null, cursor: null, ...request }, context);

    async function readAll(request: Partial<ReadRequest> = {}): Promise<ReadPage[]> {
      const pages: ReadPage[] = [];
      for (let cursor = request.cursor ?? null; pages.length < PAGES_MAX;) {
        const page = await readPage({ ...request, cursor });
        pages.push(page);
        if (page.nextCursor === null) return pages;
        cursor = page.nextCursor;
      }
      throw new Error('the list has no end');
    }

    const idsOf = (pages: ReadPage[]) =>
      pages
        .flatMap(({ records }) =>
          records.filter(({ isDeleted }) => !isDeleted).map(({ remoteId }) => remoteId),
        )
        .sort();
    const isAbleToFilter = () =>
      connector.readAbilities(source.config, recordType)?.canFilterByModified === true;

    it('reads an empty list as one page', async () => {
      expect(await readAll()).toMatchObject([{ records: [], unreadable: [], nextCursor: null }]);
      expect(await connector.count(recordType, contextFor())).toBe(0);
    });

    it('reads every record exactly once, over several pages', async () => {
      const created = await source.create(RECORDS);

      const pages = await readAll();

      expect(pages.length).toBeGreaterThan(2);
      expect(pages.flatMap(({ unreadable }) => unreadable)).toEqual([]);
      expect(idsOf(pages)).toEqual([...created].sort());
      expect(idsOf(pages)).toEqual((await source.ids()).sort());
      for (const { total } of pages) expect([RECORDS, null]).toContain(total);
    });

    if (accountFor !== undefined)
      it('accounts for everything that was read, in the first pass and in the next one', async () => {
        const jobs = await accountFor(harness, await readAll(), await readAll());

        const nothing = { recordsNew: 0, recordsChanged: 0, recordsUnchanged: 0, recordsFailed: 0 };
        expect(jobs).toMatchObject([
          { ...nothing, recordsRead: RECORDS, recordsNew: RECORDS, recordsHeldBack: 0 },
          { ...nothing, recordsRead: RECORDS, recordsUnchanged: RECORDS, recordsHeldBack: 0 },
        ]);
      });

    it('reads the clock of the third party, or says that it has none', async () => {
      const { asOf } = await readPage();

      if (asOf !== null) expect(Math.abs(asOf.getTime() - Date.now())).toBeLessThan(DAY_MS);
    });

    it('continues from any cursor in another process', async () => {
      const pages = await readAll();

      for (const [index, { nextCursor }] of pages.entries()) {
        if (nextCursor !== null)
          expect(idsOf(await readAll({ cursor: nextCursor }))).toEqual(idsOf(pages.slice(index + 1)));
      }
    });

    it('reads the same page again from the same cursor', async () => {
      const { nextCursor } = await readPage();

      const [first, second] = [
        await readPage({ cursor: nextCursor }),
        await readPage({ cursor: nextCursor }),
      ];

      expect(second.records).toEqual(first.records);
      // Not the same text: some (Kinto) write a number used once into their cursors.
      expect(idsOf(await readAll({ cursor: second.nextCursor }))).toEqual(
        idsOf(await readAll({ cursor: first.nextCursor })),
      );
    });

    it('reads what was modified since an instant of the remote clock, and nothing since a future one', async () => {
      const [renamed] = await source.ids();
      const { asOf } = await readPage();
      await source.rename(renamed as string, 'King');

      const since = await readAll({ modifiedSince: asOf ?? new Date(Date.now() - DAY_MS) });
      const later = isAbleToFilter() ? await readAll({ modifiedSince: new Date(Date.now() + DAY_MS) }) : [];

      const found = since.flatMap(({ records }) => records).find(({ remoteId }) => remoteId === renamed);
      expect(valueAt(found, lastNameAt)).toBe('King');
      expect(later.flatMap(({ records }) => records)).toEqual([]);
    });

    it('pages through what was modified, every record once', async () => {
      const pages = await readAll({ modifiedSince: new Date(Date.now() - DAY_MS) });

      expect(idsOf(pages)).toEqual((await source.ids()).sort());
    });

    it('reports a removed record, by a tombstone or by its absence', async () => {
      const [removed] = await source.ids();
      await source.remove(removed as string);

      const all = await readAll();
      const modified = await readAll({ modifiedSince: new Date(Date.now() - DAY_MS) });

      expect(idsOf(all)).not.toContain(removed);
      expect(idsOf(all)).toHaveLength(RECORDS - 1);
      const tombstones = modified.flatMap(({ records }) => records).filter(({ isDeleted }) => isDeleted);
      expect(tombstones.map(({ remoteId, fields }) => ({ remoteId, fields }))).toEqual(
        harness.hasTombstones ? [{ remoteId: removed, fields: {} }] : [],
      );
    });

    it('rule 48: reads a list in another order as the same', async () => {
      const listed = await source.createWithList?.();
      if (listed === undefined) return;
      const read = async () =>
        (await readAll())
          .flatMap(({ records }) => records)
          .find(({ remoteId }) => remoteId === listed.remoteId);
      const before = await read();

      await listed.turnRound();

      expect(before).toBeDefined();
      expect((await read())?.fields).toEqual(before?.fields);
      await source.remove(listed.remoteId);
    });

    it('counts what it reads', async () => {
      const count = await connector.count(recordType, contextFor());

      expect([idsOf(await readAll()).length, null]).toContain(count);
    });

    it('describes the fields and picklists that are there', async () => {
      const described = (await connector.describeRecordTypes(contextFor())).find(
        ({ name }) => name === recordType,
      );

      const fields = described?.fields ?? [];
      expect(fields.map(({ name }) => name)).toEqual(expect.arrayContaining(harness.described.fields));
      expect(new Set(fields.map(({ name }) => name)).size).toBe(fields.length);
      for (const field of fields) expect((field.values ?? []).length > 0).toBe(field.type === 'picklist');
      if (harness.described.picklist)
        expect(fields).toContainEqual(
          expect.objectContaining({ type: 'picklist', ...harness.described.picklist }),
        );
    });

    it('cannot read a record type that is not configured', async () => {
      expect(connector.readAbilities(source.config, recordType)).not.toBeNull();
      for (const unknown of ['missing', 'constructor']) {
        expect(connector.readAbilities(source.config, unknown)).toBeNull();
        await expect(readPage({ recordType: unknown })).rejects.toBeInstanceOf(RecordRejected);
      }
    });

    it('refuses an unknown dataset permanently', async () => {
      const context = () => contextFor({ config: source.configWithoutDataset });

      await expect(readPage({}, context())).rejects.toBeInstanceOf(RecordRejected);
      await expect(connector.count(recordType, context())).rejects.toBeInstanceOf(RecordRejected);
    });

    it('is Unauthorized with credentials that are not accepted', async () => {
      const context = () => contextFor({ credentials: source.wrongCredentials });

      await expect(readPage({}, context())).rejects.toBeInstanceOf(Unauthorized);
      await expect(connector.count(recordType, context())).rejects.toBeInstanceOf(Unauthorized);
      await expect(connector.check(context())).rejects.toBeInstanceOf(Unauthorized);
      await expect(connector.describeRecordTypes(context())).rejects.toBeInstanceOf(Unauthorized);
    });

    it('passes a check when all is well', async () => {
      await expect(connector.check(contextFor())).resolves.toBeUndefined();
    });

    if (harness.badConfigs)
      itDescribesItself({ connector, recordType, mapping, badConfigs: harness.badConfigs }, () => source);

    it('is Unavailable when the third party is down', async () => {
      await stop();

      await expect(readPage()).rejects.toBeInstanceOf(Unavailable);
      await expect(connector.count(recordType, contextFor())).rejects.toBeInstanceOf(Unavailable);
      await expect(connector.describeRecordTypes(contextFor())).rejects.toBeInstanceOf(Unavailable);
      await expect(connector.check(contextFor())).rejects.toBeInstanceOf(Unavailable);
    });
  });
}

function valueAt(record: RemoteRecord | undefined, to: string): JsonValue | undefined {
  let value: JsonValue | undefined = record?.fields;
  for (const key of toPath(to))
    value = isJsonObject(value) ? value[key] : Array.isArray(value) ? value[Number(key)] : undefined;
  return value;
}
