/** Lists that a verification can only read in part, or not in one go (rules.md 51, 54). */
import { RecordRejected } from '../../../../connectors/errors';
import { listDrifts } from '../../../../db/verify/list-drifts';
import type { RecordTypeMapping } from '../../../../domain/records/mapping';
import { CONTACTS, CrmIntegration } from '../../../support/environments/crm-integration';
import { GRACE_MS, PushEnvironment, type TestTenant } from '../../../support/environments/push-environment';

const PUSHED: RecordTypeMapping = { ...CONTACTS, direction: 'push' };
const JOB = 'verify:contacts';
const NAMES = ['Ines', 'Jamal', 'Kofi', 'Lena', 'Mei'];

let environment: PushEnvironment;
let tenant: TestTenant;
let pushed: CrmIntegration;

beforeAll(async () => {
  environment = await PushEnvironment.create();
});
afterAll(() => environment.end());
beforeEach(async () => {
  environment.resetLedger();
  tenant = await environment.tenant();
  pushed = await CrmIntegration.link(tenant, { recordTypes: { contacts: PUSHED }, initialPush: 'all' });
  pushed.account.pageSize = 2;
  for (const name of NAMES) await tenant.change(name, { name }, { recordType: 'contacts' });
  await environment.sleep(GRACE_MS * 2);
  await environment.sleep(60_000);
});

const idOf = (name: string): string =>
  [...pushed.account.held('contacts')].find(([, fields]) => fields['name'] === name)?.[0] ?? '';
const verify = async () => pushed.job((await pushed.sync('nightly')).syncRunId, JOB);

async function drifts(): Promise<string[]> {
  const listed = await pushed.inTenant((work) =>
    listDrifts(work, { integrationId: pushed.integrationId, limit: 100 }),
  );
  return listed.drifts.map(({ externalId, place }) => `${externalId} ${place === '' ? 'missing' : place}`);
}

/** The cursor of the page after the first one is refused so many times. */
function expireCursors(times: number): void {
  let left = times;
  pushed.account.beforePage = ({ cursor }) => {
    if (cursor === null || left === 0) return;
    left -= 1;
    throw new RecordRejected('The cursor is too old.', []);
  };
}

/** The list no longer has the named record, or only as one that cannot be read. */
function distort(name: string, as: 'hidden' | 'unreadable'): void {
  const remoteId = idOf(name);
  pushed.account.distort = (page) => ({
    ...page,
    records: page.records.filter((record) => record.remoteId !== remoteId),
    unreadable: page.records.some((record) => record.remoteId === remoteId)
      ? [{ remoteId, code: 'too_large', message: 'It is too large.' }].slice(as === 'hidden' ? 1 : 0)
      : [],
  });
}

describe('rule 51: a cursor that expires during a verification', () => {
  it.each([true, false])(
    'lets it start over, and find each difference (a list that does not shift: %s)',
    async (isPagingStable) => {
      pushed.account.abilities = { canFilterByModified: true, isPagingStable };
      await pushed.account.put('contacts', idOf('Ines'), { name: 'Inés' });
      await pushed.account.remove('contacts', idOf('Lena'));
      expireCursors(2);

      expect(await verify()).toMatchObject({
        state: 'succeeded',
        restarts: 2,
        recordsRead: 8,
        recordsReadBefore: 4,
        linksCompared: 5,
        recordsMissing: 1,
      });
      expect((await drifts()).toSorted()).toEqual(['Ines name', 'Lena missing']);
      expect((await pushed.dataset()).remoteTotal).toBe(4);
    },
  );

  it('fails it if that happens again and again, and reports nothing as missing', async () => {
    expireCursors(100);

    expect(await verify()).toMatchObject({ state: 'failed', restarts: 3, recordsMissing: null });
    expect(await drifts()).toEqual([]);
  });

  it('is no reason to start over if the list refuses its first page', async () => {
    pushed.account.beforePage = () => {
      throw new RecordRejected('There is no such view.', []);
    };

    expect(await verify()).toMatchObject({ state: 'failed', restarts: 0 });
  });
});

describe('rule 54: a difference that was found before', () => {
  it('is no longer shown while the record cannot be read, and is found again afterwards', async () => {
    await pushed.account.put('contacts', idOf('Mei'), { name: 'Mei Lin' });
    await verify();
    expect(await drifts()).toEqual(['Mei name']);

    distort('Mei Lin', 'unreadable');
    expect(await verify()).toMatchObject({ recordsFailed: 1, recordsMissing: 0 });
    expect(await drifts()).toEqual([]);

    pushed.account.distort = (page) => page;
    await verify();
    expect(await drifts()).toEqual(['Mei name']);
  });

  it('ends if the record was missing, and is now listed and cannot be read', async () => {
    distort('Kofi', 'hidden');
    await verify();
    expect(await drifts()).toEqual(['Kofi missing']);

    distort('Kofi', 'unreadable');
    await verify();
    expect(await drifts()).toEqual([]);
  });

  it('ends if the record was missing, and is now listed while an edit of it waits', async () => {
    distort('Jamal', 'hidden');
    await verify();
    expect(await drifts()).toEqual(['Jamal missing']);

    pushed.account.distort = (page) => page;
    await tenant.change('Jamal', { name: 'Jamal B.' }, { recordType: 'contacts' });
    await verify();
    expect(await drifts()).toEqual([]);
  });

  it('stays if the record is as different as before, or an edit of it waits', async () => {
    await pushed.account.put('contacts', idOf('Lena'), { name: 'Léna' });
    await verify();
    await tenant.change('Lena', { name: 'Lena K.' }, { recordType: 'contacts' });
    await verify();

    expect(await drifts()).toEqual(['Lena name']);
  });
});
