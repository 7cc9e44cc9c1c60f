/**
 * What the shared suite does not ask of the REST connector, against PocketBase: its login, its refusals, its
 * limits.
 */
import { randomUUID } from 'node:crypto';
import type { HttpClient, PushItem } from '../../../../connectors/connector';
import { RateLimited, RecordRejected, Unauthorized } from '../../../../connectors/errors';
import { rest } from '../../../../connectors/rest';
import type { JsonObject } from '../../../../domain/json';
import { egressHttp, memoryTokens, pushItem } from '../../suite/given';
import { pocketBaseHarness } from '../../suite/harness-pocketbase';
import type { RestContext } from '../rest-given';
import { givenThirdParty } from '../rest-third-party';

const { mapping } = pocketBaseHarness;

describe('the REST connector and PocketBase', () => {
  const { thirdParty: pocketBase, contextFor, push } = givenThirdParty(pocketBaseHarness);

  const anEmployee = (fields: JsonObject = {}, overrides: Partial<PushItem> = {}) =>
    pushItem(
      'employees',
      mapping,
      { first_name: 'Ada', last_name: 'Lovelace', email: `${randomUUID()}@example.com`, level: 1, ...fields },
      overrides,
    );

  const rows = async (item: PushItem) =>
    (await pocketBase().list()).filter(({ externalId }) => externalId === item.externalId);

  describe('login', () => {
    it('logs in once for a batch, and not again for the next while the token lasts', async () => {
      const counted = counting(contextFor().http);
      const context = contextFor({ http: counted });

      await rest.push([anEmployee(), anEmployee(), anEmployee()], context);
      await rest.push([anEmployee()], context);

      expect(counted.logins()).toBe(1);
    });

    it('logs in again, once for all calls, when its token is no longer accepted', async () => {
      const tokens = memoryTokens();
      tokens.set({ value: 'eyJhbGciOiJIUzI1NiJ9.e30.stale', expiresAt: null });
      const counted = counting(contextFor().http);

      const results = await rest.push(
        [anEmployee(), anEmployee(), anEmployee()],
        contextFor({ http: counted, tokens }),
      );

      expect(results.map(({ ok }) => ok)).toEqual([true, true, true]);
      expect(counted.logins()).toBe(1);
    });

    it('requests no third token when the second is refused too, and reports a forbidden record', async () => {
      await pocketBase().call('POST', 'collections', {
        name: 'clerks',
        type: 'auth',
        fields: [],
        passwordAuth: { enabled: true, identityFields: ['email'] },
      });
      await pocketBase().call('POST', 'collections/clerks/records', {
        email: 'clerk@example.com',
        password: 'clerks-password',
        passwordConfirm: 'clerks-password',
      });
      const context = contextFor({
        credentials: { identity: 'clerk@example.com', password: 'clerks-password' },
      });
      const auth = {
        ...context.config.auth,
        path: '/api/collections/clerks/auth-with-password',
      } as RestContext['config']['auth'];
      const counted = counting(context.http);
      const asClerk = { ...context, config: { ...context.config, auth }, http: counted };

      const result = await push(anEmployee(), asClerk);

      expect(result).toMatchObject({
        ok: false,
        error: {
          kind: 'record_rejected',
          isForbidden: true,
          message: 'Only superusers can perform this action.',
        },
      });
      expect(counted.logins()).toBe(1);
      await expect(rest.check(asClerk)).rejects.toBeInstanceOf(Unauthorized);
    });

    it('stops the batch before anything is sent when the password is wrong, and repeats no secret', async () => {
      const counted = counting(contextFor().http);
      const context = contextFor({
        http: counted,
        credentials: { identity: 'admin@example.com', password: 'wrong-s3cret' },
      });

      const failure = await rest
        .push([anEmployee(), anEmployee()], context)
        .catch((error: unknown) => error as Error);

      expect(failure).toBeInstanceOf(Unauthorized);
      expect((failure as Error).message).toContain('Failed to authenticate.');
      expect((failure as Error).message).not.toContain('wrong-s3cret');
      expect(counted.requests()).toBe(1);
    });
  });

  describe('refusals', () => {
    it('maps each complaint to its Syncline field, in PocketBase’s words and with its code', async () => {
      const item = anEmployee({ email: 'nope' });
      const result = await push({ ...item, payload: { ...item.payload, grade: 'principal' } });

      expect(result).toMatchObject({
        ok: false,
        error: {
          kind: 'record_rejected',
          message: 'Failed to create record.',
          errors: [
            {
              field: 'email',
              remoteField: 'email',
              code: 'validation_is_email',
              message: 'Must be a valid email address.',
              explanation: expect.stringContaining('email') as string,
            },
            {
              field: 'level',
              remoteField: 'grade',
              code: 'validation_invalid_value',
              message: 'Invalid value principal.',
            },
          ],
        },
      });
    });

    it('names the field that must be unique when it belongs to another record, and changes neither', async () => {
      const first = anEmployee();
      await push(first);
      const second = anEmployee({ email: first.payload['email'] as string });

      const result = await push(second);

      expect(result).toMatchObject({
        ok: false,
        error: { errors: [{ field: 'email', code: 'validation_not_unique' }] },
      });
      expect(await rows(first)).toHaveLength(1);
      expect(await rows(second)).toEqual([]);
    });

    it('updates instead when the record appeared between the search and the creation', async () => {
      const item = anEmployee();
      const racing: HttpClient = {
        send: async (request) => {
          const isCreation = request.method === 'POST' && request.url.endsWith('/employees/records');
          if (isCreation)
            await pocketBase().call('POST', 'collections/employees/records', {
              external_id: item.externalId,
              email: 'racing@example.com',
            });
          return egressHttp(rest.hosts(contextFor().config)).send(request);
        },
      };

      const result = await push(item, contextFor({ http: racing }));

      expect(result).toMatchObject({ ok: true, effect: 'updated' });
      expect(await rows(item)).toMatchObject([{ firstName: 'Ada', email: item.payload['email'] }]);
    });

    it('refuses an id that its filters cannot express, and sends nothing', async () => {
      const item = anEmployee({}, { externalId: "emp' || external_id!='\\" });
      const counted = counting(contextFor().http);

      const result = await push(item, contextFor({ http: counted }));

      expect(result).toMatchObject({ ok: false, error: { errors: [{ code: 'unusable_value' }] } });
      expect(counted.requests() - counted.logins()).toBe(0);
    });

    it('changes no other record when an id looks like a filter', async () => {
      const other = anEmployee({ first_name: 'Other' });
      await push(other);

      for (const externalId of ["' || id != '", "x' || true || 'x'='x", '%', '*', "'", "''"]) {
        await push(anEmployee({ first_name: 'Changed' }, { externalId }));
        await push(anEmployee({}, { externalId, operation: 'delete' }));
      }

      expect(await rows(other)).toMatchObject([{ firstName: 'Other' }]);
    });

    it('warns only if a mapped value is not in the picklist', async () => {
      expect(await push(anEmployee({ level: 2 }))).toMatchObject({ ok: true });
      expect(() => anEmployee({ level: 3 })).toThrow('has no counterpart');
    });
  });

  describe('its limits', () => {
    // PocketBase never limits its administrators, so the collection is open to all users.
    const setRules = (rule: string | null) =>
      pocketBase().call('PATCH', 'collections/employees', {
        listRule: rule,
        viewRule: rule,
        createRule: rule,
        updateRule: rule,
        deleteRule: rule,
      });

    beforeEach(async () => {
      await setRules('');
      await pocketBase().call('PATCH', 'settings', {
        rateLimits: { enabled: true, rules: [{ label: '/api/', maxRequests: 9, duration: 5 }] },
      });
    });

    afterEach(async () => {
      await pocketBase().call('PATCH', 'settings', { rateLimits: { enabled: false, rules: [] } });
      await setRules(null);
    });

    it('is RateLimited by a 429 without Retry-After, starts no further calls, and keeps the results so far', async () => {
      const context = contextFor();
      const items = Array.from({ length: 30 }, () => anEmployee());

      const results = await rest.push(items, {
        ...context,
        config: { ...context.config, auth: { type: 'none' } },
      });

      const failures = results.flatMap((result) => (result.ok ? [] : [result.error]));
      expect(failures.length).toBeGreaterThan(0);
      for (const failure of failures)
        expect(failure).toMatchObject({ kind: 'rate_limited', retryAfterMs: null });
      expect(failures[0]).toBeInstanceOf(RateLimited);
      expect(results.length).toBeLessThan(items.length);
      const arrived = new Set((await pocketBase().list()).map(({ remoteId }) => remoteId));
      expect(results.every((result) => !result.ok || arrived.has(result.remoteId as string))).toBe(true);
    });
  });

  it('deactivates and deletes a record although the known id is old', async () => {
    const item = anEmployee();
    await push(item);
    const knownWrongly = { ...item, remoteId: 'abcdefghijklmno' };

    const deactivated = await push({ ...knownWrongly, operation: 'deactivate' });
    const isActive = (await rows(item))[0]?.isActive;
    const deleted = await push({ ...knownWrongly, operation: 'delete' });

    expect([deactivated, isActive, deleted]).toMatchObject([
      { effect: 'deactivated' },
      false,
      { effect: 'deleted' },
    ]);
    expect(await rows(item)).toEqual([]);
  });

  it('is a forbidden record, not refused credentials, without authentication', async () => {
    const context = contextFor();
    const failure = await push(anEmployee(), {
      ...context,
      config: { ...context.config, auth: { type: 'none' } },
    });

    expect(failure).toMatchObject({ ok: false, error: { isForbidden: true } });
    expect((failure as { error: Error }).error).toBeInstanceOf(RecordRejected);
  });
});

function counting(http: HttpClient): HttpClient & { logins(): number; requests(): number } {
  const urls: string[] = [];
  return {
    send: (request) => {
      urls.push(request.url);
      return http.send(request);
    },
    logins: () => urls.filter((url) => url.includes('auth-with-password')).length,
    requests: () => urls.length,
  };
}
