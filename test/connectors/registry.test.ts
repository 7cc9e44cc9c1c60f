/**
 * Each connector in the registry against a real third party. `registry.slow.test.ts` runs the suite against
 * the others.
 */
import { connectors } from '../../connectors';
import { applyPages } from './suite/apply-pages';
import type { ConnectorHarness } from './suite/harness';
import { pocketBaseHarness } from './suite/harness-pocketbase';
import { scimHarness } from './suite/harness-scim';
import type { ReadingHarness } from './suite/reading-harness';
import { pocketBaseReading } from './suite/reading-pocketbase';
import { postgresReading } from './suite/reading-postgres';
import { scimReading } from './suite/reading-scim';
import { describeReading } from './suite/shared-reading-suite';
import { describeConnector } from './suite/shared-suite';

const harnesses: ConnectorHarness[] = [scimHarness('patch'), pocketBaseHarness];
const readingHarnesses: ReadingHarness[] = [scimReading, pocketBaseReading, postgresReading];

const kindsOf = (proved: { connector: { kind: string } }[]) =>
  [...new Set(proved.map(({ connector }) => connector.kind))].sort();

describe('the registry', () => {
  it('has a third party that tests each connector', () => {
    expect(Object.keys(connectors).sort()).toEqual(kindsOf([...harnesses, ...readingHarnesses]));
  });

  it('has a third party that tests each connector that reads', () => {
    const reading = Object.values(connectors).filter(({ readPage }) => readPage !== undefined);

    expect(reading.map(({ kind }) => kind).sort()).toEqual(kindsOf(readingHarnesses));
    for (const { readAbilities, count, describeRecordTypes } of reading)
      expect([readAbilities, count, describeRecordTypes]).not.toContain(undefined);
  });

  it.each(Object.entries(connectors))(
    'names each connector by its kind, with what a page of connectors shows: %s',
    (kind, connector) => {
      expect(connector.kind).toBe(kind);
      expect([connector.title, connector.description].every((text) => text.length > 0)).toBe(true);
      expect(connector.batchSize).toBeGreaterThan(0);
      expect(connector.onDelete.length).toBeGreaterThan(0);
    },
  );
});

for (const harness of harnesses) describeConnector(harness);
for (const harness of readingHarnesses) describeReading(harness, applyPages);
