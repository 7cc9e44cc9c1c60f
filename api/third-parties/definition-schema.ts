/**
 * The document of a third-party definition. Its JSON Schema is published
 * (docs/third-party-definition.schema.json), so that editors complete and check it.
 */
import { z } from 'zod';
import { PARAMETER_FORMATS } from '../../domain/third-parties/parameters';
import { recordTypeMappings } from '../integrations/mapping-schema';
import { jsonObject, lineOfText } from '../routing/common-schemas';

const NAME = /^[a-z][a-z0-9_]{0,62}$/;
const name = z.string().regex(NAME, 'lower-case letters, digits and _');
/** The generator of the API description leaves out what names may be. */
const propertyNames = { type: 'string', pattern: NAME.source } as const;
const steps = z
  .array(lineOfText(500))
  .max(20)
  .meta({ description: 'Steps for people, in order, each a sentence or two.' });
const httpsUrl = z
  .string()
  .max(2_000)
  .regex(/^https:\/\/[a-z0-9-]+(\.[a-z0-9-]+)+(\/[!-~]*)?$/, 'must be an address with https');

const parameter = z
  .strictObject({
    label: lineOfText(100),
    help: lineOfText(500).optional(),
    format: z.enum(PARAMETER_FORMATS).meta({
      description:
        '`subdomain`: a part of a host name. `host`: a host name. `origin`: scheme and host. `identifier`: an ' +
        'id of the product. `choice`: one of `options`.',
    }),
    example: z.string().min(1).max(200),
    default: z.string().min(1).max(200).optional(),
    options: z
      .array(z.strictObject({ value: z.string().min(1).max(200), label: lineOfText(100) }))
      .min(1)
      .max(100)
      .optional(),
  })
  .meta({ id: 'ThirdPartyParameter' });

const signIn = z
  .strictObject({
    key: name,
    label: lineOfText(100),
    help: steps.default([]),
    config: jsonObject.meta({
      description: 'What this way to sign in adds to `config`; `auth` for the connector `rest`.',
    }),
    credentials: z
      .record(
        name,
        z.strictObject({
          label: lineOfText(100),
          help: lineOfText(500).optional(),
          is_long: z.boolean().optional().meta({ description: 'A text of several lines, such as a key.' }),
        }),
      )
      .default({})
      .meta({ propertyNames, description: 'The credentials to enter, by name.' }),
  })
  .meta({ id: 'ThirdPartySignIn' });

export const CATEGORIES = [
  'hr',
  'identity',
  'crm',
  'accounting',
  'support',
  'chat',
  'projects',
  'e-commerce',
  'other',
] as const;

export const definitionKey = z
  .string()
  .regex(/^(?!(try|draft)$)[a-z][a-z0-9-]{0,62}$/, 'lower-case letters, digits and -; not try or draft')
  .meta({ example: 'hubspot' });

export const definitionDocument = z
  .strictObject({
    $schema: z.string().max(500).optional(),
    key: definitionKey,
    name: lineOfText(100),
    category: z.enum(CATEGORIES),
    description: lineOfText(500),
    proof: z.enum(['live', 'simulator', 'none']).meta({
      description:
        '`live`: tried with the live service. `simulator`: tested against a simulator of the documented ' +
        'behaviour, not yet proved against the live service. `none`: not tested.',
    }),
    sources: z
      .array(httpsUrl)
      .max(50)
      .default([])
      .meta({ description: "The vendor's own documentation that this definition follows." }),
    connector: z.string().max(63).default('rest'),
    parameters: z
      .record(name, parameter)
      .refine((parameters) => Object.keys(parameters).length <= 20, 'at most 20 parameters')
      .default({})
      .meta({
        propertyNames,
        maxProperties: 20,
        description: 'What differs between accounts. `${name}` in any text stands for the value.',
      }),
    sign_in: z.array(signIn).min(1).max(10).meta({ description: 'The ways to sign in, the default first.' }),
    config: jsonObject.meta({ description: 'The configuration of the connector, without the sign-in.' }),
    record_types: recordTypeMappings
      .optional()
      .meta({ description: 'The default mappings; those of the connector unless given.' }),
    help: steps.default([]),
    limits: steps.default([]).meta({ description: 'What the product allows, and what it does not.' }),
  })
  .meta({ id: 'ThirdPartyDefinitionDocument' });

export type DefinitionDocument = z.output<typeof definitionDocument>;
