import { readFileSync } from 'node:fs';
import path from 'node:path';
import { definitionSchemaText, openapiText } from '../../api/write-openapi';
import { type ApiDescription, findBreakingChanges, isBreakAllowed } from '../../dev/openapi/compatibility';

const FILE = path.join(__dirname, '..', '..', 'docs', 'openapi.json');

/** A small API with one of each: parameters, a request body, references, a list and a webhook. */
const description = () => ({
  paths: {
    '/v1/things': {
      get: {
        parameters: [
          { name: 'state', in: 'query', required: false, schema: { enum: ['open', 'done'] } },
          { name: 'limit', in: 'query', required: false, schema: {} },
        ],
        responses: {
          '200': { content: { 'application/json': { schema: { $ref: '#/components/schemas/Things' } } } },
          '404': { content: { 'application/problem+json': { schema: { properties: { code: {} } } } } },
        },
      },
      post: {
        requestBody: {
          content: {
            'application/json': {
              schema: {
                properties: {
                  name: {},
                  mode: { anyOf: [{ enum: ['fast', 'slow'] }, { enum: [null] }] },
                  options: { properties: { size: {} }, required: ['size'] },
                },
                required: ['name'],
              },
            },
          },
        },
        responses: { '201': { content: { 'application/json': { schema: { properties: { id: {} } } } } } },
      },
    },
  },
  webhooks: {
    THING_DONE: {
      post: {
        requestBody: {
          content: {
            'application/json': { schema: { properties: { id: {}, data: { properties: { at: {} } } } } },
          },
        },
      },
    },
  },
  components: {
    schemas: {
      Things: {
        properties: { data: { items: { $ref: '#/components/schemas/Thing' } }, next_cursor: {} },
        required: ['data'],
      },
      Thing: {
        properties: {
          id: {},
          state: { enum: ['open', 'done'] },
          parts: { items: { $ref: '#/components/schemas/Thing' } },
        },
      },
    },
  },
});
type Description = ReturnType<typeof description>;

function breakingAfter(change: (changed: Description) => void): string[] {
  const changed = description();
  change(changed);
  return findBreakingChanges(description(), changed);
}
const bodyOfPost = ({ paths }: Description) =>
  paths['/v1/things'].post.requestBody.content['application/json'].schema as {
    properties: Record<string, object>;
    required: string[];
  };

describe('the comparison of API descriptions', () => {
  it.each<[string, (changed: Description) => void, string]>([
    [
      'a path is removed',
      ({ paths }) => delete (paths as Partial<Description['paths']>)['/v1/things'],
      'GET /v1/things: the operation was removed',
    ],
    [
      'an operation is removed',
      ({ paths }) => delete (paths['/v1/things'] as { post?: object }).post,
      'POST /v1/things: the operation was removed',
    ],
    [
      'a field of a response is removed',
      ({ components }) => delete (components.schemas.Thing.properties as { state?: object }).state,
      'GET /v1/things: the field data[].state of the response 200 was removed',
    ],
    [
      'a success response is removed',
      ({ paths }) => delete (paths['/v1/things'].get.responses as { '200'?: object })['200'],
      'GET /v1/things: the response 200 was removed',
    ],
    [
      'a query parameter is removed',
      ({ paths }) => paths['/v1/things'].get.parameters.pop(),
      'GET /v1/things: the query parameter limit was removed',
    ],
    [
      'a query parameter becomes required',
      ({ paths }) => paths['/v1/things'].get.parameters.forEach((one) => (one.required = true)),
      'GET /v1/things: the query parameter limit is required now',
    ],
    [
      'a query parameter no longer accepts a value',
      ({ paths }) => paths['/v1/things'].get.parameters[0]?.schema.enum?.pop(),
      'GET /v1/things: the query parameter state no longer accepts "done"',
    ],
    [
      'a request field is removed',
      (changed) => delete bodyOfPost(changed).properties.mode,
      'POST /v1/things: the request field mode was removed',
    ],
    [
      'a request field no longer accepts a value',
      (changed) => (bodyOfPost(changed).properties.mode = { enum: ['fast', null] }),
      'POST /v1/things: the request field mode no longer accepts "slow"',
    ],
    [
      'a new request field is required',
      (changed) => {
        bodyOfPost(changed).properties.owner = {};
        bodyOfPost(changed).required.push('owner');
      },
      'POST /v1/things: the request field owner is required now',
    ],
    [
      'an optional request field becomes required',
      (changed) => bodyOfPost(changed).required.push('mode'),
      'POST /v1/things: the request field mode is required now',
    ],
    [
      'a field of a webhook is removed',
      ({ webhooks }) =>
        delete (
          webhooks.THING_DONE.post.requestBody.content['application/json'].schema.properties.data
            .properties as { at?: object }
        ).at,
      'webhook THING_DONE: the field data.at was removed',
    ],
    [
      'a webhook is removed',
      ({ webhooks }) => delete (webhooks as Partial<Description['webhooks']>).THING_DONE,
      'webhook THING_DONE: the event was removed',
    ],
  ])('reports when %s', (_case, change, message) => {
    expect(breakingAfter(change)).toContain(message);
  });

  it('reports nothing when the API only gets additions', () => {
    const changes = breakingAfter((changed) => {
      Object.assign(changed.paths, { '/v1/others': { get: { responses: {} } } });
      Object.assign(changed.components.schemas.Thing.properties, { color: {} });
      Object.assign(changed.webhooks, { THING_LOST: { post: {} } });
      changed.components.schemas.Thing.properties.state.enum.push('waiting');
      changed.paths['/v1/things'].get.parameters.push({
        name: 'q',
        in: 'query',
        required: false,
        schema: {},
      });
      bodyOfPost(changed).properties.mode = { enum: ['fast', 'slow', 'auto', null] };
      bodyOfPost(changed).properties.extra = { properties: { depth: {} }, required: ['depth'] };
    });

    expect(changes).toEqual([]);
  });

  it('reports nothing for changes of error responses and descriptions', () => {
    const changes = breakingAfter(({ paths, components }) => {
      delete (paths['/v1/things'].get.responses as { '404'?: object })['404'];
      Object.assign(components.schemas.Thing, { description: 'Another text.' });
    });

    expect(changes).toEqual([]);
  });

  it('finds no difference between the committed description and itself, but finds a removed field', () => {
    const committed = JSON.parse(readFileSync(FILE, 'utf8')) as ApiDescription;
    const changed = structuredClone(committed);
    delete changed.components?.schemas?.Badge?.properties?.status;

    expect(findBreakingChanges(committed, committed)).toEqual([]);
    expect(findBreakingChanges(committed, changed)).toContain(
      'GET /v1/records/{record_type}: the field data[].badge.status of the response 200 was removed',
    );
  });

  it.each([
    ['0.2.0', '0.2.1', false],
    ['0.2.0', '0.3.0', true],
    ['0.2.0', '1.0.0', true],
    ['0.2.0', '0.2.0', false],
  ])('allows breaking %s by %s: %s', (released, version, isAllowed) => {
    expect(isBreakAllowed(released, version)).toBe(isAllowed);
  });
});

describe('docs/openapi.json', () => {
  it('is current: `npm run openapi` would write the same', () => {
    expect(readFileSync(FILE, 'utf8')).toBe(openapiText());
  });

  it('has the current JSON Schema of third-party definitions beside it', () => {
    const file = path.join(path.dirname(FILE), 'third-party-definition.schema.json');
    expect(readFileSync(file, 'utf8')).toBe(definitionSchemaText());
  });
});
