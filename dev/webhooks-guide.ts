/** `npm run docs:webhooks`: writes what docs/webhooks.md says of events and of retries, from the catalogue and the schedule that are in force. */
import fs from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { EVENT_SCHEMAS, exampleOf } from '../api/webhooks/event-schema';
import { EVENT_CATALOGUE, EVENT_TYPES, type EventType } from '../domain/webhooks/event-catalogue';
import { ATTEMPTS_MAX, DELAYS_MS } from '../domain/webhooks/retry-schedule';

export const GUIDE = path.join(__dirname, '..', 'docs', 'webhooks.md');

/** The guide with its generated parts as they have to be: what stands between `<!-- name -->` and `<!-- end -->`. */
export function renewGuide(guide: string): string {
  return renewPart(renewPart(guide, 'events', renderEvents()), 'attempts', renderAttempts());
}

function renewPart(guide: string, name: string, content: string): string {
  const [begin, end] = [`<!-- ${name} -->\n`, '<!-- end -->'];
  const start = guide.indexOf(begin);
  const stop = guide.indexOf(end, start);
  if (start === -1 || stop === -1)
    throw new Error(`docs/webhooks.md has no part between ${begin.trim()} and ${end}.`);
  return `${guide.slice(0, start + begin.length)}${content}\n${guide.slice(stop)}`;
}

function renderEvents(): string {
  const index = EVENT_TYPES.map(
    (type) => `| [\`${type}\`](#${type.toLowerCase()}) | ${EVENT_CATALOGUE[type].title} |`,
  );
  return [['| type | tells |', '|---|---|', ...index].join('\n'), ...EVENT_TYPES.map(renderEvent)].join(
    '\n\n',
  );
}

function renderEvent(type: EventType): string {
  const { title, when } = EVENT_CATALOGUE[type];
  const fields = fieldsOf(z.toJSONSchema(EVENT_SCHEMAS[type].shape.data) as Shape, '').map(
    ({ name, kind }) => `| \`${name}\` | ${kind} |`,
  );
  const example = JSON.stringify(exampleOf(type), null, 2);
  return [
    `### ${type}`,
    `${title}.`,
    when,
    ['| in `data` | |', '|---|---|', ...fields].join('\n'),
    `\`\`\`json\n${example}\n\`\`\``,
  ].join('\n\n');
}

interface Shape {
  type?: string;
  enum?: string[];
  anyOf?: Shape[];
  properties?: Record<string, Shape>;
  items?: Shape;
}

function fieldsOf(shape: Shape, name: string): { name: string; kind: string }[] {
  const inside = Object.entries(shape.properties ?? {}).flatMap(([key, value]) =>
    fieldsOf(value, name === '' ? key : `${name}.${key}`),
  );
  if (shape.properties !== undefined) return inside;
  if (shape.items?.properties !== undefined) return fieldsOf(shape.items, `${name}[]`);
  return [{ name, kind: kindOf(shape) }];
}

function kindOf({ type, enum: values, anyOf, items }: Shape): string {
  if (anyOf !== undefined) return anyOf.map(kindOf).join(' or ');
  if (values !== undefined) return values.map((value) => `\`${value}\``).join(', ');
  return items === undefined ? (type ?? 'any') : `list of ${kindOf(items)}`;
}

function renderAttempts(): string {
  let elapsedMs = 0;
  const rows = ['at once', ...DELAYS_MS.map(inWords)].map((wait, index) => {
    elapsedMs += DELAYS_MS[index - 1] ?? 0;
    return `| ${index + 1} | ${wait} | ${index === 0 ? '0' : inWords(elapsedMs)} |`;
  });
  return [`| attempt of ${ATTEMPTS_MAX} | after another | since the first |`, '|---|---|---|', ...rows].join(
    '\n',
  );
}

function inWords(ms: number): string {
  const units: [number, string][] = [
    [3_600_000, 'h'],
    [60_000, 'min'],
    [1_000, 's'],
  ];
  let left = ms;
  const parts = units.flatMap(([size, unit]) => {
    const count = Math.floor(left / size);
    left -= count * size;
    return count === 0 ? [] : [`${count} ${unit}`];
  });
  return parts.join(' ');
}

if (require.main === module) fs.writeFileSync(GUIDE, renewGuide(fs.readFileSync(GUIDE, 'utf8')));
