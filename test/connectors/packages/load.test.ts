/** Packages that CONNECTOR_PACKAGES names, as an operator meets them at the start of a process. */
import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { z } from 'zod';
import { connectors as builtIn } from '../../../connectors';
import type { Connector } from '../../../connectors/connector';
import * as ownInterface from '../../../connectors/packages/interface';
import { loadConnectorPackages, PackagesRefused } from '../../../connectors/packages/load';
import * as published from '../../../connectors/packages/published';
import { temporaryFolder } from '../../support/servers/shared-servers';

const folder = temporaryFolder('packages');
const HOST = "const { defineConnector, z } = globalThis[Symbol.for('syncline.connector.1')];";
const sound = (kind: string, more = ''): string => `${HOST}
  module.exports = defineConnector({ interface: 1, connector: {
    kind: '${kind}', title: 'Payroll', description: 'Payroll of Acme.',
    configSchema: z.strictObject({}), credentialsSchema: z.strictObject({}),
    batchSize: 10, onDelete: ['delete'],
    recordTypes: () => [], hosts: () => [], push: async () => [], check: async () => {}, ${more}
  } });`;

function given(name: string, source: string, manifest: object = { version: '2.0.1' }): string {
  const home = path.join(folder, 'node_modules', name);
  fs.mkdirSync(home, { recursive: true });
  fs.writeFileSync(path.join(home, 'package.json'), JSON.stringify({ name, ...manifest }));
  fs.writeFileSync(path.join(home, 'index.js'), source);
  return home;
}

// Jest has an `import` of its own, which knows no addresses of files.
const importFile = async (file: string): Promise<unknown> => {
  const exported: unknown = createRequire(__filename)(file);
  return { default: exported };
};

async function load(names: string[], importMs = 10_000) {
  const connectors: Record<string, Connector> = { ...builtIn };
  const logged: object[] = [];
  const note = (fields: object) => void logged.push(fields);
  const log = { info: note, error: note };
  await loadConnectorPackages({ names, folder }, connectors, { log, importFile, importMs });
  return { connectors, logged };
}

const refusalOf = (...names: string[]): Promise<string> =>
  load(names, 50).then(
    () => 'nothing',
    (error: unknown) => (error instanceof PackagesRefused ? error.message : `no refusal: ${String(error)}`),
  );

describe('a package that CONNECTOR_PACKAGES names', () => {
  it('adds its connector, by its name or by its folder, and the log says which version it has', async () => {
    given('@acme/payroll', sound('acme-payroll'));
    const shop = given('shop', sound('shop'), {
      version: '0.3.0',
      exports: { '.': { require: './index.js' } },
    });

    const { connectors, logged } = await load(['@acme/payroll', shop]);

    expect(Object.keys(connectors).sort()).toEqual([...Object.keys(builtIn), 'acme-payroll', 'shop'].sort());
    expect(connectors['shop']).toMatchObject({ title: 'Payroll', batchSize: 10 });
    expect(logged).toEqual([
      { package: '@acme/payroll', version: '2.0.1', connector: 'acme-payroll' },
      { package: 'shop', version: '0.3.0', connector: 'shop' },
    ]);
  });

  it('is found in a folder above, as Node finds packages', async () => {
    given('above', sound('above'));
    const connectors: Record<string, Connector> = {};
    const inner = path.join(folder, 'a', 'b');

    await loadConnectorPackages({ names: ['above'], folder: inner }, connectors, {
      log: { info() {}, error() {} },
      importFile,
    });

    expect(Object.keys(connectors)).toEqual(['above']);
  });

  it.each([
    ['is missing', 'missing', undefined, 'is not installed below .* run `npm install missing` there'],
    ['throws', 'throws', 'throw new TypeError("no licence")', 'cannot be loaded. TypeError: no licence'],
    [
      'imports what is missing',
      'imports',
      'require("absent")',
      "cannot be loaded. Error: Cannot find module 'absent'",
    ],
    ['exports nothing', 'empty', '', 'has no connector as its default export'],
    [
      'is written for a later interface',
      'later',
      'module.exports = { interface: 2 }',
      'is written for version 2 of',
    ],
    [
      'has the name of a built-in connector',
      'taken',
      sound('rest'),
      '"rest", which is the name of a connector of Syncline',
    ],
    [
      'has a kind that is no name',
      'odd',
      sound('Acme Payroll'),
      'has a faulty connector.kind: must have 2 to 40',
    ],
    [
      'has a misspelt member',
      'misspelt',
      sound('misspelt', 'cuont: async () => 1'),
      'has unknown members in connector: cuont',
    ],
    [
      'lacks a member',
      'lacks',
      sound('lacks', 'push: undefined'),
      'has a faulty connector.push: must be a function',
    ],
    [
      'reads only half',
      'half',
      sound('half', 'readPage: async () => ({})'),
      'needs both `readAbilities` and `readPage`',
    ],
    [
      'keeps a secret in its configuration',
      'leaky',
      sound('leaky', 'configSchema: z.strictObject({ api_key: z.string() })'),
      'asks for the secret "api_key" in connector.configSchema, which is shown: move it to credentialsSchema',
    ],
    [
      'keeps a secret in one form of its configuration, in camel case',
      'leaky-form',
      sound(
        'leaky-form',
        `configSchema: z.union([z.strictObject({ url: z.string() }), z.strictObject({ clientSecret: z.string() })])`,
      ),
      'asks for the secret "clientSecret" in connector.configSchema',
    ],
    [
      'has a schema that is none',
      'schema',
      sound('schema', 'configSchema: {}'),
      'has a faulty connector.configSchema: must be an object schema of zod 4',
    ],
  ])('refuses the start in plain words if it %s', async (_what, name, source, words) => {
    if (source !== undefined) given(name, source);

    expect(await refusalOf(name)).toMatch(
      new RegExp(`^CONNECTOR_PACKAGES: the package ${name} .*${words.replaceAll(/[()]/g, '\\$&')}`),
    );
  });

  it('is refused if two have one name, or if it is no package', async () => {
    given('first', sound('twice'));
    given('second', sound('twice'));
    const broken = given('broken', '');
    fs.writeFileSync(path.join(broken, 'package.json'), '{');

    expect(await refusalOf('first', 'second', broken, '/nowhere')).toBe(
      [
        'CONNECTOR_PACKAGES: the package second calls its connector "twice", which is the name of the connector of first',
        `CONNECTOR_PACKAGES: the package ${broken} has a package.json that names no file to load. ` +
          (await messageOf(() => JSON.parse('{'))),
        'CONNECTOR_PACKAGES: the package /nowhere has no package.json',
      ].join('\n'),
    );
  });

  it('does not hold up the start for ever', async () => {
    const connectors = {};
    const options = {
      log: { info() {}, error() {} },
      importFile: () => new Promise(() => undefined),
      importMs: 20,
    };
    given('slow', '');

    await expect(loadConnectorPackages({ names: ['slow'], folder }, connectors, options)).rejects.toThrow(
      'the package slow was not loaded within 0.02 s',
    );
  });
});

describe('syncline/connector', () => {
  it('exports every value of the interface', () => {
    const { INTERFACE_OF_PROCESS: _name, ...values } = published as Record<string, unknown>;
    const own = ownInterface as Record<string, unknown>;

    expect(Object.keys(values).sort()).toEqual(Object.keys(own).sort());
    expect(Object.keys(own).filter((name) => values[name] !== own[name])).toEqual([]);
  });

  it('takes every connector of Syncline itself', async () => {
    for (const connector of Object.values(builtIn)) {
      const home = given(`own-${connector.kind}`, '');
      const importOwn = async () => ({
        default: ownInterface.defineConnector({ interface: 1, connector }),
      });
      const connectors: Record<string, Connector> = {};
      await loadConnectorPackages({ names: [home], folder }, connectors, {
        log: { info() {}, error() {} },
        importFile: importOwn,
      });
      expect(
        z.toJSONSchema(connectors[connector.kind]!.configSchema, { unrepresentable: 'any', io: 'input' }),
      ).toEqual(z.toJSONSchema(connector.configSchema, { unrepresentable: 'any', io: 'input' }));
      expect(Object.keys(connectors[connector.kind]!).sort()).toEqual(Object.keys(connector).sort());
    }
  });
});

async function messageOf(work: () => unknown): Promise<string> {
  try {
    work();
    return '';
  } catch (error) {
    return `${(error as Error).name}: ${(error as Error).message}`;
  }
}
