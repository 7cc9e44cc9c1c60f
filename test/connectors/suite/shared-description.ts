/**
 * What every connector guarantees about its description: hosts, record types, and the settings it accepts and
 * refuses.
 */
import type { Connector } from '../../../connectors/connector';
import type { RecordTypeMapping } from '../../../domain/records/mapping';

interface Described {
  connector: Connector;
  recordType: string;
  mapping: RecordTypeMapping;
  /** Configurations that the schema or `validate` must refuse, each with a word on why. */
  badConfigs: Record<string, unknown>;
}

export function itDescribesItself(
  { connector, recordType, mapping, badConfigs }: Described,
  started: () => { config: unknown; credentials: unknown },
): void {
  describe('what it says about itself', () => {
    it('names the hosts it reaches', () => {
      const hosts = connector.hosts(started().config);

      expect(hosts.length).toBeGreaterThan(0);
      for (const host of hosts) expect(new URL(`http://${host}/`).host).toBe(host);
    });

    it('lists the record type, with fields that differ in name, and picklists with values', () => {
      const type = connector.recordTypes(started().config).find(({ name }) => name === recordType);

      const names = (type?.fields ?? []).map(({ name }) => name);
      expect(names.length).toBeGreaterThan(0);
      expect(new Set(names).size).toBe(names.length);
      for (const field of type?.fields ?? [])
        expect((field.values ?? []).length > 0).toBe(field.type === 'picklist');
    });

    it('accepts its own configuration, credentials and mapping', () => {
      const { config, credentials } = started();
      expect(connector.configSchema.safeParse(config).error).toBeUndefined();
      expect(connector.credentialsSchema.safeParse(credentials).error).toBeUndefined();
      expect(connector.validate?.(config, { [recordType]: mapping }) ?? []).toEqual([]);
    });

    it('has only valid default mappings', () => {
      const { config } = started();
      const defaults = connector.defaultMappings?.(config) ?? {};

      expect(connector.validate?.(config, defaults) ?? []).toEqual([]);
    });

    it.each(Object.entries(badConfigs))('refuses a configuration with %s', (_title, config) => {
      const parsed = connector.configSchema.safeParse(config);

      const problems = parsed.success
        ? (connector.validate?.(parsed.data, { [recordType]: mapping }) ?? [])
        : ['the schema'];
      expect(problems).not.toEqual([]);
    });

    it('refuses a configuration and credentials that are not even objects', () => {
      for (const nonsense of [null, 42, 'x', [], { nonsense: true }]) {
        expect(connector.configSchema.safeParse(nonsense).success).toBe(false);
        expect(connector.credentialsSchema.safeParse(nonsense).success).toBe(false);
      }
    });
  });
}
