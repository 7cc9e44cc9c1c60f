/**
 * Starts the programs that Syncline talks to: PocketBase with employees, contacts and companies, a SCIM
 * server, a receiver of webhooks, and a mailbox unless SMTP_URL names one.
 */
import path from 'node:path';
import { setUpCrm } from '../sample/crm-in-pocketbase';
import { setUpEmployees } from '../sample/employees-in-pocketbase';
import type { PortName } from '../start/addresses';
import { servePocketBase, type PocketBaseLogin } from '../start/pocketbase';
import { reportFetch, step } from '../start/progress';
import { serveScim } from '../start/scim-server';
import type { Secrets } from '../start/secrets';
import { logFile, privateFolder } from '../start/state';
import { ensurePythonPackages } from '../tools/python-packages';
import { startMailSink } from './mail-sink';
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
  /** The web page of the mailbox; null if mail goes elsewhere. */
  mailUrl: string | null;
  webhookReceiverUrl: string;
}

/** Where mail goes: known before the mailbox listens there. */
export const smtpUrl = ({ SMTP_PORT }: Record<PortName, number>): string =>
  process.env.SMTP_URL ?? `smtp://127.0.0.1:${SMTP_PORT}`;

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

async function startMail(smtpPort: number, pagePort: number): Promise<string | null> {
  if (process.env.SMTP_URL) return null;
  const options = {
    folder: privateFolder('mail'),
    logFile: logFile('mail-sink'),
    smtpPort,
    pagePort,
    onFetch: reportFetch,
  };
  return (await step('mailbox', () => startMailSink(options))).pageUrl;
}

/** All at once. Throws the first failure without waiting for the others. */
export async function startCompanionServices(
  ports: Record<PortName, number>,
  secrets: Secrets,
): Promise<CompanionServices> {
  const [pocketBase, scim, mailUrl, webhookReceiverUrl] = await Promise.all([
    step('PocketBase, a third party', () => startPocketBase(ports.POCKETBASE_PORT, secrets)),
    step('SCIM server, a third party', () => startScim(ports.SCIM_PORT, secrets)),
    startMail(ports.SMTP_PORT, ports.MAIL_PORT),
    step('webhook receiver', () => startWebhookReceiver(ports.WEBHOOK_RECEIVER_PORT)),
  ]);
  return { pocketBase, scim, mailUrl, webhookReceiverUrl };
}
