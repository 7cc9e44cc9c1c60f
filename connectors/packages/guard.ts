/**
 * A connector from a package as the rest of Syncline sees it: what leaves it has the shape that
 * `connector.ts` says, its calls end, and whatever else it throws is one of the four errors.
 */
import { z } from 'zod';
import type { RecordTypeMappings } from '../../domain/records/mapping';
import { findMappingProblems } from '../../domain/records/problems/mapping-problems';
import type { Connector, ConnectorContext, PushItem, PushResult } from '../connector';
import { ConnectorError } from '../errors';
import type { IncomingOutcome, IncomingWebhooks } from '../incoming';
import { textsIn } from '../redaction';
import { checkedError, secretsIn, withoutSecrets } from './checked-errors';
import { checkPage, firstIssue, json, remoteId, remoteVersion, RESULTS } from './checked-results';
import {
  CALL_LIMITS,
  type CallLimits,
  ignoringRejection,
  PackageFault,
  watchRequests,
  withinLimits,
  wordsOf,
} from './guarded-calls';
import { guardSchema, type SchemaOwner } from './guarded-schemas';

type Call = (...given: unknown[]) => unknown;

/** Their context is the last argument. */
const ASYNC = [
  'ranges',
  'count',
  'describeRecordTypes',
  'check',
  'checkRecordType',
  'subscribe',
  'unsubscribe',
] as const;
const PAGES = ['readPage', 'readNamed'] as const;
/** Errors of other kinds say nothing about the third party, of which these members know nothing. */
const MAY_REFUSE = ['clientIdentity'];
/** Their argument that no message may quote. */
const CREDENTIALS_AT: Record<string, number> = { validate: 2, clientIdentity: 1 };
/** Results instead of a fault, for members that lists of integrations show or that no call uses. */
const INSTEAD: Record<string, unknown> = { recordTypes: [], appName: undefined, callsAtOnce: 1 };

export function guardConnector(
  connector: Connector,
  packageName: string,
  { limits = CALL_LIMITS, onFault = () => undefined }: Partial<Pick<Own, 'limits' | 'onFault'>> = {},
): Connector {
  const own = { packageName, connector, limits, onFault };
  const { kind, title, description, batchSize, onDelete } = connector;
  const schema = (member: SchemaOwner['member']) =>
    guardSchema(connector[member], { packageName, member, onFault });
  const guarded: Record<string, unknown> = {
    kind,
    title,
    description,
    configSchema: schema('configSchema'),
    credentialsSchema: schema('credentialsSchema'),
    batchSize,
    onDelete,
    push: guardedPush(own),
  };
  const isAsync = (member: string) => (ASYNC as readonly string[]).includes(member);
  for (const [member, result] of Object.entries(RESULTS)) {
    if (typeof connector[member as keyof Connector] !== 'function') continue;
    const checked = (given: unknown) => {
      const read = result.parse(given);
      // It assumes more than the shape that was checked.
      if (member === 'defaultMappings') findMappingProblems(read as RecordTypeMappings, onDelete);
      return read;
    };
    guarded[member] = isAsync(member) ? limited(own, member, checked) : direct(own, member, checked);
  }
  for (const member of PAGES)
    if (connector[member] !== undefined) guarded[member] = limited(own, member, checkPage);
  if (connector.incoming !== undefined)
    guarded['incoming'] = direct(own, 'incoming', (given) => guardedIncoming(given, own));
  return guarded as unknown as Connector;
}

interface Own {
  packageName: string;
  connector: Connector;
  limits: CallLimits;
  /** Called for faults that are not thrown. */
  onFault(fault: Error): void;
}

function direct(own: Own, member: string, check: (result: unknown) => unknown): Call {
  const { packageName, connector } = own;
  return (...given) => {
    try {
      return check(ignoringRejection((connector[member as keyof Connector] as Call).apply(connector, given)));
    } catch (error) {
      const found = faultOf(
        error,
        packageName,
        member,
        textsIn(given[CREDENTIALS_AT[member] ?? given.length]),
      );
      const fault =
        found instanceof PackageFault || MAY_REFUSE.includes(member)
          ? found
          : new PackageFault(packageName, member, `threw ${wordsOf(found)}`, { cause: found });
      if (!Object.hasOwn(INSTEAD, member)) throw fault;
      own.onFault(fault);
      return INSTEAD[member];
    }
  };
}

function limited(own: Own, member: string, check: (result: unknown) => unknown): Call {
  const { packageName, connector, limits } = own;
  return async (...given) => {
    const context = given.at(-1) as ConnectorContext;
    const call = { context, limitMs: limits.callMs, stopMs: limits.stopMs, packageName, member };
    try {
      const method = connector[member as keyof Connector] as Call;
      return check(
        await withinLimits(call, async (ending) => method.apply(connector, [...given.slice(0, -1), ending])),
      );
    } catch (error) {
      throw faultOf(error, packageName, member, secretsIn(context));
    }
  };
}

function faultOf(
  error: unknown,
  packageName: string,
  member: string,
  secrets: readonly string[] = [],
): ConnectorError {
  return isRefusal(error)
    ? new PackageFault(packageName, member, `returned something unusable (${firstIssue(error)})`)
    : checkedError(error, packageName, member, secrets);
}

/** What a package throws may answer with code of its own. */
function isRefusal(error: unknown): error is z.ZodError {
  try {
    return error instanceof z.ZodError;
  } catch {
    return false;
  }
}

const succeeded = z.object({
  pushId: z.string(),
  ok: z.literal(true),
  effect: z.enum(['created', 'updated', 'deactivated', 'deleted', 'none']),
  remoteId: remoteId.nullable(),
  remoteVersion,
  shown: json.optional(),
});

/**
 * Every item that was begun gets a result. An error that is none of the four is thrown, once no request is
 * open any more: the records are then sent one by one (R10).
 */
function guardedPush({ packageName, connector, limits }: Own): Connector['push'] {
  return async (items, context) => {
    const judge: Judge = {
      items: new Map(items.map((item) => [item.pushId, item])),
      fault: (why) => new PackageFault(packageName, 'push', why),
      checked: (error) => checkedError(error, packageName, 'push', secretsIn(context)),
    };
    const arrived = new Map<string, PushResult>();
    const take = (given: unknown): PushResult | undefined => {
      const result = checkedResult(given, judge);
      if (result === undefined || arrived.has(result.pushId)) return undefined;
      arrived.set(result.pushId, result);
      return result;
    };
    let isOver = false;
    const onResult = (given: PushResult): void => {
      const result = isOver ? undefined : take(given);
      if (result !== undefined) context.pushing?.onResult(result);
    };
    const pushing = context.pushing && { ...context.pushing, onResult };
    const requests = watchRequests(context.http);
    const watched = { ...context, http: requests.http };
    const within = { limitMs: limits.pushMs, stopMs: limits.stopMs };
    const call = { ...within, context: watched, packageName, member: 'push' };
    try {
      // The items are also what results are compared with: the package works on copies.
      const copies = structuredClone(items) as PushItem[];
      const results: unknown = await withinLimits(call, (ending) =>
        connector.push(copies, pushing === undefined ? ending : { ...ending, pushing }),
      );
      if (!Array.isArray(results)) throw judge.fault('returned no list of results');
      for (const result of results) take(result);
    } catch (thrown) {
      const error = thrown instanceof ConnectorError ? judge.checked(thrown) : thrown;
      if (!(error instanceof PackageFault)) {
        await requests.ended();
        throw withoutSecrets(error, secretsIn(context));
      }
      // Something may have been sent for each of them.
      for (const { pushId } of items) if (!arrived.has(pushId)) take({ pushId, ok: false, error });
    } finally {
      isOver = true;
    }
    return [...arrived.values()];
  };
}

/** What results of a push are compared with, and what becomes of faulty ones. */
interface Judge {
  items: ReadonlyMap<string, PushItem>;
  fault(why: string): PackageFault;
  checked(error: unknown): ConnectorError;
}

function checkedResult(given: unknown, { items, fault, checked }: Judge): PushResult | undefined {
  const { pushId, ok, error } = (given ?? {}) as { pushId?: string; ok?: unknown; error?: unknown };
  const item = items.get(pushId ?? '');
  if (item === undefined) return undefined;
  const failed = (why: ConnectorError): PushResult => ({ pushId: item.pushId, ok: false, error: why });
  if (ok === false) return failed(checked(error));
  const read = succeeded.safeParse(given);
  const unusable = (why: string) => failed(fault(`returned something unusable (${why})`));
  if (!read.success) return unusable(firstIssue(read.error));
  const { shown, ...result } = read.data;
  if (result.remoteId === null && item.operation === 'upsert')
    return unusable('remoteId: a record that was written has an id');
  return shown === undefined ? result : { ...result, shown };
}

const outcome = z.union([
  z.object({ kind: z.literal('refused') }),
  z.object({
    kind: z.literal('answer'),
    mediaType: z.enum(['text/plain', 'application/json']),
    text: z.string().max(10_000),
  }),
  z.object({
    kind: z.literal('records'),
    records: z
      .array(
        z.object({ recordType: z.string(), remoteId: remoteId.nullable(), accountId: remoteId.optional() }),
      )
      .max(10_000),
  }),
]);

/** The address of an integration is public, so a call that the connector cannot verify is refused. */
function guardedIncoming(given: unknown, { packageName, onFault }: Own): IncomingWebhooks | undefined {
  if (given === undefined) return undefined;
  const webhooks = given as IncomingWebhooks;
  return {
    recordTypes: z.array(z.string()).parse(webhooks.recordTypes),
    namesAccounts: webhooks.namesAccounts === true,
    isSubscribed: webhooks.isSubscribed === true,
    isSecretGiven: webhooks.isSecretGiven === true,
    receive(call, secret): IncomingOutcome {
      try {
        return outcome.parse(ignoringRejection(webhooks.receive(call, secret)));
      } catch (error) {
        onFault(faultOf(error, packageName, 'receive', secret === null ? [] : [secret]));
        return { kind: 'refused' };
      }
    },
  };
}
