import { request as httpRequest } from 'node:http';
import { sql } from 'kysely';
import supertest from 'supertest';
import { expectProblem, type GivenTenant, listening, type Service, startService } from '../support/service';

let service: Service;
let tenant: GivenTenant;
beforeAll(async () => {
  service = await startService();
  tenant = await service.givenTenant();
});
afterAll(() => service.close());

const RECORD = '/v1/records/employees/e-1';

/** A body as it is, with headers as they are. */
function raw(
  method: 'put' | 'post' | 'patch',
  path: string,
  body: string | Buffer,
  headers: Record<string, string> = { 'Content-Type': 'application/json' },
) {
  const request = supertest(service.app)[method](path);
  return request
    .set('Authorization', `Bearer ${tenant.keys.admin}`)
    .set(headers)
    .serialize(String)
    .send(body as string);
}

describe('a body that is not JSON (S2)', () => {
  it.each<[string, string, Record<string, string>, number, string]>([
    ['malformed', '{"fields":', { 'Content-Type': 'application/json' }, 400, 'malformed_json'],
    ['two documents', '{}{}', { 'Content-Type': 'application/json' }, 400, 'malformed_json'],
    ['a number', '5', { 'Content-Type': 'application/json' }, 400, 'malformed_json'],
    ['a text', '"x"', { 'Content-Type': 'application/json' }, 400, 'malformed_json'],
    ['null', 'null', { 'Content-Type': 'application/json' }, 400, 'malformed_json'],
    ['a list', '[]', { 'Content-Type': 'application/json' }, 400, 'invalid_body'],
    ['another content type', '{}', { 'Content-Type': 'text/plain' }, 415, 'unsupported_media_type'],
    ['a form', 'a=1', { 'Content-Type': 'application/x-www-form-urlencoded' }, 415, 'unsupported_media_type'],
    ['utf-7', '{}', { 'Content-Type': 'application/json; charset=utf-7' }, 415, 'unsupported_media_type'],
    [
      'latin-1',
      '{}',
      { 'Content-Type': 'application/json; charset=iso-8859-1' },
      415,
      'unsupported_media_type',
    ],
    [
      'gzip',
      '{}',
      { 'Content-Type': 'application/json', 'Content-Encoding': 'gzip' },
      415,
      'unsupported_media_type',
    ],
  ])('is refused: %s', async (_name, body, headers, status, code) => {
    expectProblem(await raw('put', RECORD, body, headers), status, code);
  });

  it('is refused when its bytes are no UTF-8', async () => {
    const server = await listening(service.app);
    const answer = await new Promise<number | undefined>((resolve) => {
      const sent = httpRequest(
        {
          port: server.port,
          method: 'PUT',
          path: RECORD,
          headers: { Authorization: `Bearer ${tenant.keys.admin}`, 'Content-Type': 'application/json' },
        },
        (response) => {
          response.resume();
          resolve(response.statusCode);
        },
      );
      sent.end(Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]));
    });
    await server.close();

    expect(answer).toBe(400);
  });

  it('is accepted with a charset in capitals and quotes', async () => {
    const response = await raw('put', RECORD, '{"fields":{}}', {
      'Content-Type': 'Application/JSON; charset="UTF-8"',
    });

    expect(response.status).toBe(202);
  });
});

describe('a body that is too large (S1)', () => {
  it('is refused above 256 KB, and above 1 MB in a batch', async () => {
    const quarter = JSON.stringify({
      fields: Object.fromEntries(Array.from({ length: 5 }, (_, index) => [`f${index}`, 'x'.repeat(60_000)])),
    });

    expectProblem(await raw('put', RECORD, quarter), 413, 'body_too_large');
    expectProblem(
      await raw('post', '/v1/records/batch', `{"records":["${'x'.repeat(1_100_000)}"]}`),
      413,
      'body_too_large',
    );
  });

  it('is discarded while it arrives: a hundred of 10 MB at once need almost no memory', async () => {
    const server = await listening(service.app);
    const { port } = server;
    const chunk = Buffer.alloc(64 * 1_024, 'x');
    const sendTenMegabytes = (isChunked: boolean) =>
      new Promise<number>((resolve, reject) => {
        const headers = {
          Authorization: `Bearer ${tenant.keys.admin}`,
          'Content-Type': 'application/json',
          ...(isChunked
            ? { 'Transfer-Encoding': 'chunked' }
            : { 'Content-Length': String(chunk.length * 160) }),
        };
        const sent = httpRequest({ port, method: 'PUT', path: RECORD, headers, agent: false }, (response) => {
          response.resume();
          resolve(response.statusCode ?? 0);
        });
        sent.on('error', reject);
        let left = 160;
        const write = () => {
          while (left > 0) {
            left -= 1;
            if (!sent.write(chunk)) return void sent.once('drain', write);
          }
          sent.end();
        };
        write();
      });
    const before = process.memoryUsage().arrayBuffers;

    const statuses = await Promise.all(
      Array.from({ length: 100 }, (_, index) => sendTenMegabytes(index % 2 === 0)),
    );
    const grownBytes = process.memoryUsage().arrayBuffers - before;
    await server.close();

    expect(new Set(statuses)).toEqual(new Set([413]));
    expect(grownBytes).toBeLessThan(50 * 1_024 * 1_024);
  });
});

describe('the path, the query and the headers (S2, S3, S5)', () => {
  it.each([
    ['a broken escape in the path', '/v1/records/employees/%zz', 'invalid_path'],
    ['an escape that is not UTF-8', '/v1/records/employees/%ff', 'invalid_path'],
    ['NUL in the path', '/v1/records/employees/a%00b', 'invalid_path'],
    ['a record type in capitals', '/v1/records/Employees/e-1', 'invalid_path'],
    ['a broken escape in the query', '/v1/integrations?limit=%zz', 'invalid_query'],
    ['NUL in the query', '/v1/integrations?cursor=%00', 'invalid_query'],
    ['a parameter twice', '/v1/integrations?limit=1&limit=2', 'invalid_query'],
    ['an unknown parameter', '/v1/integrations?limits=1', 'invalid_query'],
    ['__proto__ as a parameter', '/v1/integrations?__proto__=1', 'invalid_query'],
    ['a limit of 0', '/v1/integrations?limit=0', 'invalid_query'],
    ['a limit above 200', '/v1/integrations?limit=201', 'invalid_query'],
    ['a limit that is not a number', '/v1/integrations?limit=1e1', 'invalid_query'],
    ['a garbled cursor', '/v1/integrations?cursor=abc', 'invalid_cursor'],
    ['an unknown status', '/v1/record-syncs?status=fine', 'invalid_query'],
    ['an unknown parameter', '/v1/time-zones?x=1', 'invalid_query'],
  ])('are refused with %s', async (_name, path, code) => {
    expectProblem(await tenant.admin.get(path), 400, code);
  });

  it('are refused with a Last-Event-ID that Syncline did not issue', async () => {
    expectProblem(
      await tenant.viewer.get('/v1/stream').set('Last-Event-ID', "1'; drop table records"),
      400,
      'invalid_header',
    );
  });

  it('answers unknown routes 404 and wrong methods 405 with Allow', async () => {
    const unknown = await tenant.admin.get('/v2/records');
    const slash = await tenant.admin.get('/v1/integrations/');
    const wrong = await tenant.admin.delete('/v1/integrations');

    expectProblem(unknown, 404, 'route_not_found');
    expectProblem(slash, 404, 'route_not_found');
    expectProblem(wrong, 405, 'method_not_allowed');
    expect(wrong.headers.allow).toBe('POST, GET, HEAD');
  });

  it('answers HEAD like GET, without the body', async () => {
    const response = await supertest(service.app)
      .head('/v1/time-zones')
      .set('Authorization', `Bearer ${tenant.keys.viewer}`);

    expect(response.status).toBe(200);
    expect(response.text ?? '').toBe('');
  });
});

describe('the content of a body (S3, S5)', () => {
  it.each<[string, string, string]>([
    ['NUL in a value', String.raw`{"fields":{"name":"a\u0000b"}}`, '/fields/name'],
    ['NUL in a name', String.raw`{"fields":{"a\u0000":1}}`, '/fields/a␀'],
    ['a lone surrogate', String.raw`{"fields":{"name":"\ud800"}}`, '/fields/name'],
    ['a number past a double', '{"fields":{"salary":1e400}}', '/fields/salary'],
    ['an integer past 2^53', '{"fields":{"salary":12345678901234567890}}', '/fields/salary'],
    ['__proto__', '{"fields":{"__proto__":{"polluted":true}}}', '/fields/__proto__'],
    ['constructor', '{"fields":{"a":{"constructor":1}}}', '/fields/a/constructor'],
    ['too many levels', `{"fields":{"a":${'['.repeat(31)}${']'.repeat(31)}}}`, `/fields/a${'/0'.repeat(30)}`],
  ])('is refused with %s, and the pointer says where', async (_name, body, pointer) => {
    const response = await raw('put', '/v1/records/employees/guarded', body);

    expectProblem(response, 400, 'unacceptable_json');
    expect(JSON.parse(response.text).errors).toEqual([expect.objectContaining({ pointer })]);
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
    expectProblem(await tenant.viewer.get('/v1/records/employees/guarded'), 404, 'record_not_found');
  });

  it.each<[string, object, string]>([
    ['an unknown key', { fields: {}, colour: 1 }, '/colour'],
    ['a tenant_id', { fields: {}, tenant_id: 'ten_1' }, '/tenant_id'],
    ['an id', { fields: {}, id: 'rec_1' }, '/id'],
    ['no fields', {}, '/fields'],
    ['fields that are a list', { fields: [] }, '/fields'],
    ['a version below 0', { fields: {}, version: -1 }, '/version'],
    ['a version with a fraction', { fields: {}, version: 1.5 }, '/version'],
    ['an instant without a zone', { fields: {}, occurred_at: '2026-01-01T00:00:00' }, '/occurred_at'],
  ])('is refused with %s', async (_name, body, pointer) => {
    const response = await tenant.admin.put(RECORD, body);

    expectProblem(response, 400, 'invalid_body');
    expect(JSON.parse(response.text).errors).toEqual([expect.objectContaining({ pointer })]);
  });

  it('is refused by a route without a body', async () => {
    expectProblem(await tenant.admin.post('/v1/integrations/int_x/pause', { force: true }), 404);
    expectProblem(
      await tenant.admin.post('/v1/api-keys', { name: 'x', role: 'admin', tenant_id: tenant.id }),
      400,
      'invalid_body',
    );
    expectProblem(
      await service.platform.post('/v1/tenants', { name: 'x', id: tenant.id }),
      400,
      'invalid_body',
    );
  });

  it.each(['Ada\r\nBcc: all@example.org', 'Ada\u0000', 'Ada\u001b[31m', ' Ada', ''])(
    'is refused when a name for people is %j',
    async (name) => {
      expectProblem(await service.platform.post('/v1/tenants', { name }), 400);
    },
  );

  it('is refused with an unknown time zone (422)', async () => {
    for (const time_zone of ['Mars/Olympus', '+01:00', 'constructor'])
      expectProblem(
        await service.platform.post('/v1/tenants', { name: 'x', time_zone }),
        422,
        'unknown_time_zone',
      );
  });

  it('accepts every time zone that it lists', async () => {
    const { body } = await tenant.viewer.get('/v1/time-zones').expect(200);

    expect(body.data.length).toBeGreaterThan(300);
    const { rows } = await service.database.withTenant(tenant.uuid, ({ trx }) =>
      sql<{ name: string }>`select name from pg_timezone_names`.execute(trx),
    );
    const known = new Set(rows.map(({ name }) => name));
    expect(body.data.filter((name: string) => !known.has(name))).toEqual([]);
  });
});
