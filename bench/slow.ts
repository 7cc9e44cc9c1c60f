/** Slow third parties in processes of their own, and integrations that push to one by REST. */
import fs from 'node:fs';
import { freePort } from '../dev/start/ports';
import { waitUntilReady } from '../dev/start/processes';
import type { BenchEnvironment } from './environment';

export interface SlowThirdParty {
  url: string;
  calls(): Promise<number>;
}

/** `file`: a program whose arguments are a port and a delay in ms. @returns the URL of the server */
export async function startSlowServer(
  environment: BenchEnvironment,
  file: string,
  delayMs: number,
): Promise<string> {
  const port = await freePort();
  const server = await environment.startNode(`slow-${port}`, file, {}, [String(port), String(delayMs)]);
  await waitUntilReady(server, () => fs.readFileSync(server.logFile, 'utf8').includes('slow server running'));
  return `http://127.0.0.1:${port}`;
}

export async function startSlowThirdParty(
  environment: BenchEnvironment,
  delayMs: number,
): Promise<SlowThirdParty> {
  const url = await startSlowServer(environment, 'bench/slow-server.ts', delayMs);
  return {
    url,
    calls: async () => ((await (await fetch(`${url}/calls`)).json()) as { calls: number }).calls,
  };
}

/** Creations are one call each, repeated safely by an idempotency key. */
export const slowRestConfig = (url: string, concurrency: number) => ({
  app: 'Slow',
  base_url: url,
  auth: { type: 'none' },
  check: { path: '/check' },
  concurrency,
  record_types: {
    employees: {
      id: '/id',
      create: { path: '/employees', idempotency_header: 'Idempotency-Key' },
      update: { path: '/employees/{remote_id}' },
    },
  },
});
