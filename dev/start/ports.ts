/** Picks ports on 127.0.0.1. A free port can be taken a moment later. */
import { randomInt } from 'node:crypto';
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

/**
 * Below the ports that Linux (from 32768) and macOS (from 49152) give to outgoing connections and to servers
 * that listen on port 0: these would take a port that was free a moment ago.
 */
const [LOWEST, HIGHEST] = [15_000, 32_000];
const ATTEMPTS = 50;

/** A free port. @throws if none is found. */
export async function freePort(): Promise<number> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await listenOnce(randomInt(LOWEST, HIGHEST));
    } catch (error) {
      if (attempt === ATTEMPTS) throw error;
    }
  }
}

/** The preferred port if it is free, another free port if it is not. 0: any free port. */
export async function portOrFree(preferred: number): Promise<number> {
  if (preferred === 0) return freePort();
  return listenOnce(preferred).catch(freePort);
}
