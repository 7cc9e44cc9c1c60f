/** What `npm start` says when everything runs. */
export interface Ready {
  api_url: string;
  /** The sample tenant's. */
  api_key: string;
  /** Of the integration that reads contacts and companies. */
  crm_integration_id: string;
  platform_key: string;
  console_url: string;
  /** Who signs in there. */
  console_email: string;
  /** One-time, to choose a password; null once that was done. */
  console_link: string | null;
  temporal_ui_url: string | null;
  temporal_address: string;
  mail_url: string | null;
  third_party_url: string;
  third_party_login: { email: string; password: string };
  database_url: string;
  pid: number;
}

export function welcome(ready: Ready, startedIn: string): string {
  const { email, password } = ready.third_party_login;
  const places = [
    [
      'Console',
      ready.console_link === null
        ? `${ready.console_url}   sign in as ${ready.console_email}`
        : ready.console_link,
    ],
    ...(ready.console_link === null
      ? []
      : [['', `(good once: choose a password for ${ready.console_email} there)`]]),
    ['API', `${ready.api_url}/docs`],
    ["Temporal's UI", ready.temporal_ui_url ?? `(Temporal is yours, at ${ready.temporal_address})`],
    ['Third party', `${ready.third_party_url}/_/   log in as ${email}, password ${password}`],
    [
      'Webhooks',
      '.syncline/logs/webhook-receiver.log   (what is sent to the sample endpoint is printed there)',
    ],
    [
      'Mail',
      ready.mail_url === null
        ? '(goes where SMTP_URL says)'
        : `${ready.mail_url}   (every e-mail lands here)`,
    ],
  ];
  const key = `-H 'Authorization: Bearer ${ready.api_key}'`;
  const record = `${ready.api_url}/v1/records/employees/emp-1`;
  const filter = encodeURIComponent('external_id="emp-1"');
  return `
Syncline runs (started in ${startedIn}). Ctrl-C stops it; the next start has the data.

${places.map(([name, where]) => `  ${String(name).padEnd(14)} ${where}`).join('\n')}

Try it. Change an employee:
  curl -X PATCH ${record} ${key} -H 'Content-Type: application/json' -d '{"fields":{"job_title":"Chief Engineer since ${new Date().toISOString().slice(11, 19)}"}}'
Watch its status under "syncs": sync_pending for the 15 s of the grace period, then synced (the SCIM integration is paused):
  curl ${record} ${key}
See it in the third party:
  curl '${ready.third_party_url}/api/collections/employees/records?filter=${filter}'

It reads, too: the 200 contacts and 12 companies of a CRM (PocketBase again); an e-mail in the mailbox says when they are here. The runs that read
them, and who or what asked for each:
  curl '${ready.api_url}/v1/sync-runs?limit=3' ${key}
Do both sides hold the same number? The Sync Status log:
  curl '${ready.api_url}/v1/sync-status?limit=1' ${key}
The contacts themselves; docs/tour.md has a tour of two minutes under "Pull":
  curl '${ready.api_url}/v1/records/contacts?limit=2' ${key}

Everything machine-readable is in .syncline/ready.json, logs are in .syncline/logs.
`;
}
