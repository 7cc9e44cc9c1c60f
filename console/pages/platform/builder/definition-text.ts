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
