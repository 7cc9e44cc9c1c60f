/**
 * The sender of the durable loop, a process of its own: claims batches as large as an endpoint queue does,
 * sends by the product's client as many at once, and records the results in batches.
 *
 * node durable-sender-process.ts <database url>
 */
import { randomBytes } from 'node:crypto';
import { Client, Pool } from 'pg';
import { runBounded } from '../../activities/bounded-worker-pool';
import { DELIVERING_LIMITS } from '../../activities/dependencies';
import { WriteBatcher } from '../../activities/write-batcher';
import { createWebhookSender, type SendWebhook } from '../../egress/webhook-sender';

interface Claimed {
  message_id: string;
  event_id: string;
  url: string;
  body: string;
}

const CLAIM = `update messages set lease_until = now() + interval '17 seconds'
  where message_id = any(array(
    select message_id from messages where next_attempt_at <= now()
      and (lease_until is null or lease_until <= now())
    order by next_attempt_at limit $1 for update skip locked))
  returning message_id, event_id, url, body`;
const RECORD = `update messages set state = 'delivered', attempts = attempts + 1, next_attempt_at = null,
  last_status = 204, finished_at = now(), lease_until = null where message_id = any($1::uuid[])`;

/** As many as an endpoint queue claims of an endpoint that is as fast as this one. */
const PER_CLAIM = 3 * DELIVERING_LIMITS.perClaim;
const databaseUrl = process.argv[2];
const pool = new Pool({ connectionString: databaseUrl, max: 2 });
const secrets = [`whsec_${randomBytes(32).toString('base64')}`];
const sender = createWebhookSender({ policy: { allowCidrs: ['127.0.0.0/8'], allowHttp: true } });
const receivers = new Map<string, SendWebhook>();

function sendTo(url: string): SendWebhook {
  const send = receivers.get(url) ?? sender.to({ url, secrets }, new AbortController().signal);
  receivers.set(url, send);
  return send;
}

async function sendWhatIsDue(): Promise<void> {
  const results = new WriteBatcher<string>(async (ids) => void (await pool.query(RECORD, [ids])));
  await runBounded<Claimed>({
    claim: async (limit) => (await pool.query<Claimed>(CLAIM, [limit])).rows,
    perClaim: () => PER_CLAIM,
    claimAhead: () => PER_CLAIM / 2,
    parallelClaims: 1,
    claimAgainMs: 10,
    run: async ({ message_id: messageId, event_id: id, url, body }) => {
      const { error } = await sendTo(url)({ id, at: new Date(), body });
      if (error === null) await results.add(messageId);
    },
    concurrency: () => DELIVERING_LIMITS.atOnce,
    shouldContinue: () => !results.hasFailed,
    intervalMs: 0,
    release: async () => {},
  });
  await results.end();
}

async function main(): Promise<void> {
  const listener = new Client({ connectionString: databaseUrl });
  let isNotified = true;
  let resume = (): void => {};
  listener.on('notification', () => {
    isNotified = true;
    resume();
  });
  await listener.connect();
  await listener.query('listen messages');
  console.log('sender running');
  for (;;) {
    if (!isNotified) await new Promise<void>((resolve) => (resume = resolve));
    isNotified = false;
    await sendWhatIsDue();
  }
}

void main();
