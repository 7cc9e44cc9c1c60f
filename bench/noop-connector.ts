/**
 * A third party that accepts everything immediately, so that a benchmark measures only Syncline. With `url`
 * each push is one request to that address. Importing this file adds it to the connectors of the process; the
 * product does not contain it.
 */
import { z } from 'zod';
import { connectors } from '../connectors';
import type { Connector, PushItem, PushResult } from '../connectors/connector';

const Config = z.strictObject({ url: z.url().optional() });

const noop: Connector<z.output<typeof Config>> = {
  kind: 'noop',
  title: 'No operation',
  description: 'Takes every record and keeps none. For benchmarks.',
  configSchema: Config,
  credentialsSchema: z.strictObject({}),
  batchSize: 1_000,
  onDelete: ['deactivate', 'delete', 'leave'],
  recordTypes: () => [],
  hosts: ({ url }) => (url === undefined ? [] : [new URL(url).host]),
  async push(items, { config: { url }, http }) {
    if (url !== undefined)
      for (const { payload } of items)
        await http.send({
          method: 'POST',
          url,
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify(payload),
        });
    return items.map(resultOf);
  },
  async check() {},
};

function resultOf({ pushId, externalId, remoteId }: PushItem): PushResult {
  return {
    pushId,
    ok: true,
    effect: remoteId === null ? 'created' : 'updated',
    remoteId: remoteId ?? `noop-${externalId}`,
    remoteVersion: null,
  };
}

connectors[noop.kind] = noop;
