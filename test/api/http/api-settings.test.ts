/** The environment variables of the api that depend on its proxy. */
import { canSignIn } from '../../../api/auth/console-sessions';
import { loadApiConfig, loadWorkerConfig } from '../../../runtime/config';

const complete = {
  DATABASE_URL: 'postgres://a@b/c',
  ENCRYPTION_KEYS: 'k1:x',
  PLATFORM_KEY: 'p'.repeat(32),
};
const load = (more: NodeJS.ProcessEnv = {}) => loadApiConfig({ ...complete, ...more });

it('rule 63: a request waits 50 s by default, less than the 60 s of most proxies', () => {
  expect(load().operationWaitMs).toBe(50_000);
  expect(load({ OPERATION_WAIT_SECONDS: '25' }).operationWaitMs).toBe(25_000);
  expect(() => load({ OPERATION_WAIT_SECONDS: '0' })).toThrow('OPERATION_WAIT_SECONDS');
});

it.each([
  'https://syncline.example.com/sync',
  'https://syncline.example.com/sync/',
  'http://h/sync',
  'https://syncline.example.com//',
  'https://syncline.example.com/?a=b',
  'https://syncline.example.com/#a',
  'https://user:password@syncline.example.com',
])('a PUBLIC_URL below which Syncline cannot be served is refused at the start: %s', (url) => {
  const message = 'Syncline cannot be served below a path. Give it a host name of its own';

  expect(() => load({ PUBLIC_URL: url })).toThrow(message);
  expect(() => loadWorkerConfig({ ...complete, PUBLIC_URL: url })).toThrow(message);
});

it.each([
  'https://syncline.example.com',
  'https://syncline.example.com/',
  'https://syncline.example.com:8443',
  'http://192.168.1.5:8080/',
  'http://[::1]:8080',
])('a PUBLIC_URL without a path is accepted: %s', (url) => {
  expect(load({ PUBLIC_URL: url }).publicUrl).toBe(url.replace(/\/$/, ''));
});

it.each([
  ['https://syncline.example.com', true],
  ['http://localhost:8080', true],
  ['http://127.0.0.1:8080', true],
  ['http://[::1]:8080', true],
  ['http://192.168.1.5:8080', false],
  ['http://syncline.local', false],
  ['http://localhost.example.com', false],
])('with PUBLIC_URL=%s browsers keep the session cookie: %s', (publicUrl, isKept) => {
  expect(canSignIn({ publicUrl })).toBe(isKept);
});
