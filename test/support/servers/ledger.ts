/**
 * A third party made for tests: keeps what reached it, in order, with the time; can be set to answer badly.
 * Typed as a real connector, so that everything above it is the product.
 */
import { z } from 'zod';
import type { Connector, ConnectorContext, PushItem, PushResult } from '../../../connectors/connector';
import { ConnectorError, RateLimited, Unauthorized } from '../../../connectors/errors';

interface LedgerCall {
  /** `config.owner` of the integration, to separate tests that share an environment. */
  owner: string;
  pushId: string;
  externalId: string;
  operation: PushItem['operation'];
  payload: PushItem['payload'];
  at: number;
}

export interface Ledger {
  connector: Connector;
  /** Every call that reached the third party and was answered well, or whose answer was lost. */
  calls: LedgerCall[];
  /** How often `check` was called. */
  checks: number;
  /** Calls that were answered with an error. */
  refusals: number;
  /** Decides the answer to a call: an error to throw, or nothing to accept it. */
  answer: (item: PushItem, owner: string) => ConnectorError | undefined | Promise<ConnectorError | undefined>;
  /** Decides the answer to a check. */
  checkAnswer: (owner: string) => ConnectorError | undefined;
  /** What the third party holds, by owner and external id; deactivated and deleted ones are gone. */
  held: Map<string, PushItem['payload']>;
}

export function createLedger(
  now: () => Promise<number> | number,
  { batchSize = 50, kind = 'ledger' } = {},
): Ledger {
  const ledger: Ledger = {
    calls: [],
    checks: 0,
    refusals: 0,
    answer: () => undefined,
    checkAnswer: () => undefined,
    held: new Map(),
    connector: {
      kind,
      title: 'Ledger',
      description: 'A third party made for tests.',
      configSchema: z.object({
        owner: z.string().default(''),
        concurrency: z.int().default(8),
        base_url: z.string().optional(),
        headers: z.record(z.string(), z.string()).optional(),
      }),
      credentialsSchema: z.object({ token: z.string().optional() }),
      batchSize,
      callsAtOnce: (config) => (config as { concurrency: number }).concurrency,
      onDelete: ['deactivate', 'delete', 'leave'],
      recordTypes: () => [],
      hosts: (config) => {
        const { base_url: url } = config as { base_url?: string };
        return url === undefined ? [] : [new URL(url).host];
      },
      push: (items: readonly PushItem[], context: ConnectorContext) =>
        pushAll(items, context, (context.config as { owner: string }).owner),
      async check({ config }: ConnectorContext) {
        ledger.checks += 1;
        const error = ledger.checkAnswer((config as { owner: string }).owner);
        if (error !== undefined) throw error;
      },
    },
  };

  async function pushAll(
    items: readonly PushItem[],
    { signal, pushing }: ConnectorContext,
    owner: string,
  ): Promise<PushResult[]> {
    const results: PushResult[] = [];
    const at = await now();
    for (const item of items) {
      if (signal.aborted || pushing?.mayBegin() === false) break;
      const error = await ledger.answer(item, owner);
      if (error !== undefined) {
        ledger.refusals += 1;
        const refused: PushResult = { pushId: item.pushId, ok: false, error };
        results.push(refused);
        pushing?.onResult(refused);
        if (error instanceof RateLimited || error instanceof Unauthorized || error.kind === 'unavailable')
          break;
        continue;
      }
      ledger.calls.push({
        owner,
        pushId: item.pushId,
        externalId: item.externalId,
        operation: item.operation,
        payload: item.payload,
        at,
      });
      const result: PushResult = {
        pushId: item.pushId,
        ok: true,
        effect: effectOf(item, owner),
        remoteId: item.operation === 'delete' ? null : `remote-${item.externalId}`,
        remoteVersion: null,
      };
      results.push(result);
      pushing?.onResult(result);
    }
    return results;
  }

  function effectOf(item: PushItem, owner: string): 'created' | 'updated' | 'deactivated' | 'deleted' {
    const key = `${owner} ${item.externalId}`;
    const isKnown = ledger.held.has(key);
    if (item.operation === 'upsert') {
      ledger.held.set(key, item.payload);
      return isKnown ? 'updated' : 'created';
    }
    ledger.held.delete(key);
    return item.operation === 'delete' ? 'deleted' : 'deactivated';
  }

  return ledger;
}
