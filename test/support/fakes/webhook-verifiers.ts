/**
 * What receivers verify webhooks with: the published packages of Standard Webhooks and of Svix, in JavaScript
 * and in Python.
 */
import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { Webhook as StandardWebhook } from 'standardwebhooks';
import { Webhook as SvixWebhook } from 'svix';
import { ensurePythonPackages } from '../servers/python-packages';

export interface SignedWebhook {
  secret: string;
  body: string;
  headers: { 'webhook-id': string; 'webhook-timestamp': string; 'webhook-signature': string };
}

type Verifier = { verify(body: string, headers: SignedWebhook['headers']): unknown };

/**
 * For each webhook, which of the four took it. @throws what the packages of Python said where they cannot
 * run.
 */
export async function verifiersThatTake(webhooks: readonly SignedWebhook[]): Promise<string[][]> {
  const packages = await ensurePythonPackages();
  const output = execFileSync('python3', [path.join(__dirname, 'verify-webhooks.py')], {
    input: JSON.stringify(webhooks),
    env: { ...process.env, PYTHONPATH: packages },
  });
  const inPython = JSON.parse(output.toString()) as Record<string, string>[];
  return webhooks.map((webhook, index) => [
    ...(takes(new StandardWebhook(webhook.secret), webhook) ? ['standardwebhooks'] : []),
    ...(takes(new SvixWebhook(webhook.secret), webhook) ? ['svix'] : []),
    ...Object.entries(inPython[index] ?? {}).flatMap(([name, verdict]) =>
      verdict === 'ok' ? [`${name} in Python`] : [],
    ),
  ]);
}

export const ALL_VERIFIERS = ['standardwebhooks', 'svix', 'standardwebhooks in Python', 'svix in Python'];

function takes(verifier: Verifier, { body, headers }: SignedWebhook): boolean {
  try {
    verifier.verify(body, headers);
    return true;
  } catch {
    return false;
  }
}
