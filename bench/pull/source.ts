/** The process of the source, and the time it needs alone to send everything. */
import fs from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../../dev/start/ports';
import { waitUntilReady } from '../../dev/start/processes';
import type { BenchEnvironment } from '../environment';

interface Page {
  data: { id: string }[];
  next: string | null;
}

export interface Source {
  url: string;
  read(cursor: string): Promise<Page>;
  /** Seconds for all pages one after the other, read and parsed. */
  readAll(): Promise<number>;
  change(percent: number): Promise<void>;
  /** Only the first so many. */
  show(first: number): Promise<void>;
}

export async function startSource(environment: BenchEnvironment, records: number): Promise<Source> {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  // A log of its own: it is read to see that this one runs, and not another.
  const process = await environment.startNode(`source-${port}`, 'bench/pull/source-server.ts', {}, [
    String(port),
    String(records),
  ]);
  await waitUntilReady(process, () => fs.readFileSync(process.logFile, 'utf8').includes('source running'));
  const read = async (cursor: string) =>
    (await (await fetch(`${url}/contacts?cursor=${cursor}`)).json()) as Page;
  return {
    url,
    read,
    async readAll() {
      const startedAt = performance.now();
      for (let cursor: string | null = '0'; cursor !== null;) cursor = (await read(cursor)).next;
      return (performance.now() - startedAt) / 1_000;
    },
    async change(percent) {
      await (await fetch(`${url}/change?percent=${percent}`, { method: 'POST' })).arrayBuffer();
      await sleep(200);
    },
    async show(first) {
      await (await fetch(`${url}/show?records=${first}`, { method: 'POST' })).arrayBuffer();
    },
  };
}
