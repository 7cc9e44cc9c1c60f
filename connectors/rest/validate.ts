/**
 * What is wrong with a configuration although every single value has the right shape: a creation that a lost answer would repeat,
 * a variable that nobody fills, a value that could break out of a filter, a mapping that asks for what no call does, credentials
 * that do not fit. Messages are for the person who writes the configuration. Pointers begin with /config, /mappings or /credentials.
 */
import { type FieldMapping, type RecordTypeMapping, toPath } from '../../domain/mapping';
import { externalIdPointer } from './calls';
import type { AuthConfig, CallConfig, RecordTypeConfig, RestConfig, RestCredentials } from './config';
import { isCharacterAllowed } from './character-set';
import { isSafePath } from './json-pointer';
import { jsonVariables, pathVariables, problemOfText, textVariables } from './templates';

export interface Problem {
  pointer: string;
  message: string;
}

const CALLS = ['find', 'read', 'create', 'update', 'upsert', 'delete', 'deactivate', 'activate'] as const;

/** Every problem there is, none being an empty list. Without `credentials` they are not looked at. */
export function findRestProblems(config: RestConfig, mappings: Record<string, RecordTypeMapping>, credentials?: RestCredentials): Problem[] {
  return [
    ...Object.entries(config.record_types).flatMap(([name, type]) => problemsOfType(`/config/record_types/${name}`, type)),
    ...problemsOfCall('/config/check', config.check, () => false),
    ...problemsOfGet('/config/check', config.check),
    ...problemsOfHeaders('/config/headers', config.headers, () => false),
    ...problemsOfAuth(config.auth),
    ...Object.entries(mappings).flatMap(([name, mapping]) => problemsOfMapping(`/mappings/${name}`, mapping, config.record_types[name])),
    ...(credentials === undefined ? [] : problemsOfCredentials(config.auth, credentials)),
  ];
}

function problemsOfType(pointer: string, type: RecordTypeConfig): Problem[] {
  const hasOwnId = typeof type.id === 'object' && 'template' in type.id;
  const calls = CALLS.flatMap((name) => {
    const call = type[name];
    if (call === undefined) return [];
    const isKnown = (variable: string) =>
      variable === 'external_id' ||
      variable === 'push_id' ||
      variable.startsWith('payload.') ||
      (variable === 'remote_id' && (hasOwnId || !['find', 'create', 'upsert'].includes(name)));
    const isRead = name === 'find' || name === 'read';
    return [
      ...problemsOfCall(`${pointer}/${name}`, call as Partial<CallConfig>, isKnown),
      ...(isRead ? problemsOfGet(`${pointer}/${name}`, call as CallConfig) : []),
    ];
  });
  return [
    ...calls,
    ...problemsOfId(pointer, type),
    ...problemsOfWrites(pointer, type, hasOwnId),
    ...problemsOfSwitches(pointer, type),
    ...problemsOfReads(pointer, type, hasOwnId),
    ...problemsOfKnownFields(pointer, type),
  ];
}

/** Either create and update, the former safe to repeat, or upsert. */
function problemsOfWrites(pointer: string, type: RecordTypeConfig, hasOwnId: boolean): Problem[] {
  if (type.upsert !== undefined) {
    const others = (['create', 'update'] as const).filter((name) => type[name] !== undefined);
    return [
      ...others.map((name) => ({ pointer: `${pointer}/${name}`, message: `upsert does the work of create and update: remove ${name} or upsert.` })),
      ...(isAddressedByOurId(type.upsert, hasOwnId)
        ? []
        : [
            {
              pointer: `${pointer}/upsert/path`,
              message: 'The path of upsert has to hold {external_id} or an id of our own, or it would change one and the same record every time.',
            },
          ]),
    ];
  }
  const missing = (['create', 'update'] as const).filter((name) => type[name] === undefined);
  if (missing.length > 0)
    return missing.map((name) => ({ pointer: `${pointer}/${name}`, message: `${name} is missing. Describe create and update, or upsert.` }));
  if (type.find !== undefined || hasOwnId || type.create?.idempotency_header !== undefined) return [];
  const message =
    'After a lost answer a record would be created twice. Describe find, or give the record an id of our own (id.template), or name the header in which the third party takes an idempotency key (idempotency_header).';
  return [{ pointer: `${pointer}/create`, message }];
}

function isAddressedByOurId({ path, parameters = {} }: CallConfig, hasOwnId: boolean): boolean {
  const used = pathVariables(path).flatMap((name) => (Object.hasOwn(parameters, name) ? variablesOfParameter(parameters[name]) : [name]));
  return used.includes('external_id') || used.some((name) => name.startsWith('payload.')) || (hasOwnId && used.includes('remote_id'));
}

function problemsOfId(pointer: string, { id }: RecordTypeConfig): Problem[] {
  if (typeof id === 'string' || !('template' in id)) return [];
  const unknown = textVariables(id.template).filter((name) => name !== 'external_id');
  const sign = id.otherwise;
  return [
    ...unknown.map((name) => ({ pointer: `${pointer}/id/template`, message: `{${name}} is not known here: an id of our own is formed from {external_id}.` })),
    ...(sign !== undefined && isCharacterAllowed(id.allow, sign)
      ? [
          {
            pointer: `${pointer}/id/otherwise`,
            message: `${sign} introduces what stands for other characters, so "allow" must not hold it: two ids could become the same.`,
          },
        ]
      : []),
  ];
}

function problemsOfReads(pointer: string, type: RecordTypeConfig, hasOwnId: boolean): Problem[] {
  const problems: Problem[] = [];
  if (type.find?.items !== undefined && type.find.match === undefined && externalIdPointer(type) === undefined) {
    const message =
      'What is found has to be recognized as ours: give external_id (where our id stands in their record) or find.match. Most APIs ignore a filter that they do not understand.';
    problems.push({ pointer: `${pointer}/find`, message });
  }
  for (const key of ['item_at', 'empty'] as const) {
    if (type.find?.[key] !== undefined && type.find.items === undefined)
      problems.push({ pointer: `${pointer}/find/${key}`, message: `${key} belongs to a list: give items too.` });
  }
  for (const variable of textVariables(type.find?.match?.value ?? '')) {
    const isKnown = variable === 'external_id' || variable.startsWith('payload.') || (hasOwnId && variable === 'remote_id');
    if (!isKnown) problems.push({ pointer: `${pointer}/find/match/value`, message: unknownVariable(variable) });
  }
  const wantsVersion = (['update', 'delete'] as const).filter((name) => type[name]?.if_match === true);
  for (const name of wantsVersion) {
    if (type.version === undefined)
      problems.push({ pointer: `${pointer}/${name}/if_match`, message: 'if_match sends the version: say in "version" where an answer holds it.' });
    if (type.read === undefined && type.find === undefined)
      problems.push({ pointer: `${pointer}/${name}/if_match`, message: 'After a 412 the present version is read: describe read or find.' });
  }
  if (type.read !== undefined && wantsVersion.length === 0)
    problems.push({ pointer: `${pointer}/read`, message: 'read is called only after a 412: give update or delete "if_match": true, or remove it.' });
  return problems;
}

function problemsOfSwitches(pointer: string, type: RecordTypeConfig): Problem[] {
  return (['deactivate', 'activate'] as const).flatMap((name) => {
    const change = type[name];
    if (change === undefined) return [];
    const problems: Problem[] = [];
    if (change.path === undefined && change.set === undefined)
      problems.push({ pointer: `${pointer}/${name}`, message: `Say what ${name} changes: "set" (constants), or a call of its own (path).` });
    const idle = (['method', 'parameters', 'headers', 'body', 'body_at'] as const).filter((key) => change.path === undefined && change[key] !== undefined);
    for (const key of idle) problems.push({ pointer: `${pointer}/${name}/${key}`, message: `${key} belongs to a call of its own: give path too.` });
    if (name === 'activate' && type.deactivate === undefined)
      problems.push({ pointer: `${pointer}/activate`, message: 'activate undoes deactivate, which is not described.' });
    return problems;
  });
}

function problemsOfKnownFields(pointer: string, { known_fields: fields = [] }: RecordTypeConfig): Problem[] {
  return fields.flatMap((field, index) => {
    const at = `${pointer}/known_fields/${index}`;
    const problems: Problem[] = [];
    const hasValues = (field.values ?? []).length > 0;
    if (field.type === 'picklist' && !hasValues) problems.push({ pointer: `${at}/values`, message: 'A picklist needs its values.' });
    if (field.values !== undefined && (!hasValues || (field.type ?? 'picklist') !== 'picklist'))
      problems.push({ pointer: `${at}/values`, message: 'Only a picklist has values, at least one.' });
    if (fields.findIndex(({ name }) => name === field.name) < index) problems.push({ pointer: `${at}/name`, message: `${field.name} is described twice.` });
    return problems;
  });
}

function problemsOfCall(pointer: string, call: Partial<CallConfig>, isKnown: (variable: string) => boolean): Problem[] {
  const parameters = call.parameters ?? {};
  const inPath = call.path === undefined ? [] : pathVariables(call.path);
  const problems: Problem[] = [];
  for (const name of inPath) {
    if (!Object.hasOwn(parameters, name) && !isKnown(name)) problems.push({ pointer: `${pointer}/path`, message: unknownVariable(name) });
  }
  for (const [name, parameter] of Object.entries(parameters)) {
    const at = `${pointer}/parameters/${name}`;
    if (!inPath.includes(name)) problems.push({ pointer: at, message: `{${name}} stands nowhere in the path, so this parameter does nothing.` });
    for (const variable of variablesOfParameter(parameter)) if (!isKnown(variable)) problems.push({ pointer: at, message: unknownVariable(variable) });
    const problem = typeof parameter === 'object' ? problemOfText(parameter.template, parameter) : problemOfText(String(parameter), {});
    if (problem !== undefined) problems.push({ pointer: at, message: problem });
  }
  for (const variable of jsonVariables(call.body ?? {}))
    if (!isKnown(variable)) problems.push({ pointer: `${pointer}/body`, message: unknownVariable(variable) });
  return [...problems, ...problemsOfHeaders(`${pointer}/headers`, call.headers, isKnown)];
}

function problemsOfGet(pointer: string, { method = 'GET', body }: CallConfig): Problem[] {
  return method === 'GET' && body !== undefined ? [{ pointer: `${pointer}/body`, message: 'A GET has no body: give a method, POST most often.' }] : [];
}

function problemsOfHeaders(pointer: string, headers: Record<string, string> | undefined, isKnown: (variable: string) => boolean): Problem[] {
  return Object.entries(headers ?? {}).flatMap(([name, template]) =>
    textVariables(template)
      .filter((variable) => !isKnown(variable))
      .map((variable) => ({ pointer: `${pointer}/${name}`, message: unknownVariable(variable) })),
  );
}

function problemsOfAuth(auth: AuthConfig): Problem[] {
  if (auth.type !== 'login') return [];
  const problems: Problem[] = [];
  if ((auth.path === undefined) === (auth.url === undefined))
    problems.push({ pointer: '/config/auth', message: 'A login needs either path (under base_url) or url.' });
  if (auth.method === 'GET' && auth.body !== undefined) problems.push({ pointer: '/config/auth/body', message: 'A GET has no body.' });
  if (auth.send_as === 'form' && Object.values(auth.body ?? {}).some((value) => typeof value === 'object')) {
    problems.push({ pointer: '/config/auth/body', message: 'A form holds single values only.' });
  }
  if (!textVariables(auth.value).includes('token')) problems.push({ pointer: '/config/auth/value', message: 'The header of the token has to hold {token}.' });
  for (const variable of textVariables(auth.value))
    if (variable !== 'token') problems.push({ pointer: '/config/auth/value', message: unknownVariable(variable) });
  return problems;
}

function problemsOfMapping(pointer: string, mapping: RecordTypeMapping, type: RecordTypeConfig | undefined): Problem[] {
  if (type === undefined) return [{ pointer, message: 'The configuration describes no such record type.' }];
  const problems: Problem[] = [];
  if (mapping.onDelete !== 'leave' && type[mapping.onDelete] === undefined) {
    problems.push({
      pointer: `${pointer}/on_delete`,
      message: `The configuration does not describe ${mapping.onDelete}. Describe it, or choose another on_delete.`,
    });
  }
  mapping.fields.forEach((field, index) => {
    const problem = problemOfField(field, type);
    if (problem !== undefined) problems.push({ pointer: `${pointer}/fields/${index}/to`, message: problem });
  });
  return problems;
}

function problemOfField({ to }: FieldMapping, type: RecordTypeConfig): string | undefined {
  if (!isSafePath(toPath(to))) return 'The keys __proto__, constructor and prototype are refused.';
  const externalIdAt = externalIdPointer(type);
  if (externalIdAt !== undefined && toPath(to).join('/') === toPath(externalIdAt).join('/'))
    return `${to} holds our id of the record (external_id in the configuration) and cannot be mapped.`;
  return undefined;
}

function problemsOfCredentials(auth: AuthConfig, credentials: RestCredentials): Problem[] {
  const wanted = new Set(credentialsOf(auth));
  const missing = [...wanted].filter((name) => !Object.hasOwn(credentials, name));
  const idle = Object.keys(credentials).filter((name) => !wanted.has(name));
  return [
    ...missing.map((name) => ({ pointer: `/credentials/${name}`, message: `Authentication by ${auth.type} needs the credential "${name}".` })),
    ...idle.map((name) => ({ pointer: `/credentials/${name}`, message: `The configuration does not use a credential "${name}".` })),
  ];
}

/** The names of the credentials that this way of authentication uses. */
export function credentialsOf(auth: AuthConfig): string[] {
  switch (auth.type) {
    case 'none':
      return [];
    case 'bearer':
      return ['token'];
    case 'basic':
      return ['username', 'password'];
    case 'header':
      return Object.values(auth.headers).flatMap(textVariables);
    case 'query':
      return Object.values(auth.parameters).flatMap(textVariables);
    case 'oauth2_client_credentials':
      return ['client_id', 'client_secret'];
    case 'login':
      return [
        ...jsonVariables(auth.body ?? {}),
        ...Object.values(auth.headers ?? {}).flatMap(textVariables),
        ...(auth.path === undefined ? [] : pathVariables(auth.path)),
      ];
  }
}

function variablesOfParameter(parameter: CallConfig['parameters'] extends Record<string, infer P> | undefined ? P | undefined : never): string[] {
  return typeof parameter === 'object' ? textVariables(parameter.template) : textVariables(String(parameter ?? ''));
}

function unknownVariable(name: string): string {
  return `{${name}} is not known here. Known are external_id, push_id, payload.<field> in the calls of a record, remote_id where their id is known by then, and the names under "parameters".`;
}
