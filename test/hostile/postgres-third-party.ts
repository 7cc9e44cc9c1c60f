/**
 * A third party that speaks PostgreSQL's protocol to do harm. A relay in front of a real server changes some
 * of its messages; other sessions talk to no server at all and get messages without any order.
 */
import { type Server, type Socket, connect, createServer } from 'node:net';
import type { Random } from '../support/random';
import { noise } from './http-bodies';
import { randomOf } from './session-seeds';
import { sendSlowly } from './slow-sending';

const HEADER_BYTES = 5;
const SSL_REQUEST = '0000000804d2162f';
const hex = (text: string): Buffer => Buffer.from(text, 'hex');

function message(kind: string, body: Buffer): Buffer {
  const header = Buffer.alloc(HEADER_BYTES);
  header.write(kind, 'latin1');
  header.writeUInt32BE(body.length + 4, 1);
  return Buffer.concat([header, body]);
}

const MESSAGES: (() => Buffer)[] = [
  () => message('R', hex('00000000')),
  () => message('Z', Buffer.from('I')),
  () => message('Z', Buffer.from('E')),
  () => message('N', Buffer.from('SNOTE\0Mwords\0\0')),
  () => message('N', Buffer.from('SNOTE\0')),
  () => message('E', Buffer.from('SERROR\0C42P01\0Mno table\0\0')),
  () => message('E', Buffer.from(`SFATAL\0C57P01\0M${'x'.repeat(50_000)}\0\0`)),
  () => message('S', Buffer.from('TimeZone\0UTC\0')),
  () => message('S', Buffer.from('client_encoding\0SQL_ASCII\0')),
  () => message('K', hex('0000000100000002')),
  () => message('A', Buffer.concat([hex('00000001'), Buffer.from('channel\0text\0')])),
  () => message('T', Buffer.concat([hex('0001'), Buffer.from('a\0'), Buffer.alloc(18)])),
  () => message('T', hex('ffff')),
  () => message('T', Buffer.concat([hex('0600'), Buffer.alloc(30_000)])),
  () => message('D', hex('0001000000023132')),
  () => message('D', hex('000180000000')),
  () => message('D', Buffer.concat([hex('000100a00000'), Buffer.alloc(10 * 1024 * 1024, 'x')])),
  () => message('D', Buffer.concat([hex('ffff'), Buffer.alloc(4 * 65_535, 0xff)])),
  () => Buffer.concat(Array.from({ length: 20_000 }, () => message('D', hex('000100000000')))),
  () => message('C', Buffer.from('SELECT 1\0')),
  () => message('I', Buffer.alloc(0)),
  () => message('R', Buffer.concat([hex('0000000a'), Buffer.from('SCRAM-SHA-256\0\0')])),
  () => message('R', Buffer.concat([hex('0000000b'), Buffer.from('r=x,s=QQ==,i=2147483647')])),
  () => message('R', Buffer.concat([hex('0000000c'), Buffer.from('v=QQ==')])),
  () => message('R', hex('0000000501020304')),
  () => message('R', hex('00000003')),
  () => message('G', hex('000000')),
  () => message('W', hex('000000')),
  () => message('v', hex('0003000000000000')),
];

/** Sends as SCRAM does, with the client's own nonce and a number of rounds that takes hours. */
function hugeScram(socket: Socket): void {
  socket.write(message('R', Buffer.concat([hex('0000000a'), Buffer.from('SCRAM-SHA-256\0\0')])));
  socket.on('data', (bytes: Buffer) => {
    const nonce = /r=([^,]+)/.exec(bytes.toString('latin1'))?.[1] ?? 'x';
    const words = `r=${nonce}server,s=QUJDREVGR0g=,i=2000000000`;
    socket.write(message('R', Buffer.concat([hex('0000000b'), Buffer.from(words)])));
  });
}

/** Changes a byte, the length, the end or the place of a message, or adds another one. */
function changed(random: Random, given: Buffer): Buffer {
  const copy = Buffer.from(given);
  const kind = random.pick(['byte', 'length', 'end', 'drop', 'double', 'insert', 'values'] as const);
  if (kind === 'byte') copy[random.between(0, copy.length - 1)] = random.between(0, 255);
  if (kind === 'length')
    copy.writeUInt32BE(random.pick([0, 3, 4, 5, copy.length, 2 ** 31 - 1, 2 ** 32 - 1]), 1);
  if (kind === 'values')
    for (let at = HEADER_BYTES; at < copy.length; at += random.between(1, 40))
      copy[at] = random.between(0, 255);
  if (kind === 'end') return copy.subarray(0, random.between(1, copy.length));
  if (kind === 'drop') return Buffer.alloc(0);
  if (kind === 'double') return Buffer.concat([copy, copy]);
  return kind === 'insert' ? Buffer.concat([random.pick(MESSAGES)(), copy]) : copy;
}

/** Passes on the messages of the real server, some of them changed. */
function relay(random: Random, socket: Socket, first: Buffer, serverPort: number): void {
  const link = connect(serverPort, '127.0.0.1');
  const [probability, isSlow] = [random.pick([0, 0, 0.01, 0.05, 0.2]), random.chance(0.2)];
  let received = Buffer.alloc(0);
  link.on('error', () => socket.destroy()).on('close', () => socket.end());
  socket.on('close', () => link.destroy());
  link.write(first);
  socket.pipe(link);
  link.on('data', (bytes: Buffer) => {
    received = Buffer.concat([received, bytes]);
    const sent: Buffer[] = [];
    while (received.length >= HEADER_BYTES && received.length > received.readUInt32BE(1)) {
      const length = received.readUInt32BE(1) + 1;
      const whole = received.subarray(0, length);
      received = received.subarray(length);
      sent.push(random.chance(probability) ? changed(random, whole) : whole);
    }
    if (isSlow) sendSlowly(random, socket, Buffer.concat(sent));
    else socket.write(Buffer.concat(sent));
  });
}

/** Messages in no order, at the log-in and after it. */
function babble(random: Random, socket: Socket): void {
  const speak = () => {
    for (let left = random.between(1, 6); left > 0; left -= 1) {
      const one = random.pick(MESSAGES)();
      sendSlowly(random, socket, random.chance(0.4) ? changed(random, one) : one);
    }
    if (random.chance(0.5)) socket.end();
  };
  if (random.chance(0.7)) socket.write(message('R', hex('00000000')));
  if (random.chance(0.7)) socket.write(message('Z', Buffer.from('I')));
  socket.on('data', speak);
  speak();
}

/** Rows, notices or settings for as long as the connection is open. */
function pour(random: Random, socket: Socket): void {
  const one = Buffer.concat(Array.from({ length: 200 }, () => random.pick(MESSAGES.slice(3, 6))()));
  const go = () => {
    while (!socket.destroyed && socket.write(one));
    if (!socket.destroyed) socket.once('drain', go);
  };
  go();
}

export function createHostilePostgres(seed: number, serverPort: number): Server {
  let connections = 0;
  return createServer((socket) => {
    connections += 1;
    const random = randomOf(seed, connections);
    socket.on('error', () => undefined);
    socket.once('data', (first: Buffer) => {
      if (first.toString('hex') === SSL_REQUEST)
        return void socket.write(
          random.pick([Buffer.from('S'), Buffer.from('N'), Buffer.from('E'), noise(random, 500)]),
        );
      const kind = random.weighted({ relay: 75, babble: 15, pour: 2, scram: 2, noise: 3, silence: 3 });
      if (kind === 'relay') relay(random, socket, first, serverPort);
      else if (kind === 'babble') babble(random, socket);
      else if (kind === 'pour') pour(random, socket);
      else if (kind === 'scram') hugeScram(socket);
      else if (kind === 'noise') socket.write(noise(random, 5_000));
    });
  });
}
