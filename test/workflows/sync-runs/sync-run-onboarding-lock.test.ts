/** The onboarding lock on skipped time (rules.md 33 and 57). */
import { randomUUID } from 'node:crypto';
import { changeIntegration } from '../../../db/sync-runs/integration-lifecycle';
import { METADATA_JOB } from '../../../db/tables/pull';
import { RateLimited, Unavailable, Unauthorized } from '../../../connectors/errors';
import type { RecordTypeMappings } from '../../../domain/records/mapping';
import { until } from '../../support/until';
import { PushEnvironment, type TestTenant } from '../../support/environments/push-environment';
import { CONTACTS, fill, people, CrmIntegration } from '../../support/environments/crm-integration';

let environment: PushEnvironment;
let tenant: TestTenant;

beforeAll(async () => {
  environment = await PushEnvironment.create();
});
afterAll(() => environment.end());
beforeEach(async () => {
  environment.mail.sent.length = 0;
  tenant = await environment.tenant({ contactEmail: 'ana@example.org' });
});

const TWO = { contacts: CONTACTS, companies: CONTACTS };
const outcome = async (recordType = 'contacts') => {
  const [accepted] = await tenant.accept({
    externalId: `x-${randomUUID()}`,
    recordType,
    fields: { other: 1 },
  });
  return accepted?.outcome;
};
const emails = async () => {
  await environment.sleep(1_000);
  return tenant.environment.database.withTenant(tenant.tenantId, async ({ trx }) => {
    const rows = await trx.selectFrom('emails').select(['kind', 'recipient']).orderBy('emailId').execute();
    return rows.map(({ kind, recipient }) => `${kind} ${recipient}`);
  });
};
const changeTypes = (pulled: CrmIntegration, recordTypes: RecordTypeMappings) =>
  pulled.inTenant((work) =>
    changeIntegration(work, { integrationId: pulled.integrationId, change: { recordTypes } }),
  );
const refuses = (account: CrmIntegration['account']) => {
  account.type('companies');
  account.beforePage = () => {
    throw new Unauthorized('No.');
  };
};

describe('rule 33: the onboarding lock', () => {
  it('is released when every dataset is complete and one succeeded, though another failed', async () => {
    const pulled = await CrmIntegration.link(tenant, { recordTypes: TWO }, fill(environment, 4)); // there is no table of companies
    expect(await outcome('companies')).toBe('onboarding_in_progress');
    await pulled.settle();

    const [run] = await pulled.runs();
    expect(run).toMatchObject({ state: 'partially_succeeded', successfulJobs: 2, failedJobs: 1 });
    expect((await pulled.job(run?.syncRunId ?? '', 'companies')).error).toMatchObject({
      message: expect.stringContaining('companies'),
    });
    expect([await outcome(), await outcome('companies')]).toEqual(['accepted', 'accepted']);
    expect(await emails()).toEqual(['onboarding_complete ana@example.org']);
    expect(await pulled.notifications('onboarding_complete')).toHaveLength(1);
  });

  it('is kept if all failed, notifies once, and is released by a later full run', async () => {
    const late = await CrmIntegration.onboarded(tenant, { recordTypes: TWO }, (account) => {
      account.types.clear();
    });
    expect(await outcome()).toBe('onboarding_in_progress');
    await late.sync('full');
    expect(await outcome()).toBe('onboarding_in_progress');
    expect((await emails()).filter((one) => one.startsWith('onboarding_failed'))).toHaveLength(1);
    expect(await late.notifications('onboarding_failed')).toMatchObject([{ resolvedAt: null }]);

    late.account.type('contacts');
    await late.account.put('contacts', 'p1', { name: 'Ada' });
    const run = await late.sync('full');

    expect(run.state).toBe('partially_succeeded');
    expect(await outcome()).toBe('accepted');
    expect(await late.notifications('onboarding_failed')).toMatchObject([{ resolvedAt: expect.any(Date) }]);
    expect((await emails()).at(-1)).toBe('onboarding_complete ana@example.org');
    expect(environment.mail.sent.length).toBeGreaterThanOrEqual(2);
  });

  it('is kept while a dataset is still retried, though another succeeded', async () => {
    const pulled = await CrmIntegration.link(tenant, { recordTypes: TWO }, fill(environment, 2));
    pulled.account.type('companies');
    let isDown = true;
    pulled.account.beforePage = ({ recordType }) => {
      if (recordType === 'companies' && isDown)
        throw new Unavailable('The list of companies is broken.', 500);
    };
    await environment.sleep(3 * 3_600_000);
    expect(Object.keys(await pulled.names())).toEqual(people(2));
    expect([await outcome(), await outcome('employees')]).toEqual(['onboarding_in_progress', 'accepted']);

    isDown = false;
    await pulled.settle();
    expect(await outcome()).toBe('accepted');
  });

  it('treats a type that cannot be read as complete, and not as a success', async () => {
    const pulled = await CrmIntegration.onboarded(
      tenant,
      { recordTypes: { contacts: CONTACTS, unreadable: CONTACTS } },
      fill(environment, 1),
    );
    const [run] = await pulled.runs();
    expect(await pulled.job(run?.syncRunId ?? '', 'unreadable')).toMatchObject({ state: 'not_supported' });
    expect(run?.state).toBe('succeeded');
    expect(await outcome('unreadable')).toBe('accepted');

    const other = await environment.tenant();
    tenant = other;
    const none = await CrmIntegration.onboarded(other, { recordTypes: { unreadable: CONTACTS } });
    expect((await none.integration()).onboardedAt).toBeNull();
    expect(await none.notifications('onboarding_failed')).toHaveLength(1);
  });

  it('does not apply to an integration that only pushes, to another type, during a pause, or after a deletion', async () => {
    await tenant.integration();
    expect(await outcome('employees')).toBe('accepted');
    let answer = (): void => undefined;
    const isAnswered = new Promise<void>((resolve) => {
      answer = resolve;
    });
    const pulled = await CrmIntegration.link(tenant, {}, (account) => {
      account.beforePage = () => isAnswered;
    });
    expect([await outcome(), await outcome('employees')]).toEqual(['onboarding_in_progress', 'accepted']);
    await pulled.pause();
    expect(await outcome()).toBe('accepted');
    await pulled.resume();
    expect(await outcome()).toBe('onboarding_in_progress');
    await pulled.remove();
    expect(await outcome()).toBe('accepted');
    answer();
  });

  it('is released without a type that is no longer read', async () => {
    const pulled = await CrmIntegration.link(tenant, { recordTypes: TWO }, fill(environment, 1));
    await changeTypes(pulled, { contacts: CONTACTS });
    await pulled.settle();
    expect(await outcome()).toBe('accepted');
  });

  it('is released at once when the type that waits for a day is no longer read', async () => {
    const pulled = await CrmIntegration.link(tenant, { recordTypes: TWO }, fill(environment, 1));
    pulled.account.type('companies');
    pulled.account.beforePage = async ({ recordType }) => {
      if (recordType !== 'companies') return;
      await until('contacts are read', async () => (await pulled.dataset()).lastSucceededAt !== null);
      throw new RateLimited('The quota of the day is used up.', 24 * 3_600_000);
    };
    await environment.dispatch();
    await environment.sleep(60_000);
    expect(await outcome()).toBe('onboarding_in_progress');

    await changeTypes(pulled, { contacts: CONTACTS });
    await environment.dispatch();
    for (let tries = 0; (await outcome()) !== 'accepted' && tries < 50; tries += 1)
      await environment.sleep(1_000);

    expect(await outcome()).toBe('accepted');
    const [run] = await pulled.runs();
    expect(await pulled.job(run?.syncRunId ?? '', 'companies')).toMatchObject({ state: 'not_supported' });
  });

  it('is released when the onboarding is repeated with new credentials', async () => {
    const pulled = await CrmIntegration.onboarded(tenant, { recordTypes: TWO }, refuses);
    expect((await pulled.integration()).needsReauthorizationAt).not.toBeNull();
    expect(await outcome()).toBe('onboarding_in_progress');
    expect(await pulled.notifications('integration_needs_reauthorization')).toHaveLength(1);

    pulled.account.beforePage = () => undefined;
    await pulled.newCredentials();
    await pulled.settle();
    expect((await pulled.runs()).map(({ kind }) => kind)).toEqual(['onboarding', 'onboarding']);
    expect(await outcome()).toBe('accepted');
  });
});

describe('rule 57: metadata is never a condition of the onboarding lock', () => {
  const brokenFields = () => {
    throw new Unavailable('The third party answered 500.', 500);
  };
  const linkedWithBrokenFields = () =>
    CrmIntegration.link(tenant, {}, async (account) => {
      await fill(environment, 2)(account);
      account.beforeDescribe = brokenFields;
    });

  it('is lifted when the datasets are complete, while reading metadata is still retried', async () => {
    const pulled = await linkedWithBrokenFields();
    await pulled.settle();

    const [run] = await pulled.runs();
    const { onboardedAt } = await pulled.integration();
    const metadata = await pulled.job(run?.syncRunId ?? '', METADATA_JOB);
    expect(onboardedAt?.getTime()).toBeLessThan(metadata.finishedAt?.getTime() ?? 0);
    expect(await outcome()).toBe('accepted');
    expect(await pulled.notifications('onboarding_complete')).toHaveLength(1);
    expect(await emails()).toEqual(['onboarding_complete ana@example.org']);
  });

  it('ends after a few attempts with an error that names what could not be read, and so does the run', async () => {
    const pulled = await linkedWithBrokenFields();
    await environment.sleep(60_000);

    const [run] = await pulled.runs();
    expect(run).toMatchObject({ state: 'partially_succeeded', isSyncFinished: true });
    expect(await pulled.job(run?.syncRunId ?? '', METADATA_JOB)).toMatchObject({
      state: 'failed',
      attempts: 3,
      error: { message: 'Fields and picklists cannot be read: The third party answered 500.' },
    });
    pulled.account.beforeDescribe = () => undefined;
    expect(await pulled.sync('full')).toMatchObject({ state: 'succeeded' });
  });

  it('reports that no record type could be read without waiting for metadata', async () => {
    const pulled = await CrmIntegration.link(tenant, {}, (account) => {
      account.types.clear();
      account.beforeDescribe = brokenFields;
    });
    await pulled.settle();

    const [run] = await pulled.runs();
    const metadata = await pulled.job(run?.syncRunId ?? '', METADATA_JOB);
    const [failed, ...others] = await pulled.notifications('onboarding_failed');
    expect(failed?.createdAt.getTime()).toBeLessThan(metadata.finishedAt?.getTime() ?? 0);
    expect(others).toEqual([]);
    expect(await outcome()).toBe('onboarding_in_progress');
  });
});

describe('rule 57: a corrected configuration', () => {
  const correct = (pulled: CrmIntegration) =>
    pulled.inTenant(async (work) => {
      const { config } = await pulled.integration();
      await changeIntegration(work, {
        integrationId: pulled.integrationId,
        change: { config: { ...config, corrected: true } },
      });
    });

  it.each<[string, (account: CrmIntegration['account']) => void]>([
    ['a dataset that waits for its next attempt', () => undefined],
    [
      'an outage that waits for its next probe',
      (account) => {
        account.beforeCheck = () => {
          throw new Unavailable('The check is answered with 404.', 404);
        };
      },
    ],
  ])('retries %s at once', async (_what, breaks) => {
    const pulled = await CrmIntegration.link(tenant, {}, async (account) => {
      await fill(environment, 2)(account);
      breaks(account);
      account.beforePage = () => {
        throw new Unavailable('The list is answered with 500.', 500);
      };
    });
    await environment.sleep(3 * 3_600_000 + 60_000);
    expect(await outcome()).toBe('onboarding_in_progress');
    const [run] = await pulled.runs();
    const remainingMs = async () => {
      const { waitingUntil } = await pulled.job(run?.syncRunId ?? '');
      return (waitingUntil?.getTime() ?? 0) - (await environment.now());
    };
    // Otherwise the wait ends by itself below.
    for (let tries = 0; (await remainingMs()) < 60_000 && tries < 10; tries += 1)
      await environment.sleep(60_000);
    expect(await remainingMs()).toBeGreaterThan(60_000);
    pulled.account.beforePage = () => undefined;
    pulled.account.beforeCheck = () => undefined;

    await correct(pulled);
    await environment.dispatch();
    // Less than the wait.
    for (let tries = 0; (await outcome()) !== 'accepted' && tries < 50; tries += 1)
      await environment.sleep(1_000);

    expect(Object.keys(await pulled.names())).toEqual(people(2));
    expect(await outcome()).toBe('accepted');
  });

  it('counts the attempts and the 72 hours of what waits from its beginning', async () => {
    const pulled = await CrmIntegration.link(tenant, {}, async (account) => {
      await fill(environment, 2)(account);
      account.beforePage = () => {
        throw new Unavailable('The list is answered with 500.', 500);
      };
    });
    await environment.sleep(3_600_000);
    const [run] = await pulled.runs();
    const waiting = () => pulled.job(run?.syncRunId ?? '');
    expect(await waiting()).toMatchObject({ waitingReason: 'retry', failingSince: expect.any(Date) });

    await correct(pulled);

    expect(await waiting()).toMatchObject({ state: 'waiting', attempts: 0, failingSince: null });
  });
});
