/** Problems of the call that reads one record of a list. */
import type { CallConfig } from '../config/config-call';
import { pathVariables } from '../http/templates';
import { type Problem, problemsOfCall, variablesOfParameter } from './validate-call';

/** @param isKnown whether a variable beside `{remote_id}` is known */
export function problemsOfDetailCall(
  pointer: string,
  detail: CallConfig | undefined,
  isKnown: (name: string) => boolean,
): Problem[] {
  if (detail === undefined) return [];
  const problems = problemsOfCall(pointer, detail, (name) => name === 'remote_id' || isKnown(name));
  const isUsed = [
    ...pathVariables(detail.path),
    ...Object.values(detail.parameters ?? {}).flatMap(variablesOfParameter),
  ].includes('remote_id');
  if (!isUsed)
    problems.push({
      pointer: `${pointer}/path`,
      message: 'Use {remote_id}, the id of the record; otherwise each call would read the same record.',
    });
  return problems;
}
