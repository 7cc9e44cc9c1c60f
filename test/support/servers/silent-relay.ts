/**
 * A TCP relay whose connections can end silently, as behind a NAT with an expired entry or after a failover:
 * no FIN, no reset.
 */
import net from 'node:net';
import type { AddressInfo } from 'node:net';

export interface SilentRelay {
  port: number;
  /** From now on nothing passes on the connections that are open; new ones work. */
  clearConnections(): void;
  stop(): Promise<void>;
}

export async function startSilentRelay(upstreamPort: number): Promise<SilentRelay> {
  const open = new Set<{ dropSilently(): void; end(): void }>();
  const server = net.createServer((client) => {
    const upstream = net.connect(upstreamPort, '127.0.0.1');
    const end = (): void => {
      client.destroy();
      upstream.destroy();
    };
    const recordSync = {
      end,
      dropSilently() {
        client.unpipe();
        upstream.unpipe();
        client.resume(); // taken and thrown away
        for (const socket of [client, upstream]) socket.removeAllListeners('close');
        upstream.destroy();
      },
    };
    open.add(recordSync);
    client.pipe(upstream).pipe(client);
    for (const socket of [client, upstream]) socket.on('error', () => undefined).on('close', end);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    clearConnections: () => open.forEach((recordSync) => recordSync.dropSilently()),
    stop: () =>
      new Promise((resolve) => {
        for (const recordSync of open) recordSync.end();
        server.close(() => resolve());
      }),
  };
}
