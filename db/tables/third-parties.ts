import type { JsonObject } from '../../domain/json';
import type { DefinitionRules } from '../../domain/third-parties/definition';
import type { Json } from './json-column';

export interface ThirdPartyDefinitionsTable {
  /** Always `PLATFORM_TENANT_ID`; each tenant may read the rows. */
  tenantId: string;
  definitionKey: string;
  /** The version that new integrations use; null = none was published. */
  currentVersion: number | null;
  latestVersion: number;
  createdAt: Date;
  updatedAt: Date;
}

export interface ThirdPartyDefinitionVersionsTable {
  tenantId: string;
  definitionKey: string;
  version: number;
  /** As it was given: api/third-parties/definition-schema.ts. */
  document: Json<JsonObject>;
  rules: Json<DefinitionRules>;
  /** SHA-256 of the canonical document. */
  hash: string;
  /** `shipped`: from a file of Syncline. `platform`: through the API. */
  origin: 'shipped' | 'platform';
  createdBy: string;
  createdAt: Date;
}
