/** The REST connector against a real third party, which runs during a file's tests. */
import type { PushItem, PushResult } from '../../../connectors/connector';
import { rest } from '../../../connectors/rest';
import type { RecordTypeMapping } from '../../../domain/records/mapping';
import { closeConnections } from '../../../egress/http-client';
import { contextWith, egressHttp, loopbackPolicy } from '../suite/given';
import type { StartedThirdParty } from '../suite/harness';
import { pushOne, type RestContext } from './rest-given';

interface Harness<Started> {
  mapping: RecordTypeMapping;
  start(): Promise<Started>;
}

/** Call it in a `describe`: it starts the third party before the tests, and stops it after them. */
export function givenThirdParty<Started extends StartedThirdParty>({ mapping, start }: Harness<Started>) {
  let started: Started;
  beforeAll(async () => {
    started = await start();
  }, 120_000);
  afterAll(async () => {
    await closeConnections(loopbackPolicy);
    await started.stop();
  });

  function contextFor(parts: Partial<RestContext> = {}): RestContext {
    const config = rest.configSchema.parse(started.config);
    const credentials = rest.credentialsSchema.parse(started.credentials);
    const http = egressHttp(rest.hosts(config));
    return { ...contextWith({ config, credentials, mappings: { employees: mapping }, http }), ...parts };
  }
  return {
    thirdParty: (): Started => started,
    contextFor,
    push: (item: PushItem, context = contextFor()): Promise<PushResult> => pushOne(item, context),
  };
}
