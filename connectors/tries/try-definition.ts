/**
 * Tries single calls of a definition against the real product, one after the other, through the interface
 * that runs and pushes use. What it writes is a test record of its own, which it removes at the end.
 */
import { randomBytes } from 'node:crypto';
import { isJsonObject } from '../../domain/json';
import { TRIES, type TryName, type TryPlan, type TryResult } from '../../domain/third-parties/tries';
import type { ConnectorContext } from '../connector';
import { ConnectorError, RateLimited, Unauthorized } from '../errors';
import { beforeAbort, TimedOut } from '../probe';
import * as reading from './reading';
import { Recording } from './recording';
import { sentAgain } from './sent-again';
import { failed, notPossible, type Opened, passed, problem, Run, type Step, tooManyRequests } from './run';
import * as writing from './writing';

interface Trying {
  plan: TryPlan;
  /** Aborts at the time limit of the tries. The connection is open for longer, to clean up. */
  signal: AbortSignal;
  /** The limit of the tries, and how much longer cleaning up may take. */
  time: { triesMs: number; cleanUpMs: number };
  attempt?: number;
}

/** @throws errors that are not the third party's */
export async function tryDefinition(
  opened: Opened,
  { plan, signal, time, attempt = 1 }: Trying,
): Promise<TryResult[]> {
  const { context } = opened;
  let endsAt = performance.now() + time.triesMs;
  const recording = new Recording({
    credentials: context.credentials,
    accessTokens: context.accessTokens,
    isSignIn: (url) => isSignIn(url, context),
  });
  const recorded = {
    ...context,
    http: sentAgain(recording.http(context.http), context.signal, () => endsAt - performance.now()),
    tokens: recording.tokens(context.tokens),
  };
  const run = new Run({ ...opened, context: recorded }, plan, attempt);
  const results: TryResult[] = [];
  let over: Step | undefined;
  const tryOne = async (name: TryResult['try'], step: () => Promise<Step>): Promise<void> => {
    const begunAt = performance.now();
    const { problems = [], ...done } = await settled(run, name, step);
    const words = ({ message, ...rest }: TryResult['problems'][number]) => ({
      ...rest,
      message: recording.redact(message),
    });
    results.push({
      try: name,
      ...done,
      message: recording.redact(done.message),
      problems: problems.map(words),
      durationMs: Math.round(performance.now() - begunAt),
      calls: recording.take(),
    });
  };
  for (const name of TRIES.filter((one) => plan.tries.includes(one))) {
    const ended = over;
    if (ended !== undefined) {
      await tryOne(name, async () => ended);
      continue;
    }
    await tryOne(name, () => beforeAbort(signal, STEPS[name](run, recording)));
    over =
      run.limited ?? (name === 'check' && results.at(-1)?.outcome === 'failed' ? NOT_CHECKED : undefined);
  }
  endsAt += time.cleanUpMs;
  if (run.testRecords.some(({ isThere }) => isThere))
    await tryOne(
      'clean_up',
      async () => (await writing.cleanUp(run)) ?? passed('There is nothing to clean up.'),
    );
  return results;
}

const NOT_CHECKED: Step = { outcome: 'not_tried', message: 'Something before it has failed.' };

async function settled(run: Run, name: TryResult['try'], step: () => Promise<Step>): Promise<Step> {
  try {
    return await step();
  } catch (error) {
    if (error instanceof TimedOut)
      return { outcome: 'not_tried', message: 'The time limit was reached. Try it alone.' };
    if (error instanceof ConnectorError) return failed(run, error, PARTS[name] ?? '');
    throw error;
  }
}

/** What to correct if an error does not say it. */
const PARTS: Partial<Record<TryResult['try'], string>> = {
  check: '/config/check',
  list: 'list',
  next_page: 'list/paging',
  same_order: 'list',
  modified_since: 'list/modified_since',
  find: 'find',
  unknown_id: 'find',
  create: 'create',
  find_again: 'find',
  update: 'update',
  no_op_update: 'update',
  error: 'errors',
  remove: 'delete',
};

const STEPS: Readonly<Record<TryName, (run: Run, recording: Recording) => Promise<Step>>> = {
  check,
  wrong_credentials: wrongCredentials,
  list: reading.list,
  next_page: reading.nextPage,
  same_order: reading.sameOrder,
  modified_since: reading.modifiedSince,
  find: writing.find,
  unknown_id: writing.unknownId,
  create: writing.create,
  find_again: writing.findAgain,
  update: writing.update,
  no_op_update: writing.noOpUpdate,
  error: writing.refusal,
  remove: writing.remove,
};

async function check({ opened: { connector, context } }: Run): Promise<Step> {
  await connector.check(context);
  return passed('The product answers and accepts the credentials.');
}

/** Made-up credentials must be refused as such, or a run could not tell them from an outage. */
async function wrongCredentials(run: Run, recording: Recording): Promise<Step> {
  const { connector, context } = run.opened;
  if (context.accessTokens !== undefined)
    return notPossible('The account is connected by consent, so there are no credentials to get wrong.');
  const given = isJsonObject(context.credentials) ? Object.keys(context.credentials) : [];
  if (given.length === 0) return notPossible('The definition needs no credentials.');
  const credentials = Object.fromEntries(given.map((name) => [name, randomBytes(12).toString('hex')]));
  recording.know(credentials);
  let token: ReturnType<ConnectorContext['tokens']['get']>;
  const tokens = { get: () => token, set: (set: typeof token) => void (token = set), clear: () => undefined };
  try {
    await connector.check({ ...context, credentials, tokens });
  } catch (error) {
    if (error instanceof Unauthorized) return passed(`Wrong credentials are recognized: ${error.message}`);
    if (error instanceof RateLimited) return tooManyRequests(error);
    if (!(error instanceof ConnectorError)) throw error;
    return problem(
      '/config/answers',
      'not_recognized',
      `Wrong credentials are not recognized as such, but as ${error.kind.replace('_', ' ')}: ${error.message}`,
    );
  }
  return problem(
    '/config/check',
    'check_needs_none',
    'The check succeeds with wrong credentials. Choose a call that needs them.',
  );
}

function isSignIn(url: string, { config, tokens }: ConnectorContext): boolean {
  const { auth, base_url: baseUrl } = config as {
    auth?: { type?: string; token_url?: string; url?: string; path?: string };
    base_url?: string;
  };
  if (auth === undefined) return false;
  const hasToken = auth.type === 'login' || auth.token_url !== undefined;
  if (hasToken && tokens.get() === undefined) return true;
  const address = addressOf(url);
  const path = auth.path === undefined ? undefined : `${baseUrl}${auth.path}`;
  return [auth.token_url, auth.url, path].some((one) => one !== undefined && addressOf(one) === address);
}

function addressOf(url: string): string {
  const { origin, pathname } = new URL(url);
  return `${origin}${pathname}`;
}
