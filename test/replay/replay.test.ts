/**
 * R21: workflows that are running when their code changes go on. Each recorded history (record.ts) must
 * replay with the current code, and must not with a deliberately reordered copy.
 */
import fs from 'node:fs';
import path from 'node:path';
import { historyFromJSON } from '@temporalio/common/lib/proto-utils';
import { type ReplayResult, Worker, type WorkerOptions } from '@temporalio/worker';
import { workflowBundle } from '../support/servers/shared-servers';
import { quietenTemporal } from './push-worker';

const HISTORIES = path.join(__dirname, 'histories');
const files = fs.readdirSync(HISTORIES).filter((file) => file.endsWith('.json'));
const quiet = { trace() {}, debug() {}, info() {}, log() {}, warn() {}, error() {} };

quietenTemporal();

async function replay(
  workflows: Pick<WorkerOptions, 'workflowBundle' | 'workflowsPath'>,
  names: readonly string[],
): Promise<Map<string, ReplayResult>> {
  const histories = names.map((file) => ({
    workflowId: workflowIdIn(file),
    history: historyFromJSON(JSON.parse(fs.readFileSync(path.join(HISTORIES, file), 'utf8'))),
  }));
  const results: ReplayResult[] = [];
  for await (const result of Worker.runReplayHistories(
    { ...workflows, bundlerOptions: { logger: quiet } } as never,
    histories,
  ))
    results.push(result);
  return new Map(results.map((result, index) => [names[index] as string, result]));
}

/** Histories do not say whose they are, but their first event does not matter without it. */
function workflowIdIn(file: string): string {
  return `${file.split('.')[0]}:replayed`;
}

describe('recorded histories', () => {
  it('cover every workflow', () => {
    const recorded = new Set(files.map((file) => file.split('.')[0]));
    expect(recorded).toEqual(
      new Set([
        'definition-rollout',
        'email',
        'incoming-changes',
        'integration-check',
        'notification',
        'overview',
        'record-push',
        'sync-run',
        'scheduled-sync',
        'webhook-endpoint',
      ]),
    );
  });

  it('contain only ids, counts and instants, and no name of a machine or folder', () => {
    for (const file of files)
      expect(fs.readFileSync(path.join(HISTORIES, file), 'utf8')).not.toMatch(
        /\/home\/|\/work\/|\/root\/|"payload"/,
      );
  });

  it('replay with the current workflows', async () => {
    const results = await replay({ workflowBundle: workflowBundle() }, files);

    expect(
      [...results]
        .filter(([, { error }]) => error !== undefined)
        .map(([file, { error }]) => `${file}: ${error?.message}`),
    ).toEqual([]);
    expect(results.size).toBe(files.length);
  });

  it('do not replay with a workflow whose steps were put in another order (negative control)', async () => {
    // A push queue that is due at its start does not sleep first: only there the order is the same.
    const inOrder = files.filter(
      (file) => !/^(incoming-changes|record-push|webhook-endpoint)\.continued-as-new/.test(file),
    );
    const results = await replay({ workflowsPath: require.resolve('./reordered') }, inOrder);

    expect([...results].map(([file, { error }]) => `${file}: ${error?.name}`)).toEqual(
      inOrder.map((file) => `${file}: DeterminismViolationError`),
    );
  });
});
