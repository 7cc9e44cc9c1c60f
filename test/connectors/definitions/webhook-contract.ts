/** What a webhook of a product has to do: exactly the record that it names is read, and only if it is proved. */
import { createHmac } from 'node:crypto';
import type { IncomingCall } from '../../../connectors/incoming';
import type { JsonObject } from '../../../domain/json';
import type { Contract, Given, Linked } from './contract';
import type { Row } from './simulator';

export interface WebhookContract {
  /** What the product sends when the record has changed. */
  event(row: Row, secret: string): JsonObject;
  /** The headers that prove it, by the secret that both sides know. */
  headers(body: string, secret: string): Record<string, string>;
  secret?: string;
  /** The product does not say which record it was. */
  isAnonymous?: boolean;
}

export const NOW = new Date('2026-11-30T12:00:00Z');

export const hmacOf = (
  text: string,
  secret: string,
  { algorithm = 'sha256', encoding = 'hex' }: { algorithm?: string; encoding?: 'hex' | 'base64' } = {},
): string => createHmac(algorithm, secret).update(text).digest(encoding);

export function describeWebhook(
  { recordType, seed }: Contract,
  { event, headers, secret = 'webhook-secret-0815', isAnonymous = false }: WebhookContract,
  given: Given,
): void {
  const callOf = (row: Row, by = secret): IncomingCall => {
    const body = JSON.stringify(event(row, by));
    const sent = Object.entries({ 'content-type': 'application/json', ...headers(body, by) });
    return {
      method: 'POST',
      url: 'https://sync.example.com/v1/incoming/token',
      headers: Object.fromEntries(sent.map(([name, value]) => [name.toLowerCase(), [value]])),
      body: Buffer.from(body),
      now: NOW,
    };
  };
  const receive = ({ connector, config }: Linked, call: IncomingCall) =>
    connector.incoming!(config)!.receive(call, secret);

  it('reads exactly the record that a webhook names', async () => {
    const { product, linked } = given();
    const [, row] = [1, 2, 3].map((number) => seed(product, number));
    const context = await linked();

    const remoteId = isAnonymous ? null : row!.id;
    expect(receive(context, callOf(row!))).toEqual({ kind: 'records', records: [{ recordType, remoteId }] });

    if (isAnonymous) return;
    expect(context.connector.canReadNamed?.(context.config, recordType)).toBe(true);
    const page = await context.connector.readNamed!({ recordType, remoteIds: [row!.id] }, context);
    expect(page.records.map((record) => [record.remoteId, record.isDeleted])).toEqual([[row!.id, false]]);
  });

  it('believes no webhook that does not prove where it comes from', async () => {
    const { product, linked } = given();
    const call = callOf(seed(product, 1));
    const context = await linked();

    expect(receive(context, { ...call, headers: {}, body: Buffer.from('{}') })).toEqual({ kind: 'refused' });
    expect(receive(context, callOf(seed(product, 2), 'webhook-secret-0816'))).toEqual({ kind: 'refused' });
    expect(context.connector.incoming!(context.config)!.receive(call, null)).toEqual({ kind: 'refused' });
  });
}
