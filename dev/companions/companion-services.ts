/** Starts whom Syncline talks to: a third party with employees, contacts and companies, a receiver of webhooks, and a mailbox unless SMTP_URL names one. */
import type { PortName } from '../start/addresses';
import { setUpCrm } from '../sample/crm-in-pocketbase';
import { setUpEmployees } from '../sample/employees-in-pocketbase';
import { startMailSink } from './mail-sink';
import { servePocketBase, type PocketBaseLogin } from '../start/pocketbase';
import { reportFetch, step } from '../start/progress';
import type { Secrets } from '../start/secrets';
import { logFile, privateFolder } from '../start/state';
import { startWebhookReceiver } from './webhook-receiver';

export interface ThirdParty {
  url: string;
  /** For people, in the dashboard. */
  superuser: PocketBaseLogin;
  /** By whom Syncline writes. */
  user: PocketBaseLogin;
}

export interface CompanionServices {
  thirdParty: ThirdParty;
  /** Page of the mailbox; null if the mail goes elsewhere. */
  mailUrl: string | null;
  webhookReceiverUrl: string;
}

/** Where mail goes: known before the mailbox listens there. */
export const smtpUrl = ({ SMTP_PORT }: Record<PortName, number>): string =>
  process.env.SMTP_URL ?? `smtp://127.0.0.1:${SMTP_PORT}`;

async function thirdParty(port: number, secrets: Secrets): Promise<ThirdParty> {
  const superuser = { email: 'admin@example.com', password: secrets.pocketBasePassword };
  const user = { email: 'syncline@example.com', password: secrets.pocketBaseUserPassword };
  return step('PocketBase, the third party', async () => {
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
  });
}

async function mail(smtpPort: number, pagePort: number): Promise<string | null> {
  if (process.env.SMTP_URL) return null;
  const options = {
    folder: privateFolder('mail'),
    logFile: logFile('mail-sink'),
    smtpPort,
    pagePort,
    onFetch: reportFetch,
  };
  return (await step('mail sink', () => startMailSink(options))).pageUrl;
}

/** All at once. Throws the first failure without waiting for the others. */
export async function startCompanionServices(
  ports: Record<PortName, number>,
  secrets: Secrets,
): Promise<CompanionServices> {
  const [pocketBase, mailUrl, webhookReceiverUrl] = await Promise.all([
    thirdParty(ports.POCKETBASE_PORT, secrets),
    mail(ports.SMTP_PORT, ports.MAIL_PORT),
    step('webhook receiver', () => startWebhookReceiver(ports.WEBHOOK_RECEIVER_PORT)),
  ]);
  return { thirdParty: pocketBase, mailUrl, webhookReceiverUrl };
}
