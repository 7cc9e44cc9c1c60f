/** What `npm start` prints when everything runs. */
export interface Ready {
  api_url: string;
  /** The sample tenant's. */
  api_key: string;
  /** Of the integration that pulls contacts and companies. */
  crm_integration_id: string;
  platform_key: string;
  console_url: string;
  /** The user who signs in to the console. */
  console_email: string;
  /** Valid once, to choose a password; null once a password has been chosen. */
  console_link: string | null;
  temporal_ui_url: string | null;
  temporal_address: string;
  mail_url: string | null;
  /** PocketBase. */
  third_party_url: string;
  third_party_login: { email: string; password: string };
  scim_url: string;
  scim_token: string;
  /** The app that is connected by consent. */
  sample_app_url: string;
  database_url: string;
  pid: number;
}

function addressesOf(ready: Ready): [name: string, address: string][] {
  const { email, password } = ready.third_party_login;
  const consoleLines: [string, string][] =
    ready.console_link === null
      ? [['Console', `${ready.console_url}   sign in as ${ready.console_email}`]]
      : [
          ['Console', ready.console_link],
          ['', `(valid once: choose a password for ${ready.console_email})`],
        ];
  return [
    ...consoleLines,
    ['Operators', `${ready.console_url}/platform   (sign in with platform_key of .syncline/ready.json)`],
    ['API', `${ready.api_url}/docs`],
    ["Temporal's UI", ready.temporal_ui_url ?? `(your own Temporal, at ${ready.temporal_address})`],
    ['PocketBase', `${ready.third_party_url}/_/   log in as ${email}, password ${password}`],
    ['SCIM server', `${ready.scim_url}/Users   (in memory: empty after a restart)`],
    ['Address book', `${ready.sample_app_url}   (connect it in the console: "Connect an app")`],
    ['Webhooks', '.syncline/logs/webhook-receiver.log   (every event of the sample tenant)'],
    [
      'Mail',
      ready.mail_url === null
        ? '(sent to the server of SMTP_URL)'
        : `${ready.mail_url}   (receives every e-mail)`,
    ],
  ];
}

/** Commands that a reader can copy; the tests run them as printed. */
export function welcome(ready: Ready, startedIn: string): string {
  const key = `-H 'Authorization: Bearer ${ready.api_key}'`;
  const record = `${ready.api_url}/v1/records/employees/emp-1`;
  const filter = encodeURIComponent('external_id="emp-1"');
  const title = `Chief Engineer since ${new Date().toISOString().slice(11, 19)}`;
  return `
Syncline runs (started in ${startedIn}). Press Ctrl-C to stop it; the next start keeps the data.

${addressesOf(ready)
  .map(([name, address]) => `  ${name.padEnd(14)} ${address}`)
  .join('\n')}

Open the console at "Employees": they sync to PocketBase and to a SCIM server, and show every status.
  Synced        most of them
  Sync failed   emp-4: PocketBase has no department "Research"; choose another one to correct it
  Sync pending  emp-3: changed just now; the SCIM integration waits for five minutes without a change
  Syncing       emp-8, for half a minute: PocketBase has no team "writers" yet, so the push is retried

Try it. Change an employee:
  curl -X PATCH ${record} ${key} -H 'Content-Type: application/json' -d '{"fields":{"job_title":"${title}"}}'
Watch its status under "syncs": sync_pending, then synced; PocketBase after 15 s, the SCIM server after 5 min:
  curl ${record} ${key}
See the change in PocketBase:
  curl '${ready.third_party_url}/api/collections/employees/records?filter=${filter}'

Syncline also pulls: the 200 contacts and 12 companies of a CRM (PocketBase again). An e-mail in the mailbox
says when the initial load is complete. List the sync runs, each with what started it:
  curl '${ready.api_url}/v1/sync-runs?limit=3' ${key}
Compare the number of records on both sides in the Sync Status log:
  curl '${ready.api_url}/v1/sync-status?limit=1' ${key}
List the contacts:
  curl '${ready.api_url}/v1/records/contacts?limit=2' ${key}

.syncline/ready.json holds all addresses and keys, .syncline/logs the logs. For more, see docs/tour.md.
`;
}
