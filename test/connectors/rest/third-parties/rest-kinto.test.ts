/**
 * What the shared suite does not ask of the REST connector, against Kinto: ids of our own, versions,
 * tombstones, its schema.
 */
import type { HttpClient, PushItem, PushResult } from '../../../../connectors/connector';
import { Unauthorized } from '../../../../connectors/errors';
import { rest } from '../../../../connectors/rest';
import type { JsonObject } from '../../../../domain/json';
import { pushItem } from '../../suite/given';
import { kintoHarness } from '../../suite/harness-kinto';
import { givenThirdParty } from '../rest-third-party';

const { mapping } = kintoHarness;
const RECORDS = '/buckets/hr/collections/employees/records';

describe('the REST connector and Kinto', () => {
  const { thirdParty: kinto, contextFor, push } = givenThirdParty(kintoHarness);
  let count = 0;

  const anEmployee = (fields: JsonObject = {}, overrides: Partial<PushItem> = {}) =>
    pushItem(
      'employees',
      mapping,
      { first_name: 'Ada', last_name: 'Lovelace', email: 'ada@example.com', ...fields },
      { externalId: `emp-${(count += 1)}`, ...overrides },
    );

  const remoteIdOf = (result: PushResult) =>
    result.ok ? (result.remoteId as string) : `failed: ${result.error.message}`;

  it('creates a record under an id formed from the external id, in one call', async () => {
    const recorded = recording(contextFor().http);

    const created = await push(anEmployee({}, { externalId: 'A.1/ä' }), contextFor({ http: recorded }));

    expect(created).toMatchObject({
      ok: true,
      effect: 'created',
      remoteId: 'syncline-A_2e1_2f_c3_a4',
      remoteVersion: expect.stringMatching(/^"\d+"$/) as string,
    });
    expect(recorded.requests).toMatchObject([{ method: 'PUT', headers: { 'if-none-match': '*' } }]);
  });

  it('gives different ids to records that differ in a single special character', async () => {
    const ids = ['x_2e', 'x.', 'x_', 'x__', 'X.'];

    const results = await Promise.all(ids.map((externalId) => push(anEmployee({}, { externalId }))));

    expect(new Set(results.map(remoteIdOf)).size).toBe(ids.length);
    expect(results.every((result) => result.ok && result.effect === 'created')).toBe(true);
  });

  it('updates instead when a record with that id exists (412)', async () => {
    const item = anEmployee();
    await push(item);

    const again = await push({ ...item, payload: anEmployee({ first_name: 'Augusta' }).payload });

    expect(again).toMatchObject({ ok: true, effect: 'updated' });
    expect(await kinto().call('GET', `${RECORDS}/${remoteIdOf(again)}`)).toMatchObject({
      name: { first: 'Augusta', last: 'Lovelace' },
    });
  });

  it('sends the known version, and needs one call if it is current', async () => {
    const item = anEmployee();
    const created = (await push(item)) as Extract<PushResult, { ok: true }>;
    const recorded = recording(contextFor().http);

    const updated = await push(
      { ...item, remoteId: created.remoteId, remoteVersion: created.remoteVersion },
      contextFor({ http: recorded }),
    );

    expect(recorded.requests).toMatchObject([
      { method: 'PATCH', headers: { 'if-match': created.remoteVersion } },
    ]);
    expect((updated as { remoteVersion: string }).remoteVersion).not.toBe(created.remoteVersion);
  });

  it('reads the record again and sends once more if the record has changed there (412)', async () => {
    const item = anEmployee();
    const created = (await push(item)) as Extract<PushResult, { ok: true }>;
    await kinto().call('PATCH', `${RECORDS}/${created.remoteId}`, { grade: 'senior' });
    const recorded = recording(contextFor().http);

    const updated = await push(
      { ...item, remoteId: created.remoteId, remoteVersion: created.remoteVersion },
      contextFor({ http: recorded }),
    );

    expect(updated).toMatchObject({ ok: true, effect: 'updated' });
    expect(recorded.requests.map(({ method }) => method)).toEqual(['PATCH', 'GET', 'PATCH']);
    expect(await kinto().call('GET', `${RECORDS}/${created.remoteId}`)).toMatchObject({
      grade: 'senior',
      name: { first: 'Ada' },
    });
  });

  it('is Unavailable, for a later attempt, when the record changes faster than it can be read', async () => {
    const item = anEmployee();
    const created = (await push(item)) as Extract<PushResult, { ok: true }>;
    const http = contextFor().http;
    const racing: HttpClient = {
      async send(request) {
        if (request.method === 'PATCH')
          await kinto().call('PATCH', `${RECORDS}/${created.remoteId}`, { active: true });
        return http.send(request);
      },
    };

    const result = await push(
      { ...item, remoteId: created.remoteId, remoteVersion: created.remoteVersion },
      contextFor({ http: racing }),
    );

    expect(result).toMatchObject({ ok: false, error: { kind: 'unavailable', status: 412 } });
  });

  it('deletes a record although it was changed there meanwhile', async () => {
    const item = anEmployee();
    const created = (await push(item)) as Extract<PushResult, { ok: true }>;
    await kinto().call('PATCH', `${RECORDS}/${created.remoteId}`, { grade: 'senior' });

    const deleted = await push({
      ...item,
      operation: 'delete',
      remoteId: created.remoteId,
      remoteVersion: created.remoteVersion,
    });

    expect(deleted).toMatchObject({ ok: true, effect: 'deleted', remoteId: null });
  });

  it('creates a deleted record again, and does not delete its tombstone', async () => {
    const item = anEmployee();
    const created = (await push(item)) as Extract<PushResult, { ok: true }>;
    await kinto().call('DELETE', `${RECORDS}/${created.remoteId}`);
    const known = { remoteId: created.remoteId, remoteVersion: created.remoteVersion };

    const deletedTwice = await push({ ...item, ...known, operation: 'delete' });
    const recreated = await push({ ...item, ...known });

    expect(deletedTwice).toMatchObject({ ok: true, effect: 'none' });
    expect(recreated).toMatchObject({ ok: true, effect: 'created', remoteId: created.remoteId });
  });

  it('maps a schema error to our field, also if it names only the last part of the path', async () => {
    const bad = anEmployee();

    const wrongEmail = await push(anEmployee({ email: 'nope' }));
    const wrongName = await push({ ...bad, payload: { ...bad.payload, name: { first: 7, last: 'x' } } });

    expect(wrongEmail).toMatchObject({
      ok: false,
      error: {
        errors: [
          {
            field: 'email',
            remoteField: 'email',
            code: '107',
            message: expect.stringContaining('does not match') as string,
          },
        ],
      },
    });
    expect(wrongName).toMatchObject({
      ok: false,
      error: {
        errors: [{ field: 'first_name', remoteField: 'first', message: "7 is not of type 'string'" }],
      },
    });
  });

  it('is Unauthorized by a wrong password, and starts no further calls', async () => {
    const recorded = recording(contextFor().http);
    const context = contextFor({ http: recorded, credentials: { username: 'admin', password: 'wrong' } });
    const items = Array.from({ length: 30 }, () => anEmployee());

    const results = await rest.push(items, context);

    expect(results[0]).toMatchObject({ ok: false, error: { kind: 'unauthorized' } });
    expect(recorded.requests.length).toBeLessThanOrEqual(context.config.concurrency);
    await expect(rest.check(context)).rejects.toBeInstanceOf(Unauthorized);
  });
});

function recording(http: HttpClient): HttpClient & { requests: Parameters<HttpClient['send']>[0][] } {
  const requests: Parameters<HttpClient['send']>[0][] = [];
  return {
    requests,
    send: (request) => {
      requests.push(request);
      return http.send(request);
    },
  };
}
