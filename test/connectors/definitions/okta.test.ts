/** The shipped definition of Okta against a simulator of its documented behaviour. */
import path from 'node:path';
import { compileDefinition } from '../../../api/third-parties/compile-definition';
import { readShippedDefinitions } from '../../../api/third-parties/shipped-definitions';
import { connectors } from '../../../connectors';
import { rest } from '../../../connectors/rest';
import type { JsonObject } from '../../../domain/json';
import { expand } from '../../../domain/third-parties/definition';
import { pushItem } from '../suite/given';
import { errorOf, pushOne, restContext, type RestContext } from '../rest/rest-given';
import { type OktaSimulator, startOktaSimulator } from './okta-simulator';

let okta: OktaSimulator;
let context: RestContext;

beforeEach(async () => {
  okta = await startOktaSimulator();
  const shipped = await readShippedDefinitions(path.join(__dirname, '../../../third-parties'));
  const document = shipped.find(({ key }) => key === 'okta');
  if (document === undefined) throw new Error('There is no definition of Okta.');
  const rules = compileDefinition(document, connectors);
  const { config, recordTypes } = expand(
    rules,
    { signIn: 'api_token', parameters: { domain: 'acme.okta.com' } },
    (given) => ({ ...given, base_url: `${okta.url}/api/v1` }),
  );
  context = restContext(config, { credentials: { token: 'okta-token' }, mapping: recordTypes['employees']! });
});
afterEach(() => okta.stop());

const ADA = { email: 'ada@example.com', first_name: 'Ada', last_name: 'Lovelace' };

const employee = (fields: JsonObject, overrides: object = {}) =>
  pushItem('employees', context.mappings['employees']!, fields, { externalId: 'e1', ...overrides });

it('creates a user, finds it again after a lost answer, and changes it', async () => {
  const created = await pushOne(employee(ADA), context);
  const again = await pushOne(employee({ ...ADA, department: 'R&D' }), context);

  expect(created).toMatchObject({ ok: true, effect: 'created' });
  expect(again).toMatchObject({ ok: true, effect: 'updated' });
  expect([...okta.users.values()]).toMatchObject([{ profile: { login: ADA.email, department: 'R&D' } }]);
});

it('deactivates and activates a user by the life cycle calls', async () => {
  await pushOne(employee(ADA), context);
  const [id = ''] = okta.users.keys();

  await pushOne(employee(ADA, { operation: 'deactivate', remoteId: id }), context);
  expect(okta.users.get(id)?.status).toBe('DEPROVISIONED');
  await pushOne(employee(ADA, { remoteId: id, isDeactivated: true }), context);
  expect(okta.users.get(id)?.status).toBe('ACTIVE');
});

it('shows the cause of a refusal at the field', async () => {
  const error = await errorOf(employee({ email: 'b@example.com', first_name: 'B' }), context);

  expect(error).toMatchObject({
    errors: [{ field: 'last_name', message: expect.stringContaining('The field cannot be left blank') }],
  });
});

it('reads all pages, and of changes the deprovisioned users too', async () => {
  for (const n of [1, 2, 3, 4, 5])
    await pushOne(employee({ ...ADA, email: `e${n}@example.com` }, { externalId: `e${n}` }), context);
  const [id = ''] = okta.users.keys();
  await pushOne(employee(ADA, { operation: 'deactivate', remoteId: id }), context);

  const full = await readAll(null);
  const changed = await readAll(new Date(0));

  expect(full.map(({ remoteId }) => remoteId)).toHaveLength(4);
  expect(changed.map(({ remoteId }) => remoteId)).toHaveLength(5);
  expect(changed.filter(({ isDeleted }) => isDeleted).map(({ remoteId }) => remoteId)).toEqual([id]);
});

it('says that a wrong token was refused', async () => {
  await expect(rest.check({ ...context, credentials: { token: 'wrong-token' } })).rejects.toThrow(
    /Invalid token provided/,
  );
});

async function readAll(modifiedSince: Date | null) {
  const records = [];
  let cursor: string | null = null;
  do {
    const page = await rest.readPage!({ recordType: 'employees', modifiedSince, cursor }, context);
    records.push(...page.records);
    cursor = page.nextCursor;
  } while (cursor !== null);
  return records;
}
