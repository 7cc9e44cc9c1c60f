/** The text of e-mails; names cannot inject headers, lines or links: rules.md 27, S20. */
import { composeEmail } from '../../egress/mail/compose';
import {
  EMAIL_KINDS,
  type NotificationContent,
  type OnboardingContent,
  type OperatorContent,
} from '../../domain/notifications/email-kinds';
import { NOTIFICATION_KINDS } from '../../domain/notifications/notification-kinds';

const publicUrl = 'https://syncline.example/team';
const content: OnboardingContent = {
  integration_id: 'int_01h455vb4pex5vsknk084sn02q',
  app: 'PocketBase',
  account_name: 'Acme Production',
  datasets: [
    { record_type: 'employees', state: 'succeeded', records: 12_345 },
    { record_type: 'contacts', state: 'succeeded', records: 1 },
    { record_type: 'companies', state: 'failed', records: 0 },
    { record_type: 'leads', state: 'not_supported', records: 0 },
  ],
};
const notificationOf = (app: string, account_name = app): NotificationContent => ({
  items: [
    { kind: 'sync_complete', app, account_name, path: `/console/integrations/${content.integration_id}` },
  ],
});
const findingsOf = (finding: string): OperatorContent => ({
  appeared: [{ finding, detail: 'Synchronize both (NTP).', since: '2026-01-01T00:00:00.000Z' }],
  over: [{ finding: 'parked work', detail: finding, since: '2026-01-01T00:00:00.000Z' }],
});
type Content = OnboardingContent | NotificationContent | OperatorContent;
const contentOf = (kind: string): Content => {
  if (kind === 'operator_findings') return findingsOf('worker clock');
  return kind.startsWith('notification') ? notificationOf(content.app, content.account_name) : content;
};
const named = (name: string, kind: string): Content => {
  if (kind === 'operator_findings') return findingsOf(name);
  return kind.startsWith('notification')
    ? notificationOf(name)
    : {
        ...content,
        app: name,
        account_name: name,
        datasets: [{ record_type: name, state: 'failed', records: 0 }],
      };
};
const compose = (given: Content, kind = 'onboarding_complete') =>
  composeEmail({ kind, content: given, publicUrl });

it('states in text and HTML what was read of which account', () => {
  const { subject, text, html } = compose(content);

  expect(subject).toBe('PocketBase (Acme Production) is ready');
  expect(text).toContain(
    '- employees: 12,345 records\n- contacts: 1 record\n- companies: failed\n- leads: not supported\n\nhttps://syncline.example/team/console/integrations/int_01h455vb4pex5vsknk084sn02q',
  );
  expect(html).toContain('<td>12,345 records</td>');
});

it('states that nothing could be read, and what to do', () => {
  const { subject, text, html } = compose(content, 'onboarding_failed');

  expect(subject).toBe('PocketBase (Acme Production) could not be read');
  for (const words of [text, html]) expect(words).toMatch(/cannot be edited yet.*start a full sync/s);
});

describe.each(Object.keys(EMAIL_KINDS))('%s', (kind) => {
  it('links to the platform only', () => {
    const { text, html } = compose(contentOf(kind), kind);

    const links = [...`${text}\n${html}`.matchAll(/https?:\/\/[^\s"<]+/g)].map(([link]) => link);
    const inbox = kind === 'notification_digest' ? [`${publicUrl}/console/notifications`] : [];
    const place = kind === 'operator_findings' ? 'platform' : `integrations/${content.integration_id}`;
    expect(new Set(links)).toEqual(new Set([...inbox, `${publicUrl}/console/${place}`]));
    expect(new Set(html.match(/(href|src)="/g))).toEqual(new Set(['href="']));
  });

  it('shows markup in names as text', () => {
    const { html } = compose(named(`<script>alert(1)</script><img src=x onerror="a()"> & 'co'`, kind), kind);

    expect(html).not.toMatch(/<script|<img/);
    expect(html).toContain(
      '&lt;script&gt;alert(1)&lt;/script&gt;&lt;img src=x onerror=&quot;a()&quot;&gt; &amp; &#39;co&#39;',
    );
  });

  it('does not run template code in names', () => {
    const { text, html } = compose(named('<%= 6 * 7 %><% process.exit(3) %>', kind), kind);

    expect(text).toContain('<%= 6 * 7 %>');
    expect(html).not.toContain('42');
  });

  it.each([
    ['CRLF', 'Acme\r\nBcc: everybody@example.org\r\n\r\nbuy'],
    ['LF', 'Acme\nBcc: everybody@example.org'],
    ['NUL and escape', 'Acme\0\u001b[2J'],
    ['Unicode line breaks', 'Acme\u0085Bcc:\u2028x\u2029y'],
    ['reversed writing', 'Acme\u202Egro.elpmaxe\u2066'],
  ])('does not let %s in names start a line or reverse text', (_what, name) => {
    const { subject, text, html } = compose(named(name, kind), kind);

    // eslint-disable-next-line no-control-regex
    const control = /[\0-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]/;
    expect(subject).not.toMatch(control);
    expect(text).not.toMatch(/^Bcc:/m);
    for (const words of [text, html]) expect(words.replaceAll('\n', '')).not.toMatch(control);
  });

  it('shortens a name of a thousand characters', () => {
    expect(Array.from(compose(named('😀'.repeat(1_000), kind), kind).subject).length).toBeLessThan(300);
  });
});

describe('an e-mail about a notification', () => {
  const item = (kind: (typeof NOTIFICATION_KINDS)[number]) => ({
    kind,
    app: 'PocketBase',
    account_name: 'Acme',
    path: '/console/notifications',
  });

  it.each(NOTIFICATION_KINDS)('explains what %s means, what to do, and why the e-mail was sent', (kind) => {
    const { subject, text, html } = compose({ items: [item(kind)] }, 'notification');

    expect(subject.length).toBeGreaterThan(10);
    for (const words of [text, html])
      expect(words).toMatch(/\(sign-in required\)[^]*You get this because you have not looked at it/);
  });

  it('names several in one, each with its own page', () => {
    const items = [
      { ...item('sync_complete'), path: '/console/sync-runs/run_1' },
      { ...item('sync_overview_ready'), path: '/console/overviews/ovw_1' },
    ];
    const { subject, text, html } = compose({ items }, 'notification_digest');

    expect(subject).toBe('2 notifications are waiting in Syncline');
    expect(text).toContain(
      '- Sync Now of PocketBase (Acme) is complete\n  https://syncline.example/team/console/sync-runs/run_1\n\n- The Sync Overview of PocketBase (Acme) is ready\n',
    );
    expect(html.match(/<li>/g)).toHaveLength(2);
  });
});

it('does not compose an e-mail of an unknown kind', () => {
  expect(() => compose(content, 'constructor')).toThrow(
    'This worker does not know the e-mail kind "constructor"',
  );
});
