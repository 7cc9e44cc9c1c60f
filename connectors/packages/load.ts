/**
 * Adds the connectors of the packages that CONNECTOR_PACKAGES names, once at the start of a process. They are
 * code with the rights of the process (docs/decisions/0036).
 */
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Connector } from '../connector';
import { type ConnectorDefinition, problemOfDefinition } from './definition';
import { guardConnector } from './guard';
import { wordsOf } from './guarded-calls';
import * as ownInterface from './interface';
import { INTERFACE_OF_PROCESS } from './published';

interface ConnectorPackages {
  /** Names of packages, or absolute paths of their folders. */
  names: readonly string[];
  /** Where packages are looked for: in its `node_modules` and those of the folders above. */
  folder: string;
}

interface LoadOptions {
  log: Record<'info' | 'error', (fields: object, message: string) => void>;
  importFile?: (file: string) => Promise<unknown>;
  importMs?: number;
}

/** One line for each package that cannot be used. */
export class PackagesRefused extends Error {}

const IMPORT_MS = 30_000;
/** Of a package in a process: what its users enter can make the words of each fault others. */
const FAULTS_LOGGED_MAX = 20;
const importAsUrl = (file: string): Promise<unknown> => import(pathToFileURL(file).href);

/** @throws PackagesRefused */
export async function loadConnectorPackages(
  { names, folder }: ConnectorPackages,
  connectors: Record<string, Connector>,
  { log, importFile = importAsUrl, importMs = IMPORT_MS }: LoadOptions,
): Promise<void> {
  if (names.length === 0) return;
  Object.assign(globalThis, { [INTERFACE_OF_PROCESS]: ownInterface });
  const refused: string[] = [];
  const packageOf = new Map<string, string>();
  for (const name of names) {
    try {
      const found = findPackage(name, folder);
      const { connector } = definitionIn(await importWithin(() => importFile(found.entry), importMs));
      const { kind } = connector;
      if (Object.hasOwn(connectors, kind)) throw new Refused(takenWords(kind, packageOf.get(kind)));
      const known = new Set<string>();
      const onFault = (fault: Error) => {
        if (known.has(fault.message) || known.size === FAULTS_LOGGED_MAX) return;
        known.add(fault.message);
        log.error({ package: found.name, connector: kind, err: fault }, 'connector package faulty');
      };
      connectors[kind] = guardConnector(connector, found.name, { onFault });
      packageOf.set(kind, name);
      log.info({ package: found.name, version: found.version, connector: kind }, 'connector package loaded');
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      refused.push(`CONNECTOR_PACKAGES: the package ${name} ${error.message}`);
    }
  }
  if (refused.length > 0) throw new PackagesRefused(refused.join('\n'));
}

class Refused extends Error {}

const takenWords = (kind: string, owner: string | undefined): string =>
  `calls its connector "${kind}", which is the name of ` +
  (owner === undefined ? 'a connector of Syncline' : `the connector of ${owner}`);

async function importWithin(load: () => Promise<unknown>, importMs: number): Promise<unknown> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    const why = `was not loaded within ${importMs / 1_000} s`;
    timer = setTimeout(() => reject(new Refused(why)), importMs);
  });
  try {
    return await Promise.race([load(), late]);
  } catch (error) {
    throw error instanceof Refused ? error : new Refused(`cannot be loaded. ${wordsOf(error)}`);
  } finally {
    clearTimeout(timer);
  }
}

/** A CommonJS module is the default of what `import` gives; TypeScript puts its default inside of that. */
function definitionIn(imported: unknown): ConnectorDefinition {
  let exported = imported;
  for (let depth = 0; depth < 2 && !isDefinition(exported); depth += 1)
    exported = (exported as { default?: unknown } | undefined)?.default;
  const problem = problemOf(exported);
  if (problem !== undefined) throw new Refused(problem);
  return exported as ConnectorDefinition;
}

/** A package may have getters, which are code. */
function problemOf(exported: unknown): string | undefined {
  try {
    return problemOfDefinition(exported);
  } catch (error) {
    return `has a connector that cannot be examined. ${wordsOf(error)}`;
  }
}

const isDefinition = (exported: unknown): boolean =>
  typeof exported === 'object' && exported !== null && 'interface' in exported;

interface FoundPackage {
  name: string;
  version: string;
  /** The file that its users import. */
  entry: string;
}

type Exports = string | { [condition: string]: Exports } | null | undefined;
interface Manifest {
  name?: string;
  version?: string;
  main?: string;
  exports?: Exports;
}

function findPackage(name: string, folder: string): FoundPackage {
  const home = path.isAbsolute(name) ? name : folderOf(name, path.resolve(folder));
  const file = home === undefined ? undefined : path.join(home, 'package.json');
  if (home === undefined || file === undefined || !existsSync(file))
    throw new Refused(
      path.isAbsolute(name)
        ? 'has no package.json'
        : `is not installed below ${path.resolve(folder)} (CONNECTOR_FOLDER): run \`npm install ${name}\` there`,
    );
  try {
    const manifest = JSON.parse(readFileSync(file, 'utf8')) as Manifest;
    const { name: ownName = name, version = 'unknown', main = 'index.js', exports } = manifest;
    const entry = targetOf(exports) ?? main;
    return { name: ownName, version, entry: createRequire(file).resolve(path.join(home, entry)) };
  } catch (error) {
    throw new Refused(`has a package.json that names no file to load. ${wordsOf(error)}`);
  }
}

function folderOf(name: string, from: string): string | undefined {
  const home = path.join(from, 'node_modules', name);
  if (existsSync(path.join(home, 'package.json'))) return home;
  const above = path.dirname(from);
  return above === from ? undefined : folderOf(name, above);
}

/** The file of `exports` for an import. */
function targetOf(exports: Exports): string | undefined {
  if (typeof exports === 'string') return exports;
  if (typeof exports !== 'object' || exports === null) return undefined;
  const { '.': root = exports } = exports;
  if (typeof root !== 'object' || root === null) return root ?? undefined;
  const chosen = Object.keys(root).find((key) => ['import', 'node', 'require', 'default'].includes(key));
  return chosen === undefined ? undefined : targetOf(root[chosen]);
}
