/** The app of `npm start` that is connected by consent. Its packages have a tree of their own. */
import fs from 'node:fs';
import path from 'node:path';
import type { Ports } from '../start/addresses';
import { answersHttp, startProcess, waitUntilReady } from '../start/processes';
import { writeJson } from '../start/secrets';
import { logFile, privateFolder } from '../start/state';
import { projectFolder } from '../tools/paths';
import { ensureOwnPackages } from './own-packages';

/** Installs it if it is not there. */
export const ensureSampleApp = (onFetch?: (what: string) => void): Promise<void> =>
  ensureOwnPackages(path.join(projectFolder, 'dev/sample-app'), 'oidc-provider', onFetch);

/** What it keeps over restarts. */
const folder = (): string => privateFolder('sample-app');

const portFile = (): string => path.join(folder(), 'port.json');

/** Its port at the last start. Connected accounts keep working only at the same address. */
export function formerPorts(): Partial<Ports> {
  if (!fs.existsSync(portFile())) return {};
  return JSON.parse(fs.readFileSync(portFile(), 'utf8')) as Pick<Ports, 'SAMPLE_APP_PORT'>;
}

/** @returns the address that it listens on. */
export async function startSampleApp(port: number, onFetch?: (what: string) => void): Promise<string> {
  await ensureSampleApp(onFetch);
  const child = await startProcess({
    name: 'sample app',
    command: process.execPath,
    args: ['--import', 'tsx', 'dev/sample-app/sample-app-main.ts', String(port), folder()],
    cwd: projectFolder,
    logFile: logFile('sample-app'),
    ports: [port],
  });
  const url = `http://127.0.0.1:${port}`;
  await waitUntilReady(child, () => answersHttp(url));
  writeJson(portFile(), { SAMPLE_APP_PORT: port });
  return url;
}

/** From now on the app lets this client ask for consent. */
export function setClient({
  id,
  secret,
  redirectUri,
}: {
  id: string;
  secret: string;
  redirectUri: string;
}): void {
  writeJson(path.join(folder(), 'client.json'), {
    client_id: id,
    client_secret: secret,
    client_name: 'Syncline',
    redirect_uris: [redirectUri],
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
  });
}
