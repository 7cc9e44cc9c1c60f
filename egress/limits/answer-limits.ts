/** What an answer may take, and how it is bounded before it is parsed (rule 60). */
import type { HttpRequest } from '../../connectors/http';
import { UnreadableBody } from '../response-body';
import { AnswerMemory, type BytesUnderWay, parsedBytes } from './bytes-under-way';
import { JSON_DEPTH_MAX, JSON_VALUES_MAX, shapeOf } from './json-shape';
import { NotJson, pruneJson, TooManyValues } from './prune-json';

export interface AnswerLimits {
  /** Of a page of a list, unless the configuration of the integration says otherwise. */
  pageBytesMax: number;
  memory: AnswerMemory;
}

const MIB = 1024 * 1024;
const RESPONSE_BYTES_MAX = MIB;
/** The limit for what a request asks for. */
export const LARGE_RESPONSE_BYTES_MAX = 16 * MIB;
/** Parsed as it is: the parser of JavaScript is many times as fast as one that drops members. */
const UNPRUNED_VALUES_MAX = 200_000;

export const answerLimits = ({ pageMib = 4, memoryMib = 384 } = {}): AnswerLimits => ({
  pageBytesMax: pageMib * MIB,
  memory: new AnswerMemory(memoryMib * MIB),
});

export function bytesMaxOf(
  { responseBytesMax = RESPONSE_BYTES_MAX }: HttpRequest,
  limits: AnswerLimits,
): number {
  return Math.min(
    responseBytesMax === 'page' ? limits.pageBytesMax : responseBytesMax,
    LARGE_RESPONSE_BYTES_MAX,
  );
}

/**
 * The text as it is parsed, once there is room for the result.
 * @throws UnreadableBody, NoRoom, or the reason of the signal.
 */
export async function boundedText(
  text: string,
  { kept }: HttpRequest,
  { isSuccess, held, signal }: { isSuccess: boolean; held: BytesUnderWay; signal: AbortSignal },
): Promise<string> {
  const { values, isTooDeep } = shapeOf(text);
  if (isTooDeep) throw new UnreadableBody(`its response is nested deeper than ${JSON_DEPTH_MAX} levels`);
  if (kept !== undefined && isSuccess && values > UNPRUNED_VALUES_MAX) {
    await held.takeParsed(parsedBytes(text.length, JSON_VALUES_MAX));
    return pruned(text, kept, signal);
  }
  if (values > JSON_VALUES_MAX)
    throw new UnreadableBody(`its response has more than ${JSON_VALUES_MAX} values`);
  await held.takeParsed(parsedBytes(text.length, values));
  return text;
}

async function pruned(
  text: string,
  kept: NonNullable<HttpRequest['kept']>,
  signal: AbortSignal,
): Promise<string> {
  try {
    return await pruneJson(text, kept, { valuesMax: JSON_VALUES_MAX, signal });
  } catch (error) {
    if (error instanceof NotJson)
      throw new UnreadableBody('its response is not valid JSON', { cause: error });
    if (error instanceof TooManyValues)
      throw new UnreadableBody(`its response has more than ${JSON_VALUES_MAX} values that are read`);
    throw error;
  }
}
