/**
 * Workers killed with -9 in the middle of sync runs: what was read stays read, what was counted is counted
 * once, and the run goes on where it was; an e-mail is sent at most once more, and then it is the same one.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { createTestDatabase } from '../support/environments/database';
import { type FaultyLink, startToxiproxy, type Toxiproxy } from '../support/servers/fault-servers';
import { listIntegration, type ListServer, startListServer } from '../support/servers/list-server';
import { type MailServer, startMailServer } from '../support/servers/mail-server';
import { type Product, type ProductTenant, startProduct, throughPort } from '../support/environments/product';
import { compareCopy } from '../support/environments/pulling-integration';
import { PullingIntegration, setContactAddress } from '../support/environments/pulling-integration';
import { until } from '../support/until';

const EACH = 30_000;
const PAGES = EACH / 1_000;
const DATASETS = ['contacts', 'companies'];
/** For what takes a few seconds on an idle machine. */
const PATIENCE_MS = 180_000;

let toxiproxy: Toxiproxy;
let databaseLink: FaultyLink;
let lists: ListServer;
let mail: MailServer;
let product: Product;
let tenant: ProductTenant;
let integration: PullingIntegration;

/** Kills the worker `afterMs` after the first dataset's page was asked for; called before that can happen. */
function untilKilledAt(page: number, afterMs: number): Promise<void> {
  return new Promise((resolve, reject) => {
    lists.beforePage = async (asked) => {
      if (asked.dataset !== DATASETS[0] || asked.page !== page) return;
      lists.beforePage = () => undefined;
      await sleep(afterMs);
      await product.killWorker().then(resolve, reject);
    };
  });
}

/** Kills the worker while each dataset waits for this page and has stored all pages before it. */
async function killBetweenPages(page: number, runId: string): Promise<void> {
  await until('the pages before it are stored', async () => {
    const jobs = await Promise.all(DATASETS.map((dataset) => integration.job(runId, dataset)));
    return jobs.every(({ pages }) => pages === page);
  });
  await product.killWorker();
  lists.beforePage = () => undefined;
}

async function expectEqual(): Promise<void> {
  for (const dataset of DATASETS) {
    const copy = await compareCopy(product.databaseUrl, integration.id, lists, dataset);
    expect({ dataset, ...copy }).toEqual({
      dataset,
      differences: 0,
      held: lists.held(dataset).size,
      pagesNotedWrongly: 0,
    });
  }
}

beforeAll(async () => {
  const database = await createTestDatabase();
  [toxiproxy, lists, mail] = await Promise.all([startToxiproxy(), startListServer(), startMailServer()]);
  databaseLink = await toxiproxy.linkTo(Number(new URL(database.url).port));
  const env = {
    SMTP_URL: mail.url,
    SMTP_FROM: 'Syncline <syncline@example.com>',
    PUBLIC_URL: 'https://syncline.example',
  };
  product = await startProduct({
    databaseUrl: database.url,
    workerDatabaseUrl: throughPort(database.url, databaseLink.port),
    env,
  });
  tenant = await product.givenTenant();
  await setContactAddress(product, tenant, 'it@ada.example');
  for (const dataset of DATASETS) lists.fill(dataset, EACH);
});

afterEach(async () => {
  lists.beforePage = () => undefined;
  mail.afterTaken = () => undefined;
  await databaseLink.heal();
  if (!product.isWorkerRunning()) await product.startWorker();
});

afterAll(async () => {
  await product?.stop();
  await Promise.all([toxiproxy?.stop(), lists?.stop(), mail?.stop()]);
});

describe('a worker that is killed in the middle of a full pass', () => {
  it('costs the page in flight of each dataset: the next worker continues there, and nothing is counted twice', async () => {
    lists.delayMs = 20;
    lists.beforePage = ({ page }) => (page === 8 ? new Promise(() => {}) : undefined);
    integration = await PullingIntegration.link(tenant, listIntegration(lists.url, DATASETS));
    const run = await until('the run exists', async () => (await integration.runs())[0]);
    await killBetweenPages(8, run.id);
    await product.startWorker();

    const ended = await integration.untilEnded(run.id, PATIENCE_MS);

    expect(ended).toMatchObject({
      state: 'succeeded',
      successful_jobs: 3,
      failed_jobs: 0,
      progress: {
        records_read: 2 * EACH,
        records_new: 2 * EACH,
        records_changed: 0,
        records_unchanged: 0,
        records_failed: 0,
      },
    });
    for (const dataset of DATASETS) {
      expect({ dataset, askedAgain: lists.askedAgain(dataset) }).toEqual({ dataset, askedAgain: 1 });
      expect(await integration.job(run.id, dataset)).toMatchObject({
        pages: PAGES,
        records_read: EACH,
        records_new: EACH,
      });
    }
    await expectEqual();
    expect(await integration.status()).toMatchObject({ total_difference: 0, total_syncline: 2 * EACH });
  });

  it('costs one page more if it is killed while a page is being written, and still nothing is counted twice', async () => {
    lists.asked.length = 0;
    lists.delayMs = 0;
    for (const dataset of DATASETS) {
      lists.changeEvery(dataset, 3);
      lists.fill(dataset, EACH - 500);
      lists.fill(dataset, EACH - 400); // come back there: the same ids, new again there, known here
    }
    const killed = untilKilledAt(6, 0);
    const { id } = await integration.start('full');
    await killed;
    const killedAgain = untilKilledAt(20, 30);
    await product.startWorker();
    await killedAgain;
    await product.startWorker();

    const ended = await integration.untilEnded(id, PATIENCE_MS);

    for (const dataset of DATASETS) expect(lists.askedAgain(dataset)).toBeLessThanOrEqual(2 * 2);
    const changed = Math.ceil(EACH / 3);
    expect(ended).toMatchObject({
      state: 'succeeded',
      progress: { records_read: 2 * (EACH - 400), records_new: 0, records_deleted: 2 * 400 },
    });
    expect(ended.progress.records_changed).toBeGreaterThan(1.9 * (changed - 500));
    expect(ended.progress.records_changed + ended.progress.records_unchanged).toBe(2 * (EACH - 400));
    await expectEqual();
  });

  it('costs only the page in flight if the worker is stopped gracefully', async () => {
    lists.asked.length = 0;
    lists.delayMs = 150;
    const { id } = await integration.start('full');
    await until('it reads', () => lists.asked.length > 8);

    expect(await product.stopWorker()).toBe('ended with exit code 0');
    await product.startWorker();
    lists.delayMs = 0;
    const ended = await integration.untilEnded(id, PATIENCE_MS);

    expect(ended).toMatchObject({
      state: 'succeeded',
      progress: { records_read: 2 * (EACH - 400), records_changed: 0, records_new: 0 },
    });
    for (const dataset of DATASETS) expect(lists.askedAgain(dataset)).toBeLessThanOrEqual(1);
    await expectEqual();
  });
});

describe('a worker that is killed while it sends e-mails', () => {
  /** The death is noticed after a minute, and each step after it takes up to 10 s, on a busy machine more. */
  const REPEATED_WITHIN_MS = 180_000;
  const sentFor = (name: string) =>
    mail.received.filter(({ raw }) => raw.includes(`Subject: Lists (${name}) is ready`));
  const messageIds = (name: string) => sentFor(name).map(({ raw }) => /^Message-ID: (.*)$/im.exec(raw)?.[1]);

  // Both beside each other, for each takes a minute to be noticed.
  beforeAll(async () => {
    lists.delayMs = 0;
    let die = (): void => {};
    const dead = new Promise<void>((resolve) => (die = resolve));
    mail.afterTaken = async () => {
      const [last] = mail.received.slice(-1);
      if (last?.raw.includes('(unanswered)')) return dead; // it has the text, and its answer comes too late
      await until('the other one is there', () => sentFor('unanswered').length > 0);
      await databaseLink.disable();
      setTimeout(() => void product.killWorker().then(die), 500);
    };
    const names = ['unanswered', 'unwritten'];
    for (const name of names) lists.fill(name, 10);
    await Promise.all(
      names.map((name) =>
        PullingIntegration.link(tenant, { ...listIntegration(lists.url, [name]), account_name: name }),
      ),
    );
    await dead;
    mail.afterTaken = () => undefined;
    await databaseLink.heal();
    await product.startWorker();
    await until(
      'the unacknowledged e-mail is sent again',
      () => sentFor('unanswered').length > 1,
      REPEATED_WITHIN_MS,
    );
    await sleep(12_000);
  });

  it('before the answer of the mail server, causes one more e-mail under the same Message-ID', () => {
    expect(sentFor('unanswered')).toHaveLength(2);
    expect(new Set(messageIds('unanswered')).size).toBe(1);
    expect(messageIds('unanswered')[0]).toMatch(/^<eml_/);
  });

  it('after the answer and before the row is updated, causes at most one more e-mail, under the same Message-ID', () => {
    expect(sentFor('unwritten').length).toBeLessThanOrEqual(2);
    expect(new Set(messageIds('unwritten')).size).toBe(1);
  });
});
