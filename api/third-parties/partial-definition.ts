/** A definition that is being written: what is missing and means nothing to its calls is filled in. */
import type { JsonObject } from '../../domain/json';
import { isJsonObject } from '../../domain/json';
import type { DefinitionRules } from '../../domain/third-parties/definition';
import type { RouteServices } from '../dependencies';
import { HttpError, type ProblemDetail } from '../http/http-error';
import { parseWith } from '../http/parse';
import { compileDefinition } from './compile-definition';
import { definitionDocument } from './definition-schema';

const HEAD = {
  key: 'draft-of-a-definition',
  name: 'Draft',
  category: 'other',
  description: 'Draft.',
  proof: 'none',
};
const WITHOUT_SIGN_IN = [{ key: 'none', label: 'No sign-in', config: { auth: { type: 'none' } } }];

/** Throws `invalid_definition`, with pointers into the definition. */
export function compileParts(
  definition: JsonObject,
  { connectors }: Pick<RouteServices, 'connectors'>,
): DefinitionRules {
  const { record_types: mappings } = definition;
  const filled = {
    ...HEAD,
    sign_in: WITHOUT_SIGN_IN,
    ...definition,
    ...(mappings === undefined && { record_types: readAsTheyAre(definition) }),
  };
  return compileDefinition(parseWith(definitionDocument, filled, 'invalid_definition'), connectors);
}

/** A pull without fields copies every field. */
function readAsTheyAre({ config }: JsonObject): JsonObject | undefined {
  const types = isJsonObject(config) ? config['record_types'] : undefined;
  if (!isJsonObject(types)) return undefined;
  const read = Object.entries(types).filter(([, type]) => isJsonObject(type) && Object.hasOwn(type, 'list'));
  return Object.fromEntries(read.map(([name]) => [name, { direction: 'pull', on_delete: 'leave' }]));
}

/** What would be refused if the definition were added now. */
export function problemsOf(
  definition: JsonObject,
  { connectors }: Pick<RouteServices, 'connectors'>,
): readonly ProblemDetail[] {
  try {
    compileDefinition(parseWith(definitionDocument, definition, 'invalid_definition'), connectors);
    return [];
  } catch (error) {
    if (!(error instanceof HttpError)) throw error;
    return error.errors ?? [];
  }
}
