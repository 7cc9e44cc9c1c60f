/**
 * What the simulators of products share. A product is a function from a request to an answer, as its
 * documentation describes it, over records that the test can add, change and remove directly.
 */
import { isJsonObject, type JsonObject, type JsonValue } from '../../../domain/json';
import { type ScriptedAnswer, startScriptedServer } from '../suite/scripted-server';

/** A request, decoded. */
export interface Asked {
  method: string;
  /** Decoded, without the query. */
  path: string;
  /** The segments of the path, each decoded. */
  parts: string[];
  query: URLSearchParams;
  headers: Record<string, string>;
  /** JSON, or the fields of a form; undefined without a body. */
  body: JsonValue | undefined;
  /** Scheme and host of the simulator, for addresses in answers. */
  origin: string;
}

export interface Product {
  records: RecordStore;
  answer(asked: Asked): ScriptedAnswer;
}

export interface Simulator {
  url: string;
  product: Product;
  asked: Asked[];
  /** The answer to the next request, whatever it is. */
  answerNextWith(answer: ScriptedAnswer): void;
  stop(): Promise<void>;
}

export async function startSimulator(product: Product): Promise<Simulator> {
  const asked: Asked[] = [];
  const forced: ScriptedAnswer[] = [];
  const server = await startScriptedServer(({ method, path, headers, body }) => {
    const origin = `http://${headers['host']}`;
    const { pathname, searchParams } = new URL(path, origin);
    const parts = pathname.split('/').slice(1).map(decodeURIComponent);
    const isForm = (headers['content-type'] ?? '').startsWith('application/x-www-form-urlencoded');
    const request: Asked = {
      method,
      path: decodeURIComponent(pathname),
      parts,
      query: searchParams,
      headers,
      body:
        body === '' ? undefined : isForm ? Object.fromEntries(new URLSearchParams(body)) : JSON.parse(body),
      origin,
    };
    asked.push(request);
    const { status, headers: own, body: answered } = forced.shift() ?? product.answer(request);
    const type = answered === undefined ? {} : { 'content-type': 'application/json' };
    return { status, headers: { ...type, ...own }, body: answered };
  });
  return {
    url: server.url,
    product,
    asked,
    answerNextWith: (answer) => void forced.push(answer),
    stop: server.stop,
  };
}

export interface Row {
  id: string;
  fields: JsonObject;
  createdAt: Date;
  changedAt: Date;
  isDeleted: boolean;
}

/** The records of a product. Its clock goes on by a second with each change, so that times are certain. */
export class RecordStore {
  private readonly rows = new Map<string, Row>();
  private readonly start = Date.UTC(2026, 0, 5, 9);
  private changes = 0;

  constructor(private readonly idOf: (number: number) => string) {}

  now(): Date {
    return new Date(this.start + this.changes * 1_000);
  }

  add(fields: JsonObject): Row {
    const at = this.next();
    const id = this.idOf(this.rows.size + 1);
    const row = { id, fields, createdAt: at, changedAt: at, isDeleted: false };
    this.rows.set(id, row);
    return row;
  }

  /** Merges objects and replaces other values. */
  change(row: Row, fields: JsonObject): void {
    row.fields = merged(row.fields, fields);
    row.changedAt = this.next();
  }

  delete(row: Row): void {
    row.isDeleted = true;
    row.changedAt = this.next();
  }

  get(id: string): Row | undefined {
    const row = this.rows.get(id);
    return row === undefined || row.isDeleted ? undefined : row;
  }

  find(isWanted: (row: Row) => boolean): Row | undefined {
    return this.living().find(isWanted);
  }

  living(): Row[] {
    return this.all().filter(({ isDeleted }) => !isDeleted);
  }

  /** With the deleted ones. */
  all(): Row[] {
    return [...this.rows.values()];
  }

  private next(): Date {
    this.changes += 1;
    return this.now();
  }
}

/** The page from an offset on; `next` is the offset of the next page. */
export function pageOf<Item>(
  items: readonly Item[],
  from: number,
  size: number,
): { page: Item[]; next: number | undefined } {
  const next = from + size < items.length ? from + size : undefined;
  return { page: items.slice(from, from + size), next };
}

export function merged(fields: JsonObject, change: JsonObject): JsonObject {
  const result = { ...fields };
  for (const [name, value] of Object.entries(change)) {
    const before = result[name];
    result[name] = isJsonObject(value) && isJsonObject(before) ? merged(before, value) : value;
  }
  return result;
}

/** The fields of a request with a JSON object. */
export const fieldsIn = ({ body }: Asked): JsonObject => (isJsonObject(body) ? body : {});

/** A text or a number as text; empty for everything else. */
export function textOf(value: JsonValue | undefined): string {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : '';
}
