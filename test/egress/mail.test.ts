/** The mailer against a real mail server: what it sends, and what each answer comes to. */
import net from 'node:net';
import { createMailer, type Mailer, type OutgoingEmail } from '../../egress/mail/smtp-mailer';
import { newUuid, toTypeId } from '../../db/sql/ids';
import { freePort } from '../support/servers/free-port';
import { type MailServer, startMailServer } from '../support/servers/mail-server';

const publicUrl = 'https://syncline.example:8443';
const from = 'Syncline <syncline@example.com>';
const never = new AbortController().signal;
const stops: (() => unknown)[] = [];
let server: MailServer;
let mailer: Mailer;

const startMailer = (smtpUrl: string, timeouts?: { connectMs: number; totalMs: number }): Mailer => {
  const started = createMailer({ smtpUrl, from, publicUrl }, timeouts);
  stops.push(() => started.close());
  return started;
};
const startServer = async (...options: Parameters<typeof startMailServer>): Promise<MailServer> => {
  const started = await startMailServer(...options);
  stops.push(() => started.stop());
  return started;
};
const email = (more: Partial<OutgoingEmail> = {}): OutgoingEmail => ({
  emailId: newUuid(),
  kind: 'onboarding_complete',
  recipient: 'ada@example.org',
  content: {
    integration_id: 'int_1',
    app: 'PocketBase',
    account_name: 'Acmé',
    datasets: [{ record_type: 'employees', state: 'succeeded', records: 8 }],
  },
  ...more,
});

beforeEach(async () => {
  server = await startServer();
  mailer = startMailer(server.url);
});
afterEach(async () => {
  for (const stop of stops.splice(0).toReversed()) await stop();
});

it('sends text and HTML, from the configured address, marked as automatic, with a Message-ID that says which e-mail it is', async () => {
  const sent = email();
  expect(await mailer.send(sent, never)).toEqual({ kind: 'taken' });

  const [received] = server.received;
  expect(received).toMatchObject({ from: 'syncline@example.com', to: ['ada@example.org'] });
  expect(received?.raw).toMatch(/^From: Syncline <syncline@example\.com>\r$/m);
  expect(received?.raw).toMatch(/^Subject: =\?UTF-8\?Q\?PocketBase_=28Acm=C3=A9=29_is_ready\?=\r$/m);
  expect(received?.raw).toMatch(/^Auto-Submitted: auto-generated\r$/m);
  expect(received?.raw).toContain(`\r\nMessage-ID: <${toTypeId('eml', sent.emailId)}@syncline.example>\r\n`);
  expect(received?.raw).toMatch(/^Content-Type: text\/plain; charset=utf-8\r$/m);
  expect(received?.raw).toMatch(/^Content-Type: text\/html; charset=utf-8\r$/m);
});

it.each([
  ['jörg@exämple.de', 'To: jörg@exämple.de'],
  ['joerg@exämple.de', 'To: joerg@xn--exmple-cua.de'],
])('B39: delivers to an internationalized address: %s', async (recipient, header) => {
  expect(await mailer.send(email({ recipient }), never)).toEqual({ kind: 'taken' });

  expect(server.received[0]?.to).toEqual([recipient]);
  expect(server.received[0]?.raw).toContain(`\r\n${header}\r\n`);
});

it('carries a link to turn off e-mails in the headers (RFC 8058) and in the text', async () => {
  const token = `${toTypeId('ten', newUuid())}.${toTypeId('psn', newUuid())}.${'s'.repeat(43)}`;
  await mailer.send(email({ unsubscribeToken: token }), never);
  await mailer.send(email(), never);

  const [raw = '', without = ''] = server.received.map((one) => one.raw);
  const url = `${publicUrl}/unsubscribe/${token}`;
  expect(raw.replaceAll('\r\n ', ' ')).toMatch(new RegExp(`^List-Unsubscribe: *<${url}>\r$`, 'm'));
  expect(raw).toMatch(/^List-Unsubscribe-Post: List-Unsubscribe=One-Click\r$/m);
  expect(raw.replaceAll('=\r\n', '')).toContain(`Turn off e-mails to you: ${url}`);
  expect(without).not.toMatch(/unsubscribe/i);
});

it('treats 451 as a temporary failure, and the next attempt succeeds under the same Message-ID', async () => {
  server.textAnswers = [451];
  const sent = email();

  expect(await mailer.send(sent, never)).toEqual({
    kind: 'unavailable',
    code: 'EMESSAGE 451 DATA',
    detail: expect.stringContaining('Try again later.'),
  });
  expect(await mailer.send(sent, never)).toEqual({ kind: 'taken' });
  expect(server.received).toHaveLength(1);
});

it('treats an unknown recipient as a permanent failure, and a busy mailbox as a temporary one', async () => {
  server.recipientAnswers = ['550 5.1.1 No such user', 450];

  expect(await mailer.send(email(), never)).toMatchObject({
    kind: 'refused',
    code: 'EENVELOPE 550 RCPT TO',
    isAddressRefused: true,
  });
  expect(await mailer.send(email(), never)).toEqual({
    kind: 'unavailable',
    code: 'EENVELOPE 450 RCPT TO',
    detail: expect.any(String),
  });
});

it.each(['550 5.1.8 Sender address rejected', '550 relay not permitted', '550 SMTP AUTH is required'])(
  'keeps an e-mail that the mail server refused for another reason than its recipient: %s',
  async (words) => {
    server.recipientAnswers = [words];

    expect(await mailer.send(email(), never)).toEqual({
      kind: 'unavailable',
      code: 'EENVELOPE 550 RCPT TO',
      detail: expect.stringContaining(words.slice(4)),
    });
    expect(await mailer.send(email(), never)).toEqual({ kind: 'taken' });
  },
);

it('distinguishes an e-mail whose answer was lost from one that never reached the mail server', async () => {
  server.afterTaken = () => server.stop();
  expect(await mailer.send(email(), never)).toMatchObject({ kind: 'unavailable', mayBeTaken: true });
  expect(server.received).toHaveLength(1);

  expect(await mailer.send(email(), never)).not.toHaveProperty('mayBeTaken');
});

it('treats a refused text as a permanent failure', async () => {
  server.textAnswers = [554];

  expect(await mailer.send(email(), never)).toMatchObject({ kind: 'refused', code: 'EMESSAGE 554 DATA' });
});

it.each([
  'ada@example.org, eve@example.org',
  'ada@example.org>\r\nRCPT TO:<eve@example.org',
  'Ada <ada@example.org>',
  'ada',
  '',
])('never splits one recipient into two: %j', async (recipient) => {
  await mailer.send(email({ recipient }), never);

  expect(
    server.received.flatMap(({ to }) => to).filter((to) => to.includes('eve') && !to.includes('ada')),
  ).toEqual([]);
  expect(server.received.every(({ to }) => to.length === 1)).toBe(true);
});

it('keeps the e-mail after a wrong password', async () => {
  const strict = await startServer({
    authOptional: false,
    onAuth: (_auth, _session, callback) => callback(new Error('Invalid username or password')),
  });
  const url = strict.url.replace('smtp://', 'smtp://syncline:wrong@');

  expect(await startMailer(`${url}?requireTLS=false`).send(email(), never)).toMatchObject({
    kind: 'unavailable',
    code: expect.stringMatching(/^EAUTH 535/),
  });
});

it('keeps the e-mail after "log in first" (530)', async () => {
  const strict = await startServer({ authOptional: false });

  expect(await startMailer(strict.url).send(email(), never)).toMatchObject({
    kind: 'unavailable',
    code: expect.stringContaining('530'),
  });
});

it('sends no password to a server that offers no encryption', async () => {
  const passwords: unknown[] = [];
  const open = await startServer({
    onAuth: ({ password }, _session, callback) => (
      passwords.push(password),
      callback(null, { user: 'syncline' })
    ),
  });
  const url = open.url.replace('smtp://', 'smtp://syncline:secret@');

  expect(await startMailer(url).send(email(), never)).toMatchObject({ kind: 'unavailable' });
  expect([passwords, open.received]).toEqual([[], []]);
});

it('sends over TLS if the server offers it, and not with an invalid certificate', async () => {
  const encrypted = await startServer({ disabledCommands: [] });

  expect(await startMailer(encrypted.url).send(email(), never)).toMatchObject({
    kind: 'unavailable',
    code: expect.stringMatching(/ETLS|ESOCKET|CERT/),
  });
  expect(await startMailer(`${encrypted.url}?tls.rejectUnauthorized=false`).send(email(), never)).toEqual({
    kind: 'taken',
  });
});

it('treats a port without a listener as a temporary failure', async () => {
  const dead = startMailer(`smtp://127.0.0.1:${await freePort()}`);

  expect(await dead.send(email(), never)).toMatchObject({ kind: 'unavailable', code: 'ECONNREFUSED' });
});

it('does not wait forever for a greeting', async () => {
  const mute = net.createServer(() => undefined);
  await new Promise<void>((resolve) => void mute.listen(0, '127.0.0.1', resolve));
  stops.push(() => mute.close());
  const { port } = mute.address() as net.AddressInfo;

  expect(
    await startMailer(`smtp://127.0.0.1:${port}`, { connectMs: 100, totalMs: 5_000 }).send(email(), never),
  ).toMatchObject({
    kind: 'unavailable',
    code: 'ETIMEDOUT',
  });
});

it('ends an attempt without an answer, and does not repeat it by itself', async () => {
  server.delayMs = 500;
  const hasty = startMailer(server.url, { connectMs: 200, totalMs: 200 });

  expect(await hasty.send(email(), never)).toMatchObject({ kind: 'unavailable' });
  await new Promise((resolve) => setTimeout(resolve, 600));
  expect(server.received.length).toBeLessThanOrEqual(1);
});

it('does not send again by itself when the server hangs up instead of answering', async () => {
  let texts = 0;
  let isText = false;
  const rude = net.createServer((socket) => {
    socket.on('error', () => undefined);
    socket.write('220 rude\r\n');
    socket.on('data', (chunk) => {
      if (!isText) {
        isText = chunk.toString().startsWith('DATA');
        socket.write(isText ? '354 go on\r\n' : '250 fine\r\n');
      } else if (chunk.toString().endsWith('\r\n.\r\n')) {
        isText = false;
        texts += 1;
        socket.destroy();
      }
    });
  });
  await new Promise<void>((resolve) => void rude.listen(0, '127.0.0.1', resolve));
  stops.push(() => rude.close());
  const { port } = rude.address() as net.AddressInfo;

  expect(await startMailer(`smtp://127.0.0.1:${port}`).send(email(), never)).toMatchObject({
    kind: 'unavailable',
  });
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect(texts).toBe(1);
});

it('ends when the worker stops', async () => {
  server.delayMs = 5_000;
  const stopping = new AbortController();
  setTimeout(() => stopping.abort(), 100);

  expect(await mailer.send(email(), stopping.signal)).toMatchObject({ kind: 'unavailable', code: 'EABORT' });
});

it('sends many e-mails one after the other over few connections', async () => {
  const answers = await Promise.all(Array.from({ length: 40 }, () => mailer.send(email(), never)));

  expect(new Set(answers.map(({ kind }) => kind))).toEqual(new Set(['taken']));
  expect(server.received).toHaveLength(40);
});
