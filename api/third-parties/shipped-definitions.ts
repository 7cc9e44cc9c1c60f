/**
 * The definitions that come with Syncline, as files. A new file becomes a version when the api starts; it is
 * current at once only if no integration uses the definition, otherwise an operator publishes it.
 */
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import type { Database } from '../../db/database';
import {
  addDefinitionVersion,
  findDefinition,
  listUsingIntegrations,
  setCurrentVersion,
} from '../../db/third-parties/definitions';
import { PLATFORM_TENANT_ID } from '../../db/tables/tenants';
import type { DescribedConnector } from '../integrations/connector-catalogue';
import { compileDefinition, toStoredDocument } from './compile-definition';
import { type DefinitionDocument, definitionDocument } from './definition-schema';

/**
 * None where there is no such folder. Throws for a file that is no valid definition, or whose name is not its
 * key.
 */
export async function readShippedDefinitions(folder: string): Promise<DefinitionDocument[]> {
  const found = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  const files = found.filter((file) => file.endsWith('.json')).sort();
  return Promise.all(
    files.map(async (file) => {
      const document = definitionDocument.parse(JSON.parse(await readFile(path.join(folder, file), 'utf8')));
      if (`${document.key}.json` !== file) throw new Error(`${file} has the key ${document.key}.`);
      return document;
    }),
  );
}

/** Several processes may do this at the same time. @returns the keys of new versions */
export async function storeShippedDefinitions(
  database: Database,
  documents: readonly DefinitionDocument[],
  connectors: Readonly<Record<string, DescribedConnector>>,
): Promise<string[]> {
  const added: string[] = [];
  for (const document of documents) {
    const { key } = document;
    const rules = compileDefinition(document, connectors);
    const isUsed = await database.withPlatform(
      async (work) => (await listUsingIntegrations(work, { key, limit: 1 })).length > 0,
    );
    await database.withTenant(PLATFORM_TENANT_ID, async (work) => {
      const { version, isNew } = await addDefinitionVersion(work, {
        key,
        document: toStoredDocument(document),
        rules,
        origin: 'shipped',
        createdBy: 'syncline',
      });
      if (!isNew) return;
      added.push(`${key} ${version.version}`);
      const head = await findDefinition(work, { key });
      if (head?.currentVersion === null || !isUsed)
        await setCurrentVersion(work, { key, version: version.version });
    });
  }
  return added;
}
