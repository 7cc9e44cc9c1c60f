import { useQuery } from '@tanstack/react-query';
import { integrationsQuery } from '../../api/queries';

/** `PocketBase (Demo)` by id. Logs outlive integrations, so disconnected ones have a generic name. */
export function useIntegrationNames(): {
  nameOf: (id: string) => string;
  choices: { value: string; label: string }[];
} {
  const { data = [] } = useQuery(integrationsQuery);
  const choices = data.map(({ id, app, account_name: account }) => ({
    value: id,
    label: `${app} (${account})`,
  }));
  const names = new Map(choices.map(({ value, label }) => [value, label]));
  return { choices, nameOf: (id) => names.get(id) ?? 'Disconnected integration' };
}
