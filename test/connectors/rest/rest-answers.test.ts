/** What `answers` makes of responses: failures that are refusals, and successes that are failures. */
import { rest } from '../../../connectors/rest';
import { closeConnections } from '../../../egress/http-client';
import { loopbackPolicy } from '../suite/given';
import { CONTACTS_MAPPING, aContact, contactsConfig, errorOf, pushOne, restContext } from './rest-given';
import { failureOf, readOnePage, readingContext } from './rest-read-given';
import { type ScriptedAnswer, type ScriptedServer, startScriptedServer } from '../suite/scripted-server';

const ERRORS = { message: '/message', code: '/code' };
const NOTHING_FOUND: ScriptedAnswer = { status: 200, body: { items: [] } };

describe('the meaning of a response', () => {
  let server: ScriptedServer;
  let answers: Record<string, ScriptedAnswer>;

  beforeEach(async () => {
    answers = { GET: NOTHING_FOUND };
    server = await startScriptedServer(({ method }) => answers[method] ?? { status: 500 });
  });

  afterEach(async () => {
    await closeConnections(loopbackPolicy);
    await server.stop();
  });

  const contextWith = (rules: Record<string, unknown>) =>
    restContext(contactsConfig(server.url, { errors: ERRORS, answers: rules }));
  const known = () => aContact({ remoteId: '1' });
  const calls = () => server.requests.map(({ method }) => method);

  it.each<[string, ScriptedAnswer, Record<string, unknown>]>([
    ['a status', { status: 500, body: { message: 'Email is invalid' } }, { rejected: [500] }],
    ['a code', { status: 503, body: { message: 'Email is invalid', code: 'E7' } }, { rejected: ['E7'] }],
    [
      'its body',
      { status: 500, body: { message: 'Email is invalid', kind: 'validation' } },
      { rejected: [{ at: '/kind', is: 'validation' }] },
    ],
    [
      'a status that is a conflict by default',
      { status: 409, body: { message: 'Email is invalid' } },
      { rejected: [409] },
    ],
  ])('is a refusal for good by %s, with the error at its field', async (_title, answer, rules) => {
    answers['PATCH'] = answer;

    expect(await errorOf(known(), contextWith(rules))).toMatchObject({
      kind: 'record_rejected',
      errors: [{ field: 'email', message: 'Email is invalid' }],
    });
  });

  it.each([404, 409, 412])('is a success by the status %s where that is listed as one', async (status) => {
    answers['PATCH'] = { status, body: {} };

    expect(await pushOne(known(), contextWith({ success: [status] }))).toMatchObject({ ok: true });
    expect(calls()).toEqual(['PATCH']);
  });

  it('is still a temporary failure if another code is configured', async () => {
    answers['PATCH'] = { status: 500, body: { code: 'E8' } };

    expect(await errorOf(known(), contextWith({ rejected: ['E7'] }))).toMatchObject({ kind: 'unavailable' });
  });

  it.each<[string, ScriptedAnswer, Record<string, unknown>, string]>([
    [
      'failed',
      { status: 200, body: { ok: false, message: 'no' } },
      { failed: { at: '/ok', is: false } },
      'record_rejected',
    ],
    [
      'failed by one of several conditions',
      { status: 200, body: { errors: ['no'] } },
      { failed: [{ at: '/ok', is: false }, { at: '/errors' }] },
      'record_rejected',
    ],
    [
      'rejected',
      { status: 202, body: { state: 'bad' } },
      { rejected: [{ at: '/state', is: 'bad' }] },
      'record_rejected',
    ],
    ['transient', { status: 200, body: { code: 'BUSY' } }, { transient: ['BUSY'] }, 'unavailable'],
    [
      'rate limited',
      { status: 200, body: { throttled: true } },
      { rate_limited: [{ at: '/throttled' }] },
      'rate_limited',
    ],
    ['unauthorized', { status: 200, body: { code: 'LOGIN' } }, { unauthorized: ['LOGIN'] }, 'unauthorized'],
  ])('with status 200 is %s', async (_title, answer, rules, kind) => {
    answers['PATCH'] = answer;

    expect(await errorOf(known(), contextWith(rules))).toMatchObject({ kind });
  });

  it.each<[string, ScriptedAnswer, Record<string, unknown>]>([
    ['a code', { status: 200, body: { code: 'NOT_FOUND' } }, { missing: ['NOT_FOUND'] }],
    ['its body', { status: 200, body: { updated: 0 } }, { missing: [{ at: '/updated', is: 0 }] }],
  ])('with status 200 is that the record is missing by %s', async (_title, answer, rules) => {
    answers['PATCH'] = answer;
    answers['DELETE'] = answer;
    answers['POST'] = { status: 201, body: { id: '2' } };

    expect(await pushOne(known(), contextWith(rules))).toMatchObject({ effect: 'created', remoteId: '2' });
    expect(calls()).toEqual(['PATCH', 'GET', 'POST']);
    expect(await pushOne(aContact({ remoteId: '1', operation: 'delete' }), contextWith(rules))).toMatchObject(
      {
        effect: 'none',
      },
    );
  });

  it('with status 200 is that a search has found nothing', async () => {
    answers['GET'] = { status: 200, body: { code: 'NO_RESULT' } };
    answers['POST'] = { status: 201, body: { id: '2' } };

    expect(await pushOne(aContact(), contextWith({ missing: ['NO_RESULT'] }))).toMatchObject({
      effect: 'created',
    });
  });

  it('never turns a list into an empty one', async () => {
    answers['GET'] = { status: 200, body: { code: 'NO_RESULT', items: [] } };
    const context = readingContext(server.url, {}, { errors: ERRORS, answers: { missing: ['NO_RESULT'] } });

    expect(await failureOf(readOnePage(context))).toMatchObject({ kind: 'record_rejected' });
  });

  it.each<[string, string, Record<string, unknown>]>([
    ['a success as a missing record', 'answers/missing/0', { answers: { missing: [204] } }],
    ['a success as a temporary failure', 'answers/transient/1', { answers: { transient: [409, 202] } }],
    ['an interim status', 'answers/exists/0', { answers: { exists: [102] } }],
    [
      'a code without errors.code',
      'answers/exists/0',
      { errors: { message: '/m' }, answers: { exists: ['dup'] } },
    ],
    ['a status with two meanings', 'answers/exists/0', { answers: { missing: [422], exists: [422] } }],
    ['a success with another meaning', 'answers/missing/0', { answers: { success: [404], missing: [404] } }],
  ])('cannot be configured as %s', (_title, pointer, changes) => {
    const config = rest.configSchema.parse(contactsConfig('https://contacts.example.com', changes));

    expect(rest.validate?.(config, { contacts: CONTACTS_MAPPING }).map((problem) => problem.pointer)).toEqual(
      [`/config/${pointer}`],
    );
  });

  it('can be a code that only one record type reads', () => {
    const config = rest.configSchema.parse(
      contactsConfig(
        'https://contacts.example.com',
        { errors: {}, answers: { exists: ['dup'] } },
        { errors: { each: { at: '/errors', code: '/code' } } },
      ),
    );

    expect(rest.validate?.(config, { contacts: CONTACTS_MAPPING })).toEqual([]);
  });
});

describe('an address that is not that of the API', () => {
  let server: ScriptedServer;
  let answer: ScriptedAnswer;

  beforeEach(async () => {
    server = await startScriptedServer(() => answer);
  });

  afterEach(async () => {
    await closeConnections(loopbackPolicy);
    await server.stop();
  });

  const checkWith = async (check: Record<string, unknown> = {}) =>
    rest.check(restContext(contactsConfig(server.url, { check: { path: '/ping', ...check } })));

  it.each<[string, ScriptedAnswer, string]>([
    [
      'plain text',
      { status: 200, headers: { 'content-type': 'text/plain' }, body: 'It works! key-4711' },
      'record_rejected',
    ],
    ['text without a type', { status: 200, body: 'pong key-4711' }, 'record_rejected'],
    [
      'a page',
      { status: 200, headers: { 'content-type': 'text/html' }, body: '<h1>key-4711</h1>' },
      'unavailable',
    ],
    [
      'half of a document',
      { status: 200, headers: { 'content-type': 'application/json' }, body: '{"a":"key-4711' },
      'unavailable',
    ],
    [
      'a redirect',
      { status: 301, headers: { location: '/v2?key-4711' }, body: 'key-4711' },
      'record_rejected',
    ],
  ])('does not pass the check with %s, which is not quoted', async (_title, said, kind) => {
    answer = said;

    const failure = await failureOf(checkWith());

    expect(failure).toMatchObject({ kind });
    expect(JSON.stringify([failure.message, failure])).not.toContain('4711');
  });

  it.each<[string, ScriptedAnswer, Record<string, unknown>]>([
    [
      'JSON under another type',
      { status: 200, headers: { 'content-type': 'text/plain' }, body: '{"up":true}' },
      {},
    ],
    ['no content', { status: 204 }, {}],
    ['an expected status', { status: 200, body: 'pong' }, { expect: [200] }],
  ])('is not suspected after %s', async (_title, said, check) => {
    answer = said;

    await expect(checkWith(check)).resolves.toBeUndefined();
  });

  it('fails a push at once', async () => {
    answer = { status: 308, headers: { location: 'https://new.example.com/contacts/1?secret' } };

    const failure = await errorOf(aContact({ remoteId: '1' }), restContext(contactsConfig(server.url)));

    expect(failure).toMatchObject({ kind: 'record_rejected', errors: [{ code: 'redirect' }] });
    expect(failure.message).toContain('https://new.example.com (308)');
  });

  it('ends a login in new credentials or another configuration, not in an outage', async () => {
    answer = { status: 302, headers: { location: '/login' } };
    const auth = { type: 'login', path: '/login', body: {}, token: '/token' };
    const context = restContext(contactsConfig(server.url, { auth }));

    expect(await failureOf(rest.push([aContact()], context))).toMatchObject({
      kind: 'unauthorized',
      message: expect.stringContaining('redirect') as string,
    });
  });
});
