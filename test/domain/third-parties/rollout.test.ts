import type { DefinitionRules } from '../../../domain/third-parties/definition';
import {
  changedPointers,
  DEFAULT_STEPS,
  type Following,
  followFormer,
  followVersion,
  type IntegrationHealth,
  sizeOfStep,
  whatBecameWorse,
} from '../../../domain/third-parties/rollout';

const VERSION: DefinitionRules = {
  connector: 'rest',
  parameters: { subdomain: { format: 'subdomain', example: 'acme' } },
  signIns: { key: {} },
  config: { url: 'https://${subdomain}.example', limit: 100 },
  mappings: {
    people: { direction: 'push', onDelete: 'leave', fields: [{ name: 'name', to: 'name' }] },
  },
};
const OWN: Following = {
  signIn: 'key',
  parameters: { subdomain: 'acme' },
  config: { url: 'https://acme.example', limit: 5 },
  recordTypes: VERSION.mappings,
};
const readConfig = (config: DefinitionRules['config']) => config;
const follow = (to: Partial<DefinitionRules>, own = OWN) =>
  followVersion({ from: VERSION, to: { ...VERSION, ...to } }, own, readConfig);
const afterOf = (moved: ReturnType<typeof followVersion>): Following => {
  if ('problems' in moved) throw new Error(JSON.stringify(moved.problems));
  return moved.after;
};

describe('an integration under another version', () => {
  it('gets what the version changes and keeps its own differences', () => {
    const config = { url: 'https://${subdomain}.example/v2', limit: 200 };

    const after = afterOf(follow({ config }));

    expect(after).toEqual({ ...OWN, config: { url: 'https://acme.example/v2', limit: 5 } });
    expect(changedPointers(OWN, after)).toEqual(['/config/url']);
  });

  it('gets a setting of the version whose default is newer than the integration', () => {
    const withDefault = (config: DefinitionRules['config']) => ({ timeout: 9, ...config });
    const to = { ...VERSION, config: { ...VERSION.config, timeout: 20 } };

    const after = afterOf(followVersion({ from: VERSION, to }, OWN, withDefault));

    expect(after.config).toEqual({ ...OWN.config, timeout: 20 });
  });

  it.each([
    ['another connector', { connector: 'scim' }, 'other_connector'],
    ['another way to sign in', { signIns: { oauth: {} } }, 'unknown_sign_in'],
    [
      'a parameter that it has no value for',
      {
        parameters: { ...VERSION.parameters, region: { format: 'identifier' as const, example: 'eu' } },
        config: { url: 'https://${subdomain}.${region}.example', limit: 100 },
      },
      'required',
    ],
  ])('is held back by %s', (_what, to, code) => {
    expect(follow(to)).toMatchObject({ problems: [{ code }] });
  });

  it('loses the parameters that the version does not have', () => {
    const after = afterOf(follow({ parameters: {}, config: { url: 'https://one.example', limit: 100 } }));

    expect(after).toMatchObject({ parameters: {}, config: { url: 'https://one.example', limit: 5 } });
    expect(changedPointers(OWN, after)).toEqual(['/config/url', '/third_party/parameters/subdomain']);
  });
});

describe('an integration that goes back', () => {
  // The new version has by chance what the integration had set itself.
  const after = afterOf(follow({ config: { url: 'https://${subdomain}.example', limit: 5 } }));

  it('has exactly its former settings', () => {
    expect(followFormer(OWN, after, after)).toEqual(OWN);
  });

  it('keeps what was edited since', () => {
    const edited = { ...after, config: { ...after.config, timeout: 9 }, recordTypes: {} };

    expect(followFormer(OWN, after, edited)).toEqual({
      ...OWN,
      config: { ...OWN.config, timeout: 9 },
      recordTypes: {},
    });
  });

  it('is not put together from parameters that were edited since', () => {
    expect(followFormer(OWN, after, { ...after, parameters: { subdomain: 'other' } })).toBeUndefined();
  });
});

describe('steps', () => {
  it.each([
    [0, 1],
    [1, 5],
    [2, 50],
    [3, 500],
    [4, 500],
  ])('step %i of 500 integrations ends with %i', (step, size) => {
    expect(sizeOfStep(DEFAULT_STEPS, step, 500)).toBe(size);
  });

  it('never exceed what there is', () => {
    expect(sizeOfStep([{ integrations: 10 }], 0, 3)).toBe(3);
    expect(sizeOfStep([{ percent: 1 }], 0, 3)).toBe(1);
    expect(sizeOfStep([], 0, 0)).toBe(0);
  });
});

describe('the comparison with the time before', () => {
  const WELL: IntegrationHealth = {
    needsReauthorization: false,
    isInOutage: false,
    failedRecords: 3,
    hasFailedRun: false,
  };

  it.each([
    ['refused credentials', { needsReauthorization: true }, 'needs_reauthorization'],
    ['an outage', { isInOutage: true }, 'outage'],
    ['more failed records', { failedRecords: 4 }, 'pushes_fail'],
    ['a failed run', { hasFailedRun: true }, 'run_failed'],
  ])('notices %s', (_what, change, code) => {
    const now = { ...WELL, ...change };

    expect(whatBecameWorse(WELL, now)).toMatchObject([{ code }]);
    expect(whatBecameWorse(now, now)).toEqual([]);
    expect(whatBecameWorse(now, WELL)).toEqual([]);
  });
});
