/** Problems of lists per parent. */
import type { ListConfig } from '../config/config-read';
import { jsonVariables, pathVariables, textVariables } from '../http/templates';
import { type Problem, problemsOfCall, problemsOfGet, variablesOfParameter } from './validate-call';

/** Variables that the call of the list knows. */
export const isKnownInList =
  (list: object) =>
  (name: string): boolean =>
    name === 'parent_id' && 'parents' in list && list.parents !== undefined;

export function problemsOfParents(pointer: string, list: ListConfig): Problem[] {
  const { parents, total, paging } = list;
  if (parents === undefined) return [];
  const at = `${pointer}/parents`;
  const problems = [...problemsOfCall(at, parents, () => false), ...problemsOfGet(at, parents)];
  if (!usesParent(list))
    problems.push({
      pointer: `${pointer}/path`,
      message: 'Use {parent_id}, the id of a parent, or the list would be the same for every parent.',
    });
  if (total !== undefined)
    problems.push({
      pointer: `${pointer}/total`,
      message: 'total is the number of records of one parent. Use count, or remove total.',
    });
  if ('window' in paging && paging.window !== undefined)
    problems.push({ pointer: `${pointer}/paging/window`, message: 'A list per parent has no window.' });
  return problems;
}

function usesParent({ path, parameters = {}, headers = {}, body = {} }: ListConfig): boolean {
  const variables = [
    ...pathVariables(path),
    ...Object.values(parameters).flatMap(variablesOfParameter),
    ...Object.values(headers).flatMap(textVariables),
    ...jsonVariables(body),
  ];
  return variables.includes('parent_id');
}
