/**
 * Locks a folder, so that two processes neither install packages into it nor run Syncline from it at the same
 * time. The lock is an abstract socket, which the kernel removes with its process, however that ends. Other
 * systems than Linux have no such sockets: there the lock is always free.
 */
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import net from 'node:net';

/** Paths that this process has locked. */
const held = new Set();

function pathOf(folder) {
  const name = createHash('sha256').update(fs.realpathSync(folder)).digest('hex').slice(0, 32);
  return `\0syncline-${name}`;
}

/** @returns the process that holds the lock; undefined if it does not answer. */
async function holderOf(path) {
  const socket = net.connect({ path }).setTimeout(2_000, () => socket.destroy());
  let answer = '';
  try {
    for await (const chunk of socket) answer += chunk;
  } catch {
    // it has just ended
  }
  return Number(answer) || undefined;
}

/**
 * @returns `release` if this process has the lock now, or `holder`, the id of the process that has it
 * (0 = unknown). A process can lock a folder again and again.
 */
export async function lockFolder(folder) {
  const path = pathOf(folder);
  if (process.platform !== 'linux' || held.has(path)) return { release: () => undefined };
  const server = net.createServer((socket) => socket.end(String(process.pid)));
  const isLocked = await new Promise((resolve, reject) => {
    server.once('listening', () => resolve(true));
    server.once('error', (error) => (error.code === 'EADDRINUSE' ? resolve(false) : reject(error)));
    server.listen({ path });
  });
  if (!isLocked) return { holder: (await holderOf(path)) ?? 0 };
  server.unref();
  held.add(path);
  return {
    release: () => {
      held.delete(path);
      server.close();
    },
  };
}
