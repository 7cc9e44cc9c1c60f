/** The example of docs/build-a-definition.md is a configuration that can be used. */
import fs from 'node:fs';
import path from 'node:path';
import { rest } from '../../connectors/rest';
import type { JsonObject } from '../../domain/json';
import type { RecordTypeMapping } from '../../domain/records/mapping';

const page = fs.readFileSync(path.join(__dirname, '../../docs/build-a-definition.md'), 'utf8');

it('shows a configuration for JSON:API that is accepted with the mapping beside it', () => {
  const [, example = ''] = /<!-- example: json-api -->\n```json\n([^]*?)\n```/.exec(page) ?? [];
  const [, field = ''] = /`(\{ "name": "email", "to": "\/attributes\/email" \})`/.exec(page) ?? [];
  const mapping: RecordTypeMapping = {
    direction: 'push',
    onDelete: 'leave',
    fields: [JSON.parse(field) as RecordTypeMapping['fields'][number]],
  };
  const config = rest.configSchema.parse({
    app: 'Acme',
    base_url: 'https://api.acme.example/v1',
    auth: { type: 'bearer' },
    check: { path: '/people' },
    ...(JSON.parse(example) as JsonObject),
  });

  expect(rest.validate?.(config, { employees: mapping })).toEqual([]);
});
