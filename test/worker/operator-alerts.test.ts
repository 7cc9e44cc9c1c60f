/** E-mails to the people who run Syncline: what they are told, and how often. */
import { noteFindings } from '../../db/notifications/operator-findings';
import type { MailAnswer, OutgoingEmail } from '../../egress/mail/smtp-mailer';
import { startLeasedLoop } from '../../worker/leased-loop';
import { noteTurns } from '../../worker/queues/fairness';
import { tellOperators } from '../../worker/schedules/operator-alerts';
import { openTestDb, type TestDb } from '../db/given';
import { until } from '../support/until';

const MINUTE = 60_000;
const recipients = ['ada@example.com', 'bob@example.com'];
let db: TestDb;
let now: Date;
let sent: OutgoingEmail[];
let answer: MailAnswer;

beforeAll(async () => {
  db = await openTestDb(() => now);
});
afterAll(() => db.end());
beforeEach(async () => {
  now = new Date('2026-05-01T08:00:00Z');
  sent = [];
  answer = { kind: 'taken' };
  await db.superuser('truncate operator_findings, outbox');
});

const log = { warn: () => undefined, info: () => undefined, error: () => undefined };
const mailer = {
  send: async (email: OutgoingEmail) => {
    sent.push(email);
    return answer;
  },
};
const tell = () => tellOperators({ database: db.database, log, mailer, recipients });
const find = (finding: string) =>
  db.database.withDispatcher((work) => noteFindings(work, [{ finding, detail: `The ${finding} is wrong.` }]));
/** Lets minutes pass. `finding` is found in each of them. */
async function pass(minutes: number, finding?: string): Promise<void> {
  for (let passed = 0; passed < minutes; passed += 1) {
    now = new Date(now.getTime() + MINUTE);
    if (finding !== undefined) await find(finding);
    await tell();
  }
}
const said = () => sent.map(({ recipient, content }) => [recipient, content]);
const item = (finding: string) => expect.objectContaining({ finding, detail: `The ${finding} is wrong.` });

it('each operator gets one e-mail when something appears, and one when it is over', async () => {
  await pass(90, 'worker clock');
  expect(said()).toEqual(recipients.map((to) => [to, { appeared: [item('worker clock')], over: [] }]));

  sent = [];
  await pass(60);
  expect(said()).toEqual(recipients.map((to) => [to, { appeared: [], over: [item('worker clock')] }]));
  sent = [];
  await pass(120);
  expect(sent).toEqual([]);
});

it('the failure of a loop is not over before the loop has had its next turn', async () => {
  const [finding, nextLookMs] = ['loop retired_schedules', 24 * 60 * MINUTE];
  const found = [{ finding, detail: `The ${finding} is wrong.`, nextLookMs }];
  await db.database.withDispatcher((work) => noteFindings(work, found));
  await pass(23 * 60);
  expect(said()).toEqual(recipients.map((to) => [to, { appeared: [item(finding)], over: [] }]));
  sent = [];
  await pass(90);
  expect(said()).toEqual(recipients.map((to) => [to, { appeared: [], over: [item(finding)] }]));
});

it('a finding that ends and returns causes at most one e-mail an hour', async () => {
  for (let times = 0; times < 6; times += 1) {
    await pass(5, 'api postgresql');
    await pass(25);
  }

  expect(sent.length).toBeGreaterThan(0);
  expect(sent.length / recipients.length).toBeLessThanOrEqual(3);
});

it('a finding of several processes, and several findings at once, are one e-mail', async () => {
  await Promise.all([find('worker clock'), find('worker clock'), find('api clock')]);
  await tell();
  await tell();

  expect(said()).toEqual(
    recipients.map((to) => [to, { appeared: [item('api clock'), item('worker clock')], over: [] }]),
  );
});

it('a finding is sent once the mail server accepts e-mails again', async () => {
  answer = { kind: 'unavailable', code: 'ECONNREFUSED', detail: 'no' };
  await pass(3, 'worker clock');
  answer = { kind: 'taken' };
  sent = [];
  await pass(3, 'worker clock');

  expect(sent.map(({ recipient }) => recipient)).toEqual(recipients);
});

it('an e-mail whose answer was lost is sent again once an hour, until one is taken', async () => {
  answer = { kind: 'unavailable', code: 'ETIMEDOUT', detail: 'no', mayBeTaken: true };
  await pass(30, 'worker clock');
  expect(sent).toHaveLength(recipients.length);

  answer = { kind: 'taken' };
  await pass(120, 'worker clock');
  expect(sent).toHaveLength(2 * recipients.length);
});

it('messages of the outbox that are refused or wait for long are findings', async () => {
  await db.superuser(
    `insert into outbox (tenant_id, topic, subject_id, attempts, next_due_at, created_at)
     values (gen_random_uuid(), 'record_push', gen_random_uuid(), 12, now(), clock_timestamp() - interval '10 minutes')`,
  );
  await tell();

  expect(said()[0]).toEqual([
    'ada@example.com',
    {
      appeared: [
        expect.objectContaining({ finding: 'outbox backlog', detail: expect.stringContaining('10 minutes') }),
        expect.objectContaining({
          finding: 'outbox refusals',
          detail: expect.stringContaining('refused 10'),
        }),
      ],
      over: [],
    },
  ]);
});

it('rule 59: a Temporal that lets no tenants take turns is a finding until a check finds that it does', async () => {
  const words = { finding: 'turns of tenants', detail: expect.stringContaining('matching.enableFairness') };
  await noteTurns(db.database, { doTakeTurns: false });
  await pass(23 * 60);
  expect(sent).toHaveLength(recipients.length);
  expect(sent[0]?.content).toMatchObject({ appeared: [words], over: [] });

  await noteTurns(db.database, { doTakeTurns: true });
  sent = [];
  await tell();
  expect(sent[0]?.content).toMatchObject({ appeared: [], over: [words] });

  sent = [];
  await noteTurns(db.database, { doTakeTurns: true });
  await pass(120);
  expect(sent).toEqual([]);
});

it('a background loop that fails is a finding', async () => {
  const loop = startLeasedLoop({
    database: db.database,
    log,
    name: 'sweeper',
    intervalMs: 20,
    run: () => Promise.reject(new Error('no')),
  });
  await until('it is noted', async () => (await db.superuser('select from operator_findings')).length > 0);
  await loop.stop();
  await tell();

  expect(said()[0]?.[1]).toMatchObject({ appeared: [{ finding: 'loop sweeper' }] });
});
