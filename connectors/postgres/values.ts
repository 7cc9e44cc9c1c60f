/**
 * Values of columns as exact JSON. Numbers that do not fit a double (beyond 2^53, more digits, NaN, Infinity)
 * stay text. Times are ISO 8601, in UTC if they have a zone. Types that are not listed are text as PostgreSQL
 * writes it.
 */
import type { JsonValue } from '../../domain/json';
import { parseArrayText } from './array-text';
import type { Rows } from './isolation/messages';
import type { Session } from './session';

type Decode = (text: string) => JsonValue;

const [BPCHAR, MONEY] = [1042, 790];
const asText: Decode = (text) => text;

/** Keyed by the type's OID, which is the same in every PostgreSQL (pg_type.dat). */
const DECODERS: ReadonlyMap<number, Decode> = new Map<number, Decode>([
  [16, (text) => text === 't'],
  [17, (text) => Buffer.from(text.slice(2), 'hex').toString('base64')],
  ...[20, 21, 23, 26, 700, 701, 1700].map((oid): [number, Decode] => [oid, decodeNumber]),
  ...[114, 3802].map((oid): [number, Decode] => [oid, decodeJson]),
  ...[1114, 1184].map((oid): [number, Decode] => [oid, decodeInstant]),
  // character(n): the padding belongs to the type, not to the value.
  [BPCHAR, trimPadding],
  // name, text, "char", varchar, date, time, interval, uuid, unknown, xid8, xid
  ...[18, 19, 25, 28, 1043, 1082, 1083, 1186, 1266, 2950, 705, 5069].map((oid): [number, Decode] => [
    oid,
    asText,
  ]),
]);

/** Returns a decoder per column. Unknown types are looked up in the catalog, because some are arrays. */
export async function findDecoders(session: Session, columns: Rows['columns']): Promise<Decode[]> {
  const unknown = [...new Set(columns.map(({ oid }) => oid).filter((oid) => !DECODERS.has(oid)))];
  if (unknown.length === 0) return columns.map(({ oid }) => DECODERS.get(oid) ?? asText);
  const lists = await findLists(session, unknown);
  const items = [...unknown, ...[...lists.values()].map(({ item }) => item)];
  const money = items.includes(MONEY) ? await findMoney(session) : asText;
  const decoderOf = (oid: number) => (oid === MONEY ? money : (DECODERS.get(oid) ?? asText));
  return columns.map(({ oid }) => {
    const list = lists.get(oid);
    if (list === undefined) return decoderOf(oid);
    const decode = decoderOf(list.item);
    return (text) => parseArrayText(text, list.delimiter, decode) ?? text;
  });
}

async function findLists(
  session: Session,
  oids: readonly number[],
): Promise<Map<number, { item: number; delimiter: string }>> {
  const { rows } = await session.query(
    `select list.oid, coalesce(nullif(item.typbasetype, 0), item.oid), item.typdelim
       from pg_catalog.pg_type list join pg_catalog.pg_type item on item.oid = list.typelem
      where list.oid = any($1::oid[]) and list.typcategory = 'A'`,
    [`{${oids.join(',')}}`],
  );
  return new Map(
    rows.map(([list, item, delimiter]) => [
      Number(list),
      { item: Number(item), delimiter: delimiter ?? ',' },
    ]),
  );
}

/** `-$1,234.50` or `(1.234,50 €)`: the locale of the server decides about symbols and decimals. */
async function findMoney(session: Session): Promise<Decode> {
  const { rows } = await session.query('select scale(1::money::numeric)');
  const decimals = Number(rows[0]?.[0] ?? 0);
  return (text) => {
    const digits = text.replace(/\D/g, '').padStart(decimals + 1, '0');
    const sign = /[-(]/.test(text) ? '-' : '';
    const integer = digits.slice(0, digits.length - decimals);
    return decodeNumber(sign + integer + (decimals === 0 ? '' : `.${digits.slice(-decimals)}`));
  };
}

/** Also used for ids, so that another length of the column does not make other records of its rows. */
export function trimPadding(text: string): string {
  return text.replace(/ +$/, '');
}

export function isPadded(oid: number): boolean {
  return oid === BPCHAR;
}

function decodeNumber(text: string): JsonValue {
  return isExact(text) ? Number(text) : text;
}

/** A double represents every integer up to 2^53 and any 15 digits exactly. */
function isExact(text: string): boolean {
  const [, integer, fraction, exponent] = /^-?(\d+)(?:\.(\d+))?(?:e([+-]?\d+))?$/i.exec(text) ?? [];
  if (integer === undefined) return false;
  if (fraction === undefined && exponent === undefined) return Number.isSafeInteger(Number(text));
  const digits = `${integer}${fraction ?? ''}`.replace(/^0+/, '').replace(/0+$/, '');
  if (digits.length <= 15) return Number.isFinite(Number(text)) && (digits === '' || Number(text) !== 0);
  // PostgreSQL writes a float8 as the shortest text that represents the same double.
  return String(Number(text)) === text.toLowerCase();
}

const LONG_NUMBER = /\d{16}|\.\d{15}|\d[eE][+-]?\d{2}/;
const STRING_OR_NUMBER = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;

function decodeJson(text: string): JsonValue {
  if (!LONG_NUMBER.test(text)) return JSON.parse(text) as JsonValue;
  return JSON.parse(
    text.replaceAll(STRING_OR_NUMBER, (token) =>
      token.startsWith('"') || isExact(token) ? token : `"${token}"`,
    ),
  ) as JsonValue;
}

/** `2026-11-21 10:00:00.5+00` → `2026-11-21T10:00:00.5Z`. `infinity` and years BC stay as they are. */
function decodeInstant(text: string): JsonValue {
  const [, day, time, zone] = /^(\d{4,}-\d\d-\d\d) ([\d:.]+)(\+00)?$/.exec(text) ?? [];
  return day === undefined ? text : `${day}T${time}${zone === undefined ? '' : 'Z'}`;
}
