/** The examples of docs/connectors.md, read from the page itself, so that what it shows is what the tests run. */
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

const PAGE = path.join(__dirname, '../../../docs/connectors.md');

export function documentedPage(): string {
  return fs.readFileSync(PAGE, 'utf8');
}

/** The example of that name, as a reader would copy it. */
export function documentedExample(name: string): Example {
  const found = new RegExp(`<!-- example: ${name} -->\\n\`\`\`json\\n([\\s\\S]*?)\\n\`\`\``).exec(
    documentedPage(),
  );
  if (!found) throw new Error(`docs/connectors.md has no example named ${name}.`);
  return JSON.parse(found[1] as string) as Example;
}

export function documentedMapping(example: Example, recordType: string): RecordTypeMapping {
  // Left out, it is what the connector does first.
  const { on_delete: onDelete = 'deactivate', ...mapping } = example.record_types[
    recordType
  ] as MappingOnTheWire;
  return { ...mapping, onDelete };
}
