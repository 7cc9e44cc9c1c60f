/** Where a call goes: base_url and a path. */
import { fillPath, type Variables } from './templates';

/** The absolute URL of a path template under the base URL. Throws UnusableValue. */
export function addressOf(baseUrl: string, path: string, variables: Variables): string {
  return baseUrl.replace(/\/+$/, '') + fillPath(path, variables);
}
