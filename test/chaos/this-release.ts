/**
 * The processes of this release as one file each, with their workflows: built once for a run, for most of the
 * time of a start goes into translating sources, and trials start processes all the time.
 */
import fs from 'node:fs';
import path from 'node:path';
import { build } from 'esbuild';
import { projectFolder } from '../../dev/tools/paths';
import { temporaryFolder, workflowBundle } from '../support/servers/shared-servers';

export interface Release {
  programs: Record<'api' | 'worker', string>;
  /** What they need to find their dependencies. */
  env: NodeJS.ProcessEnv;
}

let release: Promise<Release> | undefined;

export const thisRelease = (): Promise<Release> => (release ??= buildRelease());

async function buildRelease(): Promise<Release> {
  const folder = temporaryFolder('this-release');
  const pack = async (name: string, modules: readonly string[]): Promise<string> => {
    const outfile = path.join(folder, `${name}.js`);
    const contents = modules.map((module) => `require('./${module}');`).join('\n');
    await build({
      stdin: { contents, resolveDir: projectFolder },
      outfile,
      bundle: true,
      platform: 'node',
      packages: 'external',
      keepNames: true,
      define: { 'require.main': 'undefined' },
      logLevel: 'error',
    });
    return outfile;
  };
  const [api, worker] = await Promise.all([
    pack('api', ['api/main.ts']),
    pack('worker', ['test/support/short-turns.cjs', 'worker/main.ts']),
  ]);
  fs.copyFileSync(workflowBundle().codePath, path.join(folder, 'workflow-bundle.js'));
  const thread = 'watchdog-thread.cjs';
  fs.copyFileSync(path.join(projectFolder, 'runtime', thread), path.join(folder, thread));
  return { programs: { api, worker }, env: { NODE_PATH: path.join(projectFolder, 'node_modules') } };
}
