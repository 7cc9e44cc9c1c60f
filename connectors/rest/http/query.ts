/**
 * Sets parameters by name in the query of an existing address and leaves all others unchanged.
 */

export function withParameter(url: string, name: string, value: string): string {
  const [address = '', ...rest] = url.split('?');
  const others = rest
    .join('?')
    .split('&')
    .filter((recordSync) => recordSync !== '' && nameOf(recordSync) !== name);
  return `${address}?${[...others, `${encodeURIComponent(name)}=${encodeURIComponent(value)}`].join('&')}`;
}

/** Adds to the value of a parameter, which may be missing. */
export function withAppended(url: string, name: string, text: string): string {
  const [, query = ''] = url.split(/\?(.*)/su);
  return withParameter(url, name, `${new URLSearchParams(query).get(name) ?? ''}${text}`);
}

export function withoutParameters(url: string, names: readonly string[]): string {
  const [address = '', ...rest] = url.split('?');
  const others = rest
    .join('?')
    .split('&')
    .filter((recordSync) => recordSync !== '' && !names.includes(nameOf(recordSync)));
  return others.length === 0 ? address : `${address}?${others.join('&')}`;
}

function nameOf(recordSync: string): string {
  const name = (recordSync.split('=')[0] as string).replaceAll('+', ' ');
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}
