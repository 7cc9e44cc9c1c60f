/**
 * Publishing a version of a third-party definition: what an integration becomes, in which steps the
 * integrations change, and when the rollout stops by itself.
 */
import type { JsonObject } from '../json';
import type { ProblemDetail } from '../problem-detail';
import {
  type DefinitionRules,
  type DefinitionUse,
  moveToVersion,
  problemsOfUse,
  type ReadConfig,
  type Settings,
} from './definition';
import { differencesOf, pointerOf, withDifferences } from './differences';

export const ROLLOUT_STATES = [
  /** The dry run is under way. */
  'planning',
  /** The dry run is done; a person has to approve. */
  'planned',
  /** Integrations change, step by step. */
  'running',
  'completed',
  /** Integrations that changed keep the version. */
  'canceled',
  'rolling_back',
  'rolled_back',
] as const;
export type RolloutState = (typeof ROLLOUT_STATES)[number];

export const MOVE_STATES = [
  /** The dry run of the integration is still to come. */
  'found',
  'planned',
  /** The dry run failed: the integration keeps its version. */
  'held_back',
  'changed',
  /** Changed, and it fails since. */
  'failed',
  'rolled_back',
  /** It could not be rolled back: it keeps the version. */
  'not_rolled_back',
  /** Deleted meanwhile, or its definition is not what this rollout has put there. */
  'gone',
] as const;
export type MoveState = (typeof MOVE_STATES)[number];

/** How many integrations have the version after a step: a number, or a share of all. */
export type RolloutStep = { integrations: number } | { percent: number };

/** All others change in the step after the last one. */
export const DEFAULT_STEPS: readonly RolloutStep[] = [{ integrations: 1 }, { percent: 1 }, { percent: 10 }];

/** The number of integrations that have the version after this step; rounded up. */
export function sizeOfStep(steps: readonly RolloutStep[], step: number, total: number): number {
  const wanted = steps[step];
  if (wanted === undefined) return total;
  const size = 'integrations' in wanted ? wanted.integrations : Math.ceil((total * wanted.percent) / 100);
  return Math.min(size, total);
}

/** What an integration has, and what it takes from its definition. */
export interface Following {
  signIn: string;
  parameters: Record<string, string>;
  config: JsonObject;
  recordTypes: Settings['recordTypes'];
}

/**
 * The integration under another version, with its own differences. Parameters that the version does not have
 * are dropped.
 */
export function followVersion(
  rules: { from: DefinitionRules; to: DefinitionRules },
  { signIn, parameters, ...own }: Following,
  readConfig: ReadConfig,
): { problems: ProblemDetail[] } | { after: Following } {
  if (rules.from.connector !== rules.to.connector)
    return { problems: [{ pointer: '/connector', code: 'other_connector', message: OTHER_CONNECTOR }] };
  const to: DefinitionUse = {
    signIn,
    parameters: Object.fromEntries(
      Object.entries(parameters).filter(([name]) => Object.hasOwn(rules.to.parameters, name)),
    ),
  };
  const problems = problemsOfUse(rules.to, to);
  if (problems.length > 0) return { problems };
  // A default that is newer than the stored settings is no difference of the integration.
  const read = { ...own, config: readConfig(own.config) };
  const moved = moveToVersion(rules, { from: { signIn, parameters }, to }, read, readConfig);
  return { after: { ...to, ...moved } };
}

const OTHER_CONNECTOR = 'The version uses another connector. Link the app again to use it.';

/**
 * The integration as it was, with what was edited since it changed. Undefined if its way to sign in or its
 * parameters were edited: these may have no meaning in the former version.
 */
export function followFormer(before: Following, after: Following, current: Following): Following | undefined {
  const useOf = ({ signIn, parameters }: Following) => asJson({ signIn, parameters });
  if (differencesOf(useOf(after), useOf(current)).length > 0) return undefined;
  const settingsOf = ({ config, recordTypes }: Following) => asJson({ config, recordTypes });
  const edits = differencesOf(settingsOf(after), settingsOf(current));
  return { ...before, ...(withDifferences(settingsOf(before), edits) as unknown as Settings) };
}

/** JSON Pointers to what differs. */
export function changedPointers(before: Following, after: Following): string[] {
  const [from, to] = [before, after].map(({ signIn, parameters, config, recordTypes }) =>
    asJson({ third_party: { sign_in: signIn, parameters }, config, recordTypes }),
  );
  return differencesOf(from as JsonObject, to as JsonObject).map(({ path }) => pointerOf(path));
}

/** Only what JSON keeps: members that are undefined are none. */
const asJson = (value: object): JsonObject => JSON.parse(JSON.stringify(value)) as JsonObject;

/** How an integration is, for the comparison before and after its change. */
export interface IntegrationHealth {
  needsReauthorization: boolean;
  isInOutage: boolean;
  /** Records whose push failed, counted up to a bound. */
  failedRecords: number;
  /** The state of the last run that ended; null = none has. */
  hasFailedRun: boolean;
}

/** What an integration does worse than before. */
export function whatBecameWorse(before: IntegrationHealth, after: IntegrationHealth): ProblemDetail[] {
  const worse: [boolean, string, string][] = [
    [
      after.needsReauthorization && !before.needsReauthorization,
      'needs_reauthorization',
      'The app does not accept the credentials any more.',
    ],
    [after.isInOutage && !before.isInOutage, 'outage', 'The app does not answer, or fails.'],
    [
      after.failedRecords > before.failedRecords,
      'pushes_fail',
      `Pushes fail: ${after.failedRecords} records instead of ${before.failedRecords}.`,
    ],
    [after.hasFailedRun && !before.hasFailedRun, 'run_failed', 'The last sync run failed.'],
  ];
  return worse.flatMap(([isWorse, code, message]) => (isWorse ? [{ pointer: '', code, message }] : []));
}
