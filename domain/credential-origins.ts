/**
 * Where credentials are sent: scheme, host and port of each address in a configuration, by the pointer of its
 * setting, the base address first. Credentials belong to the origins that they were given for (rules.md 61).
 */
export type Origins = Readonly<Record<string, string>>;

export interface MovedOrigin {
  pointer: string;
  from: string | null;
  to: string | null;
}

/** Without `origins` of its own, a connector sends credentials to its hosts. */
export function originsOf(
  connector: { origins?(config: unknown): Origins; hosts(config: unknown): string[] },
  config: unknown,
): Origins {
  return connector.origins?.(config) ?? { '/config': connector.hosts(config).toSorted().join(', ') };
}

/** The settings whose origin differs. An address that is added or removed differs, too. */
export function movedOrigins(before: Origins, after: Origins): MovedOrigin[] {
  const pointers = [...new Set([...Object.keys(before), ...Object.keys(after)])];
  return pointers.flatMap((pointer) => {
    const [from = null, to = null] = [before[pointer], after[pointer]];
    return from === to ? [] : [{ pointer, from, to }];
  });
}
