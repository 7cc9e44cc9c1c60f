/** Calls with more events than a third party sends. */
import type { IncomingOutcome } from '../../../../connectors/incoming';
import { rest } from '../../../../connectors/rest';
import { RestConfig } from '../../../../connectors/rest/config/config';
import { contactsConfig } from '../rest-given';

function receive(rule: object, body: unknown): IncomingOutcome | undefined {
  const config = RestConfig.parse({
    ...contactsConfig('https://app.example.com'),
    webhooks: { verify: { type: 'token', header: 'X-Token' }, events: [rule] },
  });
  return rest.incoming?.(config)?.receive(
    {
      method: 'POST',
      url: 'https://sync.example.com/v1/incoming/token',
      headers: { 'x-token': ['canary-secret'] },
      body: Buffer.from(JSON.stringify(body)),
      now: new Date(),
    },
    'canary-secret',
  );
}

const typed = { record_type: { at: '/type', map: { 'contact.*': 'contacts' } }, id: '/id' };
const event = (type: string, index: number) => ({ type, id: `c${index}` });
const others = (count: number) => Array.from({ length: count }, (_, index) => event('other', index));
const records = (outcome: IncomingOutcome | undefined) =>
  outcome?.kind === 'records' ? outcome.records : undefined;

it.each([
  ['1,000 name records', 999, [{ recordType: 'contacts', remoteId: 'c1' }]],
  ['further ones name their record type', 1_000, [{ recordType: 'contacts', remoteId: null }]],
  [
    'those after 5,000 stand for all record types of the rule',
    5_000,
    [{ recordType: 'contacts', remoteId: null }],
  ],
])('of the events of a call %s', (_words, before, expected) => {
  const body = [...others(before), event('contact.updated', 1)];

  expect(records(receive(typed, body))).toEqual(expected);
  expect(records(receive({ ...typed, each: '/events' }, { events: body }))).toEqual(expected);
});
