import type { Generated } from 'kysely';
import type { JsonObject } from '../../domain/json';
import type { ProblemDetail } from '../../domain/problem-detail';
import type { MappingEffect } from '../../domain/push/braked-effect';
import type { DefinitionRules } from '../../domain/third-parties/definition';
import type {
  Following,
  IntegrationHealth,
  MoveState,
  RolloutState,
  RolloutStep,
} from '../../domain/third-parties/rollout';
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

export interface DefinitionRolloutsTable {
  /** Always `PLATFORM_TENANT_ID`. */
  tenantId: string;
  rolloutId: string;
  definitionKey: string;
  /** The version that integrations move to. */
  version: number;
  /** The version of new integrations before; null = there was none. */
  formerVersion: number | null;
  state: RolloutState;
  /** The dry run needs no approval. */
  isAutomatic: boolean;
  /** Integrations without a definition follow this one from now on; no setting changes. */
  isAdoption: Generated<boolean>;
  steps: Json<RolloutStep[]>;
  /** The present step; `steps.length` = the one of all others, one more = those linked meanwhile. */
  step: Generated<number>;
  observeMs: number;
  stopAfterFailures: number;
  /** Failures that do not stop it, because a person resumed it after them. */
  acceptedFailures: Generated<number>;
  /** How far the search for integrations is. */
  listCursor: string | null;
  isListed: Generated<boolean>;
  /** Integrations that the present step changed; without any there is nothing to observe. */
  stepMoves: Generated<number>;
  /** The observation of the present step; null = the step is still to be done. */
  stepEndsAt: Date | null;
  nextCheckAt: Date | null;
  checkBeganAt: Date | null;
  /** Integrations that were held back before it are tried again. */
  retryAt: Date | null;
  pausedAt: Date | null;
  pausedBecause: 'requested' | 'failures' | null;
  /** Why it does not go on although it is to; tried again all the time. null = it goes on. */
  trouble: Json<RolloutTrouble | null> | null;
  createdBy: string;
  createdAt: Date;
  approvedBy: string | null;
  approvedAt: Date | null;
  updatedAt: Date;
  finishedAt: Date | null;
}

export interface RolloutTrouble {
  code: string;
  /** For people. */
  message: string;
}

/** A row of the tenant, so that it changes in one transaction with the integration. */
export interface DefinitionRolloutIntegrationsTable {
  tenantId: string;
  rolloutId: string;
  integrationId: string;
  /** The order in which integrations change, at random. */
  place: number;
  state: MoveState;
  /** 0 = it followed none. */
  fromVersion: number;
  /** `integrations.version` in the dry run. */
  seenVersion: number | null;
  /** Dry runs that began. */
  tries: Generated<number>;
  /** The new settings were tried at the app. */
  isTried: Generated<boolean>;
  /** JSON Pointers into the integration. */
  changes: Json<string[]> | null;
  /** JSON Pointers to what is its own beside the definition. */
  differences: Json<string[]> | null;
  recordsTouched: number | null;
  recordsExamined: number | null;
  effects: Json<MappingEffect[]> | null;
  problems: Json<ProblemDetail[]> | null;
  settingsBefore: Json<Following> | null;
  settingsAfter: Json<Following> | null;
  healthBefore: Json<IntegrationHealth> | null;
  plannedAt: Date | null;
  changedAt: Date | null;
  checkedAt: Date | null;
  updatedAt: Date;
}
