/**
 * Searches of several records in one request, by a filter with `or` (RFC 7644 3.4.2.2). A record that a
 * search misses would be created twice, so a search also names two resources that are known to exist, first
 * and last. An answer without both is not trusted, and the records are searched one by one.
 */
import { ConnectorError, RateLimited } from '../../errors';
import type { SharedPush } from '../../shared-push';
import { type ScimCalls, equals } from '../calls';
import type { ResourceTypeConfig } from '../config';
import { firstPage, pageQuery } from '../paging';
import { type Resource, readList } from '../responses';

/** Values in one filter. */
const VALUES_MAX = 50;
/** The length of a percent-encoded filter: services limit addresses to 8 KiB or so. */
const FILTER_LENGTH_MAX = 6000;
/** One of the two known resources may have been deleted. */
const ATTEMPTS_MAX = 2;

interface Search {
  value: string;
  matches(resource: Resource): boolean;
}

/** Undefined: the record must be searched alone. */
type Found = Resource[] | undefined;

/** Two ids, or the whole list of a service with one resource at most. */
type Known = { ids: [string, string] } | { all: Resource[] };

export class SharedSearches {
  private readonly asks = new Map<string, (search: Search) => Promise<Found>>();

  constructor(
    private readonly calls: ScimCalls,
    private readonly push: SharedPush,
  ) {}

  /** As `ScimApi.find`. */
  async find(
    type: ResourceTypeConfig,
    attribute: string,
    value: string,
    matches: Search['matches'],
  ): Promise<Found> {
    return this.search(type, attribute, { value, matches }, true);
  }

  /** Undefined: the resource must be read alone, which also tells whether it is missing. */
  async read(type: ResourceTypeConfig, id: string): Promise<Resource | undefined> {
    const matches = (resource: Resource) => resource.id === id;
    const [found] = (await this.search(type, 'id', { value: id, matches }, false)) ?? [];
    const { hasVersions } = await this.calls.readFeatures();
    return hasVersions && found?.version === null ? undefined : found;
  }

  private async search(
    type: ResourceTypeConfig,
    attribute: string,
    search: Search,
    mustBeComplete: boolean,
  ): Promise<Found> {
    if (this.calls.memory.areSearchesApart) return undefined;
    const key = `${attribute} ${type.endpoint}`;
    const ask =
      this.asks.get(key) ??
      this.push.sharing<Search, Found>({
        divide: (searches) => divide(attribute, searches),
        send: (searches) => this.send(type, attribute, searches, mustBeComplete),
      });
    this.asks.set(key, ask);
    return ask(search);
  }

  private async send(
    type: ResourceTypeConfig,
    attribute: string,
    searches: readonly Search[],
    mustBeComplete: boolean,
  ): Promise<Found[]> {
    const { memory } = this.calls;
    if (searches.length > 1 && !memory.areSearchesApart)
      try {
        const found = await this.searchTogether(type, attribute, searches, mustBeComplete);
        if (found !== undefined) return found;
      } catch (error) {
        if (!(error instanceof ConnectorError) || error instanceof RateLimited) throw error;
        memory.areSearchesApart = true;
      }
    return searches.map(() => undefined);
  }

  private async searchTogether(
    type: ResourceTypeConfig,
    attribute: string,
    searches: readonly Search[],
    mustBeComplete: boolean,
  ): Promise<Found[] | undefined> {
    const { memory } = this.calls;
    const { canFilter } = await this.calls.readFeatures();
    const terms = searches.map(({ value }) => equals(attribute, value));
    if (!canFilter || !mustBeComplete)
      return (await this.matching(type, canFilter ? terms : undefined, searches)).found;
    for (let attempt = 1; attempt <= ATTEMPTS_MAX; attempt += 1) {
      const known = await this.known(type);
      if (known === undefined) return undefined;
      if ('all' in known) return searches.map(({ matches }) => known.all.filter(matches));
      const [first, last] = known.ids.map((id) => equals('id', id)) as [string, string];
      const { found, ids } = await this.matching(type, [first, ...terms, last], searches);
      if (known.ids.every((id) => ids.has(id))) return found;
      memory.knownIds.delete(type.endpoint);
    }
    memory.areSearchesApart = true;
    return undefined;
  }

  private async matching(
    type: ResourceTypeConfig,
    terms: readonly string[] | undefined,
    searches: readonly Search[],
  ): Promise<{ found: Resource[][]; ids: ReadonlySet<string> }> {
    const found = searches.map(() => new Map<string, Resource>());
    const ids = new Set<string>();
    await this.calls.search(type, terms?.join(' or '), (resource) => {
      ids.add(resource.id);
      searches.forEach(({ matches }, index) => {
        if (matches(resource)) found[index]?.set(resource.id, resource);
      });
    });
    return { found: found.map((resources) => [...resources.values()]), ids };
  }

  /** Undefined if the list tells neither. */
  private async known(type: ResourceTypeConfig): Promise<Known | undefined> {
    const { knownIds } = this.calls.memory;
    const remembered = knownIds.get(type.endpoint);
    if (remembered !== undefined) return { ids: remembered };
    const query = pageQuery(firstPage(await this.calls.readFeatures()), 2);
    const { resources, total } = readList(await this.calls.list(type, query), this.calls.namesOf(type));
    if (total !== null && total === resources.length && total < 2) return { all: resources };
    const [first, last] = [...new Set(resources.map(({ id }) => id))];
    if (first === undefined || last === undefined) return undefined;
    knownIds.set(type.endpoint, [first, last]);
    return { ids: [first, last] };
  }
}

function divide(attribute: string, searches: readonly Search[]): Search[][] {
  const requests: { searches: Search[]; length: number }[] = [];
  for (const search of searches) {
    const length = encodeURIComponent(` or ${equals(attribute, search.value)}`).length;
    const last = requests.at(-1);
    const hasRoom =
      last !== undefined && last.searches.length < VALUES_MAX && last.length + length <= FILTER_LENGTH_MAX;
    if (hasRoom) {
      last.searches.push(search);
      last.length += length;
    } else requests.push({ searches: [search], length });
  }
  return requests.map((request) => request.searches);
}
