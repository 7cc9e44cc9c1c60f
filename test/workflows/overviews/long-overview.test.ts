/** An overview of a long list, read in thousands of slices. */
import type { OverviewReport } from '../../../contract/overview';
import { overviewWorkflow } from '../../../workflows/overview';

const mockHistory = { historyLength: 0, continueAsNewSuggested: false };
const mockAdvance = jest.fn<Promise<OverviewReport>, [unknown]>();
const mockContinue = jest.fn();
let mockIsPatched = true;

jest.mock('@temporalio/workflow', () => ({
  ...jest.requireActual<object>('@temporalio/workflow'),
  condition: async () => true,
  continueAsNew: async (input: unknown) => {
    mockContinue(input);
    throw new Error('continued');
  },
  patched: () => mockIsPatched,
  proxyActivities: () => ({ advanceOverview: mockAdvance }),
  setCurrentDetails: () => undefined,
  setHandler: () => undefined,
  workflowInfo: () => mockHistory,
}));

const INPUT = {
  tenantId: '01980f5c-0000-7000-8000-000000000001',
  overviewId: '01980f5c-0000-7000-8000-000000000002',
};
beforeEach(() => {
  mockHistory.continueAsNewSuggested = false;
  mockIsPatched = true;
  mockAdvance.mockReset();
  mockContinue.mockReset();
});

it.each<OverviewReport>([{ state: 'more' }, { state: 'waiting', until: 1 }])(
  'continues in a new history before the present one is full (%j)',
  async (report) => {
    mockAdvance.mockImplementation(async () => {
      mockHistory.continueAsNewSuggested = mockAdvance.mock.calls.length === 3;
      return mockAdvance.mock.calls.length > 3 ? { state: 'ended' } : report;
    });

    await expect(overviewWorkflow(INPUT)).rejects.toThrow('continued');
    expect(mockContinue.mock.calls).toEqual([[INPUT]]);
  },
);

it('ends in a long history, and goes on in one of a former release', async () => {
  mockHistory.continueAsNewSuggested = true;
  mockAdvance.mockResolvedValueOnce({ state: 'ended' });
  await overviewWorkflow(INPUT);

  mockIsPatched = false;
  mockAdvance.mockResolvedValueOnce({ state: 'more' }).mockResolvedValueOnce({ state: 'ended' });
  await overviewWorkflow(INPUT);
  expect(mockContinue).not.toHaveBeenCalled();
});
