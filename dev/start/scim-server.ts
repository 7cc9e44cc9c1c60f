/**
 * scim2-server, an identity provider with a SCIM 2.0 API. It keeps everything in memory: a new start begins
 * empty.
 */
import path from 'node:path';
import { answersHttp, startProcess, waitUntilReady, type SupervisedProcess } from './processes';

export interface ScimServerOptions {
  /** Where its Python packages are (`../tools/python-packages.ts`). */
  packages: string;
  /** A folder to run in. */
  folder: string;
  logFile: string;
  port: number;
  bearerToken: string;
  /**
   * A file of schemas instead of the standard ones: `scim2_server/resources/default-schemas.json`, changed.
   */
  schemaFile?: string | undefined;
  /** A file with its ServiceProviderConfig; every feature is supported by default. */
  featuresFile?: string | undefined;
}

/** @returns the base URL, which ends in `/v2`. */
export async function serveScim(
  options: ScimServerOptions,
): Promise<{ url: string; process: SupervisedProcess }> {
  const { packages, folder, logFile, port, bearerToken, schemaFile, featuresFile } = options;
  const program = path.join(packages, 'bin', 'scim2-server');
  // In one argument: a random token may begin with a dash, and would pass for another option.
  const address = ['--hostname', '127.0.0.1', '--port', String(port), `--bearer-token=${bearerToken}`];
  const files = [
    ...(schemaFile ? ['--schema', schemaFile] : []),
    ...(featuresFile ? ['--service-provider-config', featuresFile] : []),
  ];
  const child = await startProcess({
    name: 'SCIM server',
    command: 'python3',
    args: ['-W', 'ignore', program, ...address, ...files],
    env: { ...process.env, PYTHONPATH: packages, PYTHONUNBUFFERED: '1' },
    cwd: folder,
    logFile,
    ports: [port],
  });
  const url = `http://127.0.0.1:${port}/v2`;
  await waitUntilReady(child, () => answersHttp(`${url}/ServiceProviderConfig`));
  return { url, process: child };
}
