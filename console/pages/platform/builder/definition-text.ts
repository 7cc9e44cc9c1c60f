/** The definition that is being written, as far as it can be read. */
import type { Schemas } from '../../../api/client';

export type Definition = Partial<Schemas['ThirdPartyDefinitionDocument']>;

type Read =
  | { ok: true; definition: Record<string, never>; parts: Definition }
  | { ok: false; message: string };

export function readDefinition(text: string): Read {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      return { ok: false, message: 'A definition is an object: it begins with { and ends with }.' };
    return { ok: true, definition: value as Record<string, never>, parts: value };
  } catch (error) {
    return { ok: false, message: `This is not JSON yet: ${error instanceof Error ? error.message : ''}` };
  }
}

/** A text of an object; undefined where there is none. Throws for people. */
export function readRecord(label: string, text: string): Record<string, never> | undefined {
  if (text.trim() === '') return undefined;
  const read = readDefinition(text);
  if (!read.ok) throw new Error(`${label}: ${read.message}`);
  return read.definition;
}

const membersOf = (value: unknown): [string, unknown][] =>
  typeof value === 'object' && value !== null ? Object.entries(value) : [];

/** How many parts of a JSON Pointer lead to something that is there. */
function depthIn(value: unknown, pointer: string): number {
  const parts = pointer.split('/').slice(1);
  let at = value;
  for (const [depth, part] of parts.entries()) {
    const name = part.replaceAll('~1', '/').replaceAll('~0', '~');
    const member = membersOf(at).find(([one]) => one === name);
    if (member === undefined) return depth;
    at = member[1];
  }
  return parts.length;
}

/** Without those about a part that was removed or renamed since `before`. */
export const stillToDecide = <Decision extends { pointer: string }>(
  decisions: readonly Decision[],
  { before, now }: { before: unknown; now: unknown },
): Decision[] => decisions.filter(({ pointer }) => depthIn(now, pointer) >= depthIn(before, pointer));

/** What tries try: all but the words for people, as a text to compare. */
export const triedPart = ({
  connector,
  parameters,
  sign_in: signIns,
  config,
  record_types,
}: Definition): string =>
  JSON.stringify([
    connector,
    parameters,
    membersOf(signIns).map(([, way]) => membersOf(way).filter(([name]) => name === 'config')),
    config,
    record_types,
  ]);

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');

/** Whatever a person has written so far. */
export function formOf({ sign_in: signIns, parameters, config, record_types: mappings }: Definition) {
  const described = membersOf(config as unknown).find(([name]) => name === 'record_types')?.[1];
  return {
    signIns: (Array.isArray(signIns) ? signIns : []).flatMap((one) =>
      typeof one?.key === 'string'
        ? [
            {
              key: one.key,
              label: one.label ?? one.key,
              credentials: membersOf(one.credentials).map(([name]) => name),
            },
          ]
        : [],
    ),
    parameters: membersOf(parameters).map(([name, parameter]) => ({
      name,
      example: textOf(membersOf(parameter).find(([member]) => member === 'example')?.[1]),
    })),
    recordTypes: membersOf(mappings ?? described).map(([name]) => name),
  };
}
