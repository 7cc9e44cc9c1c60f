/**
 * Keeps every statement that the product runs in a test, with the parameters of its first run, for
 * test/plans. Active if TEST_STATEMENTS_FOLDER names a folder; a file per statement. Of a statement with an
 * exception in test/plans each test file keeps its first run: which file runs first is not decided, and the
 * exception may be needed for the parameters of one of them only.
 */
const { createHash, randomUUID } = require('node:crypto');
const fs = require('node:fs');
const path = require('node:path');

const folder = process.env.TEST_STATEMENTS_FOLDER;

/** Lists of parameters differ by length only. */
const normalized = (text) =>
  text.replace(/\s+/g, ' ').replace(/\((\$\d+(, )?)+\)(, \((\$\d+(, )?)+\))*/g, '($…)');

function encoded(value) {
  if (value instanceof Date) return { date: value.toISOString() };
  if (Buffer.isBuffer(value)) return { base64: value.toString('base64') };
  return { value: value ?? null };
}

const db = path.join(__dirname, '../../db/');

/** Tests run statements of their own in the same transactions. */
function isOfProduct() {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 60;
  const { stack } = new Error();
  Error.stackTraceLimit = stackTraceLimit;
  const caller = stack
    .split('\n')
    .find(
      (line) =>
        line.includes(path.dirname(db)) &&
        !/node_modules|record-statements|db\/(database|connection-liveness)\./.test(line),
    );
  return caller !== undefined && caller.includes(db);
}

if (folder) {
  const { Client } = require('pg');
  const { ALLOWED_READS } = require('../plans/allowed-reads');
  const testFile = randomUUID();
  const seen = new Set();
  /**
   * Role, tenant and whether rows are read in index order in the current transaction, by connection. Tests
   * use connections without a role.
   */
  const sessions = new WeakMap();
  const { query } = Client.prototype;
  Client.prototype.query = function recordingQuery(config, ...rest) {
    const text = typeof config === 'string' ? config : config?.text;
    const values = (typeof config === 'string' ? rest[0] : config?.values) ?? [];
    if (typeof text === 'string' && Array.isArray(values)) record(this, text, values);
    return query.call(this, config, ...rest);
  };

  function record(client, text, values) {
    const settings = /set_config\('role', '(.*?)', true\),\s+set_config\('app\.tenant', '(.*?)', true\)/.exec(
      text,
    );
    if (settings !== null) return sessions.set(client, { role: settings[1], tenant: settings[2] });
    if (/^\s*(begin|commit|rollback|start transaction)/i.test(text)) return sessions.delete(client);
    const session = sessions.get(client);
    if (session === undefined) return;
    if (!text.startsWith(`select set_config('enable_sort'`)) keep(session, text, values);
    const order = /set_config\('enable_sort', '(on|off)'/.exec(text);
    if (order !== null) session.isInIndexOrder = order[1] === 'off';
  }

  function keep(session, text, values) {
    if (!session.role.startsWith('syncline_') || !/^\s*(select|with|insert|update|delete)/i.test(text))
      return;
    const statement = normalized(text);
    const mode = session.isInIndexOrder === true ? 'in index order' : '';
    const isException = ALLOWED_READS.some(({ contains }) => statement.includes(contains));
    const key = `${session.role} ${mode} ${statement} ${isException ? testFile : ''}`;
    const name = createHash('sha256').update(key).digest('hex').slice(0, 24);
    if (seen.has(name)) return;
    if (!isOfProduct()) return;
    seen.add(name);
    const file = path.join(folder, `${name}.json`);
    if (fs.existsSync(file)) return;
    const kept = JSON.stringify({ ...session, text, values: values.map(encoded) });
    if (kept.length < 1_000_000) fs.writeFileSync(file, kept);
  }
}
