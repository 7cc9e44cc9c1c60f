/** A mail server in this process whose answers a test chooses. */
import { setTimeout as sleep } from 'node:timers/promises';
import { SMTPServer, type SMTPServerOptions } from 'smtp-server';

interface ReceivedMail {
  from: string;
  to: string[];
  /** Headers and body as they came. */
  raw: string;
}

export interface MailServer {
  url: string;
  received: ReceivedMail[];
  /**
   * What the next recipients and texts are answered, in order: a status, or a status and its words; 250 when
   * there is none left.
   */
  recipientAnswers: (number | string)[];
  textAnswers: number[];
  /** The answer to a text comes only after this. */
  delayMs: number;
  /** Called after a text was accepted and before the answer; may wait. */
  afterTaken: () => void | Promise<void>;
  stop(): Promise<void>;
}

function refusal(answer: number | string): Error {
  if (typeof answer === 'string')
    return Object.assign(new Error(answer.slice(4)), { responseCode: Number(answer.slice(0, 3)) });
  const status = answer;
  return Object.assign(new Error(status < 500 ? 'Try again later.' : 'No.'), { responseCode: status });
}

/** Without TLS by default. */
export async function startMailServer(options: SMTPServerOptions = {}): Promise<MailServer> {
  const server: MailServer = {
    url: '',
    received: [],
    recipientAnswers: [],
    textAnswers: [],
    delayMs: 0,
    afterTaken: () => undefined,
    stop: () => Promise.resolve(),
  };
  const smtp = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS'],
    closeTimeout: 200,
    logger: false,
    ...options,
    onRcptTo(_address, _session, callback) {
      const status = server.recipientAnswers.shift() ?? 250;
      callback(status === 250 ? null : refusal(status));
    },
    onData(stream, session, callback) {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('end', () => {
        void sleep(server.delayMs).then(() => {
          const status = server.textAnswers.shift() ?? 250;
          if (status !== 250) return callback(refusal(status));
          const { mailFrom, rcptTo } = session.envelope;
          server.received.push({
            from: mailFrom === false ? '' : mailFrom.address,
            to: rcptTo.map(({ address }) => address),
            raw: Buffer.concat(chunks).toString(),
          });
          return void Promise.resolve(server.afterTaken()).then(() => callback(null));
        });
      });
    },
  });
  smtp.on('error', () => undefined); // a client that goes away in the middle is what some tests are about
  await new Promise<void>((resolve) => void smtp.listen(0, '127.0.0.1', resolve));
  const address = smtp.server.address();
  if (address === null || typeof address === 'string') throw new Error('The mail server has no port.');
  server.url = `smtp://127.0.0.1:${address.port}`;
  server.stop = () => new Promise((resolve) => smtp.close(resolve));
  return server;
}
