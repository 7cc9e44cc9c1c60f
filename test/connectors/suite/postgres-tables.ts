/** Tables for single tests in a database of a third party, and what the connector reads from them. */
import type { ReadPage, ReadRequest } from '../../../connectors/connector';
import { postgres } from '../../../connectors/postgres';
import type { JsonObject } from '../../../domain/json';
import { contextWith, egressHttp } from './given';
import type { StartedPostgres } from './reading-postgres';

export const SETTINGS = { table: 'things', id: 'id' };

export type Context = ReturnType<ReturnType<typeof tablesOf>['contextFor']>;

/** `find`: the database, which starts before the first test. */
export function tablesOf(find: () => StartedPostgres) {
  return {
    /** Makes tables for one test, and lets the role read them. */
    async given(statements: string): Promise<void> {
      const source = find();
      await source.query(`drop schema if exists t cascade`);
      await source.query(`create schema t`);
      for (const statement of statements.split(';\n')) await source.query(statement);
      await source.query(`grant usage on schema t to ${source.role}`);
      await source.query(`grant select on all tables in schema t to ${source.role}`);
    },

    contextFor(
      table: JsonObject = SETTINGS,
      settings: JsonObject = {},
      credentials = find().credentials,
      mapped: readonly string[] = [],
    ) {
      const { record_types: _types, ...config } = find().config as JsonObject;
      const parsed = postgres.configSchema.parse({
        ...config,
        schema: 't',
        page_size: 3,
        record_types: { things: table },
        ...settings,
      });
      const hosts = postgres.hosts(parsed);
      const fields = mapped.map((to, index) => ({ name: `field_${index}`, to }));
      const mappings = { things: { direction: 'pull' as const, onDelete: 'leave' as const, fields } };
      return contextWith({ config: parsed, credentials, mappings, http: egressHttp(hosts), hosts });
    },
  };
}

export const readPage = (context: Context, request: Partial<ReadRequest> = {}) =>
  postgres.readPage?.(
    { recordType: 'things', modifiedSince: null, cursor: null, ...request },
    context,
  ) as Promise<ReadPage>;

export async function readAll(context: Context, request: Partial<ReadRequest> = {}): Promise<ReadPage[]> {
  const pages: ReadPage[] = [];
  for (let cursor: string | null = null; pages.length < 1_000;) {
    const page = await readPage(context, { ...request, cursor });
    pages.push(page);
    if (page.nextCursor === null) return pages;
    cursor = page.nextCursor;
  }
  throw new Error('the table has no end');
}

export const recordsOf = (pages: ReadPage[]) => pages.flatMap(({ records }) => records);
export const idsOf = (pages: ReadPage[]) => recordsOf(pages).map(({ remoteId }) => remoteId);
export const unreadableOf = (pages: ReadPage[]) => pages.flatMap(({ unreadable }) => unreadable);
export const failureOf = (work: Promise<unknown> | undefined) =>
  (work as Promise<unknown>).then(
    () => undefined,
    (error: Error) => error,
  );
