/**
 * What packages with connectors import as `syncline/connector-suite`: the shared suites, which use the
 * globals of Jest, and what else tests of a connector need.
 */
export { contextWith, egressHttp, memoryTokens, pushItem } from './given';
export { describeConnector } from './shared-suite';
export { describeReading } from './shared-reading-suite';
export type { ConnectorHarness, RemoteRecord, StartedThirdParty } from './harness';
export type { ReadingHarness, StartedSource } from './reading-harness';
