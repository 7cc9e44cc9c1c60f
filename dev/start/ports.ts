/**
 * Picks ports on 127.0.0.1. A free port can be taken a moment later; the program that should listen there
 * then reports it in its log.
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

/** A free port. */
export const freePort = (): Promise<number> => listenOnce(0);

/** The preferred port if it is free, another free port if it is not. 0 or undefined: any free port. */
export async function portOrFree(preferred: number | undefined): Promise<number> {
  try {
    return await listenOnce(preferred ?? 0);
  } catch {
    return freePort();
  }
}
