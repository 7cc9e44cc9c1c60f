import net from 'node:net';
import { Connection } from '@temporalio/client';
import { temporalInterceptors } from '../../worker/temporal-interceptors';

describe('a connection that is closed while a call waits for its retry', () => {
  it('answers that call and leaves the process alone', async () => {
    const server = net.createServer((socket) => socket.destroy()).listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const { port } = server.address() as net.AddressInfo;
    const connection = Connection.lazy({ address: `127.0.0.1:${port}`, interceptors: temporalInterceptors });
    const thrown: unknown[] = [];
    const onThrown = (error: unknown) => void thrown.push(error);
    process.on('uncaughtException', onThrown);

    const call = connection.workflowService.getSystemInfo({}).catch((error: Error) => error);
    await new Promise((resolve) => setTimeout(resolve, 300));
    await connection.close();

    expect(await call).toMatchObject({ code: 1 });
    expect(thrown).toEqual([]);
    process.off('uncaughtException', onThrown);
    server.close();
  });
});
