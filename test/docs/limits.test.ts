/** docs/limits.md names the limits that the code has. */
import { readFileSync } from 'node:fs';
import { DELIVERING_LIMITS, PULLING_LIMITS, PUSHING_LIMITS } from '../../activities/dependencies';
import { LONG_WAIT_MS } from '../../activities/time-box';
import { ROLLOUT_LIMITS } from '../../activities/third-parties/definition-rollout';
import { DRY_RUN_LIMITS } from '../../activities/third-parties/plan-move';
import { OBSERVE_SECONDS_MAX, STEPS_MAX } from '../../api/third-parties/rollouts/rollout-routes';
import { BODY_BYTES_MAX } from '../../api/routing/define-route';
import { CALL_LIMITS } from '../../connectors/packages/guarded-calls';
import { READER_HEAP_MIB, READERS_MAX } from '../../connectors/postgres/isolation/readers';
import { READER_LIMITS } from '../../connectors/postgres/session';
import { DEFAULT_SLOTS } from '../../domain/slot-shares';
import { CALLS_MAX } from '../../egress/http-client';
import { answerLimits, LARGE_RESPONSE_BYTES_MAX } from '../../egress/limits/answer-limits';
import { JSON_DEPTH_MAX, JSON_VALUES_MAX } from '../../egress/limits/json-shape';

const MIB = 1024 * 1024;
const LIMITS = answerLimits();
const page = readFileSync('docs/limits.md', 'utf8');
const count = (figure: number): string => figure.toLocaleString('en-US');

it.each([
  ['Log-in', `${READER_LIMITS.loginTimeoutMs / 1_000} s | ${READER_LIMITS.loginBytesMax / 1024} KiB`],
  ['Query', `${READER_LIMITS.silenceMs / 1_000} s for its answer`],
  [
    'Session (a page)',
    `${READER_LIMITS.answerBytesMax / MIB} MiB and ${count(READER_LIMITS.valuesMax)} values`,
  ],
  ['Reader process', `a JavaScript heap of ${READER_HEAP_MIB} MiB`],
  ['Reader processes of a worker', `${READERS_MAX}, a quarter of them for one tenant`],
  ['Calls of an integration at the same time, per worker', `| ${CALLS_MAX} |`],
  ['Page of a list', `${LIMITS.pageBytesMax / MIB} MiB; ${LARGE_RESPONSE_BYTES_MAX / MIB} MiB at most`],
  ['Answers under way, a page until it is stored', '384 MiB a worker'],
  ['JSON of an answer', `${count(JSON_VALUES_MAX)} values, ${JSON_DEPTH_MAX} levels`],
  ['Request', `${BODY_BYTES_MAX / 1024} KiB`],
  ['Slice of a push queue', `${PUSHING_LIMITS.timeBoxMs / 1_000} s, `],
  [
    'Call of a connector of a package',
    `${CALL_LIMITS.callMs / 1_000} s, a push ${CALL_LIMITS.pushMs / 1_000} s; ${CALL_LIMITS.stopMs / 1_000} s more`,
  ],
  ['Slice of a job or an overview', `${PULLING_LIMITS.timeBoxMs / 1_000} s, `],
  ['Slice of a job or an overview', `after a page of more than ${LONG_WAIT_MS / 1_000} s`],
  [
    'Ranges of a list at the same time',
    `${PULLING_LIMITS.ranges.atMost}, from ${count(PULLING_LIMITS.ranges.fromRecords)} records on`,
  ],
  [
    'Slice of a rollout or an adoption',
    `${ROLLOUT_LIMITS.timeBoxMs / 1_000} s, 5 minutes at most | parts of ${ROLLOUT_LIMITS.chunk} integrations, ` +
      `${ROLLOUT_LIMITS.atOnce} at the same time; ${ROLLOUT_LIMITS.foundPerStep} are looked for`,
  ],
  [
    'Dry run of an integration',
    `${DRY_RUN_LIMITS.tryMs / 1_000} s at the app, ${DRY_RUN_LIMITS.triesMax} attempts | ` +
      `${count(DRY_RUN_LIMITS.recordsExaminedMax)} records; ${DRY_RUN_LIMITS.pointersMax} changes and ` +
      `${DRY_RUN_LIMITS.pointersMax} differences`,
  ],
  ['Rollout', `${OBSERVE_SECONDS_MAX / 86_400} days at most | one of a definition; ${STEPS_MAX} steps`],
  ['Push queues and checks at the same time', `| ${DEFAULT_SLOTS.push} |`],
  ['Jobs and overviews at the same time', `| ${DEFAULT_SLOTS.pull} |`],
  ["Slice of an endpoint's deliveries", `${DELIVERING_LIMITS.timeBoxMs / 1_000} s, `],
])('rule 60: the page of limits names the one of: %s', (work, words) => {
  const line = page.split('\n').find((row) => row.startsWith(`| ${work} |`));
  expect(line).toContain(words);
});
