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
