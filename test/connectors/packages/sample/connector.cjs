/** The connector of a package: employees of "People", an API with search, keyset pages and a filter. */
const {
  defineConnector,
  errorFromCheck,
  errorFromResponse,
  isSuccess,
  pushConcurrently,
  RecordRejected,
  z,
} = require('syncline/connector');

const Config = z.strictObject({
  base_url: z.url({ protocol: /^https?$/ }).describe('The address of People.'),
  path: z
    .string()
    .regex(/^\/\w+$/)
    .default('/people'),
  page_size: z.int().min(1).max(200).default(100),
});
const Credentials = z.strictObject({ token: z.string().min(1).describe('An API token of People.') });

const CALLS_AT_ONCE = 4;
const FIELDS = {
  first_name: 'string',
  last_name: 'string',
  email: 'string',
  shoe_size: 'number',
  active: 'boolean',
};
const asRecordType = (names) => ({
  name: 'employees',
  label: 'People',
  fields: names.map((name) => ({
    name,
    label: name,
    type: FIELDS[name] ?? 'string',
    isRequired: name === 'email',
  })),
});

/** One request; the answer to a refused record names our fields. */
async function call({ config, credentials, http }, method, path, { body, fieldNames = {} } = {}) {
  const response = await http.send({
    method,
    url: config.base_url.replace(/\/$/, '') + path,
    headers: {
      authorization: `Bearer ${credentials.token}`,
      ...(body !== undefined && { 'content-type': 'application/json' }),
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
    ...(method === 'GET' && { responseBytesMax: 'page' }),
  });
  if (isSuccess(response)) return { response, data: response.text === '' ? null : JSON.parse(response.text) };
  throw errorFromResponse(response, ({ text }) => refusalIn(text, fieldNames));
}

function refusalIn(text, fieldNames) {
  const { errors = [] } = text.startsWith('{') ? JSON.parse(text) : {};
  return {
    message: errors.map(({ message }) => message).join(' ') || 'People refused the request.',
    errors: errors.map(({ field, message }) => ({
      field: fieldNames[field] ?? null,
      remoteField: field,
      code: 'invalid',
      message,
      explanation: 'Correct the value; Syncline then pushes the record again.',
    })),
  };
}

/** undefined if it does not exist. */
async function unlessMissing(request) {
  try {
    return (await request).data;
  } catch (error) {
    if (error instanceof RecordRejected && error.errors[0]?.code === 'http_404') return undefined;
    throw error;
  }
}

const done = (item, effect, person) => ({
  pushId: item.pushId,
  ok: true,
  effect,
  remoteId: person?.id ?? null,
  remoteVersion: null,
  ...(person && { shown: person }),
});

/** A record that was never acknowledged is searched before it is created: it may be there. */
async function findPerson(item, context) {
  const { path } = context.config;
  if (item.remoteId !== null)
    return unlessMissing(call(context, 'GET', `${path}/${encodeURIComponent(item.remoteId)}`));
  const { data } = await call(context, 'GET', `${path}?external_id=${encodeURIComponent(item.externalId)}`);
  const [found] = data.items;
  if (found !== undefined) await context.claimRemote?.(item, found.id);
  return found;
}

async function pushOne(item, context) {
  const found = await findPerson(item, context);
  if (item.operation !== 'upsert') return remove(item, found, context);
  if (found === undefined) return create(item, context);
  const payload = item.isReadFirst
    ? await context.beforeWrite(item, found, { isReplaced: false })
    : item.payload;
  const body = item.isDeactivated ? { ...payload, active: true } : payload;
  return done(item, 'updated', await write(item, context, 'PATCH', `/${encodeURIComponent(found.id)}`, body));
}

async function create(item, context) {
  if (item.remoteId !== null) context.beforeCreateAgain?.(item);
  return done(
    item,
    'created',
    await write(item, context, 'POST', '', { ...item.payload, external_id: item.externalId }),
  );
}

async function write(item, context, method, path, body) {
  const options = { body, fieldNames: item.fieldNames };
  return (await call(context, method, context.config.path + path, options)).data;
}

async function remove(item, found, context) {
  if (found === undefined) return done(item, 'none');
  const path = `/${encodeURIComponent(found.id)}`;
  if (item.operation === 'deactivate')
    return done(item, 'deactivated', await write(item, context, 'PATCH', path, { active: false }));
  await unlessMissing(call(context, 'DELETE', context.config.path + path));
  return done(item, 'deleted');
}

async function readPage({ recordType, modifiedSince, cursor }, context) {
  if (recordType !== 'employees') throw new RecordRejected(`People has no ${recordType}.`, []);
  const { path, page_size: size } = context.config;
  const query = new URLSearchParams({ limit: String(size) });
  if (modifiedSince !== null) query.set('since', modifiedSince.toISOString());
  if (cursor !== null) query.set('after', cursor);
  const { response, data } = await call(context, 'GET', `${path}?${query}`);
  return {
    records: data.items.map((person) => ({
      remoteId: person.id,
      remoteVersion: null,
      fields: person,
      externalId: person.external_id ?? null,
      isDeleted: false,
    })),
    unreadable: [],
    nextCursor: data.next,
    asOf: response.headers.date === undefined ? null : new Date(response.headers.date),
    total: null,
  };
}

module.exports = defineConnector({
  interface: 1,
  connector: {
    kind: 'acme-people',
    title: 'People',
    description: 'Employees in People of Acme.',
    configSchema: Config,
    credentialsSchema: Credentials,
    batchSize: 50,
    callsAtOnce: () => CALLS_AT_ONCE,
    onDelete: ['deactivate', 'delete', 'leave'],
    recordTypes: () => [asRecordType(Object.keys(FIELDS))],
    hosts: ({ base_url: url }) => [new URL(url).host],
    origins: ({ base_url: url }) => ({ '/config/base_url': new URL(url).origin }),
    push: (items, context) =>
      pushConcurrently(items, CALLS_AT_ONCE, (item) => pushOne(item, context), context),
    readAbilities: (_config, recordType) =>
      recordType === 'employees' ? { canFilterByModified: true, isPagingStable: true } : null,
    readPage,
    async count(_recordType, context) {
      return (await call(context, 'GET', `${context.config.path}?limit=1`)).data.count;
    },
    async describeRecordTypes(context) {
      return [asRecordType((await call(context, 'GET', '/fields')).data)];
    },
    async check(context) {
      const { config, credentials, http } = context;
      const response = await http.send({
        method: 'GET',
        url: `${config.base_url.replace(/\/$/, '')}/fields`,
        headers: { authorization: `Bearer ${credentials.token}` },
      });
      if (!isSuccess(response)) throw errorFromCheck(response);
    },
  },
});
