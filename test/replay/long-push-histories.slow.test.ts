/**
 * A push queue whose execution waits for a slot for so long that its history nears Temporal's limit of 51,200
 * events (decision 0041): made from a recorded history, because a server would take minutes for it.
 */
import fs from 'node:fs';
import path from 'node:path';
import { historyFromJSON } from '@temporalio/common/lib/proto-utils';
import { Worker } from '@temporalio/worker';
import { workflowBundle } from '../support/servers/shared-servers';
import { quietenTemporal } from './push-worker';

interface HistoryEvent {
  eventId: string;
  eventType: string;
  [attributes: string]: unknown;
}

const recorded = (name: string): HistoryEvent[] =>
  JSON.parse(fs.readFileSync(path.join(__dirname, 'histories', `${name}.json`), 'utf8')).events;

const overtaken = recorded('record-push.overtaken-while-waiting');
/** An execution is scheduled. A signal of the same priority is repeated: nothing overtakes for it. */
const BEGINNING = overtaken.slice(0, 6);
const SIGNAL = overtaken[1] as HistoryEvent;
const URGENT_SIGNAL = overtaken[6] as HistoryEvent;
const WORKFLOW_TASK = overtaken.slice(7, 10);
/** `patched` is two events. */
const OVERTAKES = overtaken.slice(10, 13);
const CONTINUES = [
  ...overtaken.slice(10, 12),
  recorded('record-push.continued-as-new-after-an-execution.1').at(-1) as HistoryEvent,
];

const ID_NAMES = /^(scheduledEventId|startedEventId|workflowTaskCompletedEventId)$/;

/** Numbers the events behind the beginning: what they refer to is shifted with them. */
function numbered(events: readonly HistoryEvent[], signals: number): HistoryEvent[] {
  const shift = (id: string) => (Number(id) > BEGINNING.length ? String(Number(id) + signals) : id);
  return events.map((event, index) =>
    JSON.parse(JSON.stringify({ ...event, eventId: String(index + 1) }), (key, value: unknown) =>
      ID_NAMES.test(key) ? shift(value as string) : value,
    ),
  );
}

async function errorOf({
  signals,
  last,
  decided,
}: {
  signals: number;
  last: HistoryEvent;
  decided: HistoryEvent[];
}): Promise<string | undefined> {
  const repeated = Array.from({ length: signals }, () => SIGNAL);
  // In the recorded history the last event is caused by the workflow task with the number 10.
  const caused = decided.map(
    (event) =>
      JSON.parse(
        JSON.stringify(event).replace(
          /"workflowTaskCompletedEventId":"\d+"/,
          '"workflowTaskCompletedEventId":"10"',
        ),
      ) as HistoryEvent,
  );
  const events = numbered([...BEGINNING, ...repeated, last, ...WORKFLOW_TASK, ...caused], signals);
  const history = historyFromJSON({ events });
  const results = Worker.runReplayHistories({ workflowBundle: workflowBundle() }, [
    { workflowId: 'record-push:replayed', history },
  ]);
  for await (const { error } of results) return error?.name;
  return 'nothing was replayed';
}

quietenTemporal();

it('more urgent work overtakes an execution that waits', async () => {
  const short = { signals: 0, last: URGENT_SIGNAL };

  expect(await errorOf({ ...short, decided: OVERTAKES })).toBeUndefined();
  expect(await errorOf({ ...short, decided: CONTINUES })).toBe('DeterminismViolationError');
});

it('after 30,000 events, it makes the queue continue in a new history', async () => {
  const long = { signals: 30_000, last: URGENT_SIGNAL };

  expect(await errorOf({ ...long, decided: CONTINUES })).toBeUndefined();
  expect(await errorOf({ ...long, decided: OVERTAKES })).toBe('DeterminismViolationError');
});
