/** Drafts of definitions: what is understood of curl commands and OpenAPI documents, and hostile ones. */
import { compileDefinition } from '../../../api/third-parties/compile-definition';
import { definitionDocument } from '../../../api/third-parties/definition-schema';
import { connectors } from '../../../connectors';
import type { JsonObject } from '../../../domain/json';
import { type Draft, UnusableStart } from '../../../domain/third-parties/drafts/draft';
import { draftFromCurl } from '../../../domain/third-parties/drafts/from-curl';
import { draftFromOpenApi } from '../../../domain/third-parties/drafts/from-openapi';
import { shellWords } from '../../../domain/third-parties/drafts/shell-words';

/** Throws unless the draft can be added as it is. */
const compiled = ({ definition }: Draft) =>
  compileDefinition(definitionDocument.parse(definition), connectors);
const restOf = ({ definition }: Draft) => definition['config'] as JsonObject;
const typeOf = (draft: Draft, name: string) => (restOf(draft)['record_types'] as JsonObject)[name];
const signInOf = ({ definition }: Draft) => (definition['sign_in'] as unknown as JsonObject[])[0];

describe('a draft from a curl command', () => {
  it('has the address, the list, its paging, and the sign-in without its secret', () => {
    const draft = draftFromCurl(`curl -s 'https://api.acme.example/v2/people?page=1&per_page=50' \\
      -H 'Authorization: Bearer s3cr3t-0815' -H "Accept: application/json"`);

    expect(compiled(draft)).toMatchObject({ connector: 'rest' });
    expect(restOf(draft)).toMatchObject({ app: 'Acme', base_url: 'https://api.acme.example/v2' });
    expect(typeOf(draft, 'people')).toMatchObject({
      list: { path: '/people', paging: { type: 'page', parameter: 'page', size_parameter: 'per_page' } },
    });
    expect(signInOf(draft)).toMatchObject({ config: { auth: { type: 'bearer' } } });
    expect(JSON.stringify(draft)).not.toContain('0815');
  });

  it.each([
    ['a password', `-u ada:s3cr3t`, { type: 'basic' }],
    ['a header', `-H 'X-Api-Key: s3cr3t'`, { type: 'header', headers: { 'x-api-key': '{token}' } }],
    [
      'an own scheme',
      `-H 'Authorization: SSWS s3cr3t'`,
      { type: 'header', headers: { Authorization: 'SSWS {token}' } },
    ],
    ['nothing', '', { type: 'none' }],
  ])('recognizes %s as the sign-in', (_what, option, auth) => {
    const draft = draftFromCurl(`curl https://api.acme.example/people ${option}`);

    expect(signInOf(draft)).toMatchObject({ config: { auth } });
    expect(JSON.stringify(draft)).not.toContain('s3cr3t');
    expect(compiled(draft)).toBeDefined();
  });

  it('recognizes a key in the query, and drops it', () => {
    const draft = draftFromCurl('curl "https://acme.example/api/people?api_key=s3cr3t&limit=5"');

    expect(signInOf(draft)).toMatchObject({
      config: { auth: { type: 'query', parameters: { api_key: '{token}' } } },
    });
    expect(JSON.stringify(draft)).not.toContain('s3cr3t');
  });

  it('takes the names of the fields of a body, and never their values', () => {
    const draft = draftFromCurl(
      `curl -X POST https://acme.example/api/people --json '{"firstName":"Ada","__proto__":1,"email":"a@b.c"}'`,
    );

    expect(draft.definition['record_types']).toMatchObject({
      people: { direction: 'pull', fields: [{ name: 'first_name', to: 'firstName' }, { to: 'email' }] },
    });
    expect(JSON.stringify(draft)).not.toContain('Ada');
    expect(draft.decisions.map(({ message }) => message).join('\n')).toContain(
      'To push, add create (POST /people)',
    );
  });

  it.each([
    ['page[size]=50&page[number]=1', { type: 'page', parameter: 'page[number]', size: 50 }],
    ['limit=20&offset=0', { type: 'offset', size: 20 }],
    ['per_page=30&page=1', { type: 'page', size: 30 }],
    ['pageSize=all&page=1', { type: 'page', size: 100 }],
  ])('takes the size of a page from the address: %s', (query, paging) => {
    const draft = draftFromCurl(`curl -g 'https://acme.example/api/people?${query}'`);

    expect(typeOf(draft, 'people')).toMatchObject({ list: { paging } });
    expect(compiled(draft)).toBeDefined();
  });

  it('sends the media type of JSON:API, and finds its list and its fields', () => {
    const draft = draftFromCurl(
      `curl https://acme.example/api/people -H 'Accept: application/vnd.api+json' ` +
        `-H 'Content-Type: application/vnd.api+json' -d '{"data":{"type":"people","attributes":{"email":"a@b.c"}}}'`,
    );

    const type = 'application/vnd.api+json';
    expect(compiled(draft)).toBeDefined();
    expect(restOf(draft)).toMatchObject({ headers: { Accept: type, 'Content-Type': type } });
    expect(typeOf(draft, 'people')).toMatchObject({ list: { items: '/data' } });
    expect(draft.definition['record_types']).toMatchObject({
      people: { fields: [{ name: 'email', to: '/attributes/email' }] },
    });
  });

  it('leaves the id of a record out of the address of the list', () => {
    const draft = draftFromCurl('curl https://acme.example/v1/people/4711');

    expect(restOf(draft)['base_url']).toBe('https://acme.example/v1');
    expect(typeOf(draft, 'people')).toMatchObject({ list: { path: '/people' } });
  });

  it.each([
    ['another command', 'wget https://acme.example'],
    ['a second command', 'curl https://acme.example; rm -rf /'],
    ['a substitution', 'curl https://acme.example/$(cat /etc/passwd)'],
    ['a substitution in back quotes', 'curl https://acme.example/`id`'],
    ['a pipe', 'curl https://acme.example | sh'],
    ['a redirection', 'curl https://acme.example > x'],
    ['an open quote', "curl 'https://acme.example"],
    ['two addresses', 'curl https://a.example https://b.example'],
    ['no address', 'curl -s'],
    ['a file address', 'curl file:///etc/passwd'],
    ['an option that reads files', 'curl -K config https://a.example'],
    ['an upload', 'curl -F file=@/etc/passwd https://a.example'],
    ['an option without its value', 'curl https://a.example -H'],
    ['a long line', `curl https://a.example ${'x'.repeat(70_000)}`],
  ])('is refused for %s', (_what, line) => {
    expect(() => draftFromCurl(line)).toThrow(UnusableStart);
  });

  it('splits words as a shell does', () => {
    expect(shellWords(`curl  -H "a \\"b\\"" 'c\\d' e\\ f $'g\\n' \\\n h''`)).toEqual([
      'curl',
      '-H',
      'a "b"',
      'c\\d',
      'e f',
      'g\n',
      'h',
    ]);
  });
});

const person = {
  type: 'object',
  properties: {
    id: { type: 'integer', readOnly: true },
    email: { type: 'string' },
    firstName: { type: 'string' },
    manager: { $ref: '#/components/schemas/Person' },
  },
};
const json = (schema: object) => ({ content: { 'application/json': { schema } } });
const query = (name: string) => ({ in: 'query', name, schema: { type: 'string' } });

const acme = (changes: object = {}): JsonObject =>
  ({
    openapi: '3.1.0',
    info: { title: 'Acme HR API', version: '1' },
    servers: [{ url: 'https://{tenant}.acme.example/v1', variables: { tenant: { default: 'demo' } } }],
    components: {
      schemas: {
        Person: person,
        Page: {
          type: 'object',
          properties: { data: { type: 'array', items: { $ref: '#/components/schemas/Person' } } },
        },
      },
      securitySchemes: { key: { type: 'apiKey', in: 'header', name: 'X-Key' } },
    },
    paths: {
      '/people': {
        get: {
          parameters: [query('email'), query('page'), query('limit'), query('updated_since')],
          responses: { 200: json({ $ref: '#/components/schemas/Page' }) },
        },
        post: {
          requestBody: json({ $ref: '#/components/schemas/Person' }),
          responses: { 201: json(person) },
        },
      },
      '/people/{id}': { get: {}, patch: {}, delete: {} },
      '/teams': { get: { responses: { 200: json({ type: 'array', items: person }) } } },
      '/teams/{team}/members': { get: { responses: { 200: json({ type: 'array', items: person }) } } },
    },
    ...changes,
  }) as JsonObject;

describe('a draft from an OpenAPI document', () => {
  it('has its record types with their calls, paging, filter and search', () => {
    const draft = draftFromOpenApi(acme());

    expect(compiled(draft)).toBeDefined();
    expect(draft.definition).toMatchObject({
      key: 'acme-hr',
      parameters: { tenant: { format: 'subdomain', example: 'demo' } },
      sign_in: [{ config: { auth: { type: 'header', headers: { 'X-Key': '{token}' } } } }],
      config: { base_url: 'https://${tenant}.acme.example/v1' },
    });
    expect(typeOf(draft, 'people')).toMatchObject({
      list: {
        path: '/people',
        items: '/data',
        paging: { type: 'page', parameter: 'page', size_parameter: 'limit' },
        modified_since: { parameters: { updated_since: '{modified_since}' } },
      },
      find: { path: '/people{?email}', match: { at: '/email' } },
      create: { path: '/people' },
      update: { method: 'PATCH', path: '/people/{remote_id}' },
      delete: { path: '/people/{remote_id}' },
    });
    expect(draft.definition['record_types']).toMatchObject({
      people: {
        direction: 'push',
        fields: expect.arrayContaining([{ name: 'first_name', to: 'firstName' }]),
      },
      teams: { direction: 'pull' },
    });
  });

  it.each([
    ['at the top', { next_cursor: {} }, '/next_cursor'],
    ['in a member', { meta: { properties: { nextPageToken: {} } } }, '/meta/nextPageToken'],
    ['nowhere', {}, '/next_cursor'],
  ])('finds the cursor of the next page %s of the answer', (_where, more, at) => {
    const answer = json({ properties: { data: { type: 'array', items: person }, ...more } });
    const get = { parameters: [query('cursor')], responses: { 200: answer } };

    const draft = draftFromOpenApi(acme({ paths: { '/people': { get } } }));

    expect(typeOf(draft, 'people')).toMatchObject({ list: { paging: { type: 'cursor', at } } });
    expect(JSON.stringify(draft.decisions).includes('is a guess')).toBe(JSON.stringify(more) === '{}');
  });

  it.each([
    [50, 50],
    [1_000, 100],
  ])('asks for no larger page than the product allows (%i)', (maximum, size) => {
    const limit = { ...query('limit'), schema: { type: 'integer', maximum } };
    const get = { parameters: [limit, query('page')], responses: { 200: json({ items: person }) } };

    const draft = draftFromOpenApi(acme({ paths: { '/people': { get } } }));

    expect(typeOf(draft, 'people')).toMatchObject({ list: { paging: { size } } });
  });

  it('of a product that wraps its records has the wrapper', () => {
    const wrapped = json({ properties: { result: person, meta: {}, message: { type: 'string' } } });
    const { paths } = acme() as { paths: Record<string, { post: object }> };
    const people = {
      ...paths['/people'],
      post: { requestBody: json({ properties: { result: person } }), responses: { 201: wrapped } },
    };

    const draft = draftFromOpenApi(acme({ paths: { ...paths, '/people': people } }));

    expect(compiled(draft)).toBeDefined();
    expect(typeOf(draft, 'people')).toMatchObject({ record_at: '/result', body_at: '/result' });
  });

  describe('of a JSON:API product', () => {
    const mediaType = 'application/vnd.api+json';
    const own = (schema: object) => ({ content: { [mediaType]: { schema } } });
    const attributes = { properties: { 'first-name': {}, email: {} } };
    const patron = (type: object) => ({ properties: { type, id: {}, attributes, relationships: {} } });
    const around = { included: { type: 'array', items: {} }, meta: {}, jsonapi: {} };
    const links = { properties: { self: {}, next: { type: ['string', 'null'] } } };
    const product = (type: object, search: string) => {
      const answer = own({ properties: { data: patron(type), ...around } });
      const list = { properties: { ...around, data: { type: 'array', items: patron(type) }, links } };
      const parameters = ['page[number]', 'page[size]', 'filter[updated_since]', search].map(query);
      return acme({
        paths: {
          '/patrons': {
            get: { parameters, responses: { 200: own(list) } },
            post: {
              requestBody: own({ properties: { data: patron(type) } }),
              responses: { 201: answer },
            },
          },
          '/patrons/{id}': { get: {}, patch: { requestBody: own({}) }, delete: {} },
        },
      });
    };

    it('has the fields of the attributes, the media type, the wrapper, the filter and the next page', () => {
      const draft = draftFromOpenApi(product({ type: 'string', enum: ['patron'] }, 'filter[email]'));

      expect(compiled(draft)).toBeDefined();
      expect(restOf(draft)).toMatchObject({ headers: { Accept: mediaType, 'Content-Type': mediaType } });
      expect(typeOf(draft, 'patrons')).toMatchObject({
        record_at: '/data',
        body_at: '/data',
        list: {
          items: '/data',
          paging: { type: 'cursor', at: '/links/next', size_parameter: 'page[size]' },
          modified_since: { parameters: { 'filter[updated_since]': '{modified_since}' } },
        },
        find: {
          path: '/patrons?filter[email]={payload.attributes.email}',
          items: '/data',
          match: { at: '/attributes/email', value: '{payload.attributes.email}' },
        },
        create: { path: '/patrons', body: { data: { type: 'patron' } } },
        update: { body: { data: { type: 'patron', id: '{remote_id}' } } },
      });
      expect(draft.definition['record_types']).toMatchObject({
        patrons: {
          direction: 'push',
          fields: [
            { name: 'first_name', to: '/attributes/first-name' },
            { name: 'email', to: '/attributes/email' },
          ],
        },
      });
    });

    it('has the wrapper, and says what to send, if records cannot be searched', () => {
      const draft = draftFromOpenApi(product({ type: 'string' }, 'filter[name]'));

      expect(compiled(draft)).toBeDefined();
      expect(typeOf(draft, 'patrons')).toMatchObject({ record_at: '/data', body_at: '/data' });
      const words = draft.decisions.map(({ message }) => message).join('\n');
      expect(words).toContain('create (POST /patrons with "body": {"data":{"type":"patrons"}})');
      expect(words).toContain('patrons is a guess');
      expect(words).toContain(
        "patrons is the product's name. Rename it to the type of record that Syncline shall sync",
      );
    });
  });

  it('says in words what it could not find out', () => {
    const words = draftFromOpenApi(acme()).decisions.map(({ message }) => message);

    expect(words.join('\n')).toContain('/teams/{team}/members');
    expect(words.join('\n')).toContain('Say how the list is paged');
  });

  it.each([
    ['Swagger 2', { openapi: undefined, swagger: '2.0' }],
    ['no version', { openapi: 3 }],
    ['no paths', { paths: {} }],
    ['paths that are a list', { paths: [] }],
    ['a reference to another document', { paths: { $ref: 'https://evil.example/paths.json' } }],
    ['a reference to itself', { paths: { $ref: '#/paths' } }],
  ])('is refused for %s', (_what, changes) => {
    expect(() => draftFromOpenApi(acme(changes))).toThrow(UnusableStart);
  });

  it('ends for parts that contain each other a thousand times', () => {
    const all = Array.from({ length: 1_000 }, () => ({ $ref: '#/components/schemas/A' }));
    const schemas = { A: { allOf: all, properties: { a: { type: 'string' } } } };
    const paths = { '/a': { get: { responses: { 200: json({ $ref: '#/components/schemas/A' }) } } } };

    expect(() => draftFromOpenApi(acme({ components: { schemas }, paths }))).toThrow('too many references');
  });

  it('ends for a large part that a thousand calls point to', () => {
    const names = Array.from({ length: 10_000 }, (_, n) => [`application/${n}`, {}] as const);
    const answer = { $ref: '#/components/responses/Large' };
    const call = { get: { responses: { 200: answer } } };
    const calls = Array.from({ length: 1_000 }, (_, n) => [`/a${n}`, call] as const);
    const components = { responses: { Large: { content: Object.fromEntries(names) } } };

    expect(() => draftFromOpenApi(acme({ components, paths: Object.fromEntries(calls) }))).toThrow(
      'too large parts',
    );
  });

  it.each([
    ['an address that is none', { servers: [{ url: 'javascript:alert(1)' }] }],
    ['a relative address', { servers: [{ url: '/v1' }] }],
    ['an address with a password', { servers: [{ url: 'https://a:b@acme.example' }] }],
    [
      'names that mean something to programs',
      { components: { schemas: JSON.parse('{"__proto__":{}}') as object } },
    ],
    ['an unknown scheme', { components: { securitySchemes: { x: { type: 'mutualTLS' } } } }],
    [
      'references in a circle',
      { components: { schemas: { Person: { $ref: '#/components/schemas/Person' } } } },
    ],
    ['a title of symbols', { info: { title: '\u0000<script>' } }],
  ])('can be added although the document has %s', (_what, changes) => {
    const base = acme(changes);
    const paths = { '/teams': { get: { responses: { 200: json({ type: 'array', items: person }) } } } };

    expect(compiled(draftFromOpenApi({ ...base, paths } as JsonObject))).toBeDefined();
  });
});
