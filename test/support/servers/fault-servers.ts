/**
 * Faults on request. toxiproxy runs between two parties and cuts, delays or loses TCP traffic; WireMock
 * answers HTTP as configured, or passes requests on to a real third party, by scenario. Each is gone after
 * `stop()`.
 */
import path from 'node:path';
import { findToxiproxy, findWireMock } from '../../../dev/tools/fault-tools';
import { answersHttp, startProcess, waitUntilReady } from '../../../dev/start/processes';
import { freePort } from './free-port';
import { temporaryFolder } from './shared-servers';

async function callJson(method: string, url: string, body?: unknown): Promise<unknown> {
  // Of a connection that is kept, a busy process does not notice in time that the server has closed it.
  const headers = { connection: 'close', 'content-type': 'application/json' };
  const response = await fetch(url, {
    method,
    headers,
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${url} was answered ${response.status}: ${text}`);
  return text ? JSON.parse(text) : undefined;
}

export interface FaultyLink {
  /** What the client connects to instead of the server: 127.0.0.1 and this. */
  port: number;
  /** Refuses connections, and cuts those that are open. */
  disable(): Promise<void>;
  enable(): Promise<void>;
  /**
   * Adds a toxic (toxiproxy's README lists them). "downstream" is what the server sends: `limit_data` with
   * `bytes: 0` there is the lost answer, `timeout` with `timeout: 0` a server that hangs, `reset_peer` a
   * reset, `latency` with `latency` in ms a slow one.
   */
  addToxic(
    type: string,
    attributes: Record<string, number>,
    stream?: 'downstream' | 'upstream',
  ): Promise<void>;
  /** Enabled and without toxics again. */
  heal(): Promise<void>;
}

export interface Toxiproxy {
  linkTo(upstreamPort: number): Promise<FaultyLink>;
  stop(): Promise<void>;
}

export async function startToxiproxy(): Promise<Toxiproxy> {
  const [command, port] = [await findToxiproxy(), await freePort()];
  const api = `http://127.0.0.1:${port}`;
  const logFile = path.join(temporaryFolder('toxiproxy'), 'log');
  const child = await startProcess({
    name: 'toxiproxy',
    command,
    args: ['-host', '127.0.0.1', '-port', String(port)],
    logFile,
  });
  await waitUntilReady(child, () => answersHttp(`${api}/version`));
  return { linkTo: (upstreamPort) => link(api, upstreamPort), stop: () => child.stop() };
}

async function link(api: string, upstreamPort: number): Promise<FaultyLink> {
  const port = await freePort();
  const proxy = `${api}/proxies/link-${port}`;
  await callJson('POST', `${api}/proxies`, {
    name: `link-${port}`,
    listen: `127.0.0.1:${port}`,
    upstream: `127.0.0.1:${upstreamPort}`,
    enabled: true,
  });
  const toxics = new Set<string>();
  const enable = async (): Promise<void> => void (await callJson('POST', proxy, { enabled: true }));
  return {
    port,
    disable: async () => void (await callJson('POST', proxy, { enabled: false })),
    enable,
    async addToxic(type, attributes, stream = 'downstream') {
      const name = `${type}_${stream}`;
      await callJson('POST', `${proxy}/toxics`, { name, type, stream, attributes });
      toxics.add(name);
    },
    async heal() {
      for (const name of toxics) await callJson('DELETE', `${proxy}/toxics/${name}`);
      toxics.clear();
      await enable();
    },
  };
}

export interface WireMock {
  url: string;
  port: number;
  /** A mapping as WireMock's documentation has it: `{ request, response, scenarioName?, … }`. */
  stub(mapping: Record<string, unknown>): Promise<void>;
  /** What reached it, oldest first; WireMock's own request objects. */
  requests(criteria?: Record<string, unknown>): Promise<Record<string, unknown>[]>;
  /** Deletes stubs, scenarios and recorded requests. */
  reset(): Promise<void>;
  stop(): Promise<void>;
}

export async function startWireMock(): Promise<WireMock> {
  const [jar, port, folder] = [await findWireMock(), await freePort(), temporaryFolder('wiremock')];
  const listen = ['--port', String(port), '--bind-address', '127.0.0.1', '--root-dir', folder];
  const args = ['-Xmx256m', '-jar', jar, ...listen, '--global-response-templating', '--disable-banner'];
  const child = await startProcess({
    name: 'WireMock',
    command: 'java',
    args,
    logFile: path.join(folder, 'log'),
  });
  const url = `http://127.0.0.1:${port}`;
  const admin = `${url}/__admin`;
  await waitUntilReady(child, () => answersHttp(`${admin}/health`));
  return {
    url,
    port,
    stub: async (mapping) => void (await callJson('POST', `${admin}/mappings`, mapping)),
    requests: async (criteria = {}) => {
      const found = (await callJson('POST', `${admin}/requests/find`, criteria)) as {
        requests: (Record<string, unknown> & { loggedDate: number })[];
      };
      return found.requests.sort((a, b) => a.loggedDate - b.loggedDate);
    },
    reset: async () => void (await callJson('POST', `${admin}/reset`)),
    stop: () => child.stop(),
  };
}
