/** Debian's nginx with deploy/nginx.conf, on a free port of this machine. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { projectFolder } from '../../../dev/tools/paths';
import { until } from '../until';
import { freePort } from './free-port';
import { makeSelfSigned } from './self-signed';

export interface Nginx {
  port: number;
  /** The certificate, for clients. */
  cert: string;
  stop(): Promise<void>;
}

/** `change`: what a test changes in the example. */
export async function startNginx(
  upstreamPort: number,
  change: (conf: string) => string = (conf) => conf,
): Promise<Nginx> {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'syncline-nginx-'));
  const [port, plainPort] = [await freePort(), await freePort()];
  const { key, cert } = makeSelfSigned();
  fs.writeFileSync(path.join(folder, 'syncline.crt'), cert);
  fs.writeFileSync(path.join(folder, 'syncline.key'), key);
  const example = fs
    .readFileSync(path.join(projectFolder, 'deploy/nginx.conf'), 'utf8')
    .replace('127.0.0.1:8080', `127.0.0.1:${upstreamPort}`)
    .replace('listen 443 ssl', `listen 127.0.0.1:${port} ssl`)
    .replace('listen 80', `listen 127.0.0.1:${plainPort}`)
    .replaceAll('/etc/ssl/', `${folder}/`);
  const paths = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (name) => `${name}_temp_path ${folder}/${name};`,
  );
  const conf = [
    `pid ${folder}/nginx.pid;`,
    'daemon off;',
    'events {}',
    `http { access_log off; gzip on; gzip_types *; ${paths.join(' ')}`,
    change(example),
    '}',
  ];
  fs.writeFileSync(path.join(folder, 'nginx.conf'), conf.join('\n'));

  const args = ['-p', folder, '-c', path.join(folder, 'nginx.conf'), '-e', path.join(folder, 'error.log')];
  const nginx = spawn('nginx', args, { stdio: 'inherit' });
  await until('nginx listens', () => isOpen(port), 10_000);
  return {
    port,
    cert,
    async stop() {
      nginx.kill('SIGTERM');
      if (nginx.exitCode === null) await once(nginx, 'exit');
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
