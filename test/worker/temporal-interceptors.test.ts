import http2 from 'node:http2';
import net from 'node:net';
import { Connection } from '@temporalio/client';
import { openOutboxConnection, temporalInterceptors } from '../../worker/temporal-interceptors';

describe('a connection that is closed', () => {
  const thrown: unknown[] = [];
  const onThrown = (error: unknown) => void thrown.push(error);
  let server: net.Server;
  let connection: Connection;

  beforeEach(async () => {
    thrown.length = 0;
    process.on('uncaughtException', onThrown);
    server = net.createServer((socket) => socket.destroy()).listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const { port } = server.address() as net.AddressInfo;
    connection = Connection.lazy({ address: `127.0.0.1:${port}`, interceptors: temporalInterceptors });
  });

  afterEach(() => {
    process.off('uncaughtException', onThrown);
    server.close();
  });

  const call = (): Promise<unknown> =>
    connection.workflowService.getSystemInfo({}).catch((error: Error) => error);

  it('fails a call that waits for its retry, without ending the process', async () => {
    const waiting = call();
    await new Promise((resolve) => setTimeout(resolve, 300));
    await connection.close();

    expect(await waiting).toMatchObject({ code: 1 });
    expect(thrown).toEqual([]);
  });

  it('fails a call that is made afterwards, without ending the process', async () => {
    await connection.close();

    // The SDK sends the message before or after the metadata; several calls meet both orders.
    for (let round = 0; round < 20; round += 1) expect(await call()).toMatchObject({ code: 1 });
    expect(thrown).toEqual([]);
  });
});

describe('a call for a message of the outbox', () => {
  let server: http2.Http2Server;
  let connection: Connection;
  let answered: number;

  /** A Temporal that answers each call with these headers; null = not at all. */
  async function given(headers: http2.OutgoingHttpHeaders | null, answerWithinMs?: number): Promise<void> {
    answered = 0;
    server = http2.createServer();
    server.on('stream', (stream) => {
      answered += 1;
      stream.on('error', () => undefined);
      if (headers !== null)
        stream.respond({ 'content-type': 'application/grpc', ...headers }, { endStream: true });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as net.AddressInfo;
    connection = openOutboxConnection({ address: `127.0.0.1:${port}` }, answerWithinMs);
  }
  const call = (): Promise<unknown> =>
    connection.workflowService.getSystemInfo({}).catch((error: Error) => error);
  afterEach(async () => {
    await connection.close();
    server.close();
  });

  it.each([8, 14, 2])('is made once, also after an error that the SDK would repeat (%i)', async (code) => {
    await given({ 'grpc-status': code });

    expect(await call()).toMatchObject({ code });
    expect(answered).toBe(1);
  });

  it('ends if Temporal takes the call and does not answer', async () => {
    await given(null, 300);

    expect(await call()).toMatchObject({ code: 4 });
  });

  it('fails after the close, without ending the process', async () => {
    await given({ 'grpc-status': 8 });
    await connection.close();

    expect(await call()).toMatchObject({ code: 1 });
  });
});
