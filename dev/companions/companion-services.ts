/**
 * Starts the programs that Syncline talks to: PocketBase with employees, contacts and companies, a SCIM
 * server, an app that is connected by consent, and a receiver of webhooks; and a mailbox unless SMTP_URL
 * names one.
 */
import path from 'node:path';
import { setUpCrm } from '../sample/crm-in-pocketbase';
import { setUpEmployees } from '../sample/employees-in-pocketbase';
import { onFreePorts, type PortName, type Ports } from '../start/addresses';
import { servePocketBase, type PocketBaseLogin } from '../start/pocketbase';
import { note, reportFetch, step } from '../start/progress';
import { serveScim } from '../start/scim-server';
import type { Secrets } from '../start/secrets';
import { logFile, privateFolder } from '../start/state';
import { ensurePythonPackages } from '../tools/python-packages';
import { startMailSink } from './mail-sink';
import { startSampleApp } from './sample-app';
import { startWebhookReceiver } from './webhook-receiver';

export interface PocketBaseService {
  url: string;
  /** For people, in the dashboard. */
  superuser: PocketBaseLogin;
  /** The user as which Syncline reads and writes. */
  user: PocketBaseLogin;
}

export interface ScimService {
  /** Ends in `/v2`. */
  url: string;
  token: string;
}

export interface CompanionServices {
  pocketBase: PocketBaseService;
  scim: ScimService;
  sampleAppUrl: string;
  webhookReceiverUrl: string;
}

async function startPocketBase(port: number, secrets: Secrets): Promise<PocketBaseService> {
  const superuser = { email: 'admin@example.com', password: secrets.pocketBasePassword };
  const user = { email: 'syncline@example.com', password: secrets.pocketBaseUserPassword };
  const { url } = await servePocketBase({
    dataFolder: privateFolder('pocketbase'),
    logFile: logFile('pocketbase'),
    port,
    superuser,
    onFetch: reportFetch,
  });
  await setUpEmployees(url, superuser, user);
  await setUpCrm(url, superuser);
  return { url, superuser, user };
}

async function startScim(port: number, { scimToken: token }: Secrets): Promise<ScimService> {
  const requirements = path.join(__dirname, 'scim-server.txt');
  const packages = await ensurePythonPackages({ requirements, title: 'scim2-server' }, reportFetch);
  const { url } = await serveScim({
    packages,
    folder: privateFolder('scim'),
    logFile: logFile('scim'),
    port,
    bearerToken: token,
  });
  return { url, token };
}

/** The server that Syncline's e-mails go to. */
export interface Mailbox {
  smtpUrl: string;
  /** Its web page; null if SMTP_URL names another server. */
  mailUrl: string | null;
}

export async function startMailbox(ports: Ports): Promise<Mailbox> {
  if (process.env.SMTP_URL) return { smtpUrl: process.env.SMTP_URL, mailUrl: null };
  const start = () =>
    startMailSink({
      folder: privateFolder('mail'),
      logFile: logFile('mail-sink'),
      smtpPort: ports.SMTP_PORT,
      pagePort: ports.MAIL_PORT,
      onFetch: reportFetch,
    });
  const { pageUrl } = await step('mailbox', () =>
    onFreePorts(ports, ['SMTP_PORT', 'MAIL_PORT'], note, start),
  );
  return { smtpUrl: `smtp://127.0.0.1:${ports.SMTP_PORT}`, mailUrl: pageUrl };
}

/** All at once. Throws the first failure without waiting for the others. */
export async function startCompanionServices(ports: Ports, secrets: Secrets): Promise<CompanionServices> {
  const onPort = <Result>(name: PortName, start: (port: number) => Promise<Result>): Promise<Result> =>
    onFreePorts(ports, [name], note, () => start(ports[name]));
  const [pocketBase, scim, sampleAppUrl, webhookReceiverUrl] = await Promise.all([
    step('PocketBase, a third party', () =>
      onPort('POCKETBASE_PORT', (port) => startPocketBase(port, secrets)),
    ),
    step('SCIM server, a third party', () => onPort('SCIM_PORT', (port) => startScim(port, secrets))),
    step('sample app, a third party', () =>
      onPort('SAMPLE_APP_PORT', (port) => startSampleApp(port, reportFetch)),
    ),
    step('webhook receiver', () => onPort('WEBHOOK_RECEIVER_PORT', startWebhookReceiver)),
  ]);
  return { pocketBase, scim, sampleAppUrl, webhookReceiverUrl };
}
