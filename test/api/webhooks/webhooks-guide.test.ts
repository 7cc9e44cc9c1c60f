/** The webhook guide matches the event catalogue and the retry schedule, and its sample receivers work. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { EVENT_SCHEMAS, exampleOf } from '../../../api/webhooks/event-schema';
import { signingKeys, signWebhook } from '../../../egress/webhook-signature';
import { EVENT_PAGES, eventPagePath, GUIDE, renewEventPage, renewGuide } from '../../../dev/webhooks-guide';
import { EVENT_CATALOGUE, EVENT_TYPES } from '../../../domain/event-catalogue';
import { freePort } from '../../support/servers/free-port';
import { ensurePythonPackages } from '../../support/servers/python-packages';
import { newWebhookSecret } from '../../support/fakes/webhooks';
import { until } from '../../support/until';
import { checkEvent } from '../../support/clients/events';
import { type Service, startService } from '../support/service';

const guide = fs.readFileSync(GUIDE, 'utf8');
const eventPages = (Object.keys(EVENT_PAGES) as (keyof typeof EVENT_PAGES)[]).map((name) => ({
  name,
  text: fs.readFileSync(eventPagePath(name), 'utf8'),
}));

it('is current: npm run docs:webhooks would change nothing', () => {
  expect(renewGuide(guide)).toBe(guide);
  for (const { name, text } of eventPages) expect(renewEventPage(text, name)).toBe(text);
});

it('is not reported as current if a part of it is missing', () => {
  expect(() => renewGuide(guide.replace('<!-- events -->', ''))).toThrow('no part between');
});

it.each(EVENT_TYPES)('has a section for %s, with a valid example', (type) => {
  expect(eventPages.filter(({ text }) => text.includes(`\n## ${type}\n`))).toHaveLength(1);
  expect(EVENT_CATALOGUE[type].when).toMatch(/\.$/);
  checkEvent(type, exampleOf(type));
});

it('rejects an event that does not match its schema', () => {
  const { data, ...envelope } = exampleOf('DATA_UPDATE');

  expect(() => checkEvent('DATA_UPDATE', envelope)).toThrow('expected object');
  expect(() => checkEvent('DATA_UPDATE', { ...envelope, data: { ...data, more: 1 } })).toThrow('deep-equal');
  expect(() => checkEvent('DATA_NEW', { ...envelope, data })).toThrow('DATA_NEW');
  expect(() =>
    checkEvent('DATA_UPDATE', {
      ...envelope,
      data: { ...data, records: Array.from({ length: 101 }, () => data.records[0]) },
    }),
  ).toThrow('too_big');
});

describe('the API description', () => {
  let service: Service;
  beforeAll(async () => {
    service = await startService();
  });
  afterAll(() => service.close());

  it('has each event under webhooks, with a schema that its example fits', async () => {
    const { body } = await service.as(undefined).get('/openapi.json').expect(200);

    expect(Object.keys(body.webhooks)).toEqual([...EVENT_TYPES]);
    for (const type of EVENT_TYPES) {
      const content = body.webhooks[type].post.requestBody.content['application/json'];
      const schema = z.fromJSONSchema(body.components.schemas[content.schema.$ref.split('/').at(-1)]);
      const isOfShape = (event: unknown) => schema.safeParse(event).success;
      expect([type, isOfShape(content.example), isOfShape({ ...content.example, type: 'OTHER' })]).toEqual([
        type,
        true,
        false,
      ]);
    }
    expect(body.components.schemas.Event.anyOf).toHaveLength(Object.keys(EVENT_SCHEMAS).length);
  });
});

const RECEIVERS = [
  {
    language: 'node',
    block: 'js',
    run: async (source: string) => ({
      command: process.execPath,
      flags: ['--input-type=module', '--eval', source],
      environment: {},
    }),
  },
  {
    language: 'python',
    block: 'python',
    run: async (source: string) => ({
      command: 'python3',
      flags: ['-c', source],
      environment: { PYTHONPATH: await ensurePythonPackages() },
    }),
  },
];

describe.each(RECEIVERS)('the receiver in $language', ({ language, block, run }) => {
  const secret = newWebhookSecret();
  const [, source = ''] =
    new RegExp(`<!-- receiver: ${language} -->\n\`\`\`${block}\n([^]*?)\`\`\``).exec(guide) ?? [];
  let port: number;
  let receiver: ChildProcess;
  let output = '';
  beforeAll(async () => {
    port = await freePort();
    const { command, flags, environment } = await run(source);
    receiver = spawn(command, flags, {
      cwd: path.dirname(path.dirname(GUIDE)),
      env: { ...process.env, ...environment, WEBHOOK_SECRET: secret, PORT: String(port) },
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    receiver.stdout?.on('data', (chunk: Buffer) => (output += chunk.toString()));
    await until('the receiver listens', async () => (await post('', {})) === 400);
  }, 120_000);
  afterAll(async () => {
    receiver.kill();
    await once(receiver, 'exit');
  });

  const post = async (body: string, headers: Record<string, string>): Promise<number> =>
    (await fetch(`http://127.0.0.1:${port}/`, { method: 'POST', body, headers })).status;
  const signed = (body: string, by: readonly string[], at = new Date()) => {
    const message = { id: exampleOf('DATA_NEW').id, timestamp: Math.floor(at.getTime() / 1_000), body };
    return {
      'webhook-id': message.id,
      'webhook-timestamp': String(message.timestamp),
      'webhook-signature': signWebhook(signingKeys(by), message),
    };
  };

  it('accepts what Syncline signs, also while the secret is rotated, and processes it once', async () => {
    const body = JSON.stringify(exampleOf('DATA_NEW'));

    expect(await post(body, signed(body, [secret]))).toBe(204);
    expect(await post(body, signed(body, [newWebhookSecret(), secret]))).toBe(204);
    await until('it has said so', () => output.includes('DATA_NEW'));
    expect(output.match(/DATA_NEW/g)).toHaveLength(1);
  });

  it('rejects altered, old and foreign messages', async () => {
    const body = JSON.stringify(exampleOf('DATA_NEW'));

    expect(await post(`${body} `, signed(body, [secret]))).toBe(400);
    expect(await post(body, signed(body, [newWebhookSecret()]))).toBe(400);
    expect(await post(body, signed(body, [secret], new Date(Date.now() - 6 * 60_000)))).toBe(400);
    expect(
      await post(body, { ...signed(body, [secret]), 'webhook-id': exampleOf('TEST').id.replace('3', '4') }),
    ).toBe(400);
  });
});
