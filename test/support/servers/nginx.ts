/** Debian's nginx on a free port of this machine: with deploy/nginx.conf, or as a proxy before Temporal. */
import { once } from 'node:events';
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { startProcess, waitUntilReady } from '../../../dev/start/processes';
import { projectFolder } from '../../../dev/tools/paths';
import { freePort } from './free-port';
import { makeSelfSigned } from './self-signed';

export interface Nginx {
  port: number;
  /** The certificate, for clients. */
  cert: string;
  /** Contains the certificate as syncline.crt, its key as syncline.key. */
  folder: string;
  /** As `nginx -s reload`, with another configuration; the old one finishes its requests. */
  reload(change: (conf: string) => string): void;
  stop(): Promise<void>;
}

/** `change`: what a test changes in the example. */
export async function startNginx(
  upstreamPort: number,
  change: (conf: string) => string = (conf) => conf,
): Promise<Nginx> {
  const plainPort = await freePort();
  return start((folder, port) =>
    change(
      fs
        .readFileSync(path.join(projectFolder, 'deploy/nginx.conf'), 'utf8')
        .replace('127.0.0.1:8080', `127.0.0.1:${upstreamPort}`)
        .replace('listen 443 ssl', `listen 127.0.0.1:${port} ssl`)
        .replace('listen 80', `listen 127.0.0.1:${plainPort}`)
        .replaceAll('/etc/ssl/', `${folder}/`),
    ),
  );
}

/** A proxy before Temporal that admits callers by `condition`, directives of nginx. */
export async function startTemporalProxy(address: string, condition: string): Promise<Nginx> {
  return start(
    (folder, port) => `server {
      listen 127.0.0.1:${port} ssl http2;
      ssl_certificate ${folder}/syncline.crt;
      ssl_certificate_key ${folder}/syncline.key;
      ssl_client_certificate ${folder}/syncline.crt;
      ssl_verify_client optional;
      location / {
        ${condition}
        grpc_read_timeout 120s;
        grpc_pass grpc://${address};
      }
    }`,
  );
}

async function start(server: (folder: string, port: number) => string): Promise<Nginx> {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'syncline-nginx-'));
  const port = await freePort();
  const { key, cert } = makeSelfSigned();
  fs.writeFileSync(path.join(folder, 'syncline.crt'), cert);
  fs.writeFileSync(path.join(folder, 'syncline.key'), key);
  const paths = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (name) => `${name}_temp_path ${folder}/${name};`,
  );
  const conf = [
    `pid ${folder}/nginx.pid;`,
    'daemon off;',
    'events {}',
    `http { access_log off; gzip on; gzip_types *; ${paths.join(' ')}`,
    server(folder, port),
    '}',
  ];
  const confFile = path.join(folder, 'nginx.conf');
  fs.writeFileSync(confFile, conf.join('\n'));

  const args = ['-p', folder, '-c', confFile, '-e', path.join(folder, 'error.log')];
  const logFile = path.join(folder, 'log');
  const nginx = await startProcess({ name: 'nginx', command: 'nginx', args, logFile });
  await waitUntilReady(nginx, () => isOpen(port));
  return {
    port,
    cert,
    folder,
    reload(change) {
      fs.writeFileSync(confFile, change(conf.join('\n')));
      process.kill(nginx.pid, 'SIGHUP');
    },
    async stop() {
      await nginx.stop();
      fs.rmSync(folder, { recursive: true });
    },
  };
}

async function isOpen(port: number): Promise<boolean> {
  const socket = net.connect(port, '127.0.0.1');
  const opened = await Promise.race([
    once(socket, 'connect').then(() => true),
    once(socket, 'error').then(() => false),
  ]).catch(() => false);
  socket.destroy();
  return opened;
}
