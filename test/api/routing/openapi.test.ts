import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { checkPermissions, ROUTE_PERMISSIONS } from '../../../api/routing/route-permissions';
import { ERROR_CODES } from '../../../api/errors/error-codes';
import type { Route } from '../../../api/routing/define-route';
import { createMetricsServer } from '../../../api/http/server';
import { routes } from '../../../api/routes';
import { expectProblem, listening, type Service, startService } from '../support/service';

interface Operation {
  operationId: string;
  security: object[];
  parameters?: { name: string; in: string }[];
  responses: Record<string, { content?: Record<string, unknown> }>;
}
interface Schema {
  pattern?: string;
  properties?: Record<string, Schema>;
  allOf?: Schema[];
  anyOf?: Schema[];
}
interface Described {
  name: string;
  schema: Schema;
}
interface Document {
  openapi: string;
  paths: Record<string, Record<string, Operation>>;
}

let service: Service;
let document: Document;
beforeAll(async () => {
  service = await startService();
  document = (await service.as(undefined).get('/openapi.json').expect(200)).body as Document;
});
afterAll(() => service.close());

const operations = () => Object.values(document.paths).flatMap((methods) => Object.values(methods));

describe('the API description', () => {
  it('is OpenAPI 3.1 and passes the linter without errors or warnings', async () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'syncline-openapi-'));
    const file = path.join(folder, 'openapi.json');
    writeFileSync(file, JSON.stringify(document));

    // Two routes only redirect the browser, so their only successful response is 303.
    const parameters = ['lint', '--format=json', '--skip-rule=operation-2xx-response', file];
    const { stdout } = await promisify(execFile)(
      process.execPath,
      [require.resolve('@redocly/cli/bin/cli.js'), ...parameters],
      {
        env: { ...process.env, REDOCLY_TELEMETRY: 'off' },
        cwd: folder,
      },
    );
    rmSync(folder, { recursive: true });

    expect(document.openapi).toBe('3.1.0');
    expect(JSON.parse(stdout).totals).toMatchObject({ errors: 0, warnings: 0 });
  }, 60_000);

  it('describes every error of every route as problem details', () => {
    const errors = operations().flatMap(({ operationId, responses }) =>
      Object.entries(responses).flatMap(([status, { content }]) =>
        Number(status) < 400 ? [] : [{ operationId, status, types: Object.keys(content ?? {}) }],
      ),
    );

    expect(errors.length).toBeGreaterThan(200);
    expect(errors.filter(({ types }) => types.join() !== 'application/problem+json')).toEqual([]);
  });

  it('requires a key or a session for every route except health checks and sign-in', () => {
    const open = Object.entries(document.paths).flatMap(([route, methods]) =>
      Object.entries(methods).flatMap(([method, { security }]) =>
        security.length === 0 ? [`${method} ${route}`] : [],
      ),
    );

    expect(open.toSorted()).toEqual([
      'get /console/v1/oidc',
      'get /console/v1/oidc/callback',
      'get /console/v1/sign-in',
      'get /livez',
      'get /openapi.json',
      'get /readyz',
      'post /console/v1/passwords',
      'post /console/v1/platform/sign-in',
      'post /console/v1/sign-in',
    ]);
  });

  it('offers Idempotency-Key on every POST except sign-in and sign-out', () => {
    const posts = Object.entries(document.paths).flatMap(([route, { post }]) =>
      post === undefined || route.startsWith('/console/') ? [] : [post],
    );

    expect(
      posts
        .filter(({ parameters }) => !parameters?.some(({ name }) => name === 'Idempotency-Key'))
        .map(({ operationId }) => operationId),
    ).toEqual([]);
  });

  it('makes no named schema nullable: null is listed beside its name', () => {
    const named = Object.entries(
      (document as unknown as { components: { schemas: Record<string, object> } }).components.schemas,
    );

    expect(
      named
        .filter(
          ([, schema]) =>
            JSON.stringify(schema).startsWith('{"type":["') ||
            /"allOf":\[\{"\$ref":"[^"]+"\},\{"type":\[/.test(JSON.stringify(schema)),
        )
        .map(([name]) => name),
    ).toEqual([]);
  });

  it('describes each action on a record sync and each status', () => {
    const actions = operations().filter(({ operationId }) =>
      /^(push|hold|release|discard|retry)Record/.test(operationId),
    ) as (Operation & {
      description: string;
    })[];
    const { SyncStatus } = (
      document as unknown as {
        components: { schemas: Record<string, { enum: string[]; description: string }> };
      }
    ).components.schemas;

    expect(actions).toHaveLength(5);
    expect(actions.filter(({ description }) => description.split('\n\n').length < 2)).toEqual([]);
    expect(SyncStatus?.enum.filter((status) => !SyncStatus.description.includes(`\`${status}\`:`))).toEqual(
      [],
    );
  });

  it.each([
    ['/v1/events', 'limit', ['1', '50', '200', '007'], ['0', '201', '1000', '-1', '']],
    ['/v1/events', 'type', ['DATA_NEW', 'DATA_NEW,DATA_UPDATE'], ['', 'DATA_NEW,', 'DATA_NEW;X', 'x']],
    ['/v1/sync-runs', 'kind', ['nightly', 'full,hourly'], ['nightly,', 'daily']],
    ['/v1/overviews', 'integration_id', [], ['int_', 'run_01h455vb4pex5vsknk084sn02q', 'int_%00']],
  ])('has a pattern for %s?%s that is as strict as the API', async (route, name, taken, refused) => {
    const { get } = document.paths[route] as unknown as { get: { parameters: Described[] } };
    const pattern = new RegExp(
      get.parameters.find((parameter) => parameter.name === name)?.schema.pattern ?? '',
    );
    const { viewer } = await service.givenTenant();

    for (const [values, isTaken] of [
      [taken, true],
      [refused, false],
    ] as const)
      for (const value of values) {
        const { status } = await viewer.get(`${route}?${name}=${value}`);
        expect([value, pattern.test(value), status === 200]).toEqual([value, isTaken, isTaken]);
      }
  });

  it('says what a text, a name of a member and a password may be', () => {
    const bodyOf = (route: string) =>
      (
        (document.paths[route] as Record<string, unknown>).post as {
          requestBody: { content: Record<string, { schema: Schema }> };
        }
      ).requestBody.content['application/json']?.schema.properties as Record<string, Schema>;
    const endpoint = bodyOf('/v1/webhook-endpoints');
    const integration = bodyOf('/v1/integrations');
    const name = new RegExp(bodyOf('/v1/tenants').name?.pattern ?? '');

    expect(['Ada', 'A b', ' Ada', 'Ada ', 'A\nb', 'A\u2028b'].map((text) => name.test(text))).toEqual([
      true,
      true,
      false,
      false,
      false,
      false,
    ]);
    expect(endpoint.headers).toMatchObject({ propertyNames: { pattern: expect.any(String) } });
    expect(integration.record_types).toMatchObject({ propertyNames: { pattern: expect.any(String) } });
    expect(integration.type_settings).toMatchObject({ propertyNames: { pattern: expect.any(String) } });
    expect(bodyOf('/console/v1/passwords').password).toMatchObject({ minLength: 12, maxLength: 128 });
  });

  it('lets an object be null where the API answers null', () => {
    const { PushWithPayload, OverviewItem } = (
      document as unknown as { components: { schemas: Record<string, Schema> } }
    ).components.schemas;
    const payload = PushWithPayload?.properties ?? PushWithPayload?.allOf?.[1]?.properties;

    for (const schema of [
      payload?.payload,
      OverviewItem?.properties?.before,
      OverviewItem?.properties?.after,
    ])
      expect(schema?.anyOf).toContainEqual({ type: 'null' });
  });

  it('gives every operation a unique id', () => {
    const ids = operations().map(({ operationId }) => operationId);

    expect(new Set(ids).size).toBe(ids.length);
  });
});

describe('the start of the process', () => {
  it('fails when a route has no row in the table of permissions', () => {
    const added = { ...(routes[0] as Route), path: '/v1/forgotten' };

    expect(() => checkPermissions([...routes, added])).toThrow(
      'Routes without a row in api/routing/route-permissions.ts: GET /v1/forgotten',
    );
  });

  it('fails when a row has no route', () => {
    expect(() => checkPermissions(routes.filter(({ path: route }) => route !== '/v1/stream'))).toThrow(
      'GET /v1/stream',
    );
  });

  it('fails when a route changes something without an action for the audit log', () => {
    const silent = routes.map((route) => {
      const { action: _action, ...rest } = route;
      return route.operationId === 'pauseIntegration' ? rest : route;
    });

    expect(() => checkPermissions(silent)).toThrow('/pause');
  });

  it('succeeds with the existing routes', () => {
    expect(() => checkPermissions(routes)).not.toThrow();
    expect(Object.values(ROUTE_PERMISSIONS).filter((access) => access === 'public')).toHaveLength(9);
  });
});

describe('the pages', () => {
  it.each(Object.keys(ERROR_CODES))('explain %s at the URL in its type', async (code) => {
    const response = await service.as(undefined).get(`/docs/errors/${code}`).expect(200);

    expect(response.headers['content-type']).toMatch(/^text\/html/);
    expect(response.text).toContain(code);
  });

  it('show the API description without loading anything from other hosts', async () => {
    const index = await service.as(undefined).get('/docs').expect(200);
    const links = [...index.text.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, link]) => link as string);

    expect(index.headers['content-security-policy']).toContain("default-src 'none'");
    expect(links.every((link) => link.startsWith('/docs'))).toBe(true);
    for (const link of links) await service.as(undefined).get(link).expect(200);
    expectProblem(await service.as(undefined).get('/docs/errors/constructor'), 404, 'route_not_found');
    expectProblem(await service.as(undefined).get('/docs/..%2f..%2fpackage.json'), 404);
  });
});

it('sends the security headers with every response', async () => {
  const { headers } = await service.as(undefined).get('/livez').expect(200);

  expect(headers).toMatchObject({
    'content-security-policy': "default-src 'none';frame-ancestors 'none'",
    'strict-transport-security': expect.stringContaining('max-age=31536000'),
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-resource-policy': 'same-origin',
    'cache-control': 'no-store',
  });
  expect(headers['x-powered-by']).toBeUndefined();
});

it('shows metrics by route pattern, without ids', async () => {
  await service.as('nonsense').get('/v1/records/employees/zaphod%40example.org').expect(401);

  const text = await service.dependencies.metrics.registry.metrics();

  expect(text).toContain('route="/v1/records/{record_type}/{external_id}"');
  expect(text).toMatch(/^syncline_outbox_age_seconds 0$/m);
  expect(text).not.toContain('zaphod');
});

it('D20: serves metrics on a port of their own, and nothing else there', async () => {
  await service.as(undefined).get('/metrics').expect(404);
  const server = await listening(createMetricsServer(service.dependencies.metrics));
  const ask = async (url: string) => {
    const response = await fetch(`http://127.0.0.1:${server.port}${url}`);
    return { status: response.status, text: await response.text() };
  };

  const [metrics, other] = [await ask('/metrics'), await ask('/livez')];
  await server.close();

  expect(metrics).toEqual({ status: 200, text: expect.stringContaining('syncline_open_streams 0') });
  expect(other).toEqual({ status: 404, text: '' });
});
