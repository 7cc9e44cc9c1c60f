import { cut } from '../../common/formatting';

/** The name of a record: its name fields, else its title, e-mail or id. */
export function toRecordName({
  fields,
  external_id: externalId,
}: {
  fields: Record<string, unknown>;
  external_id: string;
}): string {
  const text = (name: string): string => (typeof fields[name] === 'string' ? fields[name].trim() : '');
  const full = `${text('first_name')} ${text('last_name')}`.trim();
  const name = text('name') || text('display_name') || full || text('title') || text('email') || externalId;
  return cut(name, 120);
}
