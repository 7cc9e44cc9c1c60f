/** Problems of paging by keyset. */
import type { ListConfig } from '../config/config-read';
import { type KeysetConfig, keysetVariables } from '../read/keyset';
import { GET_WITH_BODY, type Problem, templatesOf } from './validate-call';

export function problemsOfKeyset(pointer: string, paging: KeysetConfig, method: string): Problem[] {
  const { after, body } = paging;
  const names = Object.keys(after);
  const texts = templatesOf(pointer, paging);
  const used = keysetVariables(paging);
  const problems = texts.flatMap(({ at, variables }) =>
    variables
      .filter((name) => !names.includes(name) && name !== 'modified_since' && name !== 'now')
      .map((name) => ({ pointer: at, message: `{${name}} is not known here. Name it under "after".` })),
  );
  for (const name of names)
    if (!used.includes(name))
      problems.push({
        pointer: `${pointer}/after/${name}`,
        message: `{${name}} is not used. Use it in parameters or body, so that each request returns another page.`,
      });
  if (body !== undefined && method === 'GET')
    problems.push({ pointer: `${pointer}/body`, message: GET_WITH_BODY });
  return problems;
}

/** Full runs have no time, so `list` cannot use it in its keyset: every kind of run may call `list`. */
export function problemsOfKeysetTimes(pointer: string, { paging }: ListConfig): Problem[] {
  if (paging.type !== 'keyset') return [];
  const uses = keysetVariables(paging);
  return uses.includes('modified_since') || uses.includes('now')
    ? [
        {
          pointer: `${pointer}/paging`,
          message: 'A full run has no {modified_since}. Describe incremental runs under "changes".',
        },
      ]
    : [];
}
