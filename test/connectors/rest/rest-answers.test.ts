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
