/**
 * The worker of the former release, 0.3.0, as its own code: `former-release.json.br` holds its files, so that
 * a shallow clone can run it. The dependencies are those of this release. At a new release, the files are
 * made again in a checkout of the one before:
 * - `worker.js`: `npx esbuild worker/main.ts --bundle --minify --keep-names --platform=node
 *   --packages=external --define:require.main=undefined`
 * - `workflow-bundle.js`: `node --import tsx worker/bundle-workflows.ts`, with an empty source map
 * - `watchdog-thread.cjs` of `runtime/`
 */
import fs from 'node:fs';
import path from 'node:path';
import { brotliDecompressSync } from 'node:zlib';
import { projectFolder } from '../../dev/tools/paths';
import { type MainProcess, startMain } from '../support/environments/main-process';
import { temporaryFolder } from '../support/servers/shared-servers';

let folder: string | undefined;

function unpack(): string {
  const target = temporaryFolder('former-release');
  const packed = fs.readFileSync(path.join(__dirname, 'former-release.json.br'));
  const files = JSON.parse(brotliDecompressSync(packed).toString('utf8')) as Record<string, string>;
  for (const [name, text] of Object.entries(files)) fs.writeFileSync(path.join(target, name), text);
  return target;
}

/** A worker of the former release, once it runs. */
export async function startFormerWorker(env: NodeJS.ProcessEnv): Promise<MainProcess> {
  folder ??= unpack();
  const modules = { NODE_PATH: path.join(projectFolder, 'node_modules') };
  const worker = await startMain('worker', { ...env, ...modules }, [path.join(folder, 'worker.js')]);
  await worker.untilLogged('worker running');
  return worker;
}
