/**
 * `npm run bench -- console`: the speed of the console. Measures the size of its initial scripts; the time
 * until its first page is usable from a cold start in Chromium, compared with a page of one line; every
 * request of a list of 100,000 employees, compared with an empty list; and the time until a changed status
 * shows on an open page. Takes two to three minutes and needs Chromium (apt-get install chromium).
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { ensureConsole } from '../../dev/start/console';
import { projectFolder } from '../../dev/tools/paths';
import { fromTypeId, toTypeId } from '../../db/sql/ids';
import { launchBrowser } from '../../test/console/browser';
import type { BenchmarkOptions, Line, Report } from '../report';
import { median, rounded } from '../measure';
import { watchOthers } from '../noise';
import { readerOf, walkTo } from '../pages';
import { type LinkedTenant, linkTenant, type Product, startServersAndProduct } from '../product';
import type { BenchEnvironment } from '../environment';
import { employeeId, insertEmployees, insertRecordSyncs } from './employees';
import { openPage, signIn, timeFirstPage, timeStatusChanges } from './in-browser';
import { LIST, type RequestTimes, timeListRequests } from './list-requests';

const EMPLOYEES = { whole: 100_000, quick: 50_000 };
const SCRIPTS_KB = 250;
const FIRST_PAGE_MS = 1_500;
const REQUEST_MS = 150;
const STATUS_MS = 1_000;
const ms = (value: number): number => rounded(value, 1);
const say = (text: string): void => console.log(`  ${text}`);

async function measure(environment: BenchEnvironment, { isQuick }: BenchmarkOptions) {
  const employees = isQuick ? EMPLOYEES.quick : EMPLOYEES.whole;
  const [loads, changes] = isQuick ? [5, 5] : [11, 10];
  const shareOfOthers = watchOthers();
  say('starting PostgreSQL, Temporal, api, worker and Chromium');
  await ensureConsole();
  const { databaseUrl, product } = await startServersAndProduct(environment);
  const browser = await launchBrowser();
  environment.onClose(() => browser.close());
  const pool = environment.pool(databaseUrl);

  say(`${employees.toLocaleString('en-US')} employees`);
  const tenant = await linkTenant(product, { graceMs: 2_000 });
  const [half, few] = [await linkAnother(tenant, 'Half'), await linkAnother(tenant, 'Few')];
  for (const table of ['records', 'record_syncs'])
    await pool.query(`alter table ${table} set (autovacuum_enabled = false)`);
  await insertEmployees(pool, tenant, employees);
  await insertRecordSyncs(pool, { ...tenant, integrationId: half.integrationId }, 2);
  await insertRecordSyncs(pool, { ...tenant, integrationId: few.integrationId }, 25_000);

  const deepPath = await walkTo(product, tenant, LIST, employees - 1_000);
  const places = {
    employees,
    deepPath,
    integrations: { all: tenant.integration, half: half.integration, few: few.integration },
  };
  say('its requests, in a database that was never analyzed');
  const fresh = await timeListRequests(product, tenant, places);
  say('and in one that was');
  await pool.query('analyze');
  const analyzed = await timeListRequests(product, tenant, places);
  const empty = await readerOf(product, tenant)('/v1/records/nothing?limit=100', 0);

  say('the first page, each time in a browser that has seen nothing');
  const state = await signIn(browser, product, { tenant: toTypeId('ten', tenant.tenantId) });
  const first = await timeFirstPage(environment, browser, product, state, loads);

  say('changed statuses, in the list and on the page of an employee');
  const list = await openPage(browser, state, `${product.url}/console/records/employees`);
  const inList = await timeStatusChanges(list, watched(product, tenant, databaseUrl, environment), changes);
  await list.context().close();
  const one = await openPage(browser, state, `${product.url}/console/records/employees/${employeeId(0)}`);
  const onPage = await timeStatusChanges(one, watched(product, tenant, databaseUrl, environment), changes);

  const scriptsKb = initialScripts() / 1_000;
  const requests = { fresh, analyzed, empty };
  return { employees, loads, first, inList, onPage, scriptsKb, ...requests, share: shareOfOthers() };
}

type Measurements = Awaited<ReturnType<typeof measure>>;

export async function consoleBenchmark(
  environment: BenchEnvironment,
  options: BenchmarkOptions,
): Promise<Report> {
  const measured = await measure(environment, options);
  const busy = `other programs took ${Math.round(measured.share * 100)} % of the machine`;
  return {
    title: `Console: ${measured.employees.toLocaleString('en-US')} employees (${busy})`,
    lines: linesOf(measured),
    figures: figuresOf(measured),
  };
}

function requestLines({ fresh, analyzed, empty }: Measurements): Line[] {
  return fresh.map((request: RequestTimes, index) => {
    const other = analyzed[index] as RequestTimes;
    const slowest = Math.max(request.slowestMs, other.slowestMs);
    const count = request.requests + other.requests;
    return {
      what: request.what,
      value: ms(Math.max(request.medianMs, other.medianMs)),
      unit: 'ms',
      goal: { atMost: REQUEST_MS },
      beside: `slowest of ${count}: ${ms(slowest)} ms; empty list ${ms(empty.medianMs)} ms`,
    };
  });
}

const statusLine = (what: string, times: readonly number[]): Line => ({
  what,
  value: ms(median(times)),
  unit: 'ms',
  goal: { atMost: STATUS_MS },
  beside: `slowest of ${times.length}: ${ms(Math.max(...times))} ms`,
});

function linesOf(measured: Measurements): Line[] {
  const { first, inList, onPage, scriptsKb, loads } = measured;
  const slowest = `slowest of ${loads}: ${ms(Math.max(...first.pageMs))} ms`;
  return [
    {
      what: 'scripts it begins with, gzipped',
      value: rounded(scriptsKb, 1),
      unit: 'KB',
      goal: { atMost: SCRIPTS_KB },
    },
    {
      what: 'all scripts of the first page, as sent',
      value: rounded(first.scriptBytes / 1_000, 1),
      unit: 'KB',
    },
    {
      what: 'first page can be used, median',
      value: ms(median(first.pageMs)),
      unit: 'ms',
      goal: { atMost: FIRST_PAGE_MS },
      beside: `${slowest}; a page of one line: ${ms(median(first.bareMs))} ms`,
    },
    ...requestLines(measured),
    statusLine('a change shows as Sync pending in the list', inList.pendingMs),
    statusLine('its conclusion shows as Synced in the list', inList.syncedMs),
    statusLine('a change shows as Sync pending on the page', onPage.pendingMs),
    statusLine('its conclusion shows as Synced on the page', onPage.syncedMs),
  ];
}

function figuresOf(measured: Measurements): Record<string, unknown> {
  const { employees, first, inList, onPage, scriptsKb, fresh, analyzed, empty, share } = measured;
  const worst = (['medianMs', 'slowestMs'] as const).map((which) =>
    Math.max(...[...fresh, ...analyzed].map((request) => request[which])),
  );
  const statuses = [...inList.pendingMs, ...inList.syncedMs, ...onPage.pendingMs, ...onPage.syncedMs];
  return {
    benchmark: 'console',
    employees,
    initial_scripts_kb: rounded(scriptsKb, 1),
    first_page_scripts_kb: rounded(first.scriptBytes / 1_000, 1),
    first_page_ms: ms(median(first.pageMs)),
    first_page_slowest_ms: ms(Math.max(...first.pageMs)),
    bare_page_ms: ms(median(first.bareMs)),
    empty_list_ms: ms(empty.medianMs),
    list_worst_median_ms: ms(worst[0] as number),
    list_slowest_ms: ms(worst[1] as number),
    status_ms: ms(median(statuses)),
    status_slowest_ms: ms(Math.max(...statuses)),
    share_of_others: rounded(share),
  };
}

/** Gzipped bytes of what `index.html` names. */
function initialScripts(): number {
  const folder = path.join(projectFolder, 'dist/console');
  const named = [
    ...readFileSync(path.join(folder, 'index.html'), 'utf8').matchAll(
      /(?:src|href)="\/console\/(assets\/[^"]+\.js)"/g,
    ),
  ];
  return named.reduce(
    (sum, [, file]) => sum + gzipSync(readFileSync(path.join(folder, file as string))).length,
    0,
  );
}

async function linkAnother(
  { call }: LinkedTenant,
  name: string,
): Promise<Pick<LinkedTenant, 'integration' | 'integrationId'>> {
  const settings = {
    connector: 'noop',
    app: name,
    account_name: 'Benchmark',
    config: {},
    record_types: {},
    initial_push: 'none',
  };
  const integration = (await call('/integrations', settings)).id as string;
  return { integration, integrationId: fromTypeId('int', integration) as string };
}

function watched(
  { url }: Product,
  { tenantId, integrationId, headers }: LinkedTenant,
  databaseUrl: string,
  environment: BenchEnvironment,
) {
  const pool = environment.pool(databaseUrl, 1);
  return {
    async change(value: string): Promise<void> {
      const body = JSON.stringify({ fields: { job_title: value } });
      const response = await fetch(`${url}/v1/records/employees/${employeeId(0)}`, {
        method: 'PATCH',
        headers,
        body,
      });
      if (!response.ok)
        throw new Error(`The change was answered ${response.status}: ${await response.text()}`);
      await response.arrayBuffer();
    },
    async resultAt(): Promise<number> {
      const { rows } = await pool.query<{ at: Date }>(
        `select last_synced_at at from record_syncs join records using (tenant_id, record_id)
         where tenant_id = $1 and integration_id = $2 and external_id = $3`,
        [tenantId, integrationId, employeeId(0)],
      );
      return rows[0]?.at.getTime() ?? Number.NaN;
    },
  };
}
