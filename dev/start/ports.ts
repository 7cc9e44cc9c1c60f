/**
 * Picks ports on 127.0.0.1. A port that is free now can be taken a moment later; whoever listens then says so
 * in its log.
 */
import net from 'node:net';

function listenOnce(port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = net.createServer();
    server.once('error', reject);
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => {
      const { port: listening } = server.address() as net.AddressInfo;
      server.close(() => resolve(listening));
    });
  });
}

/** A port nobody listens on. */
export const freePort = (): Promise<number> => listenOnce(0);

/** The preferred port (0 or nothing: any) if it is free, any other free one if it is not. */
export async function portOrFree(preferred: number | undefined): Promise<number> {
  try {
    return await listenOnce(preferred ?? 0);
  } catch {
    return freePort();
  }
}
