/**
 * All connectors by kind. A new connector is a file and a line here; test/connectors/registry.test.ts then
 * requires its harness. The main files add those of packages at their start (packages/load.ts).
 */
import type { Connector } from './connector';
import { postgres } from './postgres';
import { rest } from './rest';
import { scim } from './scim';

export const connectors: Record<string, Connector> = Object.fromEntries(
  [scim, rest, postgres].map((connector) => [connector.kind, connector]),
);
