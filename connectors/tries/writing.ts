/** Tries of searching and writing, with a test record that is removed at the end. */
import { isJsonObject, type JsonObject, type JsonValue } from '../../domain/json';
import { ConnectorError, CreatedWithoutId, RecordRejected, Unavailable } from '../errors';
import { cannotRead, firstPage } from './reading';
import {
  failed,
  newTestName,
  notPossible,
  passed,
  problem,
  type Run,
  type Step,
  type TestRecord,
  type Written,
} from './run';

function cannotFind(run: Run): Step | undefined {
  if (run.hasOwnIds) return notPossible('Syncline assigns the ids, so records need no search.');
  if (run.isRest && run.part('find') === undefined)
    return notPossible('The definition has no `find`. A lost answer to a creation is resolved otherwise.');
  return run.mapping === undefined ? notPossible('The record type has no mapping.') : undefined;
}

/** The search asks for values of the record instead of its external id. */
const usesValues = (run: Run): boolean => JSON.stringify(run.part('find') ?? '').includes('{payload.');

export async function find(run: Run): Promise<Step> {
  const refused = cannotFind(run);
  if (refused) return refused;
  const records = cannotRead(run) === undefined ? (await firstPage(run)).records : [];
  const { externalId = null } = run.plan;
  const isGiven = externalId !== null && !usesValues(run);
  const listed = isGiven ? undefined : records.find((one) => usesValues(run) || one.externalId !== null);
  if (!isGiven && listed === undefined)
    return notPossible('Give the `external_id` of a record that is there, or describe the list.');
  const sought = externalId ?? listed?.externalId ?? newTestName();
  const found = await run.find(sought, listed?.fields ?? {});
  if (found !== null && (listed === undefined || listed.remoteId === found))
    return passed(`The search finds a record that is there. Its id is ${found}.`);
  const what = listed === undefined ? `with the external id ${sought}` : listed.remoteId;
  const words = found === null ? 'finds nothing' : `finds ${found} instead`;
  return problem(run.pointer('find'), 'not_found', `The search for the record ${what} ${words}.`);
}

export async function unknownId(run: Run): Promise<Step> {
  const refused = cannotFind(run);
  if (refused) return refused;
  const externalId = newTestName();
  const known =
    run.plan.record === undefined ? run.firstPage?.records[0]?.fields : run.payloadOf(run.plan.record);
  if (known === undefined && usesValues(run))
    return notPossible('Give a test record (`record`), because the search asks for values of it.');
  const found = await run.find(externalId, renamed(known ?? {}, externalId) as JsonObject);
  if (found === null) return passed('A search for a record that does not exist finds nothing.');
  return problem(
    run.pointer('find'),
    'find_not_exact',
    `A search for a record that does not exist found ${found}. Syncline would overwrite it.`,
  );
}

/** Values that no record has. */
function renamed(value: JsonValue, name: string): JsonValue {
  if (typeof value === 'string') return value.includes('@') ? `${name}@example.com` : name;
  if (!isJsonObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, renamed(member, name)]));
}

function cannotPush(run: Run): Step | undefined {
  if (run.mapping === undefined || run.mapping.direction === 'pull')
    return notPossible(`The mapping of ${run.recordType} does not push.`);
  if (run.isRest && run.part('create') === undefined && run.part('upsert') === undefined)
    return notPossible('The definition has no `create`.');
  return undefined;
}

const createPart = (run: Run): string =>
  run.part('create') === undefined && run.part('upsert') !== undefined ? 'upsert' : 'create';

export async function create(run: Run): Promise<Step> {
  const refused = cannotPush(run);
  if (refused) return refused;
  const { record } = run.plan;
  if (record === undefined) return notPossible('Give the fields of a test record (`record`).');
  const made = await write(run, run.testName('create'), record);
  if (!made.result.ok) return failed(run, made.result.error, createPart(run));
  const { withoutId } = made.result;
  if (withoutId?.setting !== undefined) return failed(run, withoutId, createPart(run));
  const words = `The test record was created with the external id ${made.kept.externalId}.`;
  const searched = withoutId === undefined ? '' : ' The answer has no id, so the record was searched.';
  return passed(`${words}${searched} Its id is ${made.kept.remoteId}.`);
}

/** Writes a new record. It is kept in the run until it is known to be gone. */
async function write(
  run: Run,
  externalId: string,
  fields: JsonObject,
): Promise<{ result: Written; kept: TestRecord }> {
  const kept: TestRecord = { externalId, fields, remoteId: null, remoteVersion: null, isThere: true };
  const payload = run.payloadOf(fields);
  run.testRecords.push(kept);
  const result = await run.push({ operation: 'upsert', externalId, payload });
  if (result.ok) Object.assign(kept, { remoteId: result.remoteId, remoteVersion: result.remoteVersion });
  else kept.isThere = mayBeThere(result.error);
  return { result, kept };
}

const mayBeThere = (error: ConnectorError): boolean =>
  error instanceof Unavailable || error instanceof CreatedWithoutId;

const NO_TEST_RECORD = notPossible('There is no test record: its creation was not tried, or has failed.');

export async function findAgain(run: Run): Promise<Step> {
  const refused = cannotFind(run);
  if (refused) return refused;
  const { testRecord: test } = run;
  if (test === undefined) return NO_TEST_RECORD;
  const found = await run.find(test.externalId, run.payloadOf(test.fields));
  if (found === test.remoteId) return passed('The search finds the test record.');
  return problem(
    run.pointer('find'),
    'not_found',
    `The search ${found === null ? 'does not find the test record' : `finds the record ${found} instead`}. ` +
      'After a lost answer Syncline would create a duplicate. Does the product index with a delay?',
  );
}

export async function update(run: Run): Promise<Step> {
  const { change } = run.plan;
  if (run.testRecord === undefined) return NO_TEST_RECORD;
  if (change === undefined) return notPossible('Give the fields to change (`change`).');
  return changeTo(
    run,
    run.testRecord,
    { ...run.testRecord.fields, ...change },
    'The test record was changed.',
  );
}

export async function noOpUpdate(run: Run): Promise<Step> {
  if (run.testRecord === undefined) return NO_TEST_RECORD;
  const words = 'The same values can be sent again.';
  return changeTo(run, run.testRecord, run.testRecord.fields, words);
}

async function changeTo(run: Run, test: TestRecord, fields: JsonObject, words: string): Promise<Step> {
  const part = run.part('upsert') === undefined ? 'update' : 'upsert';
  if (run.isRest && run.part(part) === undefined) return notPossible('The definition has no `update`.');
  const result = await run.push({
    operation: 'upsert',
    externalId: test.externalId,
    payload: run.payloadOf(fields),
    remote: test,
  });
  if (!result.ok) return failed(run, result.error, part);
  const { effect, remoteId, remoteVersion } = result;
  if (remoteId !== test.remoteId) {
    const isCreated = effect === 'created';
    const message = isCreated
      ? `The product said that the test record is missing, so another one was created: ${remoteId}.`
      : `The answer is about another record: ${remoteId}.`;
    // A record that was not created here is not removed at the end.
    if (isCreated) run.testRecords.push({ ...test, remoteId, remoteVersion });
    return problem(run.pointer(part), 'another_record', message);
  }
  Object.assign(test, { fields, remoteVersion });
  return passed(words);
}

export async function refusal(run: Run): Promise<Step> {
  const refused = cannotPush(run);
  if (refused) return refused;
  const { wrong } = run.plan;
  if (wrong === undefined) return notPossible('Give a record that the product must refuse (`wrong`).');
  const { result } = await write(run, run.testName('error'), wrong);
  if (result.ok) return problem(run.pointer('answers'), 'accepted', WAS_ACCEPTED);
  const { error } = result;
  if (!(error instanceof RecordRejected) || error instanceof CreatedWithoutId)
    return failed(run, error, 'answers');
  const each = error.errors.map(({ field, remoteField, message, code }) => {
    const name = field ?? remoteField;
    return `${name === null ? 'without a field' : `about ${name}`}: ${message} (${code})`;
  });
  if (each.length === 0) return failed(run, error, 'find');
  const words = `It is refused, which is understood as ${each.slice(0, 5).join('; ')}`;
  if (/^\s*[[{]/.test(error.errors[0]?.message ?? ''))
    return problem(
      '/config/errors',
      'no_words',
      'The record is refused, but where the answer says why is not known. Say it in `errors`. The answer is ' +
        `shown as it is: ${error.errors[0]?.message ?? ''}`,
    );
  return passed(words);
}

const WAS_ACCEPTED =
  'The product accepted the wrong record. Say in `answers` how a refusal looks, or give a record that is more wrong.';

type Removal = 'delete' | 'deactivate';

function removalOf(run: Run): Removal | undefined {
  const wanted = run.mapping?.onDelete;
  const { onDelete } = run.opened.connector;
  const isDescribed = (one: Removal) =>
    onDelete.includes(one) && (!run.isRest || run.part(one) !== undefined);
  const order: readonly Removal[] =
    wanted === 'deactivate' ? ['deactivate', 'delete'] : ['delete', 'deactivate'];
  return order.find(isDescribed);
}

export async function remove(run: Run): Promise<Step> {
  const { testRecord: test } = run;
  if (test === undefined) return NO_TEST_RECORD;
  const removal = removalOf(run);
  if (removal === undefined) return notPossible('The definition has no `delete` and no `deactivate`.');
  const error = await removed(run, test, removal);
  if (error) return failed(run, error, removal);
  return passed(`The test record was ${removal === 'delete' ? 'deleted' : 'deactivated'}.`);
}

async function removed(run: Run, test: TestRecord, removal: Removal): Promise<ConnectorError | undefined> {
  const { externalId, fields } = test;
  const payload = run.payloadOf(fields);
  const result = await run.push({ operation: removal, externalId, payload, remote: test });
  if (!result.ok) return result.error;
  if (result.effect === 'none') {
    const name = test.remoteId ?? externalId;
    return new RecordRejected(`The call was answered as if there were no record ${name}.`, []);
  }
  test.isThere = false;
  return undefined;
}

/** Removes what the run has created. undefined: nothing is left. */
export async function cleanUp(run: Run): Promise<Step | undefined> {
  const words: string[] = [];
  let isClean = true;
  for (const test of run.testRecords.filter(({ isThere }) => isThere)) {
    const [left, gone] = await cleanUpOne(run, test);
    isClean &&= gone;
    words.push(left);
  }
  if (words.length === 0) return undefined;
  return { outcome: isClean ? 'passed' : 'failed', message: words.join(' ') };
}

/** Searches for a record whose creation has no known end, and keeps its id. */
async function isGone(run: Run, test: TestRecord): Promise<boolean> {
  // A search by values may find a record that is not the test record.
  if (cannotFind(run) !== undefined || usesValues(run)) return false;
  try {
    test.remoteId = await run.find(test.externalId, run.payloadOf(test.fields));
    return test.remoteId === null;
  } catch (error) {
    if (!(error instanceof ConnectorError)) throw error;
    return false;
  }
}

async function cleanUpOne(run: Run, test: TestRecord): Promise<[words: string, isGone: boolean]> {
  const name = `The test record ${test.externalId}`;
  if (test.remoteId === null && (await isGone(run, test))) return [`${name} is not found there.`, true];
  if (test.remoteId === null)
    return [
      `${name} may have been created, but its id is not known. Look for it, and delete it there.`,
      false,
    ];
  const removal = removalOf(run);
  const left = `${name} is still there with the id ${test.remoteId}. Delete it there.`;
  if (removal === undefined) return [left, false];
  const error = await removed(run, test, removal);
  if (error) return [`${left} ${error.message}`, false];
  return [`${name} was ${removal === 'delete' ? 'deleted' : 'deactivated; delete it there'}.`, true];
}
