/** The SCIM connector against scim2-server. */
import { scim } from '../../../connectors/scim';
import { EMPLOYEES_MAPPING, ENTERPRISE_SCHEMA } from '../../../connectors/scim/fields';
import { startScimServer } from '../../support/servers/third-parties';
import type { ConnectorHarness, RemoteRecord } from './harness';

interface ScimUser {
  id: string;
  externalId?: string;
  active?: boolean;
  name?: { givenName?: string; familyName?: string };
  emails?: { value: string }[];
}

/** `updateWith`: the same guarantees must hold for services without PATCH. */
export function scimHarness(updateWith: 'patch' | 'put'): ConnectorHarness {
  return {
    title: `scim against scim2-server, updates by ${updateWith.toUpperCase()}`,
    connector: scim,
    recordType: 'employees',
    mapping: {
      ...EMPLOYEES_MAPPING,
      fields: [
        { name: 'email', to: '/userName' },
        ...EMPLOYEES_MAPPING.fields.filter(({ name }) => name !== 'user_name' && name !== 'cost_center'),
      ],
    },
    typed: {
      fields: [
        { name: 'number', to: `/${ENTERPRISE_SCHEMA}/costCenter`, type: 'string' },
        { name: 'fax', to: 'phoneNumbers[type eq "fax"].value' },
        { name: 'city', to: 'addresses[type eq "home"].locality' },
        { name: 'roles', to: 'roles' },
      ],
      values: [
        {
          active: true,
          number: 7,
          fax: 'tel:+31-20-555',
          city: 'Delft',
          phone: '+31 20 555 0100',
          roles: [{ value: 'b' }, { value: 'a', type: 'x' }],
        },
        { active: true, number: null, fax: null, city: null, phone: null, roles: null },
      ],
    },
    canDeactivate: true,
    rejected: { fields: { email: null }, field: 'email' },
    longestString: 10_000,
    badConfigs: {
      'no base URL': {},
      'a relative base URL': { base_url: '/scim/v2' },
      'another scheme': { base_url: 'ftp://hr.example.com/scim' },
      'a user name in the base URL': { base_url: 'https://user:secret@hr.example.com/scim' },
      'a query in the base URL': { base_url: 'https://hr.example.com/scim?tenant=1' },
      'an unknown key': { base_url: 'https://hr.example.com/scim', pasword: 'x' },
      'no record types': { base_url: 'https://hr.example.com/scim', record_types: {} },
      'an endpoint that climbs': {
        base_url: 'https://hr.example.com/scim',
        record_types: {
          employees: {
            resource_type: 'User',
            endpoint: '/../admin',
            schemas: ['urn:ietf:params:scim:schemas:core:2.0:User'],
          },
        },
      },
    },
    async start() {
      const server = await startScimServer();
      const headers = { authorization: `Bearer ${server.bearerToken}` };
      return {
        config: scim.configSchema.parse({ base_url: server.url, update_with: updateWith }),
        credentials: { token: server.bearerToken },
        wrongCredentials: { token: 'wrong' },
        async list() {
          const response = await fetch(`${server.url}/Users?count=1000`, { headers });
          const { Resources: users = [] } = (await response.json()) as { Resources?: ScimUser[] };
          return users.map(toRemoteRecord);
        },
        async remove(remoteId) {
          const response = await fetch(`${server.url}/Users/${remoteId}`, { method: 'DELETE', headers });
          if (response.status !== 204) throw new Error(`scim2-server answered ${response.status}`);
        },
        stop: () => server.stop(),
      };
    },
  };
}

function toRemoteRecord(user: ScimUser): RemoteRecord {
  return {
    remoteId: user.id,
    externalId: user.externalId ?? '',
    isActive: user.active !== false,
    firstName: user.name?.givenName ?? null,
    lastName: user.name?.familyName ?? null,
    email: user.emails?.[0]?.value ?? null,
  };
}
