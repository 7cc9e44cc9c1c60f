/** What a webhook of a product has to do: exactly the record that it names is read, if it is proved. */
import { createHmac } from 'node:crypto';
import type { IncomingCall } from '../../../connectors/incoming';
import type { JsonValue } from '../../../domain/json';
import type { Connector } from '../../../connectors/connector';
import type { RestContext } from '../rest/rest-given';
import type { Product, Row } from './simulator';

/** The definition, linked by its connector; nearly all are linked by REST, and tests of theirs use that. */
export type Linked = RestContext & { connector: Connector };

export interface WebhookContract {
  /** What the product sends when the record has changed. @param account where it has changed */
  event(row: Row, secret: string, account: string): JsonValue;
  /** The headers that prove it, by the secret that both sides know. */
  headers(body: string, secret: string): Record<string, string>;
  secret?: string;
  /** The product does not say which record it was. */
  isAnonymous?: boolean;
  /** The account of its events, if one address serves all accounts of an app. */
  account?: string;
}

export const CALLED = 'https://sync.example.com/v1/incoming/token';
export const NOW = new Date('2026-11-30T12:00:00Z');

export const hmacOf = (
  text: string,
  secret: string,
  { algorithm = 'sha256', encoding = 'hex' }: { algorithm?: string; encoding?: 'hex' | 'base64' } = {},
): string => createHmac(algorithm, secret).update(text).digest(encoding);

export function describeWebhook(
  { recordType, seed }: { recordType: string; seed(product: Product, number: number): Row },
  { event, headers, secret = 'webhook-secret-0815', isAnonymous = false, account }: WebhookContract,
  given: () => { product: Product; linked(): Promise<Linked> },
): void {
  const callOf = (row: Row, by = secret, of = account): IncomingCall => {
    const body = JSON.stringify(event(row, by, of ?? ''));
    const sent = Object.entries({ 'content-type': 'application/json', ...headers(body, by) });
    return {
      method: 'POST',
      url: CALLED,
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
    expect(receive(context, callOf(row!))).toEqual({
      kind: 'records',
      records: [{ recordType, remoteId, accountId: account }],
    });

    if (isAnonymous) return;
    expect(context.connector.canReadNamed?.(context.config, recordType)).toBe(true);
    const page = await context.connector.readNamed!({ recordType, remoteIds: [row!.id] }, context);
    expect(page.records.map((record) => [record.remoteId, record.isDeleted])).toEqual([[row!.id, false]]);
  });

  if (account !== undefined)
    it('names the account of each event', async () => {
      const { product, linked } = given();
      const row = seed(product, 1);
      const context = await linked();

      const other = receive(context, callOf(row, secret, '4711'));

      expect(context.connector.incoming!(context.config)).toMatchObject({ namesAccounts: true });
      expect(other).toEqual({
        kind: 'records',
        records: [{ recordType, remoteId: row.id, accountId: '4711' }],
      });
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
