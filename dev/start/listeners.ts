/**
 * Whether a port on 127.0.0.1 belongs to a process that was started here. Another `npm start` can take a port
 * that was free a moment ago, and its server would answer instead. Linux only: elsewhere no port counts as
 * taken.
 */
import fs from 'node:fs';

const LISTENING = '0A';
/** 127.0.0.1, 0.0.0.0, and both as IPv6, as /proc shows them. */
const ADDRESSES = new Set([
  '0100007F',
  '00000000',
  '0000000000000000FFFF00000100007F',
  '00000000000000000000000000000000',
]);

function read(file: string): string {
  try {
    return fs.readFileSync(file, 'utf8');
  } catch {
    return ''; // not Linux, or the process has just ended
  }
}

/** The sockets that listen on the port. */
function socketsOf(port: number): string[] {
  return ['/proc/net/tcp', '/proc/net/tcp6'].flatMap((file) =>
    read(file)
      .split('\n')
      .map((line) => line.trim().split(/\s+/))
      .filter(([, local = '', , state]) => {
        const [address = '', hexPort = ''] = local.split(':');
        return state === LISTENING && ADDRESSES.has(address) && Number.parseInt(hexPort, 16) === port;
      })
      .map((fields) => `socket:[${fields[9]}]`),
  );
}

function processGroupOf(pid: string): number {
  const line = read(`/proc/${pid}/stat`);
  return Number(line.slice(line.lastIndexOf(')') + 2).split(' ')[2]);
}

/** Throws if this process may not look into the other one. */
function openFilesOf(pid: string): string[] {
  const folder = `/proc/${pid}/fd`;
  return fs.readdirSync(folder).flatMap((name) => {
    try {
      return [fs.readlinkSync(`${folder}/${name}`)];
    } catch {
      return []; // closed since
    }
  });
}

/** True if a process outside of the process group listens on one of the ports. */
export function isTakenFrom(processGroup: number, ports: readonly number[]): boolean {
  const listening = ports.map(socketsOf).filter((sockets) => sockets.length > 0);
  if (listening.length === 0) return false;
  const members = fs
    .readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && processGroupOf(name) === processGroup);
  try {
    const own = new Set(members.flatMap(openFilesOf));
    return listening.some((sockets) => !sockets.some((socket) => own.has(socket)));
  } catch {
    return false;
  }
}
