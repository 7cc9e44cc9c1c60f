/**
 * A third party over HTTP that is only read: lists of many records by cursor, as slow as a test asks. Writes
 * down every page that was asked for, and lets a test choose what happens at one. Linked by configuration
 * alone, through the declarative REST connector.
 */
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

interface AskedPage {
  dataset: string;
  page: number;
  /** Milliseconds since 1970. */
  at: number;
  /** It was answered, or the client has given up. */
  isOver: boolean;
}

export interface ListServer {
  url: string;
  asked: AskedPage[];
  /** How long a page takes. */
  delayMs: number;
  /** Called when a page was asked for, before the delay; may wait. */
  beforePage: (asked: AskedPage) => void | Promise<void>;
  /** Makes a dataset of so many records, or makes it longer or shorter. */
  fill(dataset: string, count: number): void;
  /** Changes every so many-th record. */
  changeEvery(dataset: string, step: number): void;
  /** What it holds: `name` by id. */
  held(dataset: string): Map<string, string>;
  /** How often pages were asked for again since the list of them was emptied. */
  askedAgain(dataset: string): number;
  stop(): Promise<void>;
}

const PAGE_SIZE = 1_000;

export async function startListServer(): Promise<ListServer> {
  const datasets = new Map<string, Map<string, string>>();
  const datasetOf = (name: string): Map<string, string> => {
    const known = datasets.get(name) ?? new Map<string, string>();
    datasets.set(name, known);
    return known;
  };

  async function serve(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://list');
    const [, dataset = '', what] = url.pathname.split('/');
    const all = [...datasetOf(dataset)];
    let body: unknown = { total: all.length };
    if (what === undefined) {
      const page = Number(url.searchParams.get('cursor') ?? 0);
      const asked = { dataset, page, at: Date.now(), isOver: false };
      response.once('close', () => (asked.isOver = true));
      server.asked.push(asked);
      await server.beforePage(asked);
      await sleep(server.delayMs);
      const shown = all
        .slice(page * PAGE_SIZE, (page + 1) * PAGE_SIZE)
        .map(([id, name]) => ({ id, name, note: `Something that is long enough for ${id}.` }));
      body = {
        data: shown,
        next: (page + 1) * PAGE_SIZE < all.length ? String(page + 1) : null,
        total: all.length,
      };
    }
    response.setHeader('content-type', 'application/json').end(JSON.stringify(body));
  }

  const listener = http.createServer(
    (request, response) => void serve(request, response).catch(() => response.destroy()),
  );
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
  const server: ListServer = {
    url: `http://127.0.0.1:${(listener.address() as AddressInfo).port}`,
    asked: [],
    delayMs: 0,
    beforePage: () => undefined,
    fill(dataset, count) {
      const held = datasetOf(dataset);
      for (let index = held.size; index < count; index += 1)
        held.set(`r${String(index).padStart(7, '0')}`, `Name ${index}`);
      for (const id of [...held.keys()].slice(count)) held.delete(id);
    },
    changeEvery(dataset, step) {
      const held = datasetOf(dataset);
      for (const [index, id] of [...held.keys()].entries())
        if (index % step === 0) held.set(id, `${held.get(id)} changed`);
    },
    held: (dataset) => new Map(datasetOf(dataset)),
    askedAgain(dataset) {
      const pages = server.asked.filter((one) => one.dataset === dataset).map(({ page }) => page);
      return pages.length - new Set(pages).size;
    },
    stop: () =>
      new Promise((resolve) => {
        listener.closeAllConnections();
        listener.close(() => resolve());
      }),
  };
  return server;
}

/** These datasets of it, as an API client links them. */
export function listIntegration(url: string, datasets: readonly string[]): Record<string, unknown> {
  const typeOf = (name: string) => ({
    list: {
      path: `/${name}`,
      items: '/data',
      paging: { type: 'cursor', at: '/next', parameter: 'cursor', stable: true },
    },
    count: { path: `/${name}/count`, at: '/total' },
  });
  const mapped = {
    direction: 'pull',
    fields: [
      { name: 'name', to: 'name' },
      { name: 'note', to: 'note' },
    ],
  };
  return {
    connector: 'rest',
    account_name: 'Lists',
    config: {
      app: 'Lists',
      base_url: url,
      auth: { type: 'none' },
      check: { path: '/health/ok' },
      record_types: Object.fromEntries(datasets.map((name) => [name, typeOf(name)])),
    },
    credentials: {},
    record_types: Object.fromEntries(datasets.map((name) => [name, mapped])),
  };
}
