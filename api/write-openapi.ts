/**
 * Writes the API description to docs/openapi.json, or prints it (argument `-`). Needs no database and no
 * Temporal.
 */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { routes } from './routes';
import { createOpenapi } from './routing/openapi';

export function openapiText(publicUrl = 'http://127.0.0.1:8080'): string {
  return `${JSON.stringify(createOpenapi(routes, { publicUrl }), null, 2)}\n`;
}

if (require.main === module) {
  if (process.argv[2] === '-') process.stdout.write(openapiText());
  else writeFileSync(path.join(__dirname, '..', 'docs', 'openapi.json'), openapiText());
}
