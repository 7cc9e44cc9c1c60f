/** A small definition, as an operator adds it. */
export function givenDefinition(changes: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    key: 'contacts',
    name: 'Contacts',
    category: 'crm',
    description: 'People and their companies.',
    proof: 'none',
    parameters: {
      subdomain: { label: 'Sub-domain', format: 'subdomain', example: 'acme' },
      region: {
        label: 'Region',
        format: 'choice',
        example: 'eu',
        default: 'eu',
        options: [
          { value: 'eu', label: 'Europe' },
          { value: 'us', label: 'America' },
        ],
      },
    },
    sign_in: [
      {
        key: 'api_key',
        label: 'API key',
        config: { auth: { type: 'bearer' } },
        credentials: { token: { label: 'API key' } },
      },
      {
        key: 'password',
        label: 'User name and password',
        config: { auth: { type: 'basic' } },
        credentials: { username: { label: 'User name' }, password: { label: 'Password' } },
      },
    ],
    config: {
      app: 'Contacts',
      base_url: 'https://${subdomain}.${region}.contacts.example',
      check: { path: '/ping' },
      record_types: {
        contacts: {
          find: { path: '/contacts{?external_id}', items: '/items' },
          external_id: '/external_id',
          create: { path: '/contacts' },
          update: { path: '/contacts/{remote_id}' },
          delete: { path: '/contacts/{remote_id}' },
        },
      },
    },
    record_types: {
      contacts: {
        direction: 'push',
        on_delete: 'delete',
        fields: [
          { name: 'first_name', to: 'first_name' },
          { name: 'email', to: 'email' },
        ],
      },
    },
    ...changes,
  };
}
