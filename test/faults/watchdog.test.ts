/** A process whose event loop makes no progress, frozen from outside by the inspector (rule 60). */
import { setTimeout as sleep } from 'node:timers/promises';
import { WebSocket } from 'undici';
import { type Product, startProduct } from '../support/environments/product';
import { until } from '../support/until';

const LIMIT_SECONDS = 5;
let product: Product;
let inspectorAddresses: () => string[];

/** Opens the inspector of a running process and lets it evaluate an expression. */
async function evaluateIn(pid: number, expression: string): Promise<void> {
  const before = new Set(inspectorAddresses());
  const opened = (): string | undefined => inspectorAddresses().find((address) => !before.has(address));
  process.kill(pid, 'SIGUSR1');
  await until('the inspector listens', () => opened() !== undefined);
  const socket = new WebSocket(opened() as string);
  await new Promise((resolve) => socket.addEventListener('open', resolve, { once: true }));
  socket.send(JSON.stringify({ id: 1, method: 'Runtime.evaluate', params: { expression } }));
}

const FREEZE = 'setTimeout(function parseForEver() { for (;;) Math.random(); })';
/** Waits in the operating system: no JavaScript is executed. */
const HANG = `setTimeout(() => process.getBuiltinModule('node:child_process').execFileSync('sleep', ['20']))`;

const messages = (): string[] =>
  product
    .logs()
    .split('\n')
    .filter((line) => line.includes('event_loop_blocked'));

beforeAll(async () => {
  product = await startProduct({
    env: { WATCHDOG_SECONDS: String(LIMIT_SECONDS), NODE_OPTIONS: '--inspect-port=127.0.0.1:0' },
  });
  inspectorAddresses = () => product.logs().match(/ws:\/\/\S+/g) ?? [];
});
afterAll(() => product?.stop());

it('rule 60: a frozen worker ends, and its log names the function that it was busy in', async () => {
  await evaluateIn(product.workerPid(), FREEZE);

  await until('the worker has ended', () => !product.isWorkerRunning());

  expect(messages()).toHaveLength(1);
  expect(JSON.parse(messages()[0] as string)).toMatchObject({
    level: 60,
    process: 'worker',
    cause: 'event_loop_blocked',
    msg: expect.stringContaining('It was busy in parseForEver ('),
  });
  expect(product.isApiRunning()).toBe(true);
  await product.startWorker();
});

it('rule 60: a process that hangs without executing JavaScript ends too', async () => {
  await evaluateIn(product.apiPid(), HANG);

  await until('the api has ended', () => !product.isApiRunning());

  expect(messages()[0]).toContain('it waits in native code or for the operating system');
  await product.startApi();
});

it('rule 60: a worker that was stopped for longer than the limit goes on working', async () => {
  const before = messages().length;
  process.kill(product.workerPid(), 'SIGSTOP');
  process.kill(product.apiPid(), 'SIGSTOP');
  await sleep((LIMIT_SECONDS + 5) * 1_000);
  process.kill(product.workerPid(), 'SIGCONT');
  process.kill(product.apiPid(), 'SIGCONT');
  await sleep((LIMIT_SECONDS + 3) * 1_000);

  expect({ api: product.isApiRunning(), worker: product.isWorkerRunning() }).toEqual({
    api: true,
    worker: true,
  });
  expect(messages()).toHaveLength(before);
});
