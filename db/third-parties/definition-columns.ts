/** What an integration takes from a definition, as columns of its row. */
export interface DefinitionColumns {
  key: string;
  version: number;
  signIn: string;
  parameters: Record<string, string>;
}

export function definitionColumns(use: DefinitionColumns | null | undefined) {
  return {
    definitionKey: use?.key ?? null,
    definitionVersion: use?.version ?? null,
    definitionSignIn: use?.signIn ?? null,
    definitionParameters: use == null ? null : JSON.stringify(use.parameters),
  };
}

/** undefined: it stays as it is. @param before the integration, whose row gets the next version */
export function changedDefinition(
  {
    definition,
    isByRollout = false,
  }: { definition?: DefinitionColumns | null | undefined; isByRollout?: boolean },
  before: { version: number },
) {
  if (definition === undefined) return {};
  return {
    ...definitionColumns(definition),
    ...(isByRollout ? {} : { definitionChosenIn: before.version + 1 }),
  };
}
