/** The schema of problem details (RFC 9457), for the API description and for problems inside responses. */
import { z } from 'zod';
import { jsonObject } from './common-schemas';

export const problemView = z
  .object({
    type: z.string().meta({ format: 'uri', description: 'The URL of a page about this error.' }),
    title: z.string(),
    status: z.int(),
    detail: z.string().meta({ description: 'What the error means in this case and what to do next.' }),
    code: z.string().meta({ description: 'A stable code for programs.', example: 'invalid_body' }),
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
      description: 'Data for programs; the members depend on the code.',
    }),
    request_id: z
      .string()
      .meta({ description: 'The id of this request in the log. Include it when you contact support.' }),
  })
  .meta({ id: 'Problem' });
