/** When bytes are sent: at once, in trickles, in part, or never. */
import type { Socket } from 'node:net';
import type { Random } from '../support/random';

/** With probabilities that let most sessions go on. */
export function sendSlowly(random: Random, socket: Socket, bytes: Buffer): void {
  const timing = random.weighted({ atOnce: 91, trickle: 3, stall: 2, silence: 1, reset: 2, end: 1 });
  const part = bytes.subarray(0, random.between(0, Math.min(bytes.length, 100_000)));
  if (timing === 'atOnce') socket.write(bytes);
  else if (timing === 'trickle') trickle(socket, bytes, random.between(1, 40));
  else if (timing === 'stall') socket.write(part);
  else if (timing === 'reset') socket.write(part, () => socket.destroy());
  else if (timing === 'end') socket.end(part);
}

/** A few bytes every 20 ms until they are all sent or the connection ends. */
export function trickle(socket: Socket, bytes: Buffer, atOnce: number): void {
  let sent = 0;
  const timer = setInterval(() => {
    if (sent >= bytes.length || socket.destroyed) return clearInterval(timer);
    socket.write(bytes.subarray(sent, sent + atOnce));
    sent += atOnce;
  }, 20);
}
