/**
 * `npm start` as its user sees it, on a checkout whose dependencies are installed; `test/journey` begins with
 * an empty machine.
 */
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { choosePorts } from '../../dev/start/addresses';
import { freePort } from '../../dev/start/ports';
import { logIn } from '../../dev/start/pocketbase';
import {
  createCheckout,
  leftBehind,
  printedCommands,
  runPrintedCommand,
  Start,
} from '../support/environments/checkout';
import { createRunFolder } from '../support/environments/run-folder';

const patience = 240_000;
let starts: Start[] = [];

/** Of another block than the ports of other tests. */
async function samePorts(): Promise<Record<string, string>> {
  const names = Object.keys(await choosePorts(() => undefined));
  return Object.fromEntries(await Promise.all(names.map(async (name) => [name, String(await freePort())])));
}

let folder: string;
let checkout: string;

function start(environment: Record<string, string> = {}): Start {
  const started = new Start(checkout, environment);
  starts.push(started);
  return started;
}

/** With a browser's Accept header, which the mailbox demands. */
const get = (url: string, key?: string): Promise<Response> =>
  fetch(url, { headers: { accept: 'text/html, */*', ...(key ? { authorization: `Bearer ${key}` } : {}) } });

const post = (url: string, body: object): Promise<Response> =>
  fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });

/** Runs the commands below a heading of docs/tour.md. @returns their output. */
function runTour(heading: string): string {
  const [lines] =
    new RegExp(`^## ${heading}$[^]*?\`\`\`sh\\n([^]*?)\`\`\``, 'm')
      .exec(fs.readFileSync(path.join(checkout, 'docs/tour.md'), 'utf8'))
      ?.slice(1) ?? [];
  const quietly = (lines as string).replaceAll('curl ', 'curl --silent --show-error --fail-with-body ');
  return execFileSync('/bin/sh', ['-ec', quietly], { cwd: checkout, encoding: 'utf8' });
}

/** What has been posted to the sample tenant's endpoint since the start. */
const webhooks = (): string =>
  fs.readFileSync(path.join(checkout, '.syncline/logs/webhook-receiver.log'), 'utf8');

async function until(isSo: () => unknown): Promise<void> {
  const deadline = Date.now() + 60_000;
  while (!(await isSo()) && Date.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 250));
}

interface RecordAnswer {
  fields: Record<string, unknown>;
  syncs: { app: string; status: string }[];
}

beforeAll(() => {
  folder = createRunFolder();
  checkout = createCheckout(folder, { isInstalled: true });
});

afterEach(async () => {
  for (const started of starts) started.kill();
  starts = [];
  await leftBehind(checkout);
});

afterAll(() => fs.rmSync(folder, { recursive: true, force: true }));

interface EmployeeList {
  data: { external_id: string; badge: { status: string | null } }[];
}

it(
  'shows every status in the list of employees within a minute: one refused at its field, one pending, one syncing',
  async () => {
    const started = start();
    const ready = await started.ready(patience);
    const ask = async <Answer>(route: string): Promise<Answer> =>
      (await (await get(`${ready.api_url}/v1/records/employees${route}`, ready.api_key)).json()) as Answer;
    const list = async () => {
      const { data } = await ask<EmployeeList>('');
      return Object.fromEntries(data.map(({ external_id: id, badge }) => [id, badge.status]));
    };

    const everyStatus = {
      'emp-1': 'synced',
      'emp-2': 'synced',
      'emp-3': 'sync_pending',
      'emp-4': 'sync_failed',
      'emp-5': 'synced',
      'emp-6': 'synced',
      'emp-7': 'synced',
      'emp-8': 'syncing',
    };
    let seen: Record<string, string | null> = {};
    await until(async () => isDeepStrictEqual((seen = await list()), everyStatus));

    expect(seen).toEqual(everyStatus);
    const { syncs } = await ask<RecordAnswer>('/emp-4');
    expect(syncs).toMatchObject([
      { app: 'PocketBase', status: 'sync_failed', errors: [{ field: 'department' }] },
      { app: 'SCIM 2.0', status: 'synced', errors: [] },
    ]);
    const workerLog = fs.readFileSync(path.join(checkout, '.syncline/logs/worker.log'), 'utf8');
    expect(workerLog).not.toContain('could not read the rate limiter');
    const users = await (await get(`${ready.scim_url}/Users`, ready.scim_token)).json();
    expect(users).toMatchObject({ totalResults: 8 });
    started.pressControlC();
    await started.ended;
    fs.rmSync(path.join(checkout, '.syncline'), { recursive: true }); // the next test has a first start, too
  },
  2 * patience,
);

it(
  'runs everything, and the first three commands that it prints change an employee, show its status and show it in the third party, while webhooks report the first sync',
  async () => {
    const started = start();
    const ready = await started.ready(patience);

    const pages = [
      `${ready.api_url}/readyz`,
      `${ready.api_url}/openapi.json`,
      ready.temporal_ui_url,
      ready.mail_url,
      `${ready.third_party_url}/_/`,
    ];
    const statuses = await Promise.all(pages.map(async (page) => (await get(page as string)).status));
    const integrations = (await (await get(`${ready.api_url}/v1/integrations`, ready.api_key)).json()) as {
      data: { app: string; state: string }[];
    };
    expect(statuses).toEqual([200, 200, 200, 200, 200]);
    expect(integrations.data.map(({ app, state }) => [app, state])).toEqual([
      ['PocketBase', 'active'],
      ['PocketBase CRM', 'active'],
      ['SCIM 2.0', 'active'],
    ]);
    expect(await logIn(ready.third_party_url, ready.third_party_login)).toBeTruthy();

    const [change, watch, see] = printedCommands(started.output) as [string, string, string];
    runPrintedCommand(change);
    const statusOf = () =>
      (runPrintedCommand(watch) as RecordAnswer).syncs.find(({ app }) => app === 'PocketBase')?.status;
    expect(statusOf()).toBe('sync_pending');
    await until(() => statusOf() === 'synced');
    expect(runPrintedCommand(see)).toMatchObject({
      items: [{ external_id: 'emp-1', job_title: expect.stringMatching(/^Chief Engineer since/) }],
    });

    await until(() => webhooks().includes('COMPANY_SYNCHRONIZED'));
    const posted = new Set([...webhooks().matchAll(/^\S+ (\S+) #\d+ /gm)].map(([, type]) => type));
    expect(posted).toEqual(
      new Set(['COMPANY_SYNCHRONIZED', 'FIRST_SYNC_COMPLETE', 'RECORD_SYNC_FAILED', 'SYNC_COMPLETE']),
    );
    expect(webhooks()).not.toContain('refused');
  },
  2 * patience,
);

it(
  'has read the contacts and companies of the CRM and sends an e-mail about it, and the tour in docs/tour.md works both ways',
  async () => {
    const started = start();
    const ready = await started.ready(patience);
    const [, , , runs, status, contacts] = printedCommands(started.output);
    const id = ready.crm_integration_id;
    const list = (command: string | undefined) =>
      (runPrintedCommand(command as string) as { data: Record<string, unknown>[] }).data;
    await until(() => list(status).length > 0);

    // A start with other ports gives the CRM another address, so its record types are read again.
    await until(() => list(runs).every(({ is_sync_finished: isFinished }) => isFinished === true));
    expect(list(runs).filter(({ started_by: by }) => by !== 'config')).toMatchObject([
      { kind: 'onboarding', state: 'succeeded', integration_id: id, progress: { records_new: 212 } },
    ]);
    expect(list(status)).toMatchObject([
      { app: 'PocketBase CRM', total_difference: 0, total_syncline: 212, total_app: 212 },
    ]);
    expect(list(contacts)).toMatchObject([
      { fields: { email: expect.stringContaining('@crm.example') } },
      {},
    ]);
    const mails = async () =>
      (await (await fetch(`${ready.mail_url}/api/email`)).json()) as { subject: string }[];
    await until(async () => (await mails()).length > 0);
    expect((await mails()).map(({ subject }) => subject)).toEqual(['PocketBase CRM (Demo CRM) is ready']);

    runTour('Pull');
    const localRecord = async (what: string) =>
      (await (await get(`${ready.api_url}/v1/records/${what}`, ready.api_key)).json()) as RecordAnswer;
    await until(async () => (await localRecord(`contacts/${id}:contact00000007`)).fields.stage === 'partner');
    expect((await localRecord(`contacts/${id}:contact00000007`)).fields).toMatchObject({ stage: 'partner' });
    const remoteCompany = async () =>
      (await (
        await get(`${ready.third_party_url}/api/collections/companies/records/company00000001`)
      ).json()) as Record<string, unknown>;
    await until(async () => (await remoteCompany()).city === 'Gent');
    expect(await remoteCompany()).toMatchObject({ city: 'Gent' });

    const overview = runTour('Sync Overview and Sync Now');
    expect(overview).toMatch(/"after":\{"company":"Seen Beforehand"\}/);
    expect(overview).toMatch(/"sync_run":.*"state":"succeeded"/s);
    expect(overview).toMatch(/overview_no_longer_valid/);
    expect((await localRecord(`contacts/${id}:contact00000008`)).fields).toMatchObject({
      company: 'Seen Beforehand',
    });

    await until(() => webhooks().includes('DATA_UPDATE'));
    expect(runTour('Webhooks')).toMatch(
      /DATA_UPDATE #\d+ [^]*"url":"http:\/\/127\.0\.0\.1:\d+\/hooks"[^]*"state":"delivered"[^]*"type":/,
    );
  },
  2 * patience,
);

it(
  'refuses a second start beside the first, which continues',
  async () => {
    const first = start();
    const { api_url: apiUrl } = await first.ready(patience);

    const second = start();

    expect(await second.ended).toBe(1);
    expect(second.output).toContain('Syncline already runs here');
    expect(fs.existsSync(first.readyFile)).toBe(true);
    expect((await get(`${apiUrl}/readyz`)).status).toBe(200);
  },
  2 * patience,
);

it(
  'runs twice when two checkouts are started at once with the same ports',
  async () => {
    const twin = createCheckout(path.join(folder, 'twin'), { isInstalled: true });
    const same = await samePorts();
    const pair = [start(same), new Start(twin, same)];
    starts.push(pair[1] as Start);

    const [first, second] = await Promise.all(pair.map((each) => each.ready(2 * patience)));

    const answers = await Promise.all(
      [first, second].map(async (ready) => (await get(`${ready?.api_url}/v1/tenant`, ready?.api_key)).status),
    );
    expect(answers).toEqual([200, 200]);
    expect(first?.api_url).not.toBe(second?.api_url);
    pair[1]?.pressControlC();
    await pair[1]?.ended;
    expect(await leftBehind(twin)).toEqual([]);
  },
  3 * patience,
);

it(
  'ends the installation of the mailbox when the start fails meanwhile',
  async () => {
    const bin = path.join(checkout, 'bin');
    const begun = path.join(bin, 'begun');
    fs.mkdirSync(bin);
    fs.writeFileSync(path.join(bin, 'npm'), `#!/bin/sh\necho > ${begun}\nsleep 600 ${bin}\n`, {
      mode: 0o755,
    });
    const packages = path.join(checkout, 'dev/mail-sink/node_modules');
    const aside = path.join(checkout, 'packages');
    if (fs.existsSync(packages)) fs.renameSync(packages, aside);
    // The database fails when the installation runs.
    const database = net.createServer((socket) => {
      socket.on('error', () => undefined);
      void until(() => fs.existsSync(begun)).then(() => socket.destroy());
    });
    await once(database.listen(0, '127.0.0.1'), 'listening');
    const { port } = database.address() as net.AddressInfo;

    const started = start({
      DATABASE_URL: `postgres://unknown:x@127.0.0.1:${port}/none`,
      PATH: `${bin}:${process.env.PATH}`,
    });

    expect(await started.ended).toBe(1);
    database.close();
    expect(fs.existsSync(begun)).toBe(true);
    expect(await leftBehind(checkout)).toEqual([]);
    if (fs.existsSync(aside)) fs.renameSync(aside, packages);
  },
  patience,
);

it(
  'stops all of it on Ctrl-C, with nothing left behind',
  async () => {
    const started = start();
    await started.ready(patience);

    started.pressControlC();

    expect(await started.ended).toBe(0);
    expect(await leftBehind(checkout)).toEqual([]);
    expect(fs.existsSync(started.readyFile)).toBe(false);
  },
  2 * patience,
);

it(
  'has its data at the next start, under the same key, even after it was killed',
  async () => {
    const first = start();
    const ready = await first.ready(patience);
    const change = {
      method: 'PATCH',
      headers: { authorization: `Bearer ${ready.api_key}`, 'content-type': 'application/json' },
      body: '{"fields":{"job_title":"Countess"}}',
    };
    const { status } = await fetch(`${ready.api_url}/v1/records/employees/emp-2`, change);
    expect(status).toBe(202);
    const [page, token = ''] = (ready.console_link as string).split('#token=');
    const chosen = await post(`${ready.api_url}/console/v1/passwords`, {
      token,
      password: 'chosen by the reader',
    });
    expect([chosen.status, page]).toEqual([200, `${ready.console_url}/password`]);
    first.kill();
    await first.ended;

    const again = await start().ready(patience);

    const kept = (await (
      await get(`${again.api_url}/v1/records/employees/emp-2`, ready.api_key)
    ).json()) as RecordAnswer;
    expect(kept.fields.job_title).toBe('Countess');
    expect(again.api_key).toBe(ready.api_key);
    const [endpoint] = (
      (await (await get(`${again.api_url}/v1/webhook-endpoints`, ready.api_key)).json()) as {
        data: { id: string }[];
      }
    ).data;
    await fetch(`${again.api_url}/v1/webhook-endpoints/${endpoint?.id}/test`, {
      method: 'POST',
      headers: { authorization: `Bearer ${ready.api_key}` },
    });
    await until(() => webhooks().includes(' TEST #'));
    expect(webhooks()).toContain(' TEST #');
    const signIn = await post(`${again.api_url}/console/v1/sign-in`, {
      email: again.console_email,
      password: 'chosen by the reader',
    });
    const me = await fetch(`${again.api_url}/console/v1/me`, {
      headers: {
        cookie: signIn.headers
          .getSetCookie()
          .map((cookie) => cookie.split(';')[0])
          .join('; '),
      },
    });
    expect([again.console_link, signIn.status, me.status]).toEqual([null, 204, 200]);
  },
  3 * patience,
);

it(
  'stops everything and gives the reason when one process ends',
  async () => {
    const started = start();
    await started.ready(patience);
    const { children } = JSON.parse(
      fs.readFileSync(path.join(checkout, '.syncline/processes.json'), 'utf8'),
    ) as { children: { name: string; pid: number }[] };

    process.kill(children.find(({ name }) => name === 'worker')?.pid as number, 'SIGKILL');

    expect(await started.ended).toBe(1);
    expect(started.output).toMatch(/worker was ended by SIGKILL\. Its log, .*worker\.log, ends with:/);
    expect(await leftBehind(checkout)).toEqual([]);
  },
  2 * patience,
);

it(
  'starts no PostgreSQL and no Temporal if others are configured',
  async () => {
    const given = { DATABASE_URL: 'postgres://unknown:x@127.0.0.1:1/none', TEMPORAL_ADDRESS: '127.0.0.1:1' };

    const started = start(given);

    expect(await started.ended).toBe(1);
    expect(started.output).toMatch(/could not start[^]*ECONNREFUSED 127\.0\.0\.1:1/);
    expect(started.output).not.toMatch(/^ {2}(PostgreSQL|Temporal) /m);
    expect(await leftBehind(checkout)).toEqual([]);
  },
  patience,
);
