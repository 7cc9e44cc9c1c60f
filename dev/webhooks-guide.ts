/**
 * `npm run docs:webhooks`: generates the event and retry sections of the webhook guide from the event
 * catalogue and the retry schedule: the tables of docs/webhooks.md, and a section per event in
 * docs/webhooks/.
 */
import fs from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { EVENT_SCHEMAS, exampleOf } from '../api/webhooks/event-schema';
import { EVENT_CATALOGUE, EVENT_TYPES, type EventType } from '../domain/event-catalogue';
import { ATTEMPTS_MAX, DELAYS_MS } from '../domain/webhooks/retry-schedule';

const DOCS = path.join(__dirname, '..', 'docs');
export const GUIDE = path.join(DOCS, 'webhooks.md');

/** The pages with a section per event, by their path below docs/. */
export const EVENT_PAGES = {
  'webhooks/sync-events.md': [
    'SYNC_COMPLETE',
    'FIRST_SYNC_COMPLETE',
    'COMPANY_SYNCHRONIZED',
    'COMPANY_SYNC_FAILED',
  ],
  'webhooks/record-events.md': ['DATA_NEW', 'DATA_UPDATE', 'DATA_DELETE', 'RECORD_SYNC_FAILED'],
  'webhooks/account-events.md': [
    'INTEGRATION_NEEDS_REAUTHORIZATION',
    'INTEGRATION_CONNECTED',
    'ENDPOINT_DISABLED',
    'TEST',
  ],
} as const satisfies Record<string, readonly EventType[]>;
type EventPage = keyof typeof EVENT_PAGES;

const LINE_MAX = 108;

/** The guide with its two generated tables, each between `<!-- name -->` and `<!-- end -->`. */
export function renewGuide(guide: string): string {
  return renewPart(renewPart(guide, 'events', renderIndex()), 'attempts', renderAttempts());
}

/** An event page with its generated sections, between `<!-- events -->` and `<!-- end -->`. */
export function renewEventPage(page: string, name: EventPage): string {
  return renewPart(page, 'events', EVENT_PAGES[name].map(renderEvent).join('\n\n'));
}

export function eventPagePath(name: string): string {
  return path.join(DOCS, name);
}

function renewPart(page: string, name: string, content: string): string {
  const [begin, end] = [`<!-- ${name} -->\n`, '<!-- end -->'];
  const start = page.indexOf(begin);
  const stop = page.indexOf(end, start);
  if (start === -1 || stop === -1)
    throw new Error(`The webhook guide has no part between ${begin.trim()} and ${end}.`);
  return `${page.slice(0, start + begin.length)}${content}\n${page.slice(stop)}`;
}

function renderIndex(): string {
  const rows = EVENT_TYPES.map((type) => {
    const [page] = Object.entries(EVENT_PAGES).find(([, types]) => types.some((each) => each === type)) ?? [];
    if (page === undefined) throw new Error(`EVENT_PAGES has no page for ${type}.`);
    return `| [\`${type}\`](${page}#${type.toLowerCase()}) | ${EVENT_CATALOGUE[type].title} |`;
  });
  return ['| type | meaning |', '|---|---|', ...rows].join('\n');
}

function renderEvent(type: EventType): string {
  const { title, when } = EVENT_CATALOGUE[type];
  const fields = fieldsOf(z.toJSONSchema(EVENT_SCHEMAS[type].shape.data) as Shape, '').map(
    ({ name, kind }) => `| \`${name}\` | ${kind} |`,
  );
  const example = formatJson(exampleOf(type));
  return [
    `## ${type}`,
    wrap(`${title}.`),
    ...when.split('\n\n').map(wrap),
    ['| in `data` | |', '|---|---|', ...fields].join('\n'),
    `\`\`\`json\n${example}\n\`\`\``,
  ].join('\n\n');
}

/** Like `JSON.stringify` with an indent, but keeps each object and list that fits on a line there. */
function formatJson(value: unknown, indent = ''): string {
  const isList = Array.isArray(value);
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const inner = `${indent}  `;
  const parts = isList
    ? value.map((item) => formatJson(item, inner))
    : Object.entries(value).map(([key, item]) => `${JSON.stringify(key)}: ${formatJson(item, inner)}`);
  const oneLine = isList ? `[${parts.join(', ')}]` : `{ ${parts.join(', ')} }`;
  if (indent !== '' && !oneLine.includes('\n') && indent.length + oneLine.length < 80) return oneLine;
  const [open, close] = isList ? ['[', ']'] : ['{', '}'];
  return `${open}\n${parts.map((part) => inner + part).join(',\n')}\n${indent}${close}`;
}

function wrap(text: string): string {
  const lines: string[] = [];
  for (const word of text.split(/\s+/)) {
    const line = lines.at(-1);
    if (line === undefined || line.length + 1 + word.length > LINE_MAX) lines.push(word);
    else lines[lines.length - 1] = `${line} ${word}`;
  }
  return lines.join('\n');
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
  const rows = ['immediately', ...DELAYS_MS.map(inWords)].map((wait, index) => {
    elapsedMs += DELAYS_MS[index - 1] ?? 0;
    return `| ${index + 1} | ${wait} | ${index === 0 ? '0' : inWords(elapsedMs)} |`;
  });
  return [`| attempt of ${ATTEMPTS_MAX} | delay | since the first |`, '|---|---|---|', ...rows].join('\n');
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

if (require.main === module) {
  fs.writeFileSync(GUIDE, renewGuide(fs.readFileSync(GUIDE, 'utf8')));
  for (const name of Object.keys(EVENT_PAGES) as EventPage[]) {
    const file = eventPagePath(name);
    fs.writeFileSync(file, renewEventPage(fs.readFileSync(file, 'utf8'), name));
  }
}
