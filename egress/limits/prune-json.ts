/**
 * Drops the members of a list's items that the mapping does not name, before the answer is parsed: millions
 * of tiny values, or a huge one, never become objects. The order and the spelling of the rest stay.
 */
import { setImmediate } from 'node:timers/promises';
import { Tokenizer, TokenType } from '@streamparser/json';
import type { KeptMembers } from '../../connectors/http';

/** Between two chunks other work has its turn. */
const CHUNK_BYTES = 256 * 1024;
/** Texts longer than this are put together in a buffer, and so are numbers. */
const STRING_BUFFER_BYTES = 64 * 1024;
const NUMBER_BUFFER_BYTES = 64;

export class NotJson extends Error {}
export class TooManyValues extends Error {}

/** The members below an object that are needed; one without members is needed as a whole. */
type Members = Map<string, Members>;
/** What of a value is needed. */
type Need =
  | { is: 'all' }
  /** The items are further down the path. */
  | { is: 'way'; depth: number }
  | { is: 'items' }
  | { is: 'members'; members: Members };
const ALL: Need = { is: 'all' };

interface Open {
  kind: 'object' | 'list';
  need: Need;
  expects: 'key' | 'colon' | 'value' | 'comma';
  /** Nothing was found, so the end may follow. */
  isNew: boolean;
  hasOutput: boolean;
  key: string;
  index: number;
}

/**
 * The JSON text without what is not needed, of which only the brackets are checked.
 * @throws NotJson, TooManyValues, or the reason of the signal.
 */
export async function pruneJson(
  text: string,
  kept: KeptMembers,
  { valuesMax, signal }: { valuesMax: number; signal: AbortSignal },
): Promise<string> {
  const pruning = new Pruning(kept, valuesMax);
  const tokenizer = new RawNumbers({
    stringBufferSize: STRING_BUFFER_BYTES,
    numberBufferSize: NUMBER_BUFFER_BYTES,
  });
  tokenizer.onToken = ({ token, value }) => pruning.take(token, value);
  tokenizer.onError = (cause) => {
    throw cause instanceof TooManyValues ? cause : new NotJson('The text is not JSON.', { cause });
  };
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += CHUNK_BYTES) {
    tokenizer.write(bytes.subarray(at, at + CHUNK_BYTES));
    await setImmediate();
    signal.throwIfAborted();
  }
  tokenizer.end();
  return pruning.result();
}

/** A number keeps its digits: a double cannot hold every id. */
class RawNumbers extends Tokenizer {
  protected override parseNumber(text: string): number {
    return text as unknown as number;
  }
}

class Pruning {
  readonly #output: string[] = [];
  readonly #open: Open[] = [];
  readonly #members: Members = new Map();
  #droppedDepth = 0;
  #values = 0;
  #isComplete = false;

  constructor(
    private readonly kept: KeptMembers,
    private readonly valuesMax: number,
  ) {
    // Short paths first: what is needed as a whole has no members.
    for (const path of kept.members.toSorted((one, other) => one.length - other.length)) {
      let members = this.#members;
      for (const name of path.map((key) => this.#nameOf(key))) {
        const below = members.get(name);
        if (below?.size === 0) break;
        const next: Members = below ?? new Map<string, Members>();
        members.set(name, next);
        members = next;
      }
    }
  }

  result(): string {
    if (!this.#isComplete) throw new NotJson('The text ends too early.');
    return this.#output.join('');
  }

  take(token: TokenType, value: unknown): void {
    const opens = token === TokenType.LEFT_BRACE || token === TokenType.LEFT_BRACKET;
    const closes = token === TokenType.RIGHT_BRACE || token === TokenType.RIGHT_BRACKET;
    if (this.#droppedDepth > 0) {
      if (opens) this.#droppedDepth += 1;
      else if (closes) this.#droppedDepth -= 1;
      return;
    }
    const around = this.#open.at(-1);
    if (closes) return this.#close(around, token);
    if (token === TokenType.COMMA)
      return this.#expect(around, 'comma', around?.kind === 'object' ? 'key' : 'value');
    if (token === TokenType.COLON) return this.#expect(around, 'colon', 'value');
    if (around?.expects === 'key') {
      if (token !== TokenType.STRING) throw new NotJson('A key is missing.');
      around.key = value as string;
      return this.#expect(around, 'key', 'colon');
    }
    this.#value(around, token, value, opens);
  }

  #expect(around: Open | undefined, now: Open['expects'], next: Open['expects']): void {
    if (around?.expects !== now || (now === 'comma' && around.isNew))
      throw new NotJson('A value is missing.');
    around.expects = next;
    around.isNew = false;
  }

  #value(around: Open | undefined, token: TokenType, value: unknown, opens: boolean): void {
    if (around === undefined ? this.#open.length > 0 || this.#isComplete : around.expects !== 'value')
      throw new NotJson('A value is in the wrong place.');
    const need = around === undefined ? this.#rootNeed() : this.#needOfChild(around);
    if (around !== undefined) {
      around.expects = 'comma';
      around.isNew = false;
      around.index += 1;
    }
    if (need === null) {
      if (opens) this.#droppedDepth = 1;
      return;
    }
    this.#values += 1;
    if (this.#values > this.valuesMax) throw new TooManyValues();
    this.#write(around, opens ? '' : token === TokenType.NUMBER ? String(value) : JSON.stringify(value));
    if (opens) this.#openWith(need, token);
    else if (around === undefined) this.#isComplete = true;
  }

  #write(around: Open | undefined, text: string): void {
    const comma = around?.hasOutput === true ? ',' : '';
    const key = around?.kind === 'object' ? `${JSON.stringify(around.key)}:` : '';
    this.#output.push(comma + key + text);
    if (around !== undefined) around.hasOutput = true;
  }

  #openWith(need: Need, token: TokenType): void {
    const kind = token === TokenType.LEFT_BRACE ? 'object' : 'list';
    this.#output.push(kind === 'object' ? '{' : '[');
    this.#open.push({
      kind,
      need: this.#needInside(need, kind),
      expects: kind === 'object' ? 'key' : 'value',
      isNew: true,
      hasOutput: false,
      key: '',
      index: 0,
    });
  }

  #close(around: Open | undefined, token: TokenType): void {
    const kind = token === TokenType.RIGHT_BRACE ? 'object' : 'list';
    if (around?.kind !== kind || !(around.isNew || around.expects === 'comma'))
      throw new NotJson('A bracket is in the wrong place.');
    this.#output.push(kind === 'object' ? '}' : ']');
    this.#open.pop();
    this.#isComplete = this.#open.length === 0;
  }

  #rootNeed(): Need {
    return this.kept.items.length === 0 ? { is: 'items' } : { is: 'way', depth: 0 };
  }

  /** What a need means for the members of an object or list. */
  #needInside(need: Need, kind: Open['kind']): Need {
    if (need.is === 'items' && kind === 'object') {
      if (this.kept.itemsAs === 'one_or_many') return this.#itemNeed();
      return this.kept.itemsAs === 'map' ? need : ALL;
    }
    return need.is === 'members' && kind === 'list' ? ALL : need;
  }

  #itemNeed(): Need {
    return this.#members.size === 0 ? ALL : { is: 'members', members: this.#members };
  }

  /** null: nothing of it. */
  #needOfChild({ kind, need, key, index }: Open): Need | null {
    if (need.is === 'all') return need;
    if (need.is === 'items') return this.#itemNeed();
    const name = kind === 'object' ? this.#nameOf(key) : String(index);
    if (need.is === 'way') {
      if (name !== this.#nameOf(this.kept.items[need.depth] as string)) return ALL;
      const depth = need.depth + 1;
      return depth === this.kept.items.length ? { is: 'items' } : { is: 'way', depth };
    }
    const members = need.members.get(name);
    if (members === undefined) return null;
    return members.size === 0 ? ALL : { is: 'members', members };
  }

  #nameOf(key: string): string {
    return this.kept.ignoresCase === true ? key.toLowerCase() : key;
  }
}
