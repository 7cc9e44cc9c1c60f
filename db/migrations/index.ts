/** All migrations by name, in order. Forward only; a merged migration is never edited: add a new one. */
import type { Migration } from 'kysely';
import * as baseline from './2026-11-28-baseline';
import * as callPause from './2026-11-28-call-pause';
import * as fieldVersions from './2026-11-28-field-versions';
import * as scimListMembers from './2026-11-29-scim-list-members';
import * as repairLimits from './2026-11-29-sync-repair-limits';
import * as notation from './2026-11-30-notation';
import * as accounting from './2026-12-01-accounting';
import * as conflictInbox from './2026-12-01-conflict-inbox';
import * as drifts from './2026-12-01-drifts';
import * as emptiedRecords from './2026-12-01-emptied-records';
import * as learnedOverlap from './2026-12-01-learned-overlap';
import * as missingRecords from './2026-12-01-missing-records';
import * as oneToOneLinks from './2026-12-01-one-to-one-links';
import * as outboundBrakes from './2026-12-01-outbound-brakes';
import * as passRestarts from './2026-12-01-pass-restarts';
import * as recordHolders from './2026-12-01-record-holders';
import * as recordTypeSettings from './2026-12-01-record-type-settings';
import * as runPurposes from './2026-12-01-run-purposes';
import * as integrationTrials from './2026-12-02-integration-trials';
import * as mailRefusals from './2026-12-02-mail-refusals';
import * as outboxAttempts from './2026-12-02-outbox-attempts';
import * as personEmails from './2026-12-02-person-emails';
import * as runningWork from './2026-12-02-running-work';
import * as streamPositions from './2026-12-02-stream-positions';
import * as unfinishedPushes from './2026-12-02-unfinished-pushes';
import * as webhookHeaders from './2026-12-02-webhook-headers';
import * as zoneNames from './2026-12-02-zone-names';
import * as canonicalEmails from './2026-12-03-canonical-emails';
import * as growthReviews from './2026-12-03-growth-reviews';
import * as parkedWorkNotifications from './2026-12-03-parked-work-notifications';
import * as personIdentities from './2026-12-03-person-identities';
import * as recordCounts from './2026-12-03-record-counts';
import * as recordRecounts from './2026-12-14-record-recounts';
import * as windowsByType from './2026-12-14-windows-by-type';
import * as appWebhookSecrets from './2026-12-15-app-webhook-secrets';
import * as operatorFindings from './2026-12-15-operator-findings';
import * as rowsOfMore from './2026-12-15-rows-of-more';
import * as restores from './2026-12-03-restores';
import * as tenantLimits from './2026-12-03-tenant-limits';
import * as backgroundTasks from './2026-12-04-background-tasks';
import * as openWork from './2026-12-04-open-work';
import * as outboxQueues from './2026-12-04-outbox-queues';
import * as outboxRefused from './2026-12-04-outbox-refused';
import * as partitions from './2026-12-04-partitions';
import * as pushPriority from './2026-12-04-push-priority';
import * as pushShards from './2026-12-04-push-shards';
import * as retryClocks from './2026-12-04-retry-clocks';
import * as scheduleRows from './2026-12-04-schedule-rows';
import * as writeOutages from './2026-12-04-write-outages';
import * as erasures from './2026-12-05-erasures';
import * as expiredRows from './2026-12-05-expired-rows';
import * as tenantDeletions from './2026-12-05-tenant-deletions';
import * as awaitedRuns from './2026-12-06-awaited-runs';
import * as comparedSides from './2026-12-06-compared-sides';
import * as operatorMetrics from './2026-12-06-operator-metrics';
import * as overviewParts from './2026-12-06-overview-parts';
import * as pushQueueLooks from './2026-12-06-push-queue-looks';
import * as settledItems from './2026-12-06-settled-items';
import * as syncRanges from './2026-12-06-sync-ranges';
import * as webhookTurns from './2026-12-06-webhook-turns';
import * as fullRuns from './2026-12-07-full-runs';
import * as openRows from './2026-12-07-open-rows';
import * as removedTexts from './2026-12-07-removed-texts';
import * as roomForClaims from './2026-12-07-room-for-claims';
import * as uncheckedIntegrations from './2026-12-07-unchecked-integrations';
import * as connectSessions from './2026-12-08-connect-sessions';
import * as oauthAccounts from './2026-12-08-oauth-accounts';
import * as thirdPartyDefinitions from './2026-12-08-third-party-definitions';
import * as definitionRollouts from './2026-12-10-definition-rollouts';
import * as forgottenAccounts from './2026-12-10-forgotten-accounts';
import * as mappingSamples from './2026-12-10-mapping-samples';
import * as triedCalls from './2026-12-10-tried-calls';
import * as references from './2026-12-11-references';
import * as incomingWebhooks from './2026-12-12-incoming-webhooks';
import * as silentWebhooks from './2026-12-12-silent-webhooks';
import * as adoptions from './2026-12-13-adoptions';
import * as appWebhooks from './2026-12-13-app-webhooks';
import * as syncTokens from './2026-12-13-sync-tokens';
import * as expectedRows from './2026-12-14-expected-rows';
import * as webhookSubscriptions from './2026-12-13-webhook-subscriptions';
import * as rolloutFacts from './2026-12-14-rollout-facts';
import * as usedOauthApps from './2026-12-14-used-oauth-apps';
import * as woundUpSubscriptions from './2026-12-15-wound-up-subscriptions';
import * as worldwideErasures from './2026-12-15-worldwide-erasures';
import * as whereErased from './2026-12-15-where-erased';
import * as withinOpenConflicts from './2026-12-15-within-open-conflicts';
import * as workUrgency from './2026-12-15-work-urgency';
import * as remoteIdsOfErasures from './2026-12-15-remote-ids-of-erasures';
import * as retentionOfMore from './2026-12-15-retention-of-more';
import * as roomForResults from './2026-12-15-room-for-results';
import * as supersededDeliveries from './2026-12-15-superseded-deliveries';
import * as listsOfEndedPasses from './2026-12-17-lists-of-ended-passes';
import * as pushTurns from './2026-12-17-push-turns';
import * as erasuresOfHashes from './2026-12-18-erasures-of-hashes';
import * as failuresInARow from './2026-12-18-failures-in-a-row';
import * as liftedRetries from './2026-12-18-lifted-retries';

export const migrations: Record<string, Migration> = {
  '2026-11-28-baseline': baseline,
  '2026-11-28-call-pause': callPause,
  '2026-11-28-field-versions': fieldVersions,
  '2026-11-29-scim-list-members': scimListMembers,
  '2026-11-29-sync-repair-limits': repairLimits,
  '2026-11-30-notation': notation,
  '2026-12-01-accounting': accounting,
  '2026-12-01-conflict-inbox': conflictInbox,
  '2026-12-01-drifts': drifts,
  '2026-12-01-emptied-records': emptiedRecords,
  '2026-12-01-learned-overlap': learnedOverlap,
  '2026-12-01-missing-records': missingRecords,
  '2026-12-01-one-to-one-links': oneToOneLinks,
  '2026-12-01-outbound-brakes': outboundBrakes,
  '2026-12-01-pass-restarts': passRestarts,
  '2026-12-01-record-holders': recordHolders,
  '2026-12-01-record-type-settings': recordTypeSettings,
  '2026-12-01-run-purposes': runPurposes,
  '2026-12-02-integration-trials': integrationTrials,
  '2026-12-02-mail-refusals': mailRefusals,
  '2026-12-02-outbox-attempts': outboxAttempts,
  '2026-12-02-person-emails': personEmails,
  '2026-12-02-running-work': runningWork,
  '2026-12-02-stream-positions': streamPositions,
  '2026-12-02-unfinished-pushes': unfinishedPushes,
  '2026-12-02-webhook-headers': webhookHeaders,
  '2026-12-02-zone-names': zoneNames,
  '2026-12-03-canonical-emails': canonicalEmails,
  '2026-12-03-growth-reviews': growthReviews,
  '2026-12-03-parked-work-notifications': parkedWorkNotifications,
  '2026-12-03-person-identities': personIdentities,
  '2026-12-03-record-counts': recordCounts,
  '2026-12-03-restores': restores,
  '2026-12-03-tenant-limits': tenantLimits,
  '2026-12-04-background-tasks': backgroundTasks,
  '2026-12-04-open-work': openWork,
  '2026-12-04-outbox-queues': outboxQueues,
  '2026-12-04-outbox-refused': outboxRefused,
  '2026-12-04-partitions': partitions,
  '2026-12-04-push-priority': pushPriority,
  '2026-12-04-push-shards': pushShards,
  '2026-12-04-retry-clocks': retryClocks,
  '2026-12-04-schedule-rows': scheduleRows,
  '2026-12-04-write-outages': writeOutages,
  '2026-12-05-erasures': erasures,
  '2026-12-05-expired-rows': expiredRows,
  '2026-12-05-tenant-deletions': tenantDeletions,
  '2026-12-06-awaited-runs': awaitedRuns,
  '2026-12-06-compared-sides': comparedSides,
  '2026-12-06-operator-metrics': operatorMetrics,
  '2026-12-06-overview-parts': overviewParts,
  '2026-12-06-push-queue-looks': pushQueueLooks,
  '2026-12-06-settled-items': settledItems,
  '2026-12-06-sync-ranges': syncRanges,
  '2026-12-06-webhook-turns': webhookTurns,
  '2026-12-07-full-runs': fullRuns,
  '2026-12-07-open-rows': openRows,
  '2026-12-07-removed-texts': removedTexts,
  '2026-12-07-room-for-claims': roomForClaims,
  '2026-12-07-unchecked-integrations': uncheckedIntegrations,
  '2026-12-08-connect-sessions': connectSessions,
  '2026-12-08-oauth-accounts': oauthAccounts,
  '2026-12-08-third-party-definitions': thirdPartyDefinitions,
  '2026-12-10-definition-rollouts': definitionRollouts,
  '2026-12-10-forgotten-accounts': forgottenAccounts,
  '2026-12-10-mapping-samples': mappingSamples,
  '2026-12-10-tried-calls': triedCalls,
  '2026-12-11-references': references,
  '2026-12-12-incoming-webhooks': incomingWebhooks,
  '2026-12-12-silent-webhooks': silentWebhooks,
  '2026-12-13-adoptions': adoptions,
  '2026-12-13-app-webhooks': appWebhooks,
  '2026-12-13-sync-tokens': syncTokens,
  '2026-12-13-webhook-subscriptions': webhookSubscriptions,
  '2026-12-14-expected-rows': expectedRows,
  '2026-12-14-record-recounts': recordRecounts,
  '2026-12-14-rollout-facts': rolloutFacts,
  '2026-12-14-used-oauth-apps': usedOauthApps,
  '2026-12-14-windows-by-type': windowsByType,
  '2026-12-15-app-webhook-secrets': appWebhookSecrets,
  '2026-12-15-operator-findings': operatorFindings,
  '2026-12-15-remote-ids-of-erasures': remoteIdsOfErasures,
  '2026-12-15-retention-of-more': retentionOfMore,
  '2026-12-15-room-for-results': roomForResults,
  '2026-12-15-rows-of-more': rowsOfMore,
  '2026-12-15-superseded-deliveries': supersededDeliveries,
  '2026-12-15-where-erased': whereErased,
  '2026-12-15-within-open-conflicts': withinOpenConflicts,
  '2026-12-15-work-urgency': workUrgency,
  '2026-12-15-worldwide-erasures': worldwideErasures,
  '2026-12-15-wound-up-subscriptions': woundUpSubscriptions,
  '2026-12-17-lists-of-ended-passes': listsOfEndedPasses,
  '2026-12-17-push-turns': pushTurns,
  '2026-12-18-erasures-of-hashes': erasuresOfHashes,
  '2026-12-18-failures-in-a-row': failuresInARow,
  '2026-12-18-lifted-retries': liftedRetries,
};
