/** Problems of paging: settings without effect, and positions that cannot be found or sent. */
import type { ListConfig } from '../config/config-read';
import { textVariables } from '../http/templates';
import { GET_WITH_BODY, type Problem } from './validate-call';
import { problemsOfKeyset } from './validate-keyset';

export function problemsOfPaging(
  pointer: string,
  { paging, method = 'GET' }: Pick<ListConfig, 'paging'> & { method?: string | undefined },
): Problem[] {
  const problems: Problem[] = [];
  if (paging.type === 'none') return [];
  if (paging.size_parameter !== undefined && paging.size === undefined)
    problems.push({
      pointer: `${pointer}/size`,
      message: 'Set size: size_parameter sends it as the number of records per page.',
    });
  if (paging.size !== undefined && paging.size_parameter === undefined && paging.type !== 'offset')
    problems.push({
      pointer: `${pointer}/size`,
      message: 'Set size_parameter, the parameter for the size. Without it, size has no effect.',
    });
  if ('in' in paging && paging.in === 'body' && method === 'GET')
    problems.push({
      pointer: `${pointer}/in`,
      message: GET_WITH_BODY,
    });
  if (paging.type === 'offset') problems.push(...problemsOfAppended(pointer, paging));
  if (paging.type === 'keyset') return [...problems, ...problemsOfKeyset(pointer, paging, method)];
  if (paging.type !== 'cursor') return problems;
  const places = (['at', 'header', 'last_item'] as const).filter((key) => paging[key] !== undefined);
  if (places.length !== 1)
    problems.push({
      pointer,
      message:
        'Set one location for the cursor of the next page: ' +
        'at (pointer into the response), header, or last_item (pointer into the last item).',
    });
  if (paging.take !== undefined && paging.parameter !== undefined)
    problems.push({
      pointer: `${pointer}/take`,
      message: 'take concerns addresses. With a parameter, the cursor is no address.',
    });
  if (paging.last_item !== undefined && paging.parameter === undefined)
    problems.push({
      pointer: `${pointer}/parameter`,
      message: 'Set the parameter for the cursor: a value of an item is not an address.',
    });
  return problems;
}

function problemsOfAppended(
  pointer: string,
  { append, in: where }: { append?: string | undefined; in: string },
): Problem[] {
  if (append === undefined) return [];
  const variables = textVariables(append);
  const unknown = variables.filter((name) => name !== 'offset' && name !== 'size');
  return [
    ...unknown.map((name) => ({
      pointer: `${pointer}/append`,
      message: `{${name}} is not known here: append knows {offset} and {size}.`,
    })),
    ...(variables.includes('offset')
      ? []
      : [{ pointer: `${pointer}/append`, message: 'Use {offset}, or each page would be the first one.' }]),
    ...(where === 'body'
      ? [{ pointer: `${pointer}/in`, message: 'append adds to a parameter of the query.' }]
      : []),
  ];
}
