/** How rows of results look in JavaScript: values of the database's types, and properties in camelCase. */
import { CamelCasePlugin, type PluginTransformResultArgs, type QueryResult, type UnknownRow } from 'kysely';
import { types } from 'pg';

// bigint columns (versions, counters) are numbers: the API refuses versions above 2^53 - 1.
types.setTypeParser(types.builtins.INT8, Number);
// A date is a calendar day, not an instant in this machine's time zone.
types.setTypeParser(types.builtins.DATE, (text) => text);
// JavaScript parses an instant in its own notation in half the time.
const parseInstant = types.getTypeParser(types.builtins.TIMESTAMPTZ) as (
  text: string,
) => Date | number | null;
types.setTypeParser(types.builtins.TIMESTAMPTZ, (text) =>
  text[4] === '-' && text.endsWith('+00')
    ? new Date(`${text.slice(0, 10)}T${text.slice(11, -3)}Z`)
    : parseInstant(text),
);

/**
 * All rows of a result have the same columns, and values stay as they are. The plugin itself looks up each
 * column of each row.
 */
export class CamelCaseRows extends CamelCasePlugin {
  constructor() {
    super({ maintainNestedObjectKeys: true });
  }

  override async transformResult({ result }: PluginTransformResultArgs): Promise<QueryResult<UnknownRow>> {
    const [first] = result.rows;
    if (first === undefined) return result;
    const names = Object.keys(first).map((column) => [column, this.camelCase(column)] as const);
    if (names.every(([column, name]) => column === name)) return result;
    const rows = result.rows.map((row) => {
      const renamed: UnknownRow = {};
      for (const [column, name] of names) renamed[name] = row[column];
      return renamed;
    });
    return { ...result, rows };
  }
}
