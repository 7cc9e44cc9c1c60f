import { cut } from '../../common/formatting';

/** What people call a record: its name where it has one, else something that tells it from others. */
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
