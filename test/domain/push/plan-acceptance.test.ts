/** Acceptance of changes as one pure plan: rules.md 5, 7, 17 and 33. */
import type { JsonObject } from '../../../domain/json';
import { type AcceptanceState, planAcceptance } from '../../../domain/push/plan-acceptance';
import { type AcceptingIntegration, recordSyncKey } from '../../../domain/push/plan-record-syncs';
import type { RecordChange } from '../../../domain/records/record-change';
import { targetText } from '../../../domain/records/mapping';

const NOW = new Date('2026-11-28T12:00:00Z');
const EARLIER = new Date('2026-11-28T11:00:00Z');

const integration = (overrides: Partial<AcceptingIntegration> = {}): AcceptingIntegration => ({
  integrationId: 'crm',
  mappingVersion: 3,
  recordTypes: {
    employees: { direction: 'push', fields: [{ name: 'name', to: 'name' }], onDelete: 'deactivate' },
  },
  gracePeriodMs: 300_000,
  maxWaitMs: null,
  onboardingStartedAt: null,
  onboardedAt: null,
  pausedAt: null,
  isWorking: true,
  ...overrides,
});

const stored = (fields: JsonObject): AcceptanceState['records'][number] => ({
  recordId: 'r1',
  recordType: 'employees',
  externalId: 'e1',
  state: { version: 1, fields, isDeleted: false, occurredAt: EARLIER },
  changedAt: EARLIER,
});

const patch = (fields: JsonObject): RecordChange => ({
  recordType: 'employees',
  externalId: 'e1',
  kind: 'patch',
  fields,
});

function plan(changes: RecordChange[], state: Partial<AcceptanceState> = {}) {
  let ids = 0;
  const complete: AcceptanceState = {
    records: [stored({ name: 'Ada' })],
    integrations: [integration()],
    owners: new Map(),
    recordSyncs: new Map(),
    now: NOW,
    ...state,
  };
  return planAcceptance(changes, complete, { newId: () => `new-${(ids += 1)}`, hashOf: targetText });
}

describe('the plan of an acceptance', () => {
  it('opens a debounce window and requests a push at its deadline', () => {
    const { results, log, recordSyncs } = plan([patch({ name: 'Eva' })]);

    expect(results).toMatchObject([{ outcome: 'accepted', recordId: 'r1', version: 2 }]);
    expect(log).toMatchObject([{ recordId: 'r1', outcome: 'applied', changedFields: ['name'] }]);
    const dueAt = new Date(NOW.getTime() + 300_000);
    expect(recordSyncs.windows).toMatchObject([{ integrationId: 'crm', recordId: 'r1', window: { dueAt } }]);
    expect(recordSyncs.nextDueAt).toEqual(new Map([['crm', dueAt]]));
  });

  it('requests no push of an integration that cannot push now', () => {
    const { recordSyncs } = plan([patch({ name: 'Eva' })], {
      integrations: [integration({ isWorking: false })],
    });

    expect(recordSyncs.windows).toHaveLength(1);
    expect(recordSyncs.nextDueAt.size).toBe(0);
  });

  it('closes the window of an edit that was undone, instead of pushing', () => {
    const unchanged = targetText({ operation: 'upsert', payload: { name: 'Ada' } });
    const state = {
      window: { openedAt: EARLIER, dueAt: NOW },
      isHeld: false,
      isPushOpen: false,
      hasResult: true,
      resultHash: unchanged,
    };

    const { recordSyncs } = plan([patch({ name: 'Ada' })], {
      records: [stored({ name: 'Eva' })],
      recordSyncs: new Map([[recordSyncKey({ integrationId: 'crm', recordId: 'r1' }), state]]),
    });

    expect(recordSyncs.windows).toEqual([]);
    expect(recordSyncs.undone).toMatchObject([{ recordId: 'r1', hadWindow: true, mappingVersion: 3 }]);
  });

  it('applies several changes of one record in order, and creates a record once', () => {
    const created: RecordChange = { ...patch({ name: 'Ada' }), externalId: 'e2', kind: 'put' };

    const { results, drafts } = plan([created, { ...patch({ name: 'Eva' }), externalId: 'e2' }], {
      records: [],
    });

    expect(results.map(({ recordId, version }) => [recordId, version])).toEqual([
      ['new-1', 1],
      ['new-1', 2],
    ]);
    expect(drafts).toMatchObject([{ before: null, after: { fields: { name: 'Eva' } } }]);
  });

  it('changes nothing when every change is refused or unknown', () => {
    const locking = integration({
      onboardingStartedAt: EARLIER,
      recordTypes: { employees: { direction: 'pull', fields: [], onDelete: 'leave' } },
    });

    const refused = plan([patch({ name: 'Eva' })], { integrations: [locking] });
    const owned = plan([patch({ name: 'Eva' })], {
      owners: new Map([['r1', [{ integrationId: 'hr', fields: null }]]]),
    });
    const unknown = plan([patch({ name: 'Eva' })], { records: [] });

    expect(refused.results).toMatchObject([
      { outcome: 'onboarding_in_progress', version: 1, refusedBy: { integrationId: 'crm' } },
    ]);
    expect(owned.results).toMatchObject([
      { outcome: 'field_owned_by_third_party', refusedBy: { integrationId: 'hr', fields: ['name'] } },
    ]);
    expect(unknown.results).toMatchObject([{ outcome: 'not_found', recordId: null }]);
    for (const { drafts, log, recordSyncs } of [refused, owned, unknown])
      expect([drafts.filter(({ isTouched }) => isTouched), log, recordSyncs.records]).toEqual([[], [], []]);
  });
});
