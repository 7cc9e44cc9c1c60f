/** People of a tenant: how they are created, how they set a password, and what an API key may do for them. */
import { sql } from 'kysely';
import { fromTypeId, newUuid, toTypeId } from '../../../db/sql/ids';
import { Browser, givenPerson, PASSWORD } from '../support/console';
import { eventually, expectProblem, type GivenTenant, type Service, startService } from '../support/service';

let service: Service;
let tenant: GivenTenant;
let other: GivenTenant;
beforeAll(async () => {
  service = await startService();
  [tenant, other] = [await service.givenTenant(), await service.givenTenant('Other')];
});
afterAll(() => service.close());

const uuidOf = (prefix: 'ten' | 'psn', id: string) => fromTypeId(prefix, id) as string;
let next = 0;
const address = () => `person-${(next += 1)}@example.org`;
const choose = (token: string, password = PASSWORD) =>
  service.as(undefined).post('/console/v1/passwords', { token, password });
const auditOf = async (target: string, of = tenant) =>
  (await of.admin.get('/v1/audit-log?limit=200')).body.data.filter(
    (entry: { target: string | null }) => entry.target === target,
  ) as {
    action: string;
    actor: string;
    detail: Record<string, unknown>;
  }[];

describe('the first admin', () => {
  it('is created with the platform key and signs in with a one-time link', async () => {
    const email = address();
    const { body } = await service.platform
      .post(`/v1/tenants/${tenant.id}/first-admin`, { name: 'Ada', email })
      .expect(201);

    expect(body).toMatchObject({ name: 'Ada', email, role: 'admin', status: 'invited' });
    expect(body.invitation.link).toBe(`http://syncline.test/console/password#token=${body.invitation.token}`);
    expect((await choose(body.invitation.token).expect(200)).body).toEqual({ email });
    const browser = await new Browser(service.app).signIn(email);
    expect((await browser.get('/console/v1/me')).body).toMatchObject({
      person: { id: body.id, status: 'active' },
      role: 'admin',
      tenant: { id: tenant.id, time_zone: 'Europe/Berlin' },
    });
  });

  it('cannot be created by a tenant itself, nor for an unknown tenant', async () => {
    expectProblem(
      await tenant.admin.post(`/v1/tenants/${tenant.id}/first-admin`, { name: 'Ada', email: address() }),
      403,
      'platform_key_required',
    );
    expectProblem(
      await service.platform.post(`/v1/tenants/${toTypeId('ten', newUuid())}/first-admin`, {
        name: 'Ada',
        email: address(),
      }),
      404,
      'tenant_not_found',
    );
  });

  it('restores access to a tenant without an active admin: enabled, an admin, with a new link', async () => {
    const person = await givenPerson(service, tenant, { role: 'viewer' });
    await tenant.admin.delete(`/v1/people/${person.id}`).expect(200);

    const { body } = await service.platform
      .post(`/v1/tenants/${tenant.id}/first-admin`, { name: 'x', email: person.email.toUpperCase() })
      .expect(201);

    expect(body).toMatchObject({ id: person.id, role: 'admin', disabled_at: null, email: person.email });
    await choose(body.invitation.token, 'another password 1').expect(200);
    await new Browser(service.app).signIn(person.email, 'another password 1');
  });

  it('cannot be a person of another tenant', async () => {
    const person = await givenPerson(service, other);

    expectProblem(
      await service.platform.post(`/v1/tenants/${tenant.id}/first-admin`, { name: 'x', email: person.email }),
      409,
      'email_taken',
    );
    expect((await other.admin.get(`/v1/people/${person.id}`)).body).toMatchObject({
      email: person.email,
      role: 'admin',
    });
  });
});

describe('a one-time link', () => {
  const invite = async () =>
    (await tenant.admin.post('/v1/people', { name: 'Ben', email: address(), role: 'viewer' }).expect(201))
      .body;

  it('works once', async () => {
    const { invitation } = await invite();

    const statuses = await Promise.all([
      choose(invitation.token),
      choose(invitation.token),
      choose(invitation.token),
    ]);

    expect(statuses.map(({ status }) => String(status)).toSorted()).toEqual(['200', '410', '410']);
    expectProblem(await choose(invitation.token), 410, 'token_spent');
  });

  it('no longer works if there is a newer one, it has expired, or the person is disabled', async () => {
    const [older, expired, disabled] = [await invite(), await invite(), await invite()];
    const newer = (await tenant.admin.post(`/v1/people/${older.id}/invitation`).expect(201)).body;
    await service.database.withTenant(tenant.uuid, ({ trx }) =>
      sql`update person_tokens set expires_at = now() from people where people.person_id = person_tokens.person_id and email = ${expired.email}`.execute(
        trx,
      ),
    );
    await tenant.admin.delete(`/v1/people/${disabled.id}`).expect(200);

    for (const { invitation } of [older, expired, disabled])
      expectProblem(await choose(invitation.token), 410, 'token_spent');
    expectProblem(await tenant.admin.post(`/v1/people/${disabled.id}/invitation`), 409, 'person_disabled');
    await choose(newer.invitation.token).expect(200);
  });

  it('is kept as a hash, and nowhere in the log', async () => {
    const { invitation } = await invite();
    await choose(invitation.token).expect(200);

    const { rows } = await service.database.withTenant(tenant.uuid, ({ trx }) =>
      sql<{ hash: Buffer }>`select token_hash as hash from person_tokens`.execute(trx),
    );
    const hashes = await service.database.withTenant(tenant.uuid, ({ trx }) =>
      trx.selectFrom('people').select('passwordHash').execute(),
    );

    expect(rows.every(({ hash }) => hash.length === 32)).toBe(true);
    expect(
      hashes
        .filter(({ passwordHash }) => passwordHash !== null)
        .every(({ passwordHash }) => passwordHash?.startsWith('$argon2id$v=19$m=19456,t=2,p=1$')),
    ).toBe(true);
    expect(service.logged.join('')).not.toContain(invitation.token);
    expect(service.logged.join('')).not.toContain(PASSWORD);
  });

  it.each([
    ['too short', 'eleven char', /at least 12/],
    ['too long', 'x'.repeat(129), /at most 128/],
  ])('rejects a password that is %s, and can still be used', async (_name, password, message) => {
    const { invitation } = await invite();

    const refused = await choose(invitation.token, password);

    expectProblem(refused, 400, 'invalid_body');
    expect(refused.body.errors).toEqual([
      { pointer: '/password', code: 'custom', message: expect.stringMatching(message) },
    ]);
    await choose(invitation.token, '12 x any ąęć🙂').expect(200);
  });
});

describe('people', () => {
  it('are listed, changed and disabled by admins, and each change is in the audit log', async () => {
    const person = await givenPerson(service, tenant, { role: 'viewer', name: 'Cem' });
    const { body, headers } = await tenant.admin.get(`/v1/people/${person.id}`).expect(200);
    const changed = await tenant.admin
      .patch(`/v1/people/${person.id}`, { role: 'operator' })
      .set('If-Match', headers.etag as string);
    const disabled = await tenant.admin.delete(`/v1/people/${person.id}`);
    const listed = (await tenant.admin.get('/v1/people?limit=200')).body.data.find(
      ({ id }: { id: string }) => id === person.id,
    );

    expect(body).toMatchObject({ name: 'Cem', role: 'viewer', status: 'active', last_signed_in_at: null });
    expect(changed.body).toMatchObject({ role: 'operator' });
    expect([disabled.body.status, listed.status]).toEqual(['disabled', 'disabled']);
    expect((await auditOf(person.id)).map(({ action }) => action).toSorted()).toEqual([
      'password.set',
      'person.changed',
      'person.created',
      'person.disabled',
    ]);
    expect(JSON.stringify(await tenant.admin.get('/v1/people'))).not.toMatch(/argon2|password_hash/);
  });

  it('are changed only on the current version, and only by an admin', async () => {
    const person = await givenPerson(service, tenant);

    expectProblem(
      await tenant.admin.patch(`/v1/people/${person.id}`, { name: 'x' }),
      428,
      'precondition_required',
    );
    expectProblem(
      await tenant.admin.patch(`/v1/people/${person.id}`, { name: 'x' }).set('If-Match', '"7"'),
      412,
      'precondition_failed',
    );
    for (const caller of [tenant.viewer, tenant.operator]) {
      expectProblem(await caller.get('/v1/people'), 403, 'role_insufficient');
      expectProblem(
        await caller.post('/v1/people', { name: 'x', email: address(), role: 'admin' }),
        403,
        'role_insufficient',
      );
    }
  });

  it('need an address that no other person has, in any case and any tenant', async () => {
    const [here, there] = [await givenPerson(service, tenant), await givenPerson(service, other)];

    for (const taken of [here, there]) {
      const answer = await tenant.admin.post('/v1/people', {
        name: 'x',
        email: taken.email.toUpperCase(),
        role: 'viewer',
      });
      expectProblem(answer, 409, 'email_taken');
    }
    const { headers } = await tenant.admin.get(`/v1/people/${here.id}`);
    expectProblem(
      await tenant.admin
        .patch(`/v1/people/${here.id}`, { email: there.email })
        .set('If-Match', headers.etag as string),
      409,
      'email_taken',
    );
  });

  it('always include an admin, even if two leave at the same time', async () => {
    const lonely = await service.givenTenant('Lonely');
    const [one, two] = [await givenPerson(service, lonely), await givenPerson(service, lonely)];

    const answers = await Promise.all([
      lonely.admin.delete(`/v1/people/${one.id}`),
      lonely.admin.delete(`/v1/people/${two.id}`),
    ]);
    const { body } = await lonely.admin.get('/v1/people');
    const [left] = body.data.filter(({ status }: { status: string }) => status !== 'disabled');

    expect(answers.map(({ status }) => String(status)).toSorted()).toEqual(['200', '409']);
    const { headers } = await lonely.admin.get(`/v1/people/${left.id}`);
    expectProblem(
      await lonely.admin
        .patch(`/v1/people/${left.id}`, { role: 'viewer' })
        .set('If-Match', headers.etag as string),
      409,
      'last_admin',
    );
  });

  it.each(['Eve\r\nBcc: x@example.org', '\u0000', ''])(
    'have names and addresses of one line: %j is refused (S20)',
    async (name) => {
      expectProblem(await tenant.admin.post('/v1/people', { name, email: address(), role: 'viewer' }), 400);
      expectProblem(
        await tenant.admin.post('/v1/people', {
          name: 'Eve',
          email: `eve@example.org${name || ' '}`,
          role: 'viewer',
        }),
        400,
      );
    },
  );
});

describe('a key that acts for a person', () => {
  const actingAs = (key: string, person: string, path = '/v1/tenant') =>
    service.as(key).get(path).set('Syncline-Acting-As', person);

  it('acts in the name of that person, and the audit log has both', async () => {
    const person = await givenPerson(service, tenant, { name: 'Dora' });

    const { body } = await service
      .as(tenant.keys.admin)
      .post('/v1/api-keys', { name: 'made by Dora', role: 'viewer' })
      .set('Syncline-Acting-As', person.id)
      .expect(201);

    const [entry] = await auditOf(body.id);
    expect(body.created_by).toBe('person:Dora');
    expect(entry).toMatchObject({
      actor: 'person:Dora',
      detail: { person: person.id, api_key: expect.any(String) },
    });
  });

  it('has the lower of the two roles', async () => {
    const [viewer, admin] = [
      await givenPerson(service, tenant, { role: 'viewer' }),
      await givenPerson(service, tenant),
    ];

    expectProblem(await actingAs(tenant.keys.admin, viewer.id, '/v1/api-keys'), 403, 'role_insufficient');
    expectProblem(await actingAs(tenant.keys.viewer, admin.id, '/v1/api-keys'), 403, 'role_insufficient');
    await actingAs(tenant.keys.admin, admin.id, '/v1/api-keys').expect(200);
  });

  it('cannot act for a foreign, disabled or unknown person; all get the same answer', async () => {
    const [foreign, disabled] = [await givenPerson(service, other), await givenPerson(service, tenant)];
    await actingAs(tenant.keys.admin, disabled.id).expect(200);
    await tenant.admin.delete(`/v1/people/${disabled.id}`).expect(200);

    await eventually(async () =>
      expectProblem(await actingAs(tenant.keys.admin, disabled.id), 403, 'acting_as_refused'),
    );
    for (const person of [foreign.id, toTypeId('psn', newUuid()), 'x'])
      expectProblem(await actingAs(tenant.keys.admin, person), 403, 'acting_as_refused');
    expectProblem(
      await service.platform.get('/v1/tenants').set('Syncline-Acting-As', foreign.id),
      403,
      'acting_as_refused',
    );
  });
});

describe('row-level security', () => {
  it('shows nothing of another tenant’s people, links and sessions', async () => {
    const person = await givenPerson(service, other);
    await new Browser(service.app).signIn(person.email);

    for (const table of ['people', 'personTokens', 'consoleSessions'] as const) {
      const rows = await service.database.withTenant(tenant.uuid, ({ trx }) =>
        trx.selectFrom(table).select('tenantId').execute(),
      );
      const otherRows = await service.database.withTenant(other.uuid, ({ trx }) =>
        trx.selectFrom(table).select('tenantId').execute(),
      );
      expect([table, rows.filter(({ tenantId }) => tenantId !== tenant.uuid), otherRows.length > 0]).toEqual([
        table,
        [],
        true,
      ]);
    }
  });
});

describe('an address that the mail server refused', () => {
  const refuse = (personId: string, email: string) =>
    service.database.withTenant(uuidOf('ten', tenant.id), ({ trx, tenantId, now }) =>
      trx
        .insertInto('undeliverableAddresses')
        .values({
          tenantId,
          personId: uuidOf('psn', personId),
          email,
          detail: '550 5.1.1 No such user',
          refusedAt: now,
          firstRefusedAt: now,
          confirmedAt: now,
        })
        .execute(),
    );

  it('is shown with the words of the server, and an admin lets e-mails be sent again', async () => {
    const person = await givenPerson(service, tenant);
    const path = `/v1/people/${person.id}`;
    await refuse(person.id, person.email);
    const refusal = { refused_at: expect.any(String), detail: '550 5.1.1 No such user' };
    expect((await tenant.admin.get(path)).body.email_refusal).toEqual(refusal);
    expect((await tenant.admin.get('/v1/people?limit=200')).body.data).toContainEqual(
      expect.objectContaining({ id: person.id, email_refusal: refusal }),
    );

    expectProblem(await tenant.operator.delete(`${path}/email-refusal`), 403, 'role_insufficient');
    expectProblem(await other.admin.delete(`${path}/email-refusal`), 404, 'person_not_found');
    for (let times = 0; times < 2; times += 1) {
      const { body } = await tenant.admin.delete(`${path}/email-refusal`).expect(200);
      expect(body.email_refusal).toBeNull();
    }
    expect((await auditOf(person.id))[0]?.action).toBe('person.email_refusal_cleared');
  });
});

describe('an internationalized address (B39)', () => {
  const add = (email: string) => tenant.admin.post('/v1/people', { name: 'Jörg', email, role: 'viewer' });

  it.each([
    ['jörg@exämple.de', 'JÖRG@EXÄMPLE.DE'],
    ['jörg@exämple.de', 'jo\u0308rg@exa\u0308mple.de'],
    ['jo\u0308rg@exämple.de', 'jörg@xn--exmple-cua.de'],
    ['иван@пример.рф', 'ИВАН@xn--e1afmkfd.xn--p1ai'],
    ['ιωάννης@παράδειγμα.ελ', 'ΙΩΆΝΝΗΣ@ΠΑΡΆΔΕΙΓΜΑ.ΕΛ'],
    ['राम@मोहन.ईन्फो', 'राम@xn--l2bl7a9d.xn--o1b8dj2ki'],
    ['用户@例子.广告', '用户@xn--fsqu00a.xn--4rr70v'],
  ])('signs in, and is one address in every spelling: %s, %s', async (one, spelling) => {
    const [email, another] = [`${(next += 1)}${one}`, `${next}${spelling}`];
    const created = await add(email).expect(201);
    expect(created.body.email).toBe(email.normalize('NFC'));
    expectProblem(await add(another), 409, 'email_taken');
    await service
      .as(undefined)
      .post('/console/v1/passwords', { token: created.body.invitation.token, password: PASSWORD })
      .expect(200);

    for (const typed of [email, another]) await new Browser(service.app).signIn(typed);
  });

  it('with another letter is another address', async () => {
    const locals = ['strasse', 'straße', 'i', 'ı', 'plus', 'plus+tag', 'do.t', 'dot'];
    const answers = await Promise.all(locals.map((local) => add(`${local}-${next}@example.org`)));
    expect(answers.map(({ status }) => status)).toEqual(locals.map(() => 201));
  });

  it.each([
    ['full-width letters', 'ａｄｍｉｎ@example.org'],
    ['the Kelvin sign', '\u212aate@example.org'],
    ['the long s', '\u017fam@example.org'],
    ['a zero-width space', 'ad\u200bmin@example.org'],
    ['a soft hyphen in the domain', 'admin@exam\u00adple.org'],
    ['an override of the direction', 'a\u202eb@example.org'],
    ['an ideographic full stop', 'admin@example。org'],
    ['a dot at the end', 'admin@example.org.'],
    ['a dot before the @', 'admin.@example.org'],
    ['two dots', 'ad..min@example.org'],
    ['a line break', 'admin\r\n@example.org'],
    ['a blank', 'ad min@example.org'],
    ['an escaped domain', 'admin@ex%61mple.org'],
    ['an address as the domain', 'admin@127.0.0.1'],
    ['a domain of one label', 'admin@localhost'],
    ['two @', 'admin@example.org@example.org'],
    ['more than 254 bytes', `${'ж'.repeat(120)}@example.org`],
  ])('is refused with %s', async (_what, email) => {
    expectProblem(await add(email), 400, 'invalid_body');
    expectProblem(
      await tenant.admin.patch('/v1/tenant', { contact_email: email }),
      ...([400, 'invalid_body'] as const),
    );
  });

  it('changes together with its canonical form', async () => {
    const { body, headers } = await add(`alt-${(next += 1)}@exämple.de`).expect(201);
    const email = `neu-${next}@exämple.de`;
    await tenant.admin
      .patch(`/v1/people/${body.id}`, { email })
      .set('If-Match', headers.etag as string)
      .expect(200);

    expectProblem(await add(`NEU-${next}@xn--exmple-cua.de`), 409, 'email_taken');
    await add(`alt-${next}@exämple.de`).expect(201);
  });
});
