/**
 * A report of Workday as a web service, as its documentation describes it: Basic sign-in, the whole report in
 * one answer, values as texts, and columns that are left out where they are empty.
 */
import type { JsonObject } from '../../../../domain/json';
import type { ScriptedAnswer } from '../../suite/scripted-server';
import { describeContract } from '../contract';
import { type Asked, type Product, RecordStore, type Row } from '../simulator';

const SIGNED_IN = `Basic ${Buffer.from('ISU_Syncline:workday-password').toString('base64')}`;
const REPORT = '/ccx/service/customreport2/acme/ISU_Syncline/Syncline_Workers';

function workday(): Product {
  const records = new RecordStore((number) => String(21_000 + number));

  function answer({ method, path, query, headers }: Asked): ScriptedAnswer {
    if (headers['authorization'] !== SIGNED_IN)
      return { status: 401, body: { error: 'invalid username or password' } };
    if (method !== 'GET' || path !== REPORT)
      return { status: 404, body: { error: 'The report is not known.' } };
    if (query.get('format') !== 'json')
      return { status: 200, headers: { 'content-type': 'text/xml' }, body: '<wd:Report_Data/>' };
    return { status: 200, body: { Report_Entry: records.living().map(shown) } };
  }

  return { records, answer };
}

const shown = ({ id, fields }: Row): JsonObject => ({
  Employee_ID: id,
  ...Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== '')),
});

describeContract({
  key: 'workday',
  parameters: {
    host: 'wd2-impl-services1.workday.com',
    tenant: 'acme',
    report_owner: 'ISU_Syncline',
    report: 'Syncline_Workers',
  },
  credentials: { integration_system_user: { username: 'ISU_Syncline', password: 'workday-password' } },
  product: workday,
  throttled: { status: 429, body: { error: 'Too many requests.' }, waitMs: null },
  recordType: 'employees',
  seed: ({ records }, number) =>
    records.add({
      First_Name: 'Grace',
      Last_Name: `Hopper ${number}`,
      Email: `e${number}@example.com`,
      Job_Title: 'Analyst',
      Department: 'Engineering',
      Hire_Date: '2026-02-01',
      Status: number === 2 ? 'Terminated' : 'Active',
      Middle_Name: '',
    }),
  touch: { Department: 'R&D' },
  hasChanges: false,
  isOnePage: true,
});
