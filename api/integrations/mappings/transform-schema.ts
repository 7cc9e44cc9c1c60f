/** Transforms of mapped fields: their JSON. */
import { z } from 'zod';
import { COUNTRY_FORMS, PHONE_FORMATS, type TransformStep } from '../../../domain/records/transforms/step';
import { jsonValue } from '../../routing/common-schemas';

const text = (max: number) => z.string().min(1).max(max);
const word = z.union([z.string().max(200), z.number()]);
const looked = z.union([word, z.boolean()]);
const separator = text(20).meta({ description: 'What is between the parts.', example: ', ' });
const zone = text(64).meta({ description: 'A time zone.', example: 'Europe/Berlin' });
const format = text(64).meta({
  description:
    'Letters as in `dd.MM.yyyy` or `yyyy-MM-dd HH:mm:ss`, of Luxon; other texts in single quotes. Names of ' +
    'months are English.',
  example: 'dd.MM.yyyy',
});
const form = z.enum(COUNTRY_FORMS);
const country = z
  .string()
  .regex(/^[A-Z]{2}$/, 'must be a code of two letters, such as DE')
  .meta({ example: 'DE' });

const step = z
  .discriminatedUnion('type', [
    z.strictObject({ type: z.literal('trim') }).meta({ description: 'Removes spaces around a text.' }),
    z
      .strictObject({ type: z.literal('case'), to: z.enum(['upper', 'lower']) })
      .meta({ description: 'Upper or lower case.' }),
    z
      .strictObject({ type: z.literal('split'), separator })
      .meta({ description: 'Our text is their list of texts.' }),
    z
      .strictObject({ type: z.literal('join'), separator })
      .meta({ description: 'Our list of texts is their text.' }),
    z
      .strictObject({
        type: z.literal('part'),
        separator,
        at: z.int().min(-100).max(100).meta({ description: '0 is the first part, -1 the last one.' }),
      })
      .meta({ description: 'One part of our text. Only sent.' }),
    z.strictObject({ type: z.literal('default'), value: jsonValue }).meta({
      description: 'Sent for null and for a field that the record does not have.',
      required: ['type', 'value'],
    }),
    z
      .strictObject({
        type: z.literal('lookup'),
        values: z.record(z.string().max(200), looked).meta({ description: "Our values to the app's." }),
        otherwise: looked
          .optional()
          .meta({ description: 'For every other value. Then the field is only sent.' }),
      })
      .meta({ description: 'A value of a list.' }),
    z
      .strictObject({ type: z.literal('boolean'), true: word, false: word })
      .meta({ description: 'true and false as words or numbers.' }),
    z
      .strictObject({
        type: z.literal('number'),
        decimals: z.int().min(0).max(10).optional().meta({ description: 'Rounds to so many decimals.' }),
        point: z.string().length(1).optional().meta({ description: 'The decimal point; `.` by default.' }),
        group: z
          .string()
          .length(1)
          .optional()
          .meta({ description: 'Between thousands; nothing by default.' }),
      })
      .meta({ description: 'Our number is their text.' }),
    z.strictObject({ type: z.literal('date'), format }).meta({ description: 'A day.' }),
    z
      .strictObject({ type: z.literal('datetime'), format, zone })
      .meta({ description: 'An instant; the format can also be `unix` (seconds) or `unix_ms`.' }),
    z
      .strictObject({ type: z.literal('day'), zone })
      .meta({ description: 'The day of an instant in a zone, as yyyy-MM-dd. Only sent.' }),
    z
      .strictObject({
        type: z.literal('country'),
        ours: form,
        theirs: form,
        language: text(5).optional().meta({ description: 'Of names; `en` by default.', example: 'en' }),
      })
      .meta({ description: 'Codes and names of countries (ISO 3166-1).' }),
    z
      .strictObject({
        type: z.literal('phone'),
        country: country.meta({ description: 'Where numbers without a country code are.' }),
        format: z.enum(PHONE_FORMATS),
      })
      .meta({ description: 'Telephone numbers; what is read becomes E.164.' }),
  ])
  .meta({ id: 'TransformStep' });

export const transform: z.ZodType<TransformStep[]> = z
  .array(step)
  .min(1)
  .max(20)
  .meta({
    description:
      "Steps from Syncline's value to the app's, in order; what is read goes through them backwards. Instead " +
      'of `type` and `values`.',
  });
