import net from 'node:net';
import { Connection } from '@temporalio/client';
import { temporalInterceptors } from '../../worker/temporal-interceptors';

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
