/** Starts the process of the hostile third parties, and opens and closes one per session. */
import { fork } from 'node:child_process';
import { EventEmitter, once, setMaxListeners } from 'node:events';
import { join } from 'node:path';
import { makeSelfSigned } from '../support/servers/self-signed';
import type { FromThirdParties, Protocol, ToThirdParties } from './third-parties-process';

export interface HostileThirdParty {
  port: number;
  close(): Promise<{ connections: number; strays: number }>;
}

export interface HostileThirdParties {
  pid: number;
  /** The authority to trust for those over TLS. */
  ca: string;
  open(seed: number, protocol: Protocol): Promise<HostileThirdParty>;
  stop(): void;
}

/** `postgresPort`: of the real server behind those that speak PostgreSQL's protocol. */
export async function startHostileThirdParties(postgresPort: number): Promise<HostileThirdParties> {
  const child = fork(join(__dirname, 'third-parties-process.ts'), [], { execArgv: ['--import', 'tsx'] });
  const answers = new EventEmitter().setMaxListeners(0);
  const isGone = new AbortController();
  setMaxListeners(0, isGone.signal);
  child.once('exit', () => isGone.abort(new Error('The process of the hostile third parties has ended.')));
  child.on('error', () => undefined); // the messages under way fail with the exit
  const send = (message: ToThirdParties): void => void child.send(message);
  const answerTo = (name: string) => once(answers, name, { signal: isGone.signal });
  let started = 0;
  child.on('message', (message: FromThirdParties) => {
    if ('opened' in message) answers.emit(`opened ${message.opened.id}`, message.opened);
    else if ('closed' in message) answers.emit(`closed ${message.closed.id}`, message.closed);
    else answers.emit('started');
  });
  const certificate = makeSelfSigned();
  const isStarted = answerTo('started');
  send({ start: { certificate, postgresPort } });
  await isStarted;

  return {
    pid: child.pid as number,
    ca: certificate.cert,
    async open(seed, protocol) {
      started += 1;
      const id = started;
      const opening = answerTo(`opened ${id}`);
      send({ open: { id, seed, protocol } });
      const [{ port }] = (await opening) as [{ port: number }];
      return {
        port,
        async close() {
          const closing = answerTo(`closed ${id}`);
          send({ close: { id } });
          const [closed] = (await closing) as [{ connections: number; strays: number }];
          return closed;
        },
      };
    },
    stop: () => void child.kill('SIGKILL'),
  };
}
