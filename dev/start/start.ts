/**
 * `npm start`: everything on this machine, in one command. Starts PostgreSQL and Temporal, then api and
 * worker, beside them three third parties, a receiver of webhooks and a mailbox, then creates a sample
 * tenant. Prints the addresses and writes them to `.syncline/ready.json`. `npm run dev` does the same and
 * restarts api, worker and console when their code changes. Ctrl-C or SIGTERM stops all of it, last started
 * first; a second Ctrl-C kills. If one process dies, all stop.
 */
import fs from 'node:fs';
import { choosePorts, type Ports } from './addresses';
import { ensureConsole, serveConsole } from './console';
import { startCompanionServices, startMailbox } from '../companions/companion-services';
import { formerPorts, setClient } from '../companions/sample-app';
import { inState, stateFolder } from '../tools/paths';
import {
  processEvents,
  refuseNewProcesses,
  runningProcesses,
  tailOf,
  type SupervisedProcess,
} from './processes';
import { startProduct } from './product';
import { elapsed, note } from './progress';
import { ensureSample } from '../sample/sample';
import type { SampleApp } from '../sample/sample-definition';
import { CRM } from '../sample/sample-integrations';
import { loadSecrets, type Secrets, writeJson } from './secrets';
import { becomeOnlyInstance, clearProcesses, recordProcesses } from './single-instance';
import { startStores } from './stores';
import { type Ready, welcome } from './welcome';

const readyFile = inState('ready.json');
let isStopping = false;
/** Until then `.syncline/` may belong to another process that runs. */
let isOnlyInstance = false;

/** Stops api and worker first and PostgreSQL last; kills what does not end within 8, 4 and 3 s. */
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

let stoppedAt: number | undefined;

/** npm passes a signal of the terminal on to its child, which has received it from the terminal already. */
const isRepetition = (): boolean => stoppedAt !== undefined && Date.now() - stoppedAt < 1_000;

function onSignal(): void {
  if (isRepetition()) return;
  if (isStopping) {
    for (const child of runningProcesses()) child.kill();
    process.exit(130);
  }
  stoppedAt = Date.now();
  console.log('\nStopping …');
  void shutDown(0);
}

const watched = new WeakSet<SupervisedProcess>();

/**
 * Stops everything as soon as a process that was ready ends. One that ends before is the failure of the step
 * that waits for it.
 */
function watch(child: SupervisedProcess): void {
  if (watched.has(child)) return;
  watched.add(child);
  void child.ended.then((how) => {
    if (isStopping) return;
    console.error(
      `\n${child.name} ${how}. Its log, ${child.logFile}, ends with:\n${tailOf(child.logFile)}\n\n` +
        'Stopping everything else …',
    );
    void shutDown(1);
  });
}

interface StartOptions {
  /** `npm run dev`: restarts api, worker and console when their code changes. */
  isWatching: boolean;
}

/** Stores and mailbox come first, because the product is given their addresses. */
async function startProductOnStores(ports: Ports, secrets: Secrets, isWatching: boolean) {
  const [stores, { smtpUrl, mailUrl }] = await Promise.all([
    startStores(ports, secrets),
    startMailbox(ports),
  ]);
  return { stores, mailUrl, ...(await startProduct({ stores, smtpUrl, secrets, ports, isWatching })) };
}

/** The sample app is told for whom a person may agree. */
function givenClient(url: string, publicUrl: string, secrets: Secrets): SampleApp {
  const [clientId, clientSecret] = [`syncline-${secrets.installation}`, secrets.sampleAppSecret];
  setClient({ id: clientId, secret: clientSecret, redirectUri: `${publicUrl}/connect/callback` });
  return { url, clientId, clientSecret };
}

async function startEverything(secrets: Secrets, { isWatching }: StartOptions): Promise<Ready> {
  const ports = await choosePorts(note, formerPorts());
  const [{ stores, mailUrl, apiUrl, publicUrl, platformKey }, companions] = await Promise.all([
    startProductOnStores(ports, secrets, isWatching),
    startCompanionServices(ports, secrets),
    isWatching ? undefined : ensureConsole(),
  ]);
  const builtConsoleUrl = `${apiUrl}/console`;
  const consoleUrl = isWatching ? await serveConsole(ports, apiUrl) : builtConsoleUrl;
  const { sampleAppUrl, ...services } = companions;
  const { pocketBase, scim } = services;
  const sampleApp = givenClient(sampleAppUrl, publicUrl, secrets);
  const sample = await ensureSample({ apiUrl, platformKey, sampleApp, ...services });
  return {
    api_url: apiUrl,
    api_key: sample.apiKey,
    crm_integration_id: sample.integrationIds[CRM] as string,
    platform_key: platformKey,
    console_url: consoleUrl,
    console_email: sample.admin.email,
    console_link: sample.admin.link?.replace(builtConsoleUrl, consoleUrl) ?? null,
    temporal_ui_url: stores.temporalUiUrl,
    temporal_address: stores.temporalAddress,
    mail_url: mailUrl,
    third_party_url: pocketBase.url,
    third_party_login: pocketBase.superuser,
    scim_url: scim.url,
    scim_token: scim.token,
    sample_app_url: sampleAppUrl,
    database_url: stores.databaseUrl,
    pid: process.pid,
  };
}

async function run(options: StartOptions): Promise<void> {
  fs.mkdirSync(stateFolder, { recursive: true });
  fs.chmodSync(stateFolder, 0o711); // lets the user that runs PostgreSQL pass through to its data folder
  const orphans = await becomeOnlyInstance();
  isOnlyInstance = true;
  processEvents.on('started', recordProcesses).on('ready', watch);
  fs.rmSync(readyFile, { force: true });
  console.log('Starting Syncline');
  if (orphans.length > 0) note(`stopped processes of an earlier start: ${orphans.join(', ')}`);
  const ready = await startEverything(loadSecrets(), options);
  writeJson(readyFile, ready);
  console.log(welcome(ready, elapsed()));
}

/**
 * npm starts this process through a shell that passes no signal on: the end of that shell is the signal to
 * stop.
 */
function stopWithNpm(): void {
  if (!process.env.npm_lifecycle_event) return;
  const parent = process.ppid;
  setInterval(() => {
    if (process.ppid !== parent && !isStopping) onSignal();
  }, 500).unref();
}

export function start(options: StartOptions): void {
  stopWithNpm();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, onSignal);
  run(options).catch((error: unknown) => {
    if (isStopping) return; // the stop itself interrupted a step
    console.error(`\nSyncline could not start: ${(error as Error).message}`);
    void shutDown(1);
  });
}
