/**
 * The first thing that the README asks of a reader: a clone, an empty home folder, `npm start`. Nothing is
 * installed or cached before.
 */
import fs from 'node:fs';
import path from 'node:path';
import {
  createCheckout,
  leftBehind,
  printedCommands,
  runPrintedCommand,
  Start,
} from '../support/environments/checkout';
import { createRunFolder } from '../support/environments/run-folder';

const minutes = 60_000;

it(
  'pushes an employee to the third party, from a clean clone with an empty home folder',
  async () => {
    const folder = createRunFolder();
    const home = path.join(folder, 'home');
    fs.mkdirSync(home);
    const checkout = createCheckout(folder, { isInstalled: false });
    const started = new Start(checkout, { HOME: home }, ['npm', 'start']);

    const log = (name: string) => fs.readFileSync(path.join(checkout, `.syncline/logs/${name}.log`), 'utf8');

    try {
      const since = Date.now();
      await started.ready(6 * minutes);
      console.info(`from clone to ready in ${Math.round((Date.now() - since) / 1000)} s`);
      const [, , see] = printedCommands(started.output) as [string, string, string];
      const hasArrived = () => (runPrintedCommand(see) as { items: unknown[] }).items.length === 1;
      const deadline = Date.now() + minutes;
      while (!hasArrived() && Date.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 500));

      expect(hasArrived()).toBe(true);
      started.pressControlC();
      await started.ended;
      // npm passes Ctrl-C on once more: that must not cut the shutdown short.
      expect(log('postgres')).toMatch(/database system is shut down\s*$/);
      expect(await leftBehind(checkout)).toEqual([]);
    } finally {
      started.kill();
      await leftBehind(checkout);
      fs.rmSync(folder, { recursive: true, force: true });
    }
  },
  8 * minutes,
);
