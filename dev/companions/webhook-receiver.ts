/**
 * The receiver of the sample tenant's webhooks: prints each event to `.syncline/logs/webhook-receiver.log`.
 */
import fs from 'node:fs';
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
    ports: [port],
  });
  const url = `http://127.0.0.1:${port}`;
  await waitUntilReady(child, () => answersHttp(url));
  return `${url}/hooks`;
}

/** From now on the receiver accepts requests signed with this secret. */
export function setReceiverSecret(secret: string): void {
  writeJson(secretFile, { secret });
}

/** False if `.syncline` was deleted while the database with the endpoint was kept. */
export const hasReceiverSecret = (): boolean => fs.existsSync(secretFile);
