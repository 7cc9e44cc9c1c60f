/** An API client, as small as one can be. */
export class Client {
  constructor(
    private readonly apiUrl: string,
    private readonly key: string,
  ) {}

  async call(
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<Response> {
    return fetch(`${this.apiUrl}/v1${path}`, {
      method,
      headers: { authorization: `Bearer ${this.key}`, 'content-type': 'application/json', ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  }

  /** Throws with the API's answer if it refuses. */
  async mustCall(...parameters: Parameters<Client['call']>): Promise<Record<string, unknown>> {
    return readAnswer(await this.call(...parameters));
  }
}

/** Throws with the API's answer if it refused. */
export async function readAnswer(response: Response): Promise<Record<string, unknown>> {
  if (response.ok) return (await response.json()) as Record<string, unknown>;
  throw new Error(
    `The sample data could not be created: ${response.url} was answered ${response.status}: ` +
      (await response.text()),
  );
}

interface Page<Item> {
  data: Item[];
  next_cursor: string | null;
}

export async function listAll<Item>(client: Client, path: string): Promise<Item[]> {
  const items: Item[] = [];
  for (let cursor = ''; ;) {
    const { data, next_cursor: next } = (await client.mustCall(
      'GET',
      `${path}?limit=100${cursor}`,
    )) as unknown as Page<Item>;
    items.push(...data);
    if (next === null) return items;
    cursor = `&cursor=${encodeURIComponent(next)}`;
  }
}
