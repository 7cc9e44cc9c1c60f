/** Schemas of a package are code of the package: what becomes of a value when they fail. */
import { z } from 'zod';
import { faultIn as packageFaultIn } from '../../../domain/connector-fault';
import { faultIn, guarded } from './guarded';

const throwing = (error: unknown) =>
  z.strictObject({
    url: z.string().transform(() => {
      throw error;
    }),
  });
const transformed = (to: (url: string) => unknown) => z.strictObject({ url: z.string().transform(to) });
const cyclic = () => {
  const made: Record<string, unknown> = {};
  return Object.assign(made, { made });
};

it.each<[string, z.ZodType, string]>([
  ['a transform that throws', throwing(new TypeError('Invalid URL')), 'threw TypeError: Invalid URL'],
  ['one that throws something else', throwing(null), 'threw something else than an error'],
  [
    'a refinement that waits for something',
    z.strictObject({ url: z.string().refine(async () => true) }),
    'waits for a promise',
  ],
  [
    'a number that no JSON has',
    transformed(() => 1n),
    'threw TypeError: Do not know how to serialize a BigInt',
  ],
  ['an object that holds itself', transformed(cyclic), 'threw TypeError: Converting circular structure'],
  [
    'a transform that waits, and fails later',
    transformed(async () => {
      throw new Error('late');
    }),
    'waits for a promise',
  ],
  ['a text that cannot be stored', transformed(() => 'a\0b'), 'returned a text that cannot be stored'],
  ['half of a character', transformed(() => '\ud800'), 'returned a text that cannot be stored'],
  [
    'an error that is code',
    throwing(
      new Proxy(
        {},
        {
          get: () => {
            throw new Error('trap');
          },
        },
      ),
    ),
    'threw something else than an error',
  ],
  [
    'a text instead of an object',
    z.strictObject({ url: z.string() }).transform(({ url }) => url),
    'returned some',
  ],
  [
    'a function',
    z.strictObject({ url: z.string() }).transform(() => () => 1),
    'returned something that is no',
  ],
  [
    'what it does not accept itself',
    transformed((url) => [url]),
    'does not accept what it has returned itself',
  ],
])('%s refuses the configuration, in words that name the package', (_what, configSchema, words) => {
  const faults: Error[] = [];
  const { configSchema: schema } = guarded({ configSchema }, (fault) => faults.push(fault));

  const { success, error } = schema.safeParse({ url: 'https://acme.example' });

  expect(success).toBe(false);
  expect(error?.issues).toMatchObject([{ path: [], message: expect.stringContaining(words) as string }]);
  expect(error?.issues[0]?.message).toContain(faultIn('configSchema'));
  expect(error && packageFaultIn(error)).toBe(faults[0]);
  expect(() => schema.parse({ url: 'https://acme.example' })).toThrow(words);
});

it('a value that is wrong is no fault of the package', () => {
  const configSchema = z.strictObject({ url: z.url().transform((url) => new URL(url).href) });
  const faults: Error[] = [];
  const { configSchema: schema } = guarded({ configSchema }, (fault) => faults.push(fault));

  const { error } = schema.safeParse({ url: 'acme' });

  expect(error?.issues).toMatchObject([{ path: ['url'], code: 'invalid_format' }]);
  expect(error && packageFaultIn(error)).toBeUndefined();
  expect(schema.safeParse({ url: 'https://acme.example' })).toMatchObject({
    success: true,
    data: { url: 'https://acme.example/' },
  });
  expect(faults).toEqual([]);
});

it.each<[string, object, (string | number)[], string]>([
  ['a text as its path', { path: 'url', message: 'No.' }, ['url'], 'No.'],
  ['something else in its path', { path: ['url', {}, 0], message: 'No.' }, ['url', 0], 'No.'],
  ['an object as its message', { message: { toString: null } }, [], 'Invalid input'],
])('reads an issue with %s', (_what, issue, path, message) => {
  const configSchema = z
    .strictObject({ url: z.url() })
    .superRefine((_config, context) => context.addIssue({ code: 'custom', ...issue }));

  const { error } = guarded({ configSchema }).configSchema.safeParse({ url: 'https://acme.example' });

  expect(error?.issues).toMatchObject([{ path, message }]);
});

it.each<[string, z.ZodType]>([
  [
    'throws',
    z.strictObject({
      token: z.string().transform((token) => {
        throw new Error(`No: ${token}`);
      }),
    }),
  ],
  [
    'refuses them',
    z.strictObject({
      token: z.string().refine(() => false, { error: ({ input }) => `No: ${String(input)}` }),
    }),
  ],
])('quotes no credentials where it %s', (_what, credentialsSchema) => {
  const { credentialsSchema: schema } = guarded({ credentialsSchema });

  const { error } = schema.safeParse({ token: 'canary-4711' });

  expect(error?.issues[0]?.message).toContain('•••');
  expect(JSON.stringify(error?.issues)).not.toContain('canary-4711');
});

it('is described as the package describes it', () => {
  const configSchema = z
    .strictObject({ url: z.url().describe('Where?') })
    .meta({ title: 'Acme', id: 'Acme' });

  const described = z.toJSONSchema(guarded({ configSchema }).configSchema);

  expect(described).toMatchObject({
    title: 'Acme',
    type: 'object',
    properties: { url: { description: 'Where?' } },
  });
});
