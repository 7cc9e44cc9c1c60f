/** PocketBase, the third party of `npm start`: its dashboard shows a newcomer the employees arriving. */
import { findProgram } from '../tools/binaries';
import { answersHttp, runToEnd, startProcess, waitUntilReady, type SupervisedProcess } from './processes';

export interface PocketBaseLogin {
  email: string;
  /** At least 8 characters. */
  password: string;
}

export interface PocketBaseOptions {
  dataFolder: string;
  logFile: string;
  port: number;
  /** Made, or given this password, before the server starts. */
  superuser: PocketBaseLogin;
  onFetch?: (what: string) => void;
}

/** Starts the server. Its dashboard is at `/_/`. */
export async function servePocketBase(
  options: PocketBaseOptions,
): Promise<{ url: string; process: SupervisedProcess }> {
  const { dataFolder, logFile, port, superuser } = options;
  const command = await findProgram('pocketbase', options.onFetch);
  const folder = ['--dir', dataFolder];
  // After `--`, because a password may begin with a dash.
  await runToEnd(command, ['superuser', 'upsert', ...folder, '--', superuser.email, superuser.password]);
  const args = ['serve', '--http', `127.0.0.1:${port}`, '--automigrate=false', ...folder];
  const child = await startProcess({ name: 'PocketBase', command, args, logFile, ports: [port] });
  const url = `http://127.0.0.1:${port}`;
  await waitUntilReady(child, () => answersHttp(`${url}/api/health`));
  return { url, process: child };
}

/**
 * One call of PocketBase's own API. Throws with its answer unless that is a success or has the status
 * `expected`.
 */
export async function callPocketBase(
  url: string,
  method: string,
  route: string,
  body?: unknown,
  token?: string,
  expected?: number,
): Promise<unknown> {
  const response = await fetch(`${url}/api/${route}`, {
    method,
    headers: { 'content-type': 'application/json', ...(token ? { authorization: token } : {}) },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  if (!response.ok && response.status !== expected)
    throw new Error(`PocketBase answered ${method} ${route} with ${response.status}: ${text}`);
  return text ? JSON.parse(text) : undefined;
}

/** A superuser's token. */
export async function logIn(url: string, { email, password }: PocketBaseLogin): Promise<string> {
  const answer = await callPocketBase(url, 'POST', 'collections/_superusers/auth-with-password', {
    identity: email,
    password,
  });
  return (answer as { token: string }).token;
}
