/**
 * What every pushing connector guarantees, run against a real third party over the product's HTTP client.
 * Each test works on records of its own, so the order does not matter, but for the last, which stops the
 * third party.
 */
import { randomUUID } from 'node:crypto';
import type { ConnectorContext, HttpClient, PushItem, PushResult } from '../../../connectors/connector';
import {
  alreadyLinked,
  RecordConflict,
  RecordRejected,
  Unauthorized,
  Unavailable,
} from '../../../connectors/errors';
import { closeConnections } from '../../../egress/http-client';
import type { JsonObject } from '../../../domain/json';
import { contextWith, egressHttp, loopbackPolicy, pushItem } from './given';
import type { ConnectorHarness, RemoteRecord, StartedThirdParty } from './harness';
import { itDescribesItself } from './shared-description';
import { itKeepsNotations } from './shared-notation-suite';

type Pushed = Extract<PushResult, { ok: true }>;

const AWKWARD_EXTERNAL_ID = `Ünï "1" \\ ' or 1=1 && x="y" /%2F?#&+ ~ 🙂`;

const STRINGS: Record<string, string> = {
  'emoji with joiners': '👩🏽‍💻 🏳️‍🌈 🇳🇱',
  'right to left': 'مرحبا بالعالم \u202Eשלום',
  'decomposed, not normalised': 'e\u0301 A\u030A ﬁ',
  'characters beyond the basic plane': '𝒜𠮷𐍈',
  'quotes, backslashes and SQL': `'; DROP TABLE users; -- "\\ \\" \\\\ %s \${x} {{y}}`,
  markup: '<b onmouseover="alert(1)">&amp;</b>',
  'tabs and line breaks': 'a\tb\nc\r\nd',
  'the words null and true': 'null',
  'a number in words': '00123',
};

export function describeConnector(harness: ConnectorHarness): void {
  const { connector, recordType, mapping } = harness;

  describe(harness.title, () => {
    let thirdParty: StartedThirdParty;
    let isStopped = false;

    const stop = async () => {
      if (!isStopped) await thirdParty.stop();
      isStopped = true;
    };

    beforeAll(async () => {
      thirdParty = await harness.start();
    }, 300_000);

    afterAll(async () => {
      await closeConnections(loopbackPolicy);
      await stop();
    });

    const http = () => egressHttp(connector.hosts(thirdParty.config));

    const contextFor = (
      parts: {
        http?: HttpClient;
        credentials?: unknown;
        claimRemote?: ConnectorContext['claimRemote'];
      } = {},
    ) =>
      contextWith({
        config: thirdParty.config,
        credentials: thirdParty.credentials,
        mappings: { [recordType]: mapping },
        http: http(),
        ...parts,
      });

    const anEmployee = (fields: JsonObject = {}, overrides: Partial<PushItem> = {}) =>
      pushItem(
        recordType,
        mapping,
        { first_name: 'Ada', last_name: 'Lovelace', email: `${randomUUID()}@example.com`, ...fields },
        overrides,
      );

    const again = (item: PushItem, pushed: Pushed, overrides: Partial<PushItem> = {}): PushItem => ({
      ...item,
      pushId: `psh_${randomUUID()}`,
      remoteId: pushed.remoteId,
      remoteVersion: pushed.remoteVersion,
      ...overrides,
    });

    async function push(item: PushItem, context = contextFor()): Promise<PushResult> {
      const results = await connector.push([item], context);
      expect(results.map(({ pushId }) => pushId)).toEqual([item.pushId]);
      return results[0] as PushResult;
    }

    async function pushOk(item: PushItem, context = contextFor()): Promise<Pushed> {
      const result = await push(item, context);
      if (!result.ok)
        throw new Error(
          `${result.error.constructor.name}: ${result.error.message} ${JSON.stringify(result.error)}`,
          { cause: result.error },
        );
      return result;
    }

    async function failureOf(item: PushItem, context = contextFor()): Promise<Error> {
      const result = await connector
        .push([item], context)
        .catch((error: Error) => [{ ok: false as const, error }]);
      const [first] = result;
      if (!first || first.ok) throw new Error('the push was expected to fail');
      return first.error;
    }

    async function arrived(item: PushItem): Promise<RemoteRecord[]> {
      return (await thirdParty.list()).filter(({ externalId }) => externalId === item.externalId);
    }

    describe('push', () => {
      it('creates a new record', async () => {
        const item = anEmployee({ first_name: 'Grace', last_name: 'Hopper' });

        const pushed = await pushOk(item);

        expect(pushed).toMatchObject({ effect: 'created', remoteId: expect.any(String) as string });
        expect(await arrived(item)).toMatchObject([
          { remoteId: pushed.remoteId, firstName: 'Grace', lastName: 'Hopper', isActive: true },
        ]);
      });

      it('updates a known record, and creates no second one', async () => {
        const item = anEmployee();
        const created = await pushOk(item);

        const updated = await pushOk(
          again(item, created, { payload: anEmployee({ first_name: 'Augusta' }).payload }),
        );

        expect(updated).toMatchObject({ effect: 'updated', remoteId: created.remoteId });
        expect(await arrived(item)).toMatchObject([
          { remoteId: created.remoteId, firstName: 'Augusta', lastName: 'Lovelace' },
        ]);
      });

      it('has one effect for the same push sent twice', async () => {
        const item = anEmployee();

        const first = await pushOk(item);
        const second = await pushOk(item);

        expect(second.remoteId).toBe(first.remoteId);
        expect(await arrived(item)).toHaveLength(1);
      });

      it('creates no duplicate when the answer to a creation was lost', async () => {
        const item = anEmployee();

        const lost = await failureOf(
          item,
          contextFor({ http: losingAnswersToCreations(http(), () => arrived(item)) }),
        );
        const repeated = await pushOk(item);

        expect(lost).toBeInstanceOf(Unavailable);
        expect(await arrived(item)).toMatchObject([{ remoteId: repeated.remoteId }]);
      });

      it('writes the latest values when it finds a record whose creation was not acknowledged', async () => {
        const item = anEmployee();
        await pushOk(item);

        await pushOk({ ...item, pushId: 'psh_later', payload: anEmployee({ last_name: 'King' }).payload });

        expect(await arrived(item)).toMatchObject([{ lastName: 'King' }]);
      });

      it('writes nothing to a record that it finds and that belongs to another (rule 49)', async () => {
        const item = anEmployee();
        const { remoteId } = await pushOk(item);
        const found: string[] = [];
        const claimRemote = async (_item: PushItem, id: string) => {
          found.push(id);
          throw alreadyLinked(id, 'another');
        };
        const before = await arrived(item);

        for (const operation of ['upsert', 'deactivate', 'delete'] as const) {
          const wanted = { ...item, operation, payload: anEmployee({ last_name: 'King' }).payload };
          const error = await failureOf(wanted, contextFor({ claimRemote }));
          expect(error).toBeInstanceOf(RecordConflict);
        }

        expect(found).toEqual([remoteId, remoteId, remoteId]);
        expect(await arrived(item)).toEqual(before);
      });

      it('creates a record again that was deleted there', async () => {
        const item = anEmployee();
        const created = await pushOk(item);
        await thirdParty.remove(created.remoteId as string);

        const recreated = await pushOk(again(item, created));

        expect(await arrived(item)).toMatchObject([{ remoteId: recreated.remoteId }]);
      });

      it('pushes a batch and answers for each record', async () => {
        const items = Array.from({ length: 15 }, (_, index) => anEmployee({ last_name: `Number ${index}` }));

        const results = await connector.push(items, contextFor());

        expect(new Set(results.map(({ pushId }) => pushId))).toEqual(
          new Set(items.map(({ pushId }) => pushId)),
        );
        expect(results.every(({ ok }) => ok)).toBe(true);
        for (const [index, item] of items.entries())
          expect(await arrived(item)).toMatchObject([{ lastName: `Number ${index}` }]);
      });

      it('starts nothing once its signal is aborted', async () => {
        const item = anEmployee();

        const results = await connector.push([item], { ...contextFor(), signal: AbortSignal.abort() });

        expect(results).toEqual([]);
        expect(await arrived(item)).toEqual([]);
      });
    });

    describe('delete', () => {
      it('deletes a known record', async () => {
        const item = anEmployee();
        const created = await pushOk(item);

        const deleted = await pushOk(again(item, created, { operation: 'delete' }));

        expect(deleted).toMatchObject({ effect: 'deleted', remoteId: null });
        expect(await arrived(item)).toEqual([]);
      });

      it('deletes a record whose creation was not acknowledged', async () => {
        const item = anEmployee();
        await pushOk(item);

        const deleted = await pushOk({ ...item, pushId: 'psh_delete', operation: 'delete' });

        expect(deleted.effect).toBe('deleted');
        expect(await arrived(item)).toEqual([]);
      });

      it('succeeds if the record is deleted already, or never existed', async () => {
        const item = anEmployee();
        const created = await pushOk(item);
        await thirdParty.remove(created.remoteId as string);

        const gone = await pushOk(again(item, created, { operation: 'delete' }));
        const never = await pushOk(anEmployee({}, { operation: 'delete' }));

        expect([gone, never]).toMatchObject([
          { effect: 'none', remoteId: null },
          { effect: 'none', remoteId: null },
        ]);
      });
    });

    if (harness.canDeactivate) {
      describe('deactivate', () => {
        it('deactivates a record and keeps its other fields', async () => {
          const item = anEmployee();
          const created = await pushOk(item);

          const deactivated = await pushOk(again(item, created, { operation: 'deactivate' }));

          expect(deactivated).toMatchObject({ effect: 'deactivated', remoteId: created.remoteId });
          expect(await arrived(item)).toMatchObject([
            { isActive: false, firstName: 'Ada', lastName: 'Lovelace' },
          ]);
        });

        it('has one effect if repeated', async () => {
          const item = anEmployee();
          const created = await pushOk(item);
          const first = await pushOk(again(item, created, { operation: 'deactivate' }));

          const second = await pushOk(again(item, first, { operation: 'deactivate', isDeactivated: true }));

          expect(second.remoteId).toBe(created.remoteId);
          expect(await arrived(item)).toMatchObject([{ isActive: false }]);
        });

        it('succeeds if the record does not exist', async () => {
          expect(await pushOk(anEmployee({}, { operation: 'deactivate' }))).toMatchObject({
            effect: 'none',
            remoteId: null,
          });
        });

        it('is undone by the next push', async () => {
          const item = anEmployee();
          const created = await pushOk(item);
          const deactivated = await pushOk(again(item, created, { operation: 'deactivate' }));

          await pushOk(again(item, deactivated, { isDeactivated: true }));

          expect(await arrived(item)).toMatchObject([{ remoteId: created.remoteId, isActive: true }]);
        });
      });
    } else {
      it('does not offer deactivation without support for it', () => {
        expect(
          connector.validate?.(thirdParty.config, { [recordType]: { ...mapping, onDelete: 'deactivate' } }),
        ).not.toEqual([]);
      });
    }

    describe('strings', () => {
      it.each(Object.entries(STRINGS))('arrive as they are: %s', async (_title, text) => {
        const item = anEmployee({ first_name: text });

        await pushOk(item);
        await pushOk({ ...item, pushId: 'psh_again' });

        expect((await arrived(item)).map(({ firstName }) => firstName)).toEqual([text]);
      });

      it('arrive as they are when long, and are changed as a whole', async () => {
        const [before, after] = ['ä', '🙂x'].map((text) =>
          text.repeat(harness.longestString).slice(0, harness.longestString - 1),
        );
        const item = anEmployee({ first_name: before as string });
        const created = await pushOk(item);

        await pushOk(
          again(item, created, { payload: anEmployee({ first_name: wellFormed(after as string) }).payload }),
        );

        expect((await arrived(item)).map(({ firstName }) => firstName)).toEqual([
          wellFormed(after as string),
        ]);
      });

      it('are refused or arrive as they are when they hold NUL', async () => {
        const item = anEmployee({ first_name: 'a\u0000b' });

        const result = await push(item);

        if (result.ok) expect((await arrived(item)).map(({ firstName }) => firstName)).toEqual(['a\u0000b']);
        else expect(result.error).toBeInstanceOf(RecordRejected);
      });

      it('are written once under an id with special characters', async () => {
        const item = anEmployee({}, { externalId: harness.awkwardExternalId ?? AWKWARD_EXTERNAL_ID });

        const first = await pushOk(item);
        const second = await pushOk(item);
        const deleted = await pushOk({ ...item, operation: 'delete' });

        expect(second.remoteId).toBe(first.remoteId);
        expect(deleted.effect).toBe('deleted');
        expect(await arrived(item)).toEqual([]);
      });
    });

    describe('trouble', () => {
      it('is a rejected record that names our field, and leaves the others alone', async () => {
        const [good, bad] = [anEmployee(), anEmployee(harness.rejected.fields)];

        const results = await connector.push([bad, good], contextFor());

        const byId = new Map(results.map((result) => [result.pushId, result]));
        expect(byId.get(good.pushId)).toMatchObject({ ok: true });
        expect(byId.get(bad.pushId)).toMatchObject({
          ok: false,
          error: {
            kind: 'record_rejected',
            errors: expect.arrayContaining([
              expect.objectContaining({
                field: harness.rejected.field,
                message: expect.stringMatching(/./) as string,
              }),
            ]) as unknown,
          },
        });
        expect(await arrived(bad)).toEqual([]);
      });

      it('is Unauthorized with credentials that are not accepted, for a check and a push', async () => {
        const context = () => contextFor({ credentials: thirdParty.wrongCredentials });
        const item = anEmployee();

        await expect(connector.check(context())).rejects.toBeInstanceOf(Unauthorized);
        const failure = await failureOf(item, context());

        // A third party that answers 403 leaves it to `check` to distinguish refused credentials from a
        // refused record (rules.md 10).
        expect(
          failure instanceof Unauthorized || (failure instanceof RecordRejected && failure.isForbidden),
        ).toBe(true);
        expect(await arrived(item)).toEqual([]);
      });

      it('does not occur when all is well', async () => {
        await expect(connector.check(contextFor())).resolves.toBeUndefined();
      });
    });

    itKeepsNotations(harness, () => thirdParty);

    itDescribesItself(harness, () => thirdParty);

    describe('when the third party is down', () => {
      it('is Unavailable, for a check and a push, and calls a few times only', async () => {
        await stop();
        let calls = 0;
        const counted: HttpClient = { send: (request) => ((calls += 1), http().send(request)) };
        const items = Array.from({ length: 30 }, () => anEmployee());

        await expect(connector.check(contextFor())).rejects.toBeInstanceOf(Unavailable);
        const results = await connector
          .push(items, contextFor({ http: counted }))
          .catch((error: unknown) => error);

        if (Array.isArray(results))
          for (const result of results as PushResult[])
            expect(result).toMatchObject({ ok: false, error: { kind: 'unavailable' } });
        else expect(results).toBeInstanceOf(Unavailable);
        expect(calls).toBeLessThanOrEqual(items.length / 2);
      });
    });
  });
}

/** Lets a request through and loses its answer if a record came of it. */
function losingAnswersToCreations(http: HttpClient, list: () => Promise<unknown[]>): HttpClient {
  return {
    async send(request) {
      const before = (await list()).length;
      const response = await http.send(request);
      if ((await list()).length > before) throw new Unavailable('the answer was lost (by the test)');
      return response;
    },
  };
}

/** Without half an emoji at its end. */
function wellFormed(text: string): string {
  return text.replace(/[\uD800-\uDBFF]$/, '');
}
