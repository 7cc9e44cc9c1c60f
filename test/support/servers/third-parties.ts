/**
 * Real third parties, software written by others: each starts on a free port of 127.0.0.1 in a second or two,
 * keeps its data in a folder of its own (or in memory) and is gone after `stop()`. Start them in beforeAll,
 * stop them in afterAll.
 */
import fs from 'node:fs';
import path from 'node:path';
import { servePocketBase, type PocketBaseLogin } from '../../../dev/start/pocketbase';
import {
  answersHttp,
  startProcess,
  waitUntilReady,
  type SupervisedProcess,
} from '../../../dev/start/processes';
import { serveScim } from '../../../dev/start/scim-server';
import type { JsonObject } from '../../../domain/json';
import { freePort } from './free-port';
import { ensurePythonPackages } from './python-packages';
import { temporaryFolder } from './shared-servers';

interface ThirdParty {
  /** Without a slash at the end. */
  url: string;
  port: number;
  stop(): Promise<void>;
}

async function runPython(
  name: string,
  script: string,
  args: string[],
  folder: string,
): Promise<SupervisedProcess> {
  const packages = await ensurePythonPackages();
  return startProcess({
    name,
    command: 'python3',
    args: ['-W', 'ignore', path.join(packages, 'bin', script), ...args],
    env: { ...process.env, PYTHONPATH: packages, PYTHONUNBUFFERED: '1' },
    cwd: folder,
    logFile: path.join(folder, 'log'),
  });
}

const stopAndClear = (child: SupervisedProcess, folder: string) => async (): Promise<void> => {
  await child.stop();
  fs.rmSync(folder, { recursive: true, force: true });
};

export interface ScimServer extends ThirdParty {
  bearerToken: string;
}

export interface ScimServerOptions {
  /** Give the port of a stopped server to bring it back (its data is lost: it is in memory). */
  port?: number;
  /**
   * A file of schemas instead of the standard ones: `scim2_server/resources/default-schemas.json`, changed.
   */
  schemaFile?: string;
  /** Members of ServiceProviderConfig; the other features are supported. */
  features?: JsonObject;
}

/** scim2-server, SCIM 2.0 in memory; `url` ends in `/v2`. */
const ALL_FEATURES: JsonObject = {
  schemas: ['urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig'],
  patch: { supported: true },
  bulk: { supported: false, maxOperations: 0, maxPayloadSize: 0 },
  filter: { supported: true, maxResults: 1000 },
  changePassword: { supported: false },
  sort: { supported: true },
  etag: { supported: true },
};

export async function startScimServer({
  port: givenPort,
  schemaFile,
  features,
}: ScimServerOptions = {}): Promise<ScimServer> {
  const [folder, port, bearerToken] = [temporaryFolder('scim'), givenPort ?? (await freePort()), '-s3cret'];
  const packages = await ensurePythonPackages();
  const logFile = path.join(folder, 'log');
  const featuresFile = features && path.join(folder, 'features.json');
  if (featuresFile !== undefined)
    fs.writeFileSync(featuresFile, JSON.stringify({ ...ALL_FEATURES, ...features }));
  const server = await serveScim({
    packages,
    folder,
    logFile,
    port,
    bearerToken,
    schemaFile,
    featuresFile,
  });
  return { url: server.url, port, bearerToken, stop: stopAndClear(server.process, folder) };
}

export interface Kinto extends ThirdParty {
  /** For HTTP Basic. */
  username: string;
  password: string;
}

const kintoConfig = (settings: Record<string, string>): string =>
  [
    '[server:main]\nuse = egg:waitress#main\nhost = 127.0.0.1\nport = %(http_port)s\n[app:main]',
    ...Object.entries(settings).map(([name, value]) => `${name} = ${value}`),
    '[loggers]\nkeys = root\n[handlers]\nkeys = console\n[formatters]\nkeys = plain\n[logger_root]\nlevel = WARNING\nhandlers = console',
    '[handler_console]\nclass = StreamHandler\nargs = (sys.stderr,)\nformatter = plain\n[formatter_plain]\nformat = %%(message)s\n',
  ].join('\n');

/**
 * Kinto in memory, `url` ends in `/v1`; validates records by JSON Schema, 7 s of Retry-After, pages of 100.
 */
export async function startKinto(settings: Record<string, string> = {}): Promise<Kinto> {
  const [folder, port, username, password] = [temporaryFolder('kinto'), await freePort(), 'admin', 's3cret'];
  const config = path.join(folder, 'kinto.ini');
  const memory = Object.fromEntries(
    ['storage', 'cache', 'permission'].map((part) => [`kinto.${part}_backend`, `kinto.core.${part}.memory`]),
  );
  const defaults = {
    use: 'egg:kinto',
    'kinto.includes':
      'kinto.plugins.default_bucket kinto.plugins.accounts kinto.plugins.history kinto.plugins.flush',
    ...memory,
    'kinto.userid_hmac_secret': 'not secret: a server for one test',
    'kinto.default_bucket_hmac_secret': 'not secret: a server for one test',
    'multiauth.policies': 'account',
    'multiauth.policy.account.use': 'kinto.plugins.accounts.AccountsPolicy',
    'kinto.account_create_principals': 'system.Everyone',
    'kinto.account_write_principals': 'account:admin',
    'kinto.bucket_create_principals': 'account:admin',
    'kinto.experimental_collection_schema_validation': 'true',
    'kinto.paginate_by': '100',
    'kinto.retry_after_seconds': '7',
    'kinto.flush_endpoint_enabled': 'true',
  };
  fs.writeFileSync(config, kintoConfig({ ...defaults, ...settings }));
  const child = await runPython('Kinto', 'kinto', ['start', '--ini', config, '--port', String(port)], folder);
  const url = `http://127.0.0.1:${port}/v1`;
  await waitUntilReady(child, () => answersHttp(`${url}/__heartbeat__`));
  const body = JSON.stringify({ data: { password } });
  const created = await fetch(`${url}/accounts/${username}`, {
    method: 'PUT',
    headers: { 'content-type': 'application/json' },
    body,
  });
  if (!created.ok)
    throw new Error(`Kinto did not take its first account: ${created.status} ${await created.text()}`);
  return { url, port, username, password, stop: stopAndClear(child, folder) };
}

export interface PocketBase extends ThirdParty {
  /** A superuser; `logIn(url, login)` of `dev/start/pocketbase.ts` answers a token. */
  login: PocketBaseLogin;
}

/** PocketBase, empty. */
export async function startPocketBase(): Promise<PocketBase> {
  const [folder, port] = [temporaryFolder('pocketbase'), await freePort()];
  const login = { email: 'admin@example.com', password: 's3cret-of-a-test' };
  const { url, process: child } = await servePocketBase({
    dataFolder: path.join(folder, 'data'),
    logFile: path.join(folder, 'log'),
    port,
    superuser: login,
  });
  return { url, port, login, stop: stopAndClear(child, folder) };
}
