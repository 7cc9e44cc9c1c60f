/** The process of the receiver. */
import fs from 'node:fs';
import { freePort } from '../../dev/start/ports';
import { type SupervisedProcess, waitUntilReady } from '../../dev/start/processes';
import type { BenchEnvironment } from '../environment';

export interface Receiver {
  url: string;
  /** How many events came to this path, repeats apart. */
  count(path: string): Promise<number>;
  /** Resolves once that many events have come. Polling would slow down what is measured. */
  received(path: string, count: number): Promise<unknown>;
  /** How long each was on its way, in milliseconds. */
  delays(path: string): Promise<number[]>;
  kill(): Promise<void>;
  start(): Promise<void>;
}

export async function startReceiver(environment: BenchEnvironment): Promise<Receiver> {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  let receiver: SupervisedProcess;
  const ask = async (query: string) =>
    (await (await fetch(`${url}/seen?${query}`)).json()) as { events: number; delays: number[] };
  const start = async (): Promise<void> => {
    const written = fs.existsSync(environment.logFile('receiver'))
      ? fs.statSync(environment.logFile('receiver')).size
      : 0;
    receiver = await environment.startNode('receiver', 'bench/webhooks/receiver-server.ts', {}, [
      String(port),
      `${environment.logFile('receiver')}.seen`,
    ]);
    await waitUntilReady(receiver, () =>
      fs.readFileSync(receiver.logFile).subarray(written).includes('receiver running'),
    );
  };
  await start();
  return {
    url,
    start,
    count: async (path) => (await ask(`path=${path}`)).events,
    received: (path, count) => ask(`path=${path}&at_least=${count}`),
    delays: async (path) => (await ask(`delays&path=${path}`)).delays,
    async kill() {
      receiver.kill();
      await receiver.ended;
    },
  };
}
