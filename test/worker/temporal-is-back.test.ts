/** rule 60: Temporal was away for an hour and is back. The clock is a fake one; the connections are real. */
import http2 from 'node:http2';
import net from 'node:net';
import { Client, type Connection } from '@temporalio/client';
import type { DueMessage } from '../../db/platform/outbox';
import { newUuid } from '../../db/sql/ids';
import { createOutboxHandlers } from '../../worker/outbox-handlers';
import { TemporalAway } from '../../worker/temporal-away';
import { openOutboxConnection } from '../../worker/temporal-interceptors';

/** The limit of gRPC's pause, and its variation by a fifth. */
const FOUND_WITHIN_MS = 6_000;
const MINUTES_AWAY = 60;

const realTimeout = globalThis.setTimeout;
/** Lets the network work, while the fake clock stands still. */
const pause = () => new Promise((resolve) => realTimeout(resolve, 5));

let isAway: boolean;
let attempts: number;
let temporal: http2.Http2Server;
let network: net.Server;
let connection: Connection;

beforeEach(async () => {
  [isAway, attempts] = [true, 0];
  temporal = http2.createServer();
  temporal.on('stream', (stream) => {
    stream.respond({ 'content-type': 'application/grpc' }, { waitForTrailers: true });
    stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
    stream.end(Buffer.alloc(5)); // a message without fields
  });
  network = net.createServer((socket) => {
    attempts += 1;
    if (isAway) socket.destroy();
    else temporal.emit('connection', socket);
  });
  await new Promise<void>((resolve) => network.listen(0, '127.0.0.1', resolve));
  jest.useFakeTimers({
    doNotFake: [
      'nextTick',
      'setImmediate',
      'clearImmediate',
      'setInterval',
      'clearInterval',
      'queueMicrotask',
      'performance',
      'hrtime',
    ],
  });
  const { port } = network.address() as net.AddressInfo;
  connection = openOutboxConnection({ address: `127.0.0.1:${port}` });
});
afterEach(async () => {
  await connection.close();
  jest.useRealTimers();
  network.close();
});

it.each([0, 1, 5_999])(
  'rule 60: its first message is sent within 6 s (%i ms after a look)',
  async (phaseMs) => {
    const handle = createOutboxHandlers(new Client({ connection }), { hasSearchAttributes: false });
    const send = async () => {
      const message: DueMessage = {
        topic: 'email',
        emailId: newUuid(),
        tenantId: newUuid(),
        nextDueAt: new Date(),
      };
      return handle(message).then(
        () => 'sent',
        (error: unknown) => (error instanceof TemporalAway ? 'away' : error),
      );
    };
    for (let minute = 0; minute < MINUTES_AWAY; minute += 1) {
      expect(await send()).toBe('away');
      await pause();
      jest.advanceTimersByTime(60_000);
    }
    await pause();
    jest.advanceTimersByTime(phaseMs);
    await pause();
    expect([attempts > 10, await send()]).toEqual([true, 'away']);

    isAway = false;
    jest.advanceTimersByTime(FOUND_WITHIN_MS);

    let outcome = await send();
    for (let tries = 0; outcome === 'away' && tries < 2_000; tries += 1) {
      await pause();
      outcome = await send();
    }
    expect(outcome).toBe('sent');
  },
);
