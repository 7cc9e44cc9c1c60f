/** Every connector in the registry, against every real third party it is proved with. */
import { connectors } from '../../connectors';
import type { ConnectorHarness } from './harness';
import { kintoHarness } from './harness-kinto';
import { pocketBaseHarness } from './harness-pocketbase';
import { scimHarness } from './harness-scim';
import { describeConnector } from './shared-suite';

const harnesses: ConnectorHarness[] = [scimHarness('patch'), scimHarness('put'), pocketBaseHarness, kintoHarness];

describe('the registry', () => {
  it('holds no connector without a third party to prove it', () => {
    expect(Object.keys(connectors).sort()).toEqual([...new Set(harnesses.map(({ connector }) => connector.kind))].sort());
  });

  it.each(Object.entries(connectors))('names each connector by its kind, with what a page of connectors shows: %s', (kind, connector) => {
    expect(connector.kind).toBe(kind);
    expect([connector.title, connector.description].every((text) => text.length > 0)).toBe(true);
    expect(connector.batchSize).toBeGreaterThan(0);
    expect(connector.onDelete.length).toBeGreaterThan(0);
  });
});

for (const harness of harnesses) describeConnector(harness);
