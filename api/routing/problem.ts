/** RFC 9457 problem details as a schema, for the API description and for problems inside answers. */
import { z } from 'zod';
import { jsonObject } from './common-schemas';

export const problemView = z
  .object({
    type: z.string().meta({ format: 'uri', description: 'A page about this kind of problem.' }),
    title: z.string(),
    status: z.int(),
    detail: z.string().meta({ description: 'What it means here and what to do next.' }),
    code: z.string().meta({ description: 'Permanent; for programs.', example: 'invalid_body' }),
    errors: z
      .array(
        z.object({
          pointer: z
            .string()
            .meta({ description: 'JSON Pointer into the body, or the name of a parameter or header.' }),
          code: z.string(),
          message: z.string(),
        }),
      )
      .optional(),
    context: jsonObject.optional().meta({
      description: 'What a program needs to go on with; which members there are depends on the code.',
    }),
    request_id: z.string().meta({ description: 'Under which the log knows this request.' }),
  })
  .meta({ id: 'Problem' });
