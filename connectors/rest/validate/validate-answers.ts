/** Problems of `answers`: statuses that can never have the listed meaning, and codes that nothing reads. */
import type { AnswersConfig, ErrorsConfig, RestConfig } from '../config/config';
import { MEANINGS, rulesFor } from '../http/response-rules';
import type { Problem } from './validate-call';

export function problemsOfAnswers(config: RestConfig): Problem[] {
  const types = Object.entries(config.record_types);
  const allErrors = [config, ...types.map(([, type]) => type)].map((part) => part.errors);
  return [
    ...problemsIn('/config/answers', config.answers, allErrors),
    ...types.flatMap(([name, type]) => {
      const errors = [rulesFor(config, type).errors];
      return problemsIn(`/config/record_types/${name}/answers`, type.answers, errors);
    }),
  ];
}

function problemsIn(
  pointer: string,
  answers: AnswersConfig = {},
  errors: readonly (ErrorsConfig | undefined)[],
): Problem[] {
  const areCodesRead = errors.some(hasCode);
  const problems: Problem[] = [];
  const seen = new Set<number | string>(answers.success);
  for (const meaning of MEANINGS)
    (answers[meaning] ?? []).forEach((sign, index) => {
      const at = `${pointer}/${meaning}/${index}`;
      if (typeof sign === 'object') return;
      if (typeof sign === 'number' && sign < 300) problems.push({ pointer: at, message: aboutSuccess(sign) });
      if (typeof sign === 'string' && !areCodesRead) problems.push({ pointer: at, message: NO_CODES });
      if (seen.has(sign))
        problems.push({ pointer: at, message: `${sign} is listed twice, so its meaning is not clear.` });
      seen.add(sign);
    });
  return problems;
}

function hasCode(errors: ErrorsConfig | undefined): boolean {
  return errors?.code !== undefined || [errors?.each ?? []].flat().some(({ code }) => code !== undefined);
}

function aboutSuccess(status: number): string {
  return status < 200
    ? `No response has the status ${status}.`
    : `${status} is a success, whatever is listed here. To recognize a response by its body, use a condition ` +
        '({"at": "/found", "is": false}) or a code.';
}

const NO_CODES =
  'No code is read from responses, so this entry has no effect. Set errors.code or errors.each.code.';
