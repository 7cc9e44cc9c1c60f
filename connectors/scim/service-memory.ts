/** What was learned about a service, for as long as its connector is open. */
import type { HttpClient } from '../connector';
import type { Features } from './responses';

/** More operations in one request could take a slow service longer than a call may take. */
const OPERATIONS_MAX = 50;

export class ServiceMemory {
  features: Promise<Features> | undefined;
  isPatchRefused = false;
  /** Bulk requests were refused, or one had an unusable answer. */
  isBulkRefused = false;
  /** Operations of one bulk request, halved when a request is too large. */
  operationsMax = OPERATIONS_MAX;
  /** Searches for several resources at once were refused, or their answers were not complete. */
  areSearchesApart = false;
  /** Two resources that exist, by endpoint. */
  readonly knownIds = new Map<string, [string, string]>();
}

const memories = new WeakMap<HttpClient, ServiceMemory>();

/** An open connector has one HTTP client. */
export function memoryOf(http: HttpClient): ServiceMemory {
  const known = memories.get(http) ?? new ServiceMemory();
  memories.set(http, known);
  return known;
}
