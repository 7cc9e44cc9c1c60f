/** Everything that a run reads is accounted for, on skipped time (rules.md 51). */
import { sql } from 'kysely';
import { Client } from 'pg';
import { RecordRejected, Unavailable } from '../../../connectors/errors';
import type { SyncJob } from '../../../db/pull/job-rows';
import { GRACE_MS, PushEnvironment, type TestTenant } from '../../support/environments/push-environment';
import { postgresUrl } from '../../support/servers/shared-servers';
import { BOTH_WAYS, CrmIntegration, fill } from '../../support/environments/crm-integration';

let environment: PushEnvironment;
let tenant: TestTenant;

beforeAll(async () => {
  environment = await PushEnvironment.create();
});
afterAll(() => environment.end());
beforeEach(async () => {
  environment.resetLedger();
  tenant = await environment.tenant();
});

const linked = async (
  ...given: Parameters<typeof CrmIntegration.link> extends [unknown, ...infer R] ? R : never
) => {
  const pulled = await CrmIntegration.onboarded(tenant, ...given);
  await environment.sleep(600_000);
  return pulled;
};
const sum = (job: SyncJob) =>
  job.recordsNew + job.recordsChanged + job.recordsUnchanged + job.recordsFailed + job.recordsHeldBack;
const put = (pulled: CrmIntegration, id: string, name: string) =>
  pulled.account.put('contacts', id, { name, email: `${name}@example.org` });
const watermark = async (pulled: CrmIntegration) => (await pulled.dataset()).watermark?.getTime() ?? 0;

describe('rule 51: a creation of ours whose answer is missing', () => {
  const unanswered = async () => {
    const pulled = await linked(
      { recordTypes: { contacts: BOTH_WAYS }, initialPush: 'all' },
      fill(environment, 1),
    );
    pulled.account.beforePush = () => {
      throw new Unavailable('500');
    };
    await tenant.change('c-1', { name: 'Ada', email: 'Ada@example.org' }, { recordType: 'contacts' });
    await environment.sleep(GRACE_MS * 2);
    return pulled;
  };

  it('holds back only the record that could be it, and the watermark', async () => {
    const pulled = await unanswered();
    const before = await watermark(pulled);
    await put(pulled, 'new-1', 'ADA');
    await put(pulled, 'new-2', 'Grace');

    const run = await pulled.sync('incremental');

    expect(Object.values(await pulled.names())).toEqual(['Grace', 'p000']);
    const job = await pulled.job(run.syncRunId);
    expect(job).toMatchObject({
      recordsNew: 1,
      recordsHeldBack: 1,
      recordsFailed: 0,
      watermarkKept: 'held_back',
    });
    expect(sum(job)).toBe(job.recordsRead);
    expect(run.state).toBe('partially_succeeded');
    expect(await pulled.errors(run.syncRunId)).toMatchObject([
      { remoteId: 'new-1', code: 'may_be_our_creation' },
    ]);
    expect(await watermark(pulled)).toBe(before);
  });

  it('is stored as a new record after three days, with a conflict', async () => {
    const pulled = await unanswered();
    await put(pulled, 'new-1', 'Ada');
    await pulled.inTenant(({ trx, now }) =>
      trx
        .updateTable('pushes')
        .set({ startedAt: new Date(now.getTime() - 73 * 3_600_000) })
        .where('integrationId', '=', pulled.integrationId)
        .execute(),
    );

    const run = await pulled.sync('incremental');

    expect(await pulled.job(run.syncRunId)).toMatchObject({ recordsNew: 1, recordsHeldBack: 0 });
    expect(await pulled.conflicts()).toMatchObject([{ kind: 'doubtful_creation', remoteId: 'new-1' }]);
  });
});

describe('rule 51: a list that changes while it is read', () => {
  const shifting = async (reportsTotal: boolean) => {
    const pulled = await linked({}, async (account) => {
      Object.assign(account, { canCount: reportsTotal, reportsTotal });
      account.abilities = { canFilterByModified: true, isPagingStable: false };
      await fill(environment, 7)(account);
    });
    await pulled.sync('incremental');
    await environment.sleep(600_000);
    return pulled;
  };

  it.each([true, false])(
    'skips no change at the seam of two pages for good (a total is told: %s)',
    async (total) => {
      const pulled = await shifting(total);
      for (let index = 0; index < 7; index += 1) await put(pulled, `p00${index}`, `renamed-${index}`);
      pulled.account.beforePage = async ({ cursor }) => {
        if (cursor === null) return;
        pulled.account.beforePage = () => undefined;
        await pulled.account.remove('contacts', 'p000');
      };
      await pulled.sync('incremental');
      expect((await pulled.names())['p003']).toBe('p003');
      await environment.sleep(600_000);
      await pulled.sync('incremental');
      expect((await pulled.names())['p003']).toBe('renamed-3');
    },
  );
});

describe('rule 51: a record that came back under its first id', () => {
  it('fails alone: its external id belongs to a record with another link', async () => {
    const pulled = await linked({}, fill(environment, 3));
    await pulled.inTenant(({ trx }) =>
      trx
        .updateTable('recordLinks')
        .set({ remoteId: 'again', remoteHash: null })
        .where('integrationId', '=', pulled.integrationId)
        .where('remoteId', '=', 'p001')
        .execute(),
    );
    await put(pulled, 'again', 'p001');
    await put(pulled, 'new', 'New');

    const run = await pulled.sync('full');

    const job = await pulled.job(run.syncRunId);
    expect(job).toMatchObject({ state: 'succeeded', recordsNew: 1, recordsFailed: 1, recordsRead: 5 });
    expect(sum(job)).toBe(5);
    expect(await pulled.errors(run.syncRunId)).toMatchObject([
      { remoteId: 'p001', code: 'external_id_taken' },
    ]);
    expect(await pulled.conflicts()).toMatchObject([{ kind: 'already_linked', remoteId: 'p001' }]);
  });
});

describe('rule 51: a record that the database refuses', () => {
  const refuseNames = async (): Promise<void> => {
    const { rows } = await environment.database.withTenant(tenant.tenantId, ({ trx }) =>
      sql<{ name: string }>`select current_database() as name`.execute(trx),
    );
    const url = new URL(postgresUrl());
    url.pathname = `/${rows[0]?.name}`;
    const client = new Client({ connectionString: url.href });
    await client.connect();
    await client.query(
      `alter table records add constraint no_spoiler check (fields ->> 'name' is distinct from 'spoiler') not valid`,
    );
    await client.end();
  };

  it('fails alone, with its error, and the others of its page are stored', async () => {
    await refuseNames();
    const pulled = await linked({}, fill(environment, 6));
    pulled.account.pageSize = 100;
    await put(pulled, 'p002', 'spoiler');
    await put(pulled, 'p003', 'renamed');
    await put(pulled, 'q1', 'spoiler');
    await put(pulled, 'q2', 'New');

    const run = await pulled.sync('full');

    expect(run.state).toBe('partially_succeeded');
    const job = await pulled.job(run.syncRunId);
    expect(job).toMatchObject({ recordsNew: 1, recordsChanged: 1, recordsFailed: 2, recordsDeleted: 0 });
    expect(sum(job)).toBe(job.recordsRead);
    expect((await pulled.names())['p002']).toBe('p002');
    expect(await pulled.errors(run.syncRunId)).toMatchObject([
      {
        remoteId: 'p002',
        code: 'cannot_be_stored',
        message: expect.stringContaining('no_spoiler') as string,
      },
      { remoteId: 'q1', code: 'cannot_be_stored' },
    ]);
  });

  it('fails alone in the first full run, too', async () => {
    const pulled = await linked({}, async (account) => {
      await fill(environment, 6)(account);
      await account.put('contacts', 'p002', { name: 'spoiler' });
    });

    expect(Object.keys(await pulled.names())).toEqual(['p000', 'p001', 'p003', 'p004', 'p005']);
    expect((await pulled.dataset()).initialState).toBe('succeeded');
  });
});

describe('rule 51: a cursor that expires in the middle of a list', () => {
  const expiring = async (times: number) => {
    const pulled = await linked({}, fill(environment, 7));
    await put(pulled, 'p001', 'renamed');
    await pulled.account.remove('contacts', 'p006');
    let left = times;
    pulled.account.beforePage = ({ cursor }) => {
      if (cursor === null || left === 0) return;
      left -= 1;
      throw new RecordRejected('INVALID_CURSOR', []);
    };
    return pulled;
  };

  it('starts the pass over, and counts what was read twice', async () => {
    const pulled = await expiring(2);
    const run = await pulled.sync('full');
    const job = await pulled.job(run.syncRunId);
    expect(job).toMatchObject({ state: 'succeeded', restarts: 2, recordsChanged: 1, recordsDeleted: 1 });
    expect(sum(job)).toBe(job.recordsRead);
    expect((await pulled.dataset()).remoteTotal).toBe(6);
  });

  it('does not miss what is changed afterwards, by a clock there that is half an hour slow', async () => {
    const pulled = await expiring(1);
    pulled.account.clockAheadMs = -30 * 60_000;
    const expire = pulled.account.beforePage;
    let pages = 0;
    pulled.account.beforePage = async (request) => {
      if (request.cursor === 'p002' && (pages += 1) === 2)
        await put(pulled, 'p000', 'changed behind the page');
      return expire(request);
    };
    await pulled.sync('full');
    await pulled.sync('incremental');

    expect((await pulled.names())['p000']).toBe('changed behind the page');
  });

  it('deletes nothing if the list shifts after the pass has started over', async () => {
    const pulled = await expiring(1);
    pulled.account.abilities = { canFilterByModified: true, isPagingStable: false };
    const expire = pulled.account.beforePage;
    let pages = 0;
    pulled.account.beforePage = async (request) => {
      // The second page, once the first one was read again: the one at the seam is in neither of them.
      if (request.cursor !== null && (pages += 1) === 2) await pulled.account.remove('contacts', 'p000');
      return expire(request);
    };
    const run = await pulled.sync('full');

    expect(await pulled.job(run.syncRunId)).toMatchObject({
      restarts: 1,
      recordsDeleted: 0,
      deletesWithheld: 'list_changed',
      watermarkKept: 'list_changed',
    });
  });

  it('fails the dataset if it happens again and again', async () => {
    const pulled = await expiring(100);
    const run = await pulled.sync('full');
    expect(await pulled.job(run.syncRunId)).toMatchObject({ state: 'failed', recordsDeleted: 0 });
  });
});

describe('rule 51: a list of deletions', () => {
  it('A20: whose ids match nothing is reported', async () => {
    const pulled = await linked({}, async (account) => {
      account.listsTombstones = true;
      await fill(environment, 2)(account);
    });
    await put(pulled, 'contact-p000', 'p000');
    await pulled.account.remove('contacts', 'contact-p000');
    const run = await pulled.sync('incremental');
    expect(await pulled.errors(run.syncRunId)).toMatchObject([
      { remoteId: 'contact-p000', code: 'no_deletion_matched' },
    ]);
    await pulled.account.remove('contacts', 'p001');
    const again = await pulled.sync('incremental');
    expect((await pulled.job(again.syncRunId)).hasTombstones).toBe(true);
  });
});
