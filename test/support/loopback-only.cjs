/** Preloaded into api and worker: only localhost resolves, and sockets reach loopback only. */
const dns = require('node:dns');
const { Socket } = require('node:net');

const isLoopback = (host) => host === undefined || /^(localhost|127\.[\d.]+|::1)$/.test(host);
const refused = (host) => Object.assign(new Error(`getaddrinfo ENOTFOUND ${host}`), { code: 'ENOTFOUND' });

const { lookup } = dns;
dns.lookup = (host, options, callback) =>
  isLoopback(host) ? lookup(host, options, callback) : process.nextTick(callback ?? options, refused(host));

const { connect } = Socket.prototype;
Socket.prototype.connect = function connectToLoopback(...args) {
  const [options, second] = Array.isArray(args[0]) ? args[0] : args;
  const host = typeof options === 'object' ? options.host : second;
  if (typeof host !== 'string' || isLoopback(host)) return connect.apply(this, args);
  if (typeof options === 'object' && options.lookup !== undefined && !/^[\d.]+$|:/.test(host))
    return connect.apply(this, args); // a name: the lookup refuses it
  return this.destroy(refused(host));
};
