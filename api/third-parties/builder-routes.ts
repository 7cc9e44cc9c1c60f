/**
 * From an OpenAPI document, a curl command or nothing to a definition that works: drafts, and tries of single
 * calls. For admins of tenants, who link what they describe, and for operators, who add it for all tenants.
 */
import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import type { TenantWork } from '../../db/database';
import { newUuid } from '../../db/sql/ids';
import { expand } from '../../domain/third-parties/definition';
import { type Draft, draftHead, UnusableStart } from '../../domain/third-parties/drafts/draft';
import { draftFromCurl } from '../../domain/third-parties/drafts/from-curl';
import { draftFromOpenApi } from '../../domain/third-parties/drafts/from-openapi';
import {
  summaryOf,
  TRIES,
  type TryPlan,
  type TryResult,
  WRITING_TRIES,
} from '../../domain/third-parties/tries';
import { HttpError } from '../http/http-error';
import { readCredentials } from '../integrations/connector-catalogue';
import { checkTogether } from '../integrations/integration-checks';
import { encryptCredentials } from '../integrations/integration-credentials';
import { requireConnector } from '../integrations/integration-input';
import { startTrial } from '../integrations/integration-trials';
import { jsonObject } from '../routing/common-schemas';
import type { TenantContext } from '../routing/context';
import { defineRoute, type Route } from '../routing/define-route';
import { checkUse, readingConfig } from './definition-use';
import { compileParts, problemsOf } from './partial-definition';
import { toWireResult, triesView, wantedTries } from './try-schema';

const tag = 'Third-party definitions';
const tenantBase = '/v1/third-party-definitions';
const platformBase = '/v1/platform/third-party-definitions';
const OPENAPI_BYTES_MAX = 4 * 1_024 * 1_024;

const start = z
  .strictObject({
    curl: z.string().min(1).max(65_536).optional().meta({
      description: 'A curl command, as the documentation of a product shows it. Its secrets are dropped.',
    }),
    openapi: jsonObject.optional().meta({
      description:
        'An OpenAPI 3 document as JSON, of up to 4 MiB. References to other documents are not followed.',
    }),
    definition: jsonObject.optional().meta({ description: 'A definition to check.' }),
  })
  .refine((given) => Object.keys(given).length <= 1, 'Give one of `curl`, `openapi` and `definition`.')
  .meta({ maxProperties: 1, id: 'DefinitionStart', description: 'Nothing: a blank definition.' });

const draftView = z
  .object({
    definition: jsonObject,
    decisions: z
      .array(z.object({ pointer: z.string(), message: z.string() }))
      .meta({ description: 'What a person has to decide, with pointers into the definition.' }),
    problems: z
      .array(z.object({ pointer: z.string(), code: z.string(), message: z.string() }))
      .meta({ description: 'What would be refused if the definition were added as it is.' }),
  })
  .meta({ id: 'DefinitionDraft' });

const drafting = {
  method: 'post',
  tag,
  summary: 'Begin a definition',
  description:
    'Nothing is stored, and no call is made. Repeat it with `definition` to check what you changed.',
  body: start,
  bodyBytesMax: OPENAPI_BYTES_MAX,
  responses: { 200: { description: 'A draft.', schema: draftView } },
  problems: ['invalid_definition'],
  action: 'third_party_definition.drafted',
  async run(_work: TenantWork, { body }: { body: z.output<typeof start> }, { services }: TenantContext) {
    const { definition, decisions } = draftOf(body);
    const problems = [...problemsOf(definition, services)];
    return { status: 200 as const, body: { definition, decisions, problems }, audit: null };
  },
} as const;

const TRYING =
  'A worker makes the calls, under the same egress policy and limits as for an integration, within 20 seconds. ' +
  'What there was no time for is `not_tried`: try it alone. Tries that write need `may_write`; their test record ' +
  'is removed at the end, and `clean_up` says whether that succeeded.';

const trying = {
  method: 'post',
  tag,
  summary: 'Try single calls of a definition',
  description: TRYING,
  body: wantedTries,
  responses: { 200: { description: 'What was found.', schema: triesView } },
  problems: [
    'invalid_definition',
    'invalid_settings',
    'invalid_config',
    'invalid_mapping',
    'invalid_credentials_shape',
    'egress_refused',
    'unknown_connector',
    'check_unanswered',
  ],
  action: 'third_party_definition.tried',
  prepare: prepareTries,
} as const;

export const builderRoutes: readonly Route[] = [
  defineRoute({
    ...drafting,
    scope: 'tenant',
    path: `${tenantBase}/draft`,
    operationId: 'draftThirdPartyDefinition',
  }),
  defineRoute({
    ...trying,
    scope: 'tenant_after_trial',
    path: `${tenantBase}/try`,
    operationId: 'tryThirdPartyDefinition',
  }),
  defineRoute({
    ...drafting,
    scope: 'platform',
    path: `${platformBase}/draft`,
    operationId: 'draftPlatformThirdPartyDefinition',
  }),
  defineRoute({
    ...trying,
    scope: 'platform_after_trial',
    path: `${platformBase}/try`,
    operationId: 'tryPlatformThirdPartyDefinition',
  }),
];

function draftOf({ curl, openapi, definition }: z.output<typeof start>): Draft {
  if (definition !== undefined) return { definition, decisions: [] };
  try {
    if (curl !== undefined) return draftFromCurl(curl);
    return openapi === undefined ? blank() : draftFromOpenApi(openapi);
  } catch (error) {
    if (!(error instanceof UnusableStart)) throw error;
    const pointer = curl === undefined ? '/openapi' : '/curl';
    throw new HttpError('invalid_definition', {
      errors: [{ pointer, code: 'unusable', message: error.message }],
    });
  }
}

/** It can be added as it is, so that only what a person changes can be wrong. */
function blank(): Draft {
  const { definition, decisions } = draftFromCurl(
    'curl https://api.example.com/contacts -H "Authorization: Bearer x"',
  );
  const app = { ...(definition['config'] as object), app: 'My product' };
  return { definition: { ...definition, ...draftHead('My product'), config: app }, decisions };
}

async function prepareTries(
  work: TenantWork,
  { body }: { body: z.output<typeof wantedTries> },
  { services }: TenantContext,
) {
  const rules = compileParts(body.definition, services);
  const connector = requireConnector(services.connectors, rules.connector);
  const use = {
    signIn: body.sign_in ?? Object.keys(rules.signIns)[0] ?? '',
    parameters: body.parameters,
  };
  checkUse(rules, use, '');
  const { config, recordTypes } = expand(rules, use, readingConfig(rules, services));
  if (connector.oauth?.(config) !== undefined) throw invalid('/sign_in', 'consent', CONSENT);
  const recordType = body.record_type ?? Object.keys(recordTypes)[0];
  if (recordType === undefined || !Object.hasOwn(recordTypes, recordType))
    throw invalid('/record_type', 'unknown', 'The definition has no mapping of this record type.');
  const credentials = readCredentials(connector, body.credentials ?? {});
  checkTogether(connector, config, recordTypes, body.credentials && credentials);
  const integrationId = newUuid();
  const plan = planOf(body, recordType);
  const sealed = await encryptCredentials(work, services, { integrationId, connector, config, credentials });
  const settings = { integrationId, connector: connector.kind, config, recordTypes, credentials: sealed };
  const wait = await startTrial(work, { ...settings, tries: plan }, services);
  return async () => {
    const { tried, ok, kind, message } = await wait();
    // A worker of an earlier version has checked the settings instead.
    if (tried === undefined && (ok || kind === 'internal')) throw unanswered(plan);
    return async () => {
      const results = tried === undefined ? [] : withRefusedWrites(tried, body);
      const isWell = tried !== undefined && results.every(({ outcome }) => outcome !== 'failed');
      return {
        status: 200 as const,
        body: {
          ok: isWell,
          record_type: recordType,
          message: tried === undefined ? message : null,
          summary: summaryOf(results),
          results: results.map(toWireResult),
        },
        audit: {
          target: typeof body.definition['key'] === 'string' ? body.definition['key'].slice(0, 63) : null,
          detail: { hosts: connector.hosts(config), record_type: recordType, may_write: body.may_write },
        },
      };
    };
  };
}

function unanswered({ tries, testName }: TryPlan): HttpError {
  if (!tries.some((one) => WRITING_TRIES.includes(one))) return new HttpError('check_unanswered');
  const detail =
    'No worker finished the tries in time. Test records may be left in the app, with external ids that begin ' +
    `with ${testName}. Look for them, and delete them there.`;
  return new HttpError('check_unanswered', { detail });
}

const CONSENT =
  'Sign-in by consent needs a person. Add the definition, connect an account, and check the integration; or try ' +
  'the calls with another way to sign in.';

const invalid = (pointer: string, code: string, message: string) =>
  new HttpError('invalid_settings', { errors: [{ pointer, code, message }] });

type Wanted = z.output<typeof wantedTries>;

const wantedOf = ({ tries }: Wanted) => TRIES.filter((one) => tries === 'suite' || tries.includes(one));

function planOf(body: Wanted, recordType: string): TryPlan {
  return {
    recordType,
    tries: wantedOf(body).filter((one) => body.may_write || !WRITING_TRIES.includes(one)),
    modifiedSince: body.modified_since,
    externalId: body.external_id,
    record: body.record,
    change: body.change,
    wrong: body.wrong,
    testName: `synclinetry${randomBytes(6).toString('hex')}`,
  };
}

/** In the order of all tries. */
function withRefusedWrites(tried: readonly TryResult[], body: Wanted): TryResult[] {
  const refused = body.may_write ? [] : wantedOf(body).filter((one) => WRITING_TRIES.includes(one));
  return [
    ...tried,
    ...refused.map((name): TryResult => ({
      try: name,
      outcome: 'not_possible',
      message: 'It writes a test record, which `may_write` allows.',
      durationMs: 0,
      calls: [],
      problems: [],
    })),
  ];
}
