/**
 * Reading through the REST connector as a run does: page after page, nothing kept between two but the text of
 * the cursor.
 */
import type { ReadPage, ReadRequest } from '../../../connectors/connector';
import { rest } from '../../../connectors/rest';
import type { RecordTypeMapping } from '../../../domain/records/mapping';
import { type RestContext, contactsConfig, restContext } from './rest-given';

export const PULLED: RecordTypeMapping = { direction: 'pull', onDelete: 'leave', fields: [] };

/** Contacts that are only read. */
export function readingContext(
  url: string,
  type: Record<string, unknown>,
  changes: Record<string, unknown> = {},
): RestContext {
  const record_types = {
    contacts: { list: { path: '/contacts', items: '/items', paging: { type: 'none' } }, ...type },
  };
  return restContext(contactsConfig(url, { record_types, ...changes }), { mapping: PULLED });
}

export async function readOnePage(
  context: RestContext,
  request: Partial<ReadRequest> = {},
): Promise<ReadPage> {
  const recordType = Object.keys(context.config.record_types)[0] as string;
  const page = await rest.readPage?.({ recordType, modifiedSince: null, cursor: null, ...request }, context);
  if (page === undefined) throw new Error('The connector cannot read.');
  return page;
}

/** Every page to the end; a context of its own for each, as if another process went on. */
export async function readPages(
  contextFor: () => RestContext,
  request: Partial<ReadRequest> = {},
  between?: (page: ReadPage) => Promise<void> | void,
): Promise<ReadPage[]> {
  const pages: ReadPage[] = [];
  for (let cursor: string | null = null; pages.length < 100;) {
    const page: ReadPage = await readOnePage(contextFor(), { ...request, cursor });
    pages.push(page);
    if (page.nextCursor === null) return pages;
    cursor = page.nextCursor;
    await between?.(page);
  }
  throw new Error('The list has no end.');
}

export const idsIn = (pages: readonly ReadPage[]): string[] =>
  pages.flatMap(({ records }) => records.map(({ remoteId }) => remoteId));

export async function failureOf(
  work: Promise<unknown>,
): Promise<Error & { kind?: string; errors?: { code: string; explanation: string }[] }> {
  return work.then(
    () => {
      throw new Error('It was expected to fail.');
    },
    (error: unknown) => error as Error,
  );
}
