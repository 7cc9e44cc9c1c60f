/**
 * `npm start`: everything on this machine, in one command. Starts PostgreSQL and Temporal, then api and worker, beside them a
 * third party, a receiver of webhooks and a mailbox, then makes a sample tenant; says what runs where and writes it to `.syncline/ready.json`.
 * Ctrl-C or SIGTERM stops all of it, last started first; a second Ctrl-C kills. If one process dies, all stop.
 */
import fs from 'node:fs';
import { ensureConsole } from './console';
import { choosePorts } from './addresses';
import { smtpUrl, startCompanionServices } from '../companions/companion-services';
import { inState, stateFolder } from '../tools/paths';
import { refuseNewProcesses, runningProcesses, tailOf, type SupervisedProcess } from './processes';
import { startProduct } from './product';
import { elapsed, note } from './progress';
import { ensureSample } from '../sample/sample';
import { CRM } from '../sample/sample-integrations';
import { loadSecrets, writeJson } from './secrets';
import { becomeOnlyInstance, clearProcesses, recordProcesses } from './single-instance';
import { startStores } from './stores';
import { welcome } from './welcome';

const readyFile = inState('ready.json');
let isStopping = false;
/** Until then, what lies in `.syncline/` belongs to somebody else. */
let isOnlyInstance = false;

/** api and worker first, PostgreSQL last; what does not end within its 8, 4 and 3 s is killed. */
async function stopAll(): Promise<void> {
  const needs = (child: SupervisedProcess): number =>
    ['api', 'worker'].includes(child.name) ? 0 : child.name === 'PostgreSQL' ? 2 : 1;
  for (const [turn, patienceMs] of [8_000, 4_000, 3_000].entries()) {
    await Promise.all(
      runningProcesses()
        .filter((child) => needs(child) === turn)
        .map((child) => child.stop(patienceMs)),
    );
  }
}

/** Safe to call again: the second call does nothing. */
async function shutDown(exitCode: number): Promise<void> {
  if (isStopping) return;
  isStopping = true;
  refuseNewProcesses();
  if (isOnlyInstance) fs.rmSync(readyFile, { force: true });
  await stopAll();
  if (isOnlyInstance) clearProcesses();
  process.exit(exitCode);
}

function onSignal(): void {
  if (isStopping) {
    for (const child of runningProcesses()) child.kill();
    process.exit(130);
  }
  console.log('\nStopping …');
  void shutDown(0);
}

const watched = new WeakSet<SupervisedProcess>();

/** Writes down what runs by now and stops everything as soon as one of them ends. */
function watchProcesses(): void {
  recordProcesses();
  for (const child of runningProcesses().filter((candidate) => !watched.has(candidate))) watch(child);
}

function watch(child: SupervisedProcess): void {
  watched.add(child);
  void child.ended.then((how) => {
    if (isStopping) return;
    console.error(
      `\n${child.name} ${how}. Its log, ${child.logFile}, ends with:\n${tailOf(child.logFile)}\n\nStopping everything else …`,
    );
    void shutDown(1);
  });
}

async function run(): Promise<void> {
  fs.mkdirSync(stateFolder, { recursive: true });
  fs.chmodSync(stateFolder, 0o711); // as root, PostgreSQL's user passes through; what lies inside is closed
  const orphans = await becomeOnlyInstance();
  isOnlyInstance = true;
  fs.rmSync(readyFile, { force: true });
  console.log('Starting Syncline');
  if (orphans.length > 0) note(`stopped what an earlier start had left behind: ${orphans.join(', ')}`);
  const secrets = loadSecrets();
  const ports = await choosePorts(note);
  const startProductOnStores = async () => {
    const stores = await startStores(ports, secrets);
    watchProcesses();
    return {
      stores,
      ...(await startProduct({ stores, smtpUrl: smtpUrl(ports), secrets, apiPort: ports.API_PORT })),
    };
  };
  const [{ stores, apiUrl, platformKey }, { thirdParty, mailUrl, webhookReceiverUrl }] = await Promise.all([
    startProductOnStores(),
    startCompanionServices(ports, secrets),
    ensureConsole(),
  ]);
  watchProcesses();
  const sample = await ensureSample({ apiUrl, platformKey, thirdParty, webhookReceiverUrl });
  const ready = {
    api_url: apiUrl,
    api_key: sample.apiKey,
    crm_integration_id: sample.integrationIds[CRM] as string,
    platform_key: platformKey,
    console_url: `${apiUrl}/console`,
    console_email: sample.admin.email,
    console_link: sample.admin.link,
    temporal_ui_url: stores.temporalUiUrl,
    temporal_address: stores.temporalAddress,
    mail_url: mailUrl,
    third_party_url: thirdParty.url,
    third_party_login: thirdParty.superuser,
    database_url: stores.databaseUrl,
    pid: process.pid,
  };
  writeJson(readyFile, ready);
  console.log(welcome(ready, elapsed()));
}

/** npm starts us through a shell that passes no signal on: if that shell is gone, we have been told to stop. */
function stopWithNpm(): void {
  if (!process.env.npm_lifecycle_event) return;
  const parent = process.ppid;
  setInterval(() => {
    if (process.ppid !== parent && !isStopping) onSignal();
  }, 500).unref();
}

export function start(): void {
  stopWithNpm();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, onSignal);
  run().catch((error: unknown) => {
    if (isStopping) return; // a step was cut short by the stop itself
    console.error(`\nSyncline could not start: ${(error as Error).message}`);
    void shutDown(1);
  });
}
