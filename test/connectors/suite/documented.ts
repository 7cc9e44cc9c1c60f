/**
 * The examples of docs/connectors, read from the pages themselves, so that the tests run what the pages show.
 */
import fs from 'node:fs';
import path from 'node:path';
import type { RecordTypeMapping } from '../../../domain/records/mapping';

type MappingOnTheWire = Omit<RecordTypeMapping, 'onDelete'> & { on_delete?: RecordTypeMapping['onDelete'] };

export interface Example {
  connector: string;
  config: { base_url: string; record_types: Record<string, Record<string, unknown>> } & Record<
    string,
    unknown
  >;
  credentials: Record<string, string>;
  record_types: Record<string, MappingOnTheWire>;
}

const FOLDER = path.join(__dirname, '../../../docs/connectors');

export function documentedPage(name: string): string {
  return fs.readFileSync(path.join(FOLDER, name), 'utf8');
}

function allPages(): string {
  return fs.readdirSync(FOLDER).map(documentedPage).join('\n');
}

/** The example of that name, as a reader would copy it. */
export function documentedExample(name: string): Example {
  const found = new RegExp(`<!-- example: ${name} -->\\n\`\`\`json\\n([\\s\\S]*?)\\n\`\`\``).exec(allPages());
  if (!found) throw new Error(`docs/connectors has no example named ${name}.`);
  return JSON.parse(found[1] as string) as Example;
}

export function documentedMapping(example: Example, recordType: string): RecordTypeMapping {
  // Left out, it is what the connector does first.
  const { on_delete: onDelete = 'deactivate', ...mapping } = example.record_types[
    recordType
  ] as MappingOnTheWire;
  return { ...mapping, onDelete };
}

/** The configuration of an example that pushes, with the `list` and `read` of one that reads. */
export function withList(pushing: Example, reading: Example, recordType: string): Example['config'] {
  const { list, read } = reading.config.record_types[recordType] ?? {};
  const types = pushing.config.record_types;
  return {
    ...pushing.config,
    record_types: { ...types, [recordType]: { read, ...types[recordType], list } },
  };
}
