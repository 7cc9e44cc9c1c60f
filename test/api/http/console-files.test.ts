/**
 * The console's files: the page for every path of the console, scripts cached permanently, 404 otherwise.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expectProblem, type Service, startService } from '../support/service';

let folder: string;
let service: Service;
beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'syncline-console-'));
  service = await startService({ config: { consoleFolder: path.join(folder, 'console') } });
});
afterAll(async () => {
  await service.close();
  rmSync(folder, { recursive: true });
});

const get = (at: string) => service.as(undefined).get(at);

it('explains how to build the console if it is not built', async () => {
  const response = await get('/console');

  expect(response.status).toBe(404);
  expect(response.text).toContain('npm run build');
});

describe('once it is built', () => {
  beforeAll(() => {
    mkdirSync(path.join(folder, 'console', 'assets'), { recursive: true });
    writeFileSync(path.join(folder, 'console', 'index.html'), '<!doctype html><title>Console</title>');
    writeFileSync(path.join(folder, 'console', 'assets', 'index-4f1b2c.js'), 'export {};');
    writeFileSync(path.join(folder, 'console', '.secret'), 'x');
    writeFileSync(path.join(folder, 'outside.txt'), 'x');
  });

  it.each(['/console', '/console/', '/console/sign-in', '/console/overviews/ovw_01?page=2', '/console/v2'])(
    'answers %s with the page, not cached',
    async (at) => {
      const response = await get(at).expect(200);

      expect(response.text).toContain('<title>Console</title>');
      expect(response.headers['cache-control']).toBe('no-cache');
    },
  );

  it('compresses scripts for clients that accept it, and not for others', async () => {
    const script = `export const words = '${'lorem ipsum '.repeat(500)}';`;
    writeFileSync(path.join(folder, 'console', 'assets', 'words-1.js'), script);
    const as = async (encoding: string) =>
      (await get('/console/assets/words-1.js').set('Accept-Encoding', encoding).expect(200)).headers[
        'content-encoding'
      ];

    expect([await as('gzip'), await as('br, gzip'), await as('identity')]).toEqual(['gzip', 'br', undefined]);
    expect((await get('/console/assets/words-1.js')).text).toBe(script);
  });

  it.each([
    ['Range', 'bytes=99999999-'],
    ['Range', 'bytes=0-1'],
    ['If-Match', '"another"'],
    ['If-Unmodified-Since', 'Sat, 21 Nov 1998 09:30:00 GMT'],
  ])('sends files and the page whole, whatever %s: %s asks for', async (header, value) => {
    const script = await get('/console/assets/index-4f1b2c.js').set(header, value);
    const page = await get('/console').set(header, value);

    expect([script.status, script.text]).toEqual([200, 'export {};']);
    expect(page.status).toBe(200);
  });

  it('forbids inline scripts and framing', async () => {
    const policy = (await get('/console')).headers['content-security-policy'] as string;

    expect(policy).toMatch(/default-src 'self'; script-src 'self';/);
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).not.toMatch(/script-src[^;]*unsafe/);
  });

  it('lets browsers cache files with a hash in their name permanently', async () => {
    const response = await get('/console/assets/index-4f1b2c.js').expect(200);

    expect(response.headers['cache-control']).toBe('public, max-age=31536000, immutable');
    expect(response.headers['content-type']).toMatch(/^text\/javascript/);
  });

  it.each([
    '/console/assets/gone-1.js',
    '/console/.secret',
    '/console/..%2foutside.txt',
    '/console/%2e%2e/outside.txt',
    '/console/v1/nothing',
    '/console/v1',
  ])('answers %s neither with the page nor with a file from elsewhere', async (at) => {
    const response = await get(at);

    expectProblem(response, 404, 'route_not_found');
  });

  it('answers with the page for a record whose id contains a dot', async () => {
    const response = await get('/console/records/employees/ada@example.org').expect(200);

    expect(response.headers['content-type']).toMatch(/^text\/html/);
  });

  it('accepts only reads', async () => {
    expectProblem(await service.as(undefined).post('/console/sign-in', {}), 405, 'method_not_allowed');
  });
});
