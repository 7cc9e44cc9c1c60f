/** The shared suites against the third parties that `registry.test.ts` leaves out. */
import { applyPages } from './suite/apply-pages';
import { kintoHarness } from './suite/harness-kinto';
import { scimHarness } from './suite/harness-scim';
import { kintoReading } from './suite/reading-kinto';
import { describeReading } from './suite/shared-reading-suite';
import { describeConnector } from './suite/shared-suite';

describeConnector(scimHarness('put'));
describeConnector(kintoHarness);
describeReading(kintoReading, applyPages);
