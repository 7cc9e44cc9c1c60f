/** The environment variables of e-mail. */
import { loadWorkerConfig } from '../../runtime/config';

const load = (more: NodeJS.ProcessEnv) =>
  loadWorkerConfig({ DATABASE_URL: 'postgres://a@b/c', ENCRYPTION_KEYS: 'k1:x', ...more }).mail;
const complete = {
  SMTP_URL: 'smtps://syncline:p%40ss@smtp.example.com:465',
  SMTP_FROM: 'Syncline <syncline@example.com>',
  PUBLIC_URL: 'https://syncline.example/',
};

it('are accepted together', () => {
  expect(load(complete)).toEqual({
    smtpUrl: complete.SMTP_URL,
    from: complete.SMTP_FROM,
    publicUrl: 'https://syncline.example',
  });
});

it('may all be absent, or empty: then e-mails wait', () => {
  expect(load({})).toBeNull();
  expect(load({ SMTP_URL: '', SMTP_FROM: '', PUBLIC_URL: '' })).toBeNull();
});

it.each([
  ['SMTP_FROM is not set', { ...complete, SMTP_FROM: undefined }],
  ['PUBLIC_URL is not set', { ...complete, PUBLIC_URL: undefined }],
  ['PUBLIC_URL must be', { ...complete, PUBLIC_URL: 'javascript:alert(1)' }],
  ['SMTP_URL must be', { ...complete, SMTP_URL: 'smtp.example.com' }],
  ['SMTP_URL must be', { ...complete, SMTP_URL: 'https://smtp.example.com' }],
  ['SMTP_URL must be', { ...complete, SMTP_URL: 'smtp:' }],
  ['SMTP_FROM must be', { ...complete, SMTP_FROM: 'Syncline' }],
  ['SMTP_FROM must be', { ...complete, SMTP_FROM: 'Syncline <a@b.example>\r\nBcc: c@d.example' }],
])('are refused with a message that says how to correct them: %s', (message, environment) => {
  expect(() => load(environment)).toThrow(message);
});
