/**
 * Reads texts of other systems as a person reads them: without the escapes of JSON, HTML, addresses and mail,
 * in one case, composed. Each unit of a reading knows the part of the original that it was read from.
 */

export interface Reading {
  text: string;
  /** Where the parts begin and end in the original, by unit; absent: at the same places. */
  places?: { from: readonly number[]; to: readonly number[] };
}

const HEX = '[0-9a-fA-F]';
/** A character in UTF-8, or a byte of another encoding. */
const bytesAfter = (sign: string, hex = HEX): string =>
  `${sign}[c-fC-F]${hex}(?:${sign}[89abAB]${hex}){1,3}|${sign}${hex}{2}`;

const JSON_ESCAPE = String.raw`\\u[dD][89abAB]${HEX}{2}\\u[dD][c-fC-F]${HEX}{2}|\\u${HEX}{4}|\\["\\/bfnrt]`;
const ENTITY = `&(?:#\\d{1,7}|#[xX]${HEX}{1,6}|[A-Za-z]{2,8});`;
const WORD = String.raw`=\?[^?\s]+\?[bBqQ]\?[^?\s]*\?=(?:\s+(?==\?))?`;

const WEB = new RegExp([bytesAfter('%'), bytesAfter(String.raw`\\x`), JSON_ESCAPE, ENTITY].join('|'), 'g');
/** Quoted-printable has capital letters: `=ad` in an address is no byte. */
const MAIL = new RegExp([WORD, bytesAfter('=', '[0-9A-F]'), '=\r?\n'].join('|'), 'g');

/**
 * An expression, also for PostgreSQL, that texts with an escaped letter, space or apostrophe match, and those
 * with a line that mail continues (in JSON, its break is escaped).
 */
export const ESCAPED =
  String.raw`%${HEX}{2}|\\x${HEX}{2}|\\u${HEX}{4}|&#?[0-9A-Za-z]{2,8};|=\?` +
  String.raw`|=[2-7][A-F]|=[89A-F][0-9A-F]|=20|=27|=40|=(?:\r?\n|(?:\\r)?\\n)`;

/** The text as it stands, and without the escapes of one kind; undefined = it has none. */
export const READERS: readonly ((text: string) => Reading | undefined)[] = [
  (text) => ({ text }),
  // JSON in JSON, and addresses as parameters of others, are escaped twice.
  (text) => otherThan(text, rewrite(rewrite({ text }, WEB, fromWeb), WEB, fromWeb)),
  (text) => otherThan(text, rewrite({ text }, MAIL, fromMail)),
];

const otherThan = (text: string, reading: Reading): Reading | undefined =>
  reading.places === undefined || reading.text === text ? undefined : reading;

const SIGNS: Record<string, string> = { b: '\b', f: '\f', n: '\n', r: '\r', t: '\t' };

function fromWeb(escaped: string): string {
  if (escaped.startsWith('%')) return fromBytes(escaped.replaceAll('%', ''));
  if (escaped.startsWith('&')) return fromEntity(escaped.slice(1, -1)) ?? escaped;
  const [, kind = ''] = escaped;
  if (kind === 'x') return fromBytes(escaped.replaceAll(String.raw`\x`, ''));
  if (kind === 'u')
    return escaped.replaceAll(/..(....)/g, (_, unit: string) =>
      String.fromCharCode(Number.parseInt(unit, 16)),
    );
  return SIGNS[kind] ?? kind;
}

const MARKS = new Map(
  Object.entries(
    Object.assign(
      { grave: '\u0300', acute: '\u0301', circ: '\u0302', tilde: '\u0303', macr: '\u0304', breve: '\u0306' },
      { dot: '\u0307', uml: '\u0308', ring: '\u030A', dblac: '\u030B', caron: '\u030C', cedil: '\u0327' },
      { ogon: '\u0328' },
    ),
  ),
);
const ENTITIES = new Map(
  Object.entries(
    Object.assign(
      { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'", nbsp: ' ', rsquo: '’', lsquo: '‘', szlig: 'ß' },
      { aelig: 'æ', AElig: 'Æ', oelig: 'œ', OElig: 'Œ', oslash: 'ø', Oslash: 'Ø', thorn: 'þ', THORN: 'Þ' },
      { eth: 'ð', ETH: 'Ð', lstrok: 'ł', Lstrok: 'Ł', dstrok: 'đ', Dstrok: 'Đ', inodot: 'ı', imath: 'ı' },
    ),
  ),
);

function fromEntity(name: string): string | undefined {
  if (name.startsWith('#')) {
    const code = Number.parseInt(name.replace(/^#x?/i, ''), /^#x/i.test(name) ? 16 : 10);
    return code <= 0x10_ff_ff ? String.fromCodePoint(code) : undefined;
  }
  const mark = MARKS.get(name.slice(1));
  return ENTITIES.get(name) ?? (mark === undefined ? undefined : (name.charAt(0) + mark).normalize('NFC'));
}

function fromMail(escaped: string): string {
  if (!escaped.startsWith('=?')) return fromBytes(escaped.replaceAll(/[=\r\n]/g, ''));
  const [, , encoding = '', content = ''] = escaped.split('?');
  if (encoding.toLowerCase() === 'b') return fromBase64(content);
  const hex = content.replaceAll(
    /=([0-9a-fA-F]{2})|[^]/g,
    (sign, byte?: string) => byte ?? (sign === '_' ? ' ' : sign).charCodeAt(0).toString(16).padStart(2, '0'),
  );
  return fromBytes(hex);
}

function fromBase64(content: string): string {
  try {
    return fromBytes(Buffer.from(atob(content), 'latin1').toString('hex'));
  } catch {
    return content;
  }
}

/** Bytes that are no UTF-8 are read as Latin-1. */
function fromBytes(hex: string): string {
  const pairs = hex.match(/../g) ?? [];
  try {
    return decodeURIComponent(pairs.map((pair) => `%${pair}`).join(''));
  } catch {
    return String.fromCharCode(...pairs.map((pair) => Number.parseInt(pair, 16)));
  }
}

/** A syllable of Korean in its parts, a character with marks, and what has a case or is a space. */
const CHARACTER = /[\u1100-\u115F][\u1160-\u11A7][\u11A8-\u11FF]?|\P{M}\p{M}{1,30}|[^\0-\u007F]|[\s+A-Z]/gu;

/**
 * Equal for texts that differ only in how letters are composed, in the kind of spaces and apostrophes, and in
 * case unless `isCased`.
 */
export function folded(reading: Reading, isCased = false): Reading {
  const fold = (text: string): string => {
    const composed = text.normalize('NFC').replaceAll(/[\s+]/g, ' ').replaceAll(/[‘’ʼ]/g, "'");
    // `ß` becomes `ss`, as its capital letters do, and the four letters `i` of Turkish become one.
    return isCased ? composed : composed.toLowerCase().toUpperCase().toLowerCase().replaceAll('i\u0307', 'i');
  };
  const isAscii = /^[\0-\u007F]*$/.test(reading.text);
  if (isAscii) return { ...reading, text: fold(reading.text) };
  const known = new Map<string, string>();
  return rewrite(reading, CHARACTER, (character) => {
    const other = known.get(character) ?? fold(character);
    known.set(character, other);
    return other;
  });
}

/** @returns the same reading if nothing was rewritten. */
function rewrite(reading: Reading, pattern: RegExp, write: (part: string) => string): Reading {
  const { text, places } = reading;
  const [from, to]: [number[], number[]] = [[], []];
  let [written, end] = ['', 0];
  const add = (begin: number, until: number, units: number) => {
    for (let unit = 0; unit < units; unit += 1) {
      from.push(places?.from[begin] ?? begin);
      to.push(places?.to[until - 1] ?? until);
    }
  };
  const copyTo = (until: number) => {
    for (let at = end; at < until; at += 1) add(at, at + 1, 1);
    written += text.slice(end, until);
  };
  for (const { 0: part, index } of text.matchAll(pattern)) {
    const other = write(part);
    if (other === part) continue;
    copyTo(index);
    end = index + part.length;
    add(index, end, other.length);
    written += other;
  }
  if (end === 0) return reading;
  copyTo(text.length);
  return { text: written, places: { from, to } };
}
