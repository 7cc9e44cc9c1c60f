/** Whom the sample tenant's events are posted to: a receiver that prints them into `.syncline/logs/webhook-receiver.log`. */
import { inState, projectFolder } from '../tools/paths';
import { answersHttp, startProcess, waitUntilReady } from '../start/processes';
import { writeJson } from '../start/secrets';
import { logFile } from '../start/state';

const secretFile = inState('webhook-receiver.json');

/** @returns the address that it listens on. */
export async function startWebhookReceiver(port: number): Promise<string> {
  const child = await startProcess({
    name: 'webhook receiver',
    command: process.execPath,
    args: ['--import', 'tsx', 'dev/companions/webhook-receiver-main.ts', String(port), secretFile],
    cwd: projectFolder,
    logFile: logFile('webhook-receiver'),
  });
  const url = `http://127.0.0.1:${port}`;
  await waitUntilReady(child, () => answersHttp(url));
  return `${url}/hooks`;
}

/** From here on what is signed by it is taken. */
export function tellReceiver(secret: string): void {
  writeJson(secretFile, { secret });
}
