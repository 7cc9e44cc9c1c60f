import { networkInterfaces } from 'node:os';
import {
  BlockedByPolicy,
  type EgressPolicy,
  checkAddress,
  checkUrl,
  isCidr,
} from '../../egress/egress-policy';
import { NOT_PUBLIC } from '../support/fakes/not-public-addresses';

const strict: EgressPolicy = { allowCidrs: [], allowHttp: false };
const development: EgressPolicy = { allowCidrs: ['127.0.0.0/8', '::1/128'], allowHttp: true };

const PUBLIC = ['93.184.216.34', '8.8.8.8', '[2606:4700:4700::1111]'];

describe('the address', () => {
  it.each(Object.entries(NOT_PUBLIC))('S12 is refused when it is not public: %s', (_title, host) => {
    const named = new URL(`https://${host}/`).host;

    expect(() => checkUrl(strict, `https://${host}/scim`, [named])).toThrow(BlockedByPolicy);
  });

  it.each(PUBLIC)('is accepted when it is public: %s', (host) => {
    expect(checkUrl(strict, `https://${host}/scim`, [host]).host).toBe(host);
  });

  it('S12 is refused if it is an address of this host, public or not', () => {
    const own = Object.values(networkInterfaces()).flatMap((entries) => entries ?? []);

    expect(own.length).toBeGreaterThan(0);
    for (const { address } of own)
      expect(() => checkAddress(strict, address.split('%')[0] as string)).toThrow(BlockedByPolicy);
  });

  it('is accepted inside a network that the operator opened, and only there', () => {
    expect(checkUrl(development, 'http://127.0.0.1:8090/', ['127.0.0.1:8090']).port).toBe('8090');
    expect(checkUrl(development, 'http://[::1]:8090/', ['[::1]:8090']).port).toBe('8090');
    expect(() => checkUrl(development, 'http://10.0.0.1:8090/', ['10.0.0.1:8090'])).toThrow(BlockedByPolicy);
    expect(() => checkUrl(development, 'http://[::2]:8090/', ['[::2]:8090'])).toThrow(BlockedByPolicy);
  });

  it('does not say which address it was', () => {
    expect(() => checkUrl(strict, 'https://2130706433/', ['127.0.0.1'])).toThrow(
      /^Blocked by policy: the address is not public\.$/,
    );
  });
});

describe('the URL', () => {
  const hosts = ['hr.example.com', 'other.example.com:9443'];

  it.each([
    'https://hr.example.com/scim',
    'https://hr.example.com:443/',
    'https://hr.example.com:8443/',
    'https://HR.example.COM/',
    'https://other.example.com:9443/',
  ])('is accepted: %s', (url) => {
    expect(checkUrl(strict, url, hosts)).toBeInstanceOf(URL);
  });

  it.each([
    ['http', 'http://hr.example.com/'],
    ['a file', 'file:///etc/passwd'],
    ['another scheme', 'ftp://hr.example.com/'],
    ['data', 'data:text/plain,hello'],
    ['nonsense', 'not a url'],
    ['a user name', 'https://user@hr.example.com/'],
    ['a password', 'https://user:secret@hr.example.com/'],
    ['a host in the user name', 'https://hr.example.com@evil.example/'],
    ['a host that the configuration does not name', 'https://evil.example/'],
    ['a host that ends like the one it names', 'https://evil-hr.example.com/'],
    ['a host below the one it names', 'https://a.hr.example.com/'],
    ['a port it does not name', 'https://hr.example.com:9443/'],
    ['the usual port where another is named', 'https://other.example.com/'],
  ])('is refused for %s', (_reason, url) => {
    expect(() => checkUrl(strict, url, hosts)).toThrow(BlockedByPolicy);
  });

  it.each(['22', '25', '53', '80', '110', '3306', '5432', '6379', '11211', '27017'])(
    'S12 is refused for port %s even where the configuration names it',
    (port) => {
      expect(() => checkUrl(strict, `https://hr.example.com:${port}/`, [`hr.example.com:${port}`])).toThrow(
        BlockedByPolicy,
      );
    },
  );

  it('may be http, with any port, only where the operator allows it', () => {
    expect(checkUrl(development, 'http://hr.example.com/', ['hr.example.com'])).toBeInstanceOf(URL);
    expect(checkUrl(development, 'http://hr.example.com:5000/', ['hr.example.com'])).toBeInstanceOf(URL);
    expect(() => checkUrl(development, 'file:///etc/passwd', ['hr.example.com'])).toThrow(BlockedByPolicy);
  });
});

describe('a network in the environment', () => {
  it('is recognised', () => {
    expect(['127.0.0.0/8', 'fd00::/8', '10.1.2.3/32'].every(isCidr)).toBe(true);
  });

  it('is not recognised when it cannot be read', () => {
    expect(['127.0.0.1', 'localhost/8', '10.0.0.0/33', ''].some(isCidr)).toBe(false);
  });
});
