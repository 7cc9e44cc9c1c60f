/** Errors of third parties at the fields they are about, in the many ways in which APIs name a field. */
import type { FieldError } from '../../../connectors/errors';
import { closeConnections } from '../../../egress/http-client';
import { loopbackPolicy, pushItem } from '../suite/given';
import type { RecordTypeMapping } from '../../../domain/records/mapping';
import { contactsConfig, errorOf, restContext } from './rest-given';
import { type ScriptedServer, startScriptedServer } from '../suite/scripted-server';

const MAPPING: RecordTypeMapping = {
  direction: 'push',
  onDelete: 'delete',
  fields: [
    { name: 'given_name', to: 'firstName' },
    { name: 'first', to: 'first' },
    { name: 'email', to: 'email' },
    { name: 'phone', to: '/phones/0/number' },
    { name: 'street', to: '/address/street' },
    { name: 'city', to: '/address/city' },
    { name: 'department', to: 'dept_code' },
  ],
};
const LABELS = [
  { name: 'dept_code', label: 'Cost centre' },
  { name: 'email', label: 'E-Mail-Adresse' },
];
const EACH = { at: '/errors' };

describe('an error of the third party', () => {
  let server: ScriptedServer;
  let body: unknown;

  beforeAll(async () => {
    server = await startScriptedServer(() => ({ status: 422, body }));
  });

  afterAll(async () => {
    await closeConnections(loopbackPolicy);
    await server.stop();
  });

  async function errorsOf(rules: object, answer: unknown): Promise<readonly FieldError[]> {
    body = answer;
    const context = restContext(contactsConfig(server.url, { errors: rules }, { known_fields: LABELS }), {
      mapping: MAPPING,
    });
    const item = pushItem('contacts', MAPPING, { email: 'x' }, { externalId: 'emp-1', remoteId: '1' });
    return ((await errorOf(item, context)) as Error & { errors: FieldError[] }).errors;
  }

  const single = async (message: string) =>
    (await errorsOf({ message: '/message' }, { message })).map(({ field, message: text }) => [field, text]);

  it.each([
    ['First name cannot be blank', 'given_name'],
    ['first_name: is required', 'given_name'],
    ['firstName must be at most 50 characters', 'given_name'],
    ['The First Name field is required.', 'given_name'],
    ['First must be a letter', 'first'],
    ['E-Mail-Adresse ist ungültig', 'email'],
    ['email - has already been taken', 'email'],
    ['Invalid email', 'email'],
    ['Cost centre 4711 does not exist', 'department'],
    ['Unknown value for "dept_code"', 'department'],
    ["The value 'Delft' of the attribute 'city' is not allowed", 'city'],
    ['Validation failed: Email is invalid', 'email'],
    ['Street is too long, the maximum is 40', 'street'],
    ['Department is closed', 'department'],
  ])('is about the field with the label or name in its message: %s', async (message, field) => {
    expect(await single(message)).toEqual([[field, message]]);
  });

  it.each([
    'Firstly, this record is locked',
    'Emails are sent at night',
    'Quota exceeded',
    'This record may not have a new email',
    '',
  ])('is about the whole record if its message begins with no field: %s', async (message) => {
    expect((await single(message)).map(([field]) => field)).toEqual([null]);
  });

  it.each<[string, [string, string][]]>([
    [
      "First name can't be blank, Email is invalid and City is unknown",
      [
        ['given_name', "First name can't be blank"],
        ['email', 'Email is invalid'],
        ['city', 'City is unknown'],
      ],
    ],
    [
      "Validation failed: First name can't be blank, minimum 2 characters; Email is invalid.",
      [
        ['given_name', "First name can't be blank, minimum 2 characters"],
        ['email', 'Email is invalid.'],
      ],
    ],
  ])('becomes several if its message is about several fields: %s', async (message, expected) => {
    expect(await single(message)).toEqual(expected);
  });

  it.each<[string, object, unknown, [string | null, string][]]>([
    [
      'a single error at the top with its field',
      { message: '/message', name: '/field' },
      { message: 'is taken', field: 'email' },
      [['email', 'is taken']],
    ],
    [
      'a single error whose field is a label',
      { message: '/message', name: '/field' },
      { message: 'is closed', field: 'Cost Centre' },
      [['department', 'is closed']],
    ],
    [
      'a field in another spelling',
      { each: { ...EACH, name: '/f', message: '/m' } },
      {
        errors: [
          { f: 'first_name', m: 'is odd' },
          { f: 'Contact.EMAIL', m: 'taken' },
        ],
      },
      [
        ['given_name', 'is odd'],
        ['email', 'taken'],
      ],
    ],
    [
      'a key that is no field, with the field in the message',
      { each: EACH },
      { errors: { base: ['City is unknown', 'Locked'] } },
      [
        ['city', 'City is unknown'],
        [null, 'Locked'],
      ],
    ],
    [
      'texts that begin with a label, without a separator',
      { each: EACH },
      { errors: ['First name is short', 'Cost centre is closed'] },
      [
        ['given_name', 'First name is short'],
        ['department', 'Cost centre is closed'],
      ],
    ],
    [
      'two kinds of errors in one response',
      { each: [{ at: '/errors', message: '/m', name: '/f' }, { at: '/field_errors' }] },
      { errors: [{ f: 'city', m: 'unknown' }], field_errors: { email: 'taken' } },
      [
        ['city', 'unknown'],
        ['email', 'taken'],
      ],
    ],
    [
      'several messages of one field',
      { each: { ...EACH, name: '/f', message: '/m' } },
      { errors: [{ f: 'email', m: ['is taken', 'is odd'] }] },
      [
        ['email', 'is taken'],
        ['email', 'is odd'],
      ],
    ],
    [
      'several fields of one message',
      { each: { ...EACH, name: '/f', message: '/m' } },
      { errors: [{ f: ['firstName', 'email'], m: 'are the same' }] },
      [
        ['given_name', 'are the same'],
        ['email', 'are the same'],
      ],
    ],
    [
      'messages by rule',
      { each: EACH },
      { errors: { email: { unique: 'is taken', format: ['is odd'] } } },
      [
        ['email', 'is taken'],
        ['email', 'is odd'],
      ],
    ],
    [
      'messages by field within an object',
      { each: EACH },
      { errors: { address: { city: ['is unknown'], street: 'is missing' } } },
      [
        ['city', 'is unknown'],
        ['street', 'is missing'],
      ],
    ],
  ])('is read from %s', async (_title, rules, answer, expected) => {
    const errors = await errorsOf(rules, answer);

    expect(errors.map(({ field, message }) => [field, message])).toEqual(expected);
    const named = errors.filter(({ field }) => field !== null);
    expect(named.filter(({ field, explanation }) => !explanation.includes(`this value of ${field}`))).toEqual(
      [],
    );
  });

  it('names the mapped fields that it can be about, and says that none is mapped only if there is none', async () => {
    const rules = { each: { ...EACH, name: '/f', message: '/m' } };
    const [several, none] = await errorsOf(rules, {
      errors: [
        { f: 'Address', m: 'is incomplete' },
        { f: 'salary', m: 'is missing' },
      ],
    });

    expect(several).toMatchObject({ field: null, remoteField: 'Address' });
    expect(several?.explanation).toMatch(/street, city/);
    expect(several?.explanation).not.toMatch(/No mapped field/);
    expect(none?.explanation).toMatch(/"salary".*No mapped field/);
  });

  it('takes no field from a response that is quoted as it is', async () => {
    expect(await errorsOf({}, { echo: { email: 'x' }, reason: 'no' })).toMatchObject([{ field: null }]);
  });
});
