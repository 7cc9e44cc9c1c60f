/** One real process of Syncline, api or worker, whose start need not succeed, or of another version of it. */
import fs from 'node:fs';
import path from 'node:path';
import { randomBytes } from 'node:crypto';
import { startProcess, type SupervisedProcess } from '../../../dev/start/processes';
import { projectFolder } from '../../../dev/tools/paths';
import { temporaryFolder } from '../servers/shared-servers';
import { until } from '../until';

export interface MainProcess extends SupervisedProcess {
  logs(): string;
  /** Waits until the log contains a text, for a minute at most. */
  untilLogged(text: string): Promise<void>;
}

export async function startMain(
  name: 'api' | 'worker',
  env: NodeJS.ProcessEnv,
  args: readonly string[] = ['--import', 'tsx', `${name}/main.ts`],
): Promise<MainProcess> {
  const logFile = path.join(temporaryFolder('main'), `${name}-${randomBytes(4).toString('hex')}.log`);
  const child = await startProcess({
    name,
    command: process.execPath,
    args,
    cwd: projectFolder,
    env: {
      PATH: process.env.PATH,
      HOME: process.env.HOME,
      ENCRYPTION_KEYS: `k1:${randomBytes(32).toString('base64')}`,
      PLATFORM_KEY: randomBytes(24).toString('hex'),
      ...env,
    },
    logFile,
  });
  const logs = (): string => fs.readFileSync(logFile, 'utf8');
  return {
    ...child,
    logs,
    untilLogged: async (text) => void (await until(`the log contains ${text}`, () => logs().includes(text))),
  };
}
