/** Creations without a usable answer, in every order with edits, crashes and retries: rules.md 13 and 58. */
import { GroupedResults } from '../../../activities/push/grouped-results';
import { pushBatch } from '../../../activities/push/push-batch';
import { forPushing } from '../../../activities/push/pushing-connector';
import type { Connector } from '../../../connectors/connector';
import { rest } from '../../../connectors/rest';
import { scim } from '../../../connectors/scim';
import { recordPushResults } from '../../../db/push/record-push-results';
import { applyRecordSyncAction } from '../../../db/records/record-sync-actions';
import type { RecordTypeMappings } from '../../../domain/records/mapping';
import { contextWith } from '../../connectors/suite/given';
import { GivenTenant, GRACE_MS, openTestDb, type TestDb } from '../../db/given';
import { type Creation, CREATIONS, ForgetfulProduct } from '../../support/fakes/forgetful-product';
import { Random } from '../../support/random';

const IDS = ['e1', 'e2'];
/** Longer than a lease, and than most delays between attempts. */
const ROUND_MS = 10 * 60_000;
const ROUNDS_MAX = 8;

const employees = {
  external_id: '/externalId',
  create: { path: '/people', idempotency_header: 'Idempotency-Key' },
  update: { path: '/people/{remote_id}' },
  delete: { path: '/people/{remote_id}' },
};
const restOf = (recordType: object) => ({
  connector: rest as Connector,
  config: rest.configSchema.parse({
    app: 'People',
    base_url: 'https://people.example.com',
    auth: { type: 'none' },
    check: { path: '/ping' },
    record_types: { employees: recordType },
  }) as object,
});
const KINDS = {
  'an app with idempotency keys alone': restOf(employees),
  'an app with a search': restOf({
    ...employees,
    find: { path: '/people{?external_id}', items: '/Resources' },
    create: { path: '/people' },
  }),
  'a SCIM service with bulk requests': {
    connector: scim as Connector,
    config: scim.configSchema.parse({ base_url: 'https://people.example.com' }) as object,
  },
};
type Kind = keyof typeof KINDS;
const KEYS: Kind = 'an app with idempotency keys alone';

type Event =
  | Creation
  | 'edit'
  | 'undo'
  | 'delete'
  | 'retry'
  | 'wait'
  | 'crash'
  | 'lose the record there'
  | 'index'
  | 'no index';

const OTHERS: readonly Event[] = [
  ...(['edit', 'edit', 'edit', 'undo', 'delete', 'retry', 'crash', 'lose the record there'] as const),
];
const PUSHED: readonly Event[] = ['edit', 'undo', 'delete', 'retry', 'wait'];

let now: number;
let db: TestDb;
beforeAll(async () => {
  db = await openTestDb(() => new Date(now));
});
afterAll(() => db.end());

class Life {
  readonly product = new ForgetfulProduct();
  private edits = 0;

  private constructor(
    private readonly tenant: GivenTenant,
    private readonly integrationId: string,
    private readonly mappings: RecordTypeMappings,
    private readonly kind: Kind,
  ) {}

  static async begin(kind: Kind): Promise<Life> {
    now = Date.UTC(2026, 10, 21, 12);
    const tenant = await GivenTenant.create(db);
    const to = kind.startsWith('a SCIM') ? '/displayName' : '/name';
    const mappings: RecordTypeMappings = {
      employees: { direction: 'push', fields: [{ name: 'name', to }], onDelete: 'delete' },
    };
    const integrationId = await tenant.integration({ recordTypes: mappings });
    return new Life(tenant, integrationId, mappings, kind);
  }

  async live(events: readonly Event[]): Promise<void> {
    await this.edit();
    for (const event of events) await this.happen(event);
  }

  async happen(event: Event): Promise<void> {
    const { product } = this;
    if (event === 'crash') product.isWorkerDying = true;
    else if (event === 'index' || event === 'no index') product.isIndexed = event === 'index';
    else if (event === 'lose the record there') product.people.clear();
    else if (event === 'retry') for (const id of IDS) await this.retry(id);
    else if (event === 'edit') await this.edit();
    else if (event === 'undo') await this.edit(this.edits - 1);
    else if (event === 'delete')
      await this.tenant.accept(...IDS.map((externalId) => ({ externalId, kind: 'delete' as const })));
    else if (event !== 'wait') product.creation = event;
    if (PUSHED.includes(event)) await this.pushWhatIsDue();
  }

  private async edit(number = this.edits + 1): Promise<void> {
    this.edits = number;
    await this.tenant.accept(
      ...IDS.map((externalId) => ({ externalId, fields: { name: `Name ${number}` } })),
    );
    now += GRACE_MS;
  }

  private async retry(externalId: string): Promise<void> {
    const recordId = (await this.tenant.recordSync(this.integrationId, externalId))?.recordId;
    if (recordId === undefined) return;
    const input = { action: 'retry' as const, integrationId: this.integrationId, recordId, actor: 'ana' };
    if ((await this.tenant.work((work) => applyRecordSyncAction(work, input))) === 'done')
      this.product.request(externalId);
  }

  /** Until nothing is due any more, or for an hour. A worker that dies is replaced. */
  private async pushWhatIsDue(): Promise<void> {
    for (let round = 0; round < ROUNDS_MAX; round += 1) {
      const isPushed = await this.push();
      this.product.isWorkerDying = false;
      now += ROUND_MS;
      if (!isPushed) return;
    }
  }

  private async push(): Promise<boolean> {
    const { tenant, integrationId, product, mappings } = this;
    const { connector, config } = KINDS[this.kind];
    const { pushes } = await tenant.claim(integrationId, new Date(now));
    if (pushes.length === 0) return false;
    const record = async (finished: Parameters<typeof recordPushResults>[1]['finished']) => {
      if (product.isWorkerDying) return;
      await tenant.work((work) => recordPushResults(work, { integrationId, finished, now: new Date(now) }));
    };
    const grouped = new GroupedResults(record);
    const credentials = { token: 'secret' };
    const context = contextWith({ config, credentials, mappings, http: product });
    const opened = forPushing(
      { connector, context },
      {
        integrationId,
        callsAtOnce: 4,
        onCall: () => undefined,
        inTenant: (work) => tenant.work(work),
      },
    );
    const { concluded } = await pushBatch({
      pushes,
      recordTypes: mappings,
      open: async () => opened,
      ask: async () => ({ kind: 'well' }),
      findOurIds: async () => new Map(),
      onTrouble: () => undefined,
      raise: async () => {},
      grouped,
      progress: { recordsAtOnce: 4, mayBegin: () => true },
      isProbe: false,
      now: () => new Date(now),
      log: { info() {}, warn() {}, error() {} },
    });
    await grouped.conclude(concluded);
    return true;
  }

  async statuses(): Promise<(string | null)[]> {
    const all = await Promise.all(IDS.map((id) => this.tenant.recordSync(this.integrationId, id)));
    return all.map((one) => one?.resultStatus ?? null);
  }

  living(): number[] {
    return IDS.map((id) => this.product.livingOf(id));
  }
}

/** Once the app answers well, a person's retry ends it. */
async function endWell(life: Life): Promise<void> {
  for (const event of ['ok', 'index', 'edit', 'retry', 'retry'] as const) await life.happen(event);
}

const ORDERS: Record<string, Event[]> = {
  'a lost answer of a worker that died, an edit without an id, a 500, an edit': [
    ...(['lost', 'crash', 'edit', 'no_id', 'edit', 'failed', 'edit', 'edit'] as const),
  ],
  'no id, then edits while the app is busy, and a crash': [
    ...(['no_id', 'edit', 'busy', 'edit', 'crash', 'edit', 'edit'] as const),
  ],
  'a web page, a retry whose answer is lost, an edit that is undone': [
    ...(['page', 'edit', 'lost', 'retry', 'edit', 'undo'] as const),
  ],
  'no id, a retry that is refused, an edit': ['no_id', 'edit', 'refused', 'retry', 'ok', 'edit'],
  'no id, a retry whose worker died, an edit': ['no_id', 'edit', 'lost', 'crash', 'retry', 'edit', 'edit'],
  'redirects, and edits': ['redirect', 'edit', 'edit', 'undo', 'crash', 'edit', 'edit'],
  'a busy app, and edits': ['busy', 'edit', 'edit', 'undo'],
  'a refusal whose worker died, a lost answer, and edits': [
    ...(['refused', 'crash', 'edit', 'crash', 'edit', 'lost', 'edit', 'edit'] as const),
  ],
  'no id, a deletion here, and a restore': ['no_id', 'edit', 'delete', 'ok', 'edit'],
  'a lost answer, a deletion here, and a restore': ['lost', 'edit', 'delete', 'ok', 'edit'],
  'a loss there, then lost answers': [
    ...(['ok', 'edit', 'lose the record there', 'lost', 'edit', 'edit', 'crash', 'edit'] as const),
  ],
  'a loss there, a lost answer, a deletion here, and a restore': [
    ...(['ok', 'edit', 'lose the record there', 'lost', 'edit', 'ok', 'delete', 'wait', 'edit'] as const),
  ],
  'a loss there, then no id, a 500 and an edit': [
    ...(['ok', 'edit', 'lose the record there', 'no_id', 'edit', 'failed', 'edit', 'crash', 'edit'] as const),
  ],
};

describe.each(Object.keys(KINDS) as Kind[])('in %s', (kind) => {
  it.each(Object.entries(ORDERS))('nothing is there twice after %s', async (_order, events) => {
    const life = await Life.begin(kind);

    await life.live(events);

    expect(Math.max(...life.living())).toBeLessThanOrEqual(1);
    await endWell(life);
    expect([life.living(), await life.statuses()]).toEqual([
      [1, 1],
      ['synced', 'synced'],
    ]);
  });

  it.each(Object.entries(ORDERS))(
    'what was accepted is not created again by itself, although searches miss it, after %s',
    async (_order, events) => {
      const life = await Life.begin(kind);

      await life.live(['no index', 'no_id', ...events, 'ok', 'edit', 'edit', 'delete', 'edit']);

      expect(life.product.repeated).toEqual([]);
    },
  );

  it('the same holds for orders at random', async () => {
    for (let seed = 1; seed <= 12; seed += 1) {
      const random = new Random(30_412 + seed);
      const pairs = Array.from({ length: 7 }, () => [random.pick(CREATIONS), random.pick(OTHERS)]);
      const events: Event[] = pairs.flat();
      const life = await Life.begin(kind);
      if (seed % 2 === 0 && kind !== KEYS) await life.happen('no index');

      await life.live(events);

      const isDoubled = life.product.isIndexed && Math.max(...life.living()) > 1;
      const lived = { seed, events, repeated: life.product.repeated, isDoubled };
      expect(lived).toEqual({ seed, events, repeated: [], isDoubled: false });
    }
  });
});

it('a retry that a rate limit delays still creates what is missing', async () => {
  const life = await Life.begin('an app with a search');
  await life.live(['no index', 'no_id', 'edit', 'ok']);
  life.product.people.clear();
  life.product.isLimited = true;
  await life.happen('retry');
  expect(life.living()).toEqual([0, 0]);
  life.product.isLimited = false;

  await life.happen('wait');

  expect([life.living(), await life.statuses()]).toEqual([
    [1, 1],
    ['synced', 'synced'],
  ]);
});
