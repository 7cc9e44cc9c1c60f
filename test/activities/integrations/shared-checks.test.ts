/** How often a third party is checked while many of its records fail (rule 11). */
import { SharedChecks } from '../../../activities/integrations/shared-checks';
import type { OpenConnector } from '../../../activities/dependencies';
import { Unavailable } from '../../../connectors/errors';
import type { Integration } from '../../../db/integrations/integrations';

const integration = { integrationId: 'one', version: 1, credentialsUpdatedAt: null } as Integration;
let now: number;
let checks: number;
let answer: () => Promise<void>;
let isAborted: boolean;
const open = async () =>
  ({
    connector: {
      check: () => {
        checks += 1;
        return answer();
      },
    },
    context: { signal: { aborted: isAborted } },
  }) as unknown as OpenConnector;

beforeEach(() => {
  [now, checks, isAborted, answer] = [0, 0, false, async () => {}];
  jest.spyOn(performance, 'now').mockImplementation(() => now);
});
afterEach(() => void jest.restoreAllMocks());

describe('rule 11: a check', () => {
  it.each([
    ['that takes 20 s', async () => void (now += 20_000)],
    [
      'that fails after 30 s',
      async () => {
        now += 30_000;
        throw new Unavailable('No answer within 30 s.');
      },
    ],
  ])('%s is made once for 80 records, at once and one after the other', async (_title, slow) => {
    const shared = new SharedChecks();
    answer = slow;

    const atOnce = await Promise.all(Array.from({ length: 40 }, () => shared.ask(integration, open)));
    for (let record = 0; record < 40; record += 1)
      expect(await shared.ask(integration, open)).toEqual(atOnce[0]);

    expect(checks).toBe(1);
  });

  it('that cannot even be opened is an outage', async () => {
    const opening = () => Promise.reject(new Unavailable('There is no connector.'));

    expect(await new SharedChecks().ask(integration, opening)).toEqual({
      kind: 'outage',
      detail: 'There is no connector.',
    });
  });

  it('is repeated five seconds after its answer', async () => {
    const shared = new SharedChecks();
    answer = async () => void (now += 20_000);
    await shared.ask(integration, open);
    now += 4_999;
    await shared.ask(integration, open);
    expect(checks).toBe(1);

    now += 2;
    await shared.ask(integration, open);
    expect(checks).toBe(2);
  });

  it.each([
    ['another integration', { integrationId: 'two' }],
    ['another configuration', { version: 2 }],
    ['other credentials', { credentialsUpdatedAt: new Date(1) }],
  ])('is not shared with %s', async (_title, other) => {
    const shared = new SharedChecks();
    await shared.ask(integration, open);
    await shared.ask({ ...integration, ...other }, open);

    expect(checks).toBe(2);
  });

  it('of a worker that stops is not reused', async () => {
    const shared = new SharedChecks();
    isAborted = true;
    answer = () => Promise.reject(new Unavailable('Nothing was sent: the worker stops.'));
    await shared.ask(integration, open);
    [isAborted, answer] = [false, async () => {}];

    expect(await shared.ask(integration, open)).toEqual({ kind: 'well' });
  });
});
