/** The start of a worker whose neighbours are away, refuse it, or are not as expected (rule 60). */
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { temporal as proto } from '@temporalio/proto';
import { Connection } from '@temporalio/client';
import type { Json } from '../support/clients/api-client';
import { freePort } from '../support/servers/free-port';
import { createTestDatabase } from '../support/environments/database';
import { type MainProcess, startMain } from '../support/environments/main-process';
import { startProduct } from '../support/environments/product';
import { ledgerIntegration, startLedgerServer } from '../support/servers/ledger-server';
import { startRefusingTemporal, type RefusingTemporal } from '../support/servers/refusing-temporal';
import { temporalAddress, temporaryFolder } from '../support/servers/shared-servers';
import { createNamespace } from '../support/servers/temporal';
import { until } from '../support/until';

const NOWHERE = '127.0.0.1:1';
const children: MainProcess[] = [];
let databaseUrl: string;
/** Accepts connections and never answers. */
let silent: net.Server;
let silentAddress: string;

async function givenWorker(env: NodeJS.ProcessEnv): Promise<MainProcess> {
  const child = await startMain('worker', { DATABASE_URL: databaseUrl, ...env });
  children.push(child);
  return child;
}

beforeAll(async () => {
  databaseUrl = (await createTestDatabase()).url;
  silent = net.createServer((socket) => void socket.on('error', () => undefined));
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
  silentAddress = `127.0.0.1:${(silent.address() as net.AddressInfo).port}`;
});

afterAll(async () => {
  for (const child of children) child.kill();
  await Promise.all(children.map((child) => child.ended));
  silent.close();
});

describe('rule 60: SIGTERM ends a worker that waits', () => {
  it.each([
    [
      'for PostgreSQL',
      () => ({ DATABASE_URL: `postgres://u:p@${NOWHERE}/x` }),
      'database is not reachable yet',
    ],
    ['for Temporal', () => ({ TEMPORAL_ADDRESS: NOWHERE }), 'Temporal is not reachable yet'],
    ['for an answer of Temporal', () => ({ TEMPORAL_ADDRESS: silentAddress }), undefined],
  ])('%s', async (_what, environment, line) => {
    const worker = await givenWorker(environment());
    if (line === undefined)
      await new Promise<void>((resolve) => void silent.once('connection', () => resolve()));
    else await worker.untilLogged(line);

    process.kill(worker.pid, 'SIGTERM');

    expect(await worker.ended).toBe('ended with exit code 0');
    expect(worker.logs()).toContain('worker stopped during its start');
  });
});

describe('rule 60: a worker answers health checks', () => {
  const answerOf = async (port: number, asked: string) => {
    const response = await fetch(`http://127.0.0.1:${port}${asked}`);
    return { status: response.status, body: (await response.json()) as Json };
  };

  it('is alive and not ready while it waits for Temporal', async () => {
    const port = await freePort();
    const worker = await givenWorker({ TEMPORAL_ADDRESS: NOWHERE, WORKER_HEALTH_PORT: String(port) });
    await worker.untilLogged('Temporal is not reachable yet');

    expect((await answerOf(port, '/livez')).status).toBe(200);
    expect(await answerOf(port, '/readyz')).toMatchObject({
      status: 503,
      body: { checks: { postgresql: { status: 'ok' }, temporal: { status: 'failed' } } },
    });
  });

  it('is ready when it runs', async () => {
    const port = await freePort();
    const product = await startProduct({ env: { WORKER_HEALTH_PORT: String(port) } });
    try {
      const { status, body } = await answerOf(port, '/readyz');

      expect(status).toBe(200);
      expect(Object.keys(body.checks).sort()).toEqual([
        'clock',
        'event_loop',
        'grants',
        'postgresql',
        'roles',
        'schema',
        'search_attributes',
        'temporal',
      ]);
      expect(body.checks).toMatchObject({ temporal: { status: 'ok' }, search_attributes: { status: 'ok' } });
    } finally {
      await product.stop();
    }
  });
});

describe('rule 60: a refusal of Temporal is called a refusal', () => {
  const servers: RefusingTemporal[] = [];
  afterAll(() => servers.forEach((server) => server.stop()));

  async function givenRefused(server: RefusingTemporal, env: NodeJS.ProcessEnv): Promise<MainProcess> {
    servers.push(server);
    const file = path.join(temporaryFolder('refusing'), 'ca.pem');
    fs.writeFileSync(file, server.certificate);
    const worker = await givenWorker({
      TEMPORAL_ADDRESS: server.address,
      TEMPORAL_TLS: 'true',
      TEMPORAL_TLS_SERVER_CA_CERT_PATH: file,
      ...env,
    });
    await worker.untilLogged('"level":');
    return worker;
  }

  it.each([
    ['a wrong API key', { 'grpc-status': 16, 'grpc-message': 'request unauthorized' }],
    ['an API key without rights', { 'grpc-status': 7, 'grpc-message': 'Request unauthorized.' }],
    ['an API key that a proxy does not know', { ':status': 401 }],
  ])('%s', async (_what, headers) => {
    const worker = await givenRefused(await startRefusingTemporal(headers), { TEMPORAL_API_KEY: 'wrong' });

    await worker.untilLogged('Temporal refuses this worker');

    expect(worker.logs()).toContain('Check TEMPORAL_API_KEY');
    expect(worker.logs()).not.toContain('not reachable yet');
  });

  it('a missing client certificate', async () => {
    const server = await startRefusingTemporal({}, { requestCert: true, rejectUnauthorized: true });
    const worker = await givenRefused(server, {});

    await worker.untilLogged('Temporal refuses this worker');

    expect(worker.logs()).toContain('TEMPORAL_TLS_CLIENT_CERT_PATH');
  });

  it('a server whose certificate is of an unknown authority', async () => {
    const server = await startRefusingTemporal({ 'grpc-status': 0 });
    const other = await startRefusingTemporal({ 'grpc-status': 0 });
    servers.push(other);
    const worker = await givenRefused({ ...server, certificate: other.certificate }, {});

    await worker.untilLogged('Temporal refuses this worker');

    expect(worker.logs()).toContain('TEMPORAL_TLS_SERVER_CA_CERT_PATH');
  });
});

describe('rule 60: search attributes of another product in the namespace', () => {
  it('leave pushes running, and the log names the attribute', async () => {
    const namespace = await createNamespace();
    const connection = await Connection.connect({ address: temporalAddress() });
    await connection.operatorService.addSearchAttributes({
      namespace,
      searchAttributes: { IntegrationId: proto.api.enums.v1.IndexedValueType.INDEXED_VALUE_TYPE_INT },
    });
    await connection.close();

    const [product, ledger] = await Promise.all([startProduct({ namespace }), startLedgerServer()]);
    try {
      const { api } = await product.givenTenant();
      await api.must(
        'POST',
        '/v1/integrations',
        ledgerIntegration(ledger.url, 'main', { grace_period_ms: 0 }),
      );
      await api.put('ada', { name: 'Ada', rev: 1 });
      await until('the record is pushed', () => ledger.person('main', 'ada') !== undefined);

      expect(product.logs()).toContain('IntegrationId has the type INT instead of KEYWORD');
      expect(product.logs()).toContain('"hasSearchAttributes":false');
      expect(product.logs()).not.toContain('could not send what the outbox holds');
    } finally {
      await Promise.all([product.stop(), ledger.stop()]);
    }
  });
});
