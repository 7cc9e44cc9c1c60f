/** Many open pages of a tenant: what an event, a new page and a page that is not read cost (rules.md 60). */
import { once } from 'node:events';
import { type ClientRequest, get, type IncomingMessage } from 'node:http';
import { Client } from 'pg';
import { appendStreamEvent } from '../../../db/platform/change-feed';
import { Browser, givenPerson } from '../support/console';
import { until } from '../../support/until';
import { type GivenTenant, listening, type Service, startService } from '../support/service';

const MANY = 100;
/** An open session is asked for again after a second. */
const RECHECK_MS = 1_000;
let service: Service;
let server: Awaited<ReturnType<typeof listening>>;
let tenant: GivenTenant;
let cookie: string;
let pages: ClientRequest[];
let received: number[];
let statements: jest.SpyInstance;

beforeAll(async () => {
  service = await startService();
  server = await listening(service.app);
});
afterAll(async () => {
  await server.close();
  await service.close();
});
beforeEach(async () => {
  tenant = await service.givenTenant();
  const { email } = await givenPerson(service, tenant, { role: 'viewer' });
  cookie = (await new Browser(service.app).signIn(email)).cookie as string;
  [pages, received] = [[], []];
  statements = jest.spyOn(Client.prototype, 'query');
});
afterEach(async () => {
  statements.mockRestore();
  for (const page of pages) page.destroy();
  await until('all streams are closed', () => service.stream.openStreams() === 0);
});

/** @param headers of a session, or of an API key */
async function open(count: number, headers: Record<string, string>, path: string): Promise<void> {
  const before = service.stream.openStreams(tenant.uuid);
  for (let index = 0; index < count; index += 1) {
    const at = pages.length;
    received[at] = 0;
    const answered = new Promise((resolve, reject) => {
      const page = get({ port: server.port, path, headers, agent: false }, (response) => {
        response.setEncoding('utf8').on('data', (text: string) => {
          received[at] = (received[at] ?? 0) + (text.match(/^event:/gm)?.length ?? 0);
        });
        resolve(response);
      });
      page.on('error', reject);
      pages.push(page);
    });
    await answered;
  }
  await until('they are open', () => service.stream.openStreams(tenant.uuid) === before + count);
}
/** Its client reads nothing behind the head of the answer. */
async function openUnread(): Promise<void> {
  const headers = { authorization: `Bearer ${tenant.keys.viewer}` };
  const page = get({ port: server.port, path: '/v1/stream', headers, agent: false });
  pages.push(page);
  page.on('error', () => undefined);
  const [response] = (await once(page, 'response')) as [IncomingMessage];
  response.pause();
}
const openConsole = (count: number) => open(count, { cookie }, '/console/v1/stream');
const openWithKey = (count: number) =>
  open(count, { authorization: `Bearer ${tenant.keys.viewer}` }, '/v1/stream');
const emit = (number: number) =>
  service.database.withTenant(tenant.uuid, (work) =>
    appendStreamEvent(work, { topic: 'record_syncs', body: { number } }),
  );

/** @returns the statements of the whole process until all open pages have an event that is written now. */
async function statementsOfEvent(): Promise<number> {
  const before = statements.mock.calls.length;
  const all = received.map((count) => count + 1);
  await emit(1);
  await until('all have it', () => received.every((count, at) => count === all[at]));
  return statements.mock.calls.length - before;
}
const untilCheckedAgain = () => new Promise((resolve) => setTimeout(resolve, RECHECK_MS));

it.each([
  ['pages of the console', openConsole],
  ['streams of an API key', openWithKey],
])(`an event costs less than a statement for each of ${MANY} %s`, async (_name, openPages) => {
  await openPages(MANY);
  for (let events = 0; events < 2; events += 1) {
    await untilCheckedAgain();
    expect(await statementsOfEvent()).toBeLessThan(MANY);
  }
});

it('a page that is not read is disconnected, and delays no other', async () => {
  await openWithKey(1);
  await openUnread();
  await until('both are open', () => service.stream.openStreams(tenant.uuid) === 2);
  const count = 2_000;
  await service.database.withTenant(tenant.uuid, async (work) => {
    // More than the sockets of both ends hold.
    const body = { text: 'x'.repeat(10_000) };
    for (let event = 0; event < count; event += 1)
      await appendStreamEvent(work, { topic: 'record_syncs', body });
  });

  await until('the other has all events', () => received[0] === count);
  await until('a page is disconnected', () => service.stream.openStreams(tenant.uuid) < 2);
  expect(service.stream.openStreams(tenant.uuid)).toBe(1);
});
