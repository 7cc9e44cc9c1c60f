/**
 * Writes the API description to docs/openapi.json, or prints it (argument `-`), and the JSON Schema of
 * third-party definitions. Needs no database and no Temporal.
 */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { routes } from './routes';
import { definitionJsonSchema } from './third-parties/platform-definition-routes';
import { createOpenapi } from './routing/openapi';

export function openapiText(publicUrl = 'http://127.0.0.1:8080'): string {
  return `${JSON.stringify(createOpenapi(routes, { publicUrl }), null, 2)}\n`;
}

export function definitionSchemaText(): string {
  return `${JSON.stringify(definitionJsonSchema(), null, 2)}\n`;
}

if (require.main === module) {
  if (process.argv[2] === '-') process.stdout.write(openapiText());
  else {
    const docs = path.join(__dirname, '..', 'docs');
    writeFileSync(path.join(docs, 'openapi.json'), openapiText());
    writeFileSync(path.join(docs, 'third-party-definition.schema.json'), definitionSchemaText());
  }
}
