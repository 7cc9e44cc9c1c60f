/**
 * Sets parameters by name in the query of an existing address and leaves all others unchanged.
 */

export function withParameter(url: string, name: string, value: string): string {
  const others = withoutParameters(url, [name]);
  const pair = `${encodeURIComponent(name)}=${encodeURIComponent(value)}`;
  return `${others}${others.includes('?') ? '&' : '?'}${pair}`;
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
    .filter((pair) => pair !== '' && !names.includes(nameOf(pair)));
  return others.length === 0 ? address : `${address}?${others.join('&')}`;
}

function nameOf(pair: string): string {
  const name = (pair.split('=')[0] as string).replaceAll('+', ' ');
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}
