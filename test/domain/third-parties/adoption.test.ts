import type { JsonObject } from '../../../domain/json';
import { findAdoption } from '../../../domain/third-parties/adoption';
import type { DefinitionRules } from '../../../domain/third-parties/definition';
import type { Parameter } from '../../../domain/third-parties/parameters';
import { valuesFrom } from '../../../domain/third-parties/parameters';

const PARAMETERS: Record<string, Parameter> = {
  subdomain: { format: 'subdomain', example: 'acme' },
  region: {
    format: 'choice',
    example: 'eu',
    default: 'eu',
    options: [
      { value: 'eu', label: 'Europe' },
      { value: 'us', label: 'America' },
    ],
  },
  company: { format: 'identifier', example: '1' },
};
const RULES: DefinitionRules = {
  connector: 'rest',
  parameters: PARAMETERS,
  signIns: {
    api_key: { auth: { type: 'header', headers: { key: '{token}' } } },
    other_key: { auth: { type: 'header', headers: { 'x-key': '{token}' } } },
    password: { auth: { type: 'basic' } },
  },
  config: {
    base_url: 'https://${subdomain}.${region}.contacts.example/v2',
    record_types: { contacts: { find: { path: '/companies/${company}/contacts' } } },
  },
  mappings: {},
};
const OWN: JsonObject = {
  base_url: 'https://acme.us.contacts.example/v2',
  auth: { type: 'header', headers: { 'x-key': '{token}' } },
  record_types: { contacts: { find: { path: '/companies/7/contacts' } } },
};
const connector = {
  hosts: (config: unknown) => [new URL((config as { base_url: string }).base_url).host],
};

const adopt = (config: JsonObject, rules: Partial<DefinitionRules> = {}) =>
  findAdoption(
    { rules: { ...RULES, ...rules }, connector, readConfig: (read) => read },
    { config, recordTypes: {} },
  );

describe('an integration with a configuration of its own', () => {
  it('adopts a definition with the parameters of its own address and calls', () => {
    expect(adopt(OWN)).toEqual({
      use: { signIn: 'other_key', parameters: { subdomain: 'acme', region: 'us', company: '7' } },
    });
  });

  it('adopts a definition that is at another path of the same host', () => {
    expect(adopt({ ...OWN, base_url: 'https://acme.eu.contacts.example/v1/' })).toMatchObject({
      use: { parameters: { subdomain: 'acme', region: 'eu' } },
    });
  });

  it('adopts a definition of a host without parameters by the path of a call', () => {
    const config = {
      base_url: 'https://graph.example/v1',
      record_types: { people: { list: { path: '/users?top=9' } } },
    };
    const own = (path: string) => ({
      ...OWN,
      base_url: 'https://graph.example/v1',
      record_types: { people: { list: { path } } },
    });

    expect(adopt(own('/users'), { config })).toMatchObject({ use: { signIn: 'other_key' } });
    expect(adopt(own('/me/contacts'), { config })).toBeUndefined();
  });

  it.each([
    ['at another host', 'https://acme.eu.people.example/v2'],
    ['at a host that only ends like it', 'https://acme.eu.contacts.example.evil.example/v2'],
    ['at the bare domain', 'https://contacts.example/v2'],
    ['without an address', 7],
  ])('does not belong to the definition: %s', (_what, base_url) => {
    expect(adopt({ ...OWN, base_url })).toBeUndefined();
  });

  it.each([
    [
      'another kind of sign-in',
      { ...OWN, auth: { type: 'login' } },
      { pointer: '/config/auth', code: 'unknown_sign_in' },
    ],
    [
      'no sign-in',
      { base_url: OWN.base_url as string },
      { pointer: '/config/auth', code: 'unknown_sign_in' },
    ],
    [
      'a region that the definition does not offer',
      { ...OWN, base_url: 'https://acme.jp.contacts.example/v2' },
      { pointer: '/third_party/parameters/region', code: 'invalid_value' },
    ],
    [
      'no value for a parameter',
      { ...OWN, record_types: {} },
      { pointer: '/third_party/parameters/company', code: 'required' },
    ],
  ])('is told apart by %s', (_what, config, problem) => {
    expect(adopt(config as JsonObject)).toMatchObject({ problems: [problem] });
  });

  describe('whose host is all a parameter of the definition', () => {
    const rules = {
      parameters: { domain: { format: 'host' as const, example: 'acme.example' } },
      signIns: { none: {} },
      config: {
        base_url: 'https://${domain}/api',
        record_types: { people: { list: { path: '/people' }, create: { path: '/people' } } },
      },
    };
    const config = (base_url: string, path: string) =>
      adopt({ base_url, record_types: { people: { list: { path } } } }, rules);

    it('adopts it if it makes a call of the definition at the same path', () => {
      expect(config('https://any.example/api/', '/people')).toEqual({
        use: { signIn: 'none', parameters: { domain: 'any.example' } },
      });
    });

    it('does not belong to it for its path alone, nor for a call alone', () => {
      expect(config('https://any.example/api', '/humans')).toBeUndefined();
      expect(config('https://any.example/api/v1', '/people')).toBeUndefined();
    });
  });

  it('adopts a definition without parameters', () => {
    const config = { base_url: 'https://api.contacts.example' };

    expect(adopt({ base_url: 'https://api.contacts.example/v3' }, { config, signIns: { none: {} } })).toEqual(
      {
        use: { signIn: 'none', parameters: {} },
      },
    );
  });
});

describe('the parameters in a text', () => {
  it.each([
    ['https://${domain}/services', 'https://acme.my.example/services', [['domain', 'acme.my.example']]],
    ['${origin}/api', 'http://localhost:8080/api/', [['origin', 'http://localhost:8080']]],
    [
      '/a/${one}/b/${two}',
      '/a/1/b/2',
      [
        ['one', '1'],
        ['two', '2'],
      ],
    ],
    ['${one}${two}', 'ab', []],
    ['/a/${one}', '/b/1', []],
    ['/a/${one}/c', '/a//c', []],
    ['/plain', '/plain', []],
  ])('%s of %s', (template, text, values) => {
    expect(valuesFrom(template, text)).toEqual(values);
  });
});
