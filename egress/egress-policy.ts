/**
 * Decides where the service may connect to. Two checks always apply: one of the URL (scheme, port, user info,
 * and the host, which the configuration of the integration must name), and one of every address at connection
 * time, which must be public. The socket connects to the checked addresses, so DNS rebinding has no effect.
 */
import { lookup as dnsLookup } from 'node:dns';
import { isIP } from 'node:net';
import { networkInterfaces } from 'node:os';
import * as ipaddr from 'ipaddr.js';

export interface ResolvedAddress {
  address: string;
  family: number;
}

/** Resolves a name to all of its addresses. */
export type Resolve = (
  hostname: string,
  callback: (error: Error | null, addresses: ResolvedAddress[]) => void,
) => void;

export interface EgressPolicy {
  /** Private networks that the operator allows: `127.0.0.0/8`, `10.1.0.0/16`, `fd00::/8`. */
  allowCidrs: readonly string[];
  /** Allows `http:` and every port. For development and tests. */
  allowHttp: boolean;
  /** An HTTP proxy for everything outside of `allowCidrs`: `http://user:password@proxy:3128`. */
  proxy?: string | undefined;
  /** Certificate authorities that are trusted beside the usual ones, in PEM form. */
  ca?: string | undefined;
  /** Resolves names; the system's resolver by default. */
  resolve?: Resolve;
}

/** A connection that the policy does not allow. The message contains no address, so tenants may see it. */
export class BlockedByPolicy extends Error {}

const PORTS = new Set(['', '443', '8443']);
/** Unicast, but not public: IPv4-compatible addresses, and Azure's platform (metadata, DNS, health). */
const INFRASTRUCTURE = ['::/96', '168.63.129.16/32'];
const LOWEST_FREE_PORT = 1024;
/**
 * Ports above 1023 of protocols other than HTTP: databases, queues, mail, remote desktops, IRC.
 */
const PORTS_OF_OTHER_PROTOCOLS = new Set(
  [
    1433, 1521, 2049, 2375, 2376, 2379, 3306, 3389, 5432, 5672, 5900, 6000, 6379, 6665, 6666, 6667, 6668,
    6669, 6697, 7233, 9042, 9092, 11211, 27017,
  ].map(String),
);

/**
 * Checks a URL without resolving its host. `hosts` are the hosts that the configuration names, as
 * `host:port`, or as `host` for the ports 443 and 8443. @throws BlockedByPolicy
 */
export function checkUrl(policy: EgressPolicy, url: string, hosts: readonly string[]): URL {
  const parsed = parseUrl(url);
  if (parsed.protocol !== 'https:' && !(policy.allowHttp && parsed.protocol === 'http:'))
    throw blocked('only https is allowed');
  if (parsed.username !== '' || parsed.password !== '')
    throw blocked('a user name or password in the address is not allowed');
  if (!policy.allowHttp && isForbiddenPort(parsed.port)) throw blocked('the port is not allowed');
  if (!hosts.some((host) => namesHostOf(host, parsed, policy)))
    throw blocked('the configuration does not name this host');
  const literal = parsed.hostname.replaceAll(/[[\]]/g, '');
  if (isIP(literal) !== 0) checkAddress(policy, literal);
  return parsed;
}

/** Why a URL is refused, as a message for tenants; undefined = it is allowed. `hosts` as in `checkUrl`. */
export function urlCheck(
  policy: EgressPolicy,
): (url: string, hosts: readonly string[]) => string | undefined {
  return (url, hosts) => {
    try {
      checkUrl(policy, url, hosts);
      return undefined;
    } catch (error) {
      if (error instanceof BlockedByPolicy) return error.message;
      throw error;
    }
  };
}

/**
 * Allows public addresses of other machines, and addresses in the allowed networks. @throws BlockedByPolicy
 */
export function checkAddress(policy: EgressPolicy, address: string): void {
  if (!isAllowedAddress(policy, address)) throw blocked('the address is not public');
}

/**
 * A `lookup` for sockets. A name is blocked if any of its addresses is not allowed: with a proxy, only the
 * networks of the operator are reached without it. Node asks for all addresses or for one, depending on
 * `options.all`.
 */
export function createCheckedLookup(policy: EgressPolicy) {
  const resolve = policy.resolve ?? resolveBySystem;
  type Callback = (error: Error | null, addresses: ResolvedAddress[] | string, family?: number) => void;
  return (hostname: string, options: { all?: boolean | undefined }, callback: Callback): void => {
    resolve(hostname, (error, addresses) => {
      const refusal = error ?? refusalOf(policy, addresses);
      if (refusal) return callback(refusal, []);
      const first = addresses[0] as ResolvedAddress;
      return options.all ? callback(null, addresses) : callback(null, first.address, first.family);
    });
  };
}

/**
 * The addresses of a host, which is a name or a literal address, with a proxy and without. @throws
 * BlockedByPolicy, or the resolver's error
 */
export function addressesOf(policy: EgressPolicy, host: string): Promise<string[]> {
  return new Promise((resolve, reject) => {
    if (isIP(host) !== 0) {
      checkAddress(policy, host);
      return resolve([host]);
    }
    createCheckedLookup({ ...policy, proxy: undefined })(host, { all: true }, (error, addresses) => {
      if (error) return reject(error);
      resolve((addresses as ResolvedAddress[]).map(({ address }) => address));
    });
  });
}

/** Whether all addresses are in networks that the operator has named. */
export function areAllowedByOperator(policy: EgressPolicy, addresses: readonly string[]): boolean {
  return addresses.every(
    (address) =>
      ipaddr.isValid(address) && policy.allowCidrs.some((cidr) => isInside(ipaddr.process(address), cidr)),
  );
}

/** True if the text is a network for `allowCidrs`. */
export function isCidr(text: string): boolean {
  return ipaddr.isValidCIDR(text);
}

function refusalOf(policy: EgressPolicy, addresses: readonly ResolvedAddress[]): Error | null {
  if (addresses.length === 0) return new Error('The host name has no address.');
  const all = addresses.map(({ address }) => address);
  if (!all.every((address) => isAllowedAddress(policy, address))) return blocked('the address is not public');
  // The name had another address when it was decided that it needs no proxy.
  if (policy.proxy !== undefined && !areAllowedByOperator(policy, all)) return blocked('the address changed');
  return null;
}

function isAllowedAddress(policy: EgressPolicy, address: string): boolean {
  if (!ipaddr.isValid(address)) return false;
  const parsed = ipaddr.process(address); // an IPv4-mapped IPv6 address is checked as IPv4
  if (policy.allowCidrs.some((cidr) => isInside(parsed, cidr))) return true;
  const isInfrastructure = INFRASTRUCTURE.some((cidr) => isInside(parsed, cidr));
  return parsed.range() === 'unicast' && !isInfrastructure && !isOwnAddress(parsed);
}

/** Of the operator and of this file: each is parsed once, not for each call. */
const networks = new Map<string, ReturnType<typeof ipaddr.parseCIDR>>();

function isInside(address: ipaddr.IPv4 | ipaddr.IPv6, cidr: string): boolean {
  const parsed = networks.get(cidr) ?? ipaddr.parseCIDR(cidr);
  networks.set(cidr, parsed);
  const [network, bits] = parsed;
  return network.kind() === address.kind() && address.match(network, bits);
}

/** A public address can be this machine's own, where the API and Temporal listen. */
function isOwnAddress(address: ipaddr.IPv4 | ipaddr.IPv6): boolean {
  const own = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  return own.some(
    (entry) => ipaddr.process(entry.address.split('%')[0] as string).toString() === address.toString(),
  );
}

function isForbiddenPort(port: string): boolean {
  return !PORTS.has(port) && (Number(port) < LOWEST_FREE_PORT || PORTS_OF_OTHER_PROTOCOLS.has(port));
}

function namesHostOf(host: string, url: URL, policy: EgressPolicy): boolean {
  const asUrl = `${url.protocol}//${host}`;
  if (!URL.canParse(asUrl)) return false;
  const named = new URL(asUrl);
  if (named.hostname !== url.hostname) return false;
  const namesPort = /:\d+$/.test(host);
  return namesPort ? named.port === url.port : policy.allowHttp || PORTS.has(url.port);
}

function parseUrl(url: string): URL {
  // The URL parser drops tabs and line breaks, so what is stored would not be what is used.
  if (/\p{Cc}/u.test(url) || !URL.canParse(url)) throw blocked('the address is not valid');
  return new URL(url);
}

function resolveBySystem(hostname: string, callback: Parameters<Resolve>[1]): void {
  dnsLookup(hostname, { all: true }, callback);
}

function blocked(reason: string): BlockedByPolicy {
  return new BlockedByPolicy(`Blocked by policy: ${reason}.`);
}
