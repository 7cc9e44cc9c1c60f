/**
 * Finds the programs of the faults suite: toxiproxy, which interrupts, delays and loses TCP traffic, and
 * WireMock, which sends scripted responses. Go and Maven build or fetch them once into the cache;
 * TOXIPROXY_PATH and WIREMOCK_JAR take precedence.
 */
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { findOnPath } from './binaries';
import { cacheFolder } from './paths';
import { runToEnd } from '../start/processes';
import { scratchFolder } from './scratch';

type OnFetch = (what: string) => void;

const toxiproxyVersion = 'v2.12.0';
const wireMock = {
  version: '3.13.2',
  sha256: 'd097b19bd483c5038479b13a5c71e9faf8f2f5106584f0c120a7770ab0bdb367',
};
export const toolsFolder = path.join(cacheFolder, 'tools');

function given(variable: string): string | undefined {
  const file = process.env[variable];
  if (file && !fs.existsSync(file))
    throw new Error(`${variable} is set to ${file}, but there is no such file. Correct or unset it.`);
  return file || undefined;
}

/** Lets `make` fill a folder and moves the file it returns to `target` in one step. */
export async function cached(target: string, make: (folder: string) => Promise<string>): Promise<string> {
  if (fs.existsSync(target)) return target;
  const work = scratchFolder(toolsFolder, 'work');
  try {
    fs.renameSync(await make(work), target);
    return target;
  } finally {
    fs.rmSync(work, { recursive: true, force: true });
  }
}

/** @returns the path of `toxiproxy-server`. @throws with what to install or set. */
export async function findToxiproxy(onFetch: OnFetch = () => {}): Promise<string> {
  const found = given('TOXIPROXY_PATH') ?? findOnPath('toxiproxy-server');
  if (found) return found;
  return cached(path.join(toolsFolder, `toxiproxy-server-${toxiproxyVersion}`), async (work) => {
    onFetch(`toxiproxy ${toxiproxyVersion} (built by Go, up to a minute)`);
    const target = `github.com/Shopify/toxiproxy/v2/cmd/server@${toxiproxyVersion}`;
    await runToEnd('go', ['install', target], { env: { ...process.env, GOBIN: work } }).catch(
      (error: Error) => {
        throw new Error(
          `toxiproxy is missing and could not be built: ${error.message}\nInstall Go 1.23 or newer, ` +
            `or set TOXIPROXY_PATH to the path of toxiproxy-server ${toxiproxyVersion}.`,
        );
      },
    );
    return path.join(work, 'server');
  });
}

/** @returns the path of WireMock's standalone jar. @throws with what to install or set. */
export async function findWireMock(onFetch: OnFetch = () => {}): Promise<string> {
  if (!findOnPath('java'))
    throw new Error(
      'Java is missing; WireMock needs 11 or newer (Debian, Ubuntu: apt-get install default-jre-headless).',
    );
  const jar = given('WIREMOCK_JAR');
  if (jar) return jar;
  const name = `wiremock-standalone-${wireMock.version}.jar`;
  return cached(path.join(toolsFolder, name), async (work) => {
    onFetch(`WireMock ${wireMock.version}`);
    const artifact = `-Dartifact=org.wiremock:wiremock-standalone:${wireMock.version}`;
    await runToEnd(
      'mvn',
      ['--batch-mode', '--quiet', 'dependency:copy', artifact, `-DoutputDirectory=${work}`],
      { cwd: work },
    ).catch((error: Error) => {
      throw new Error(
        `WireMock is missing and could not be fetched: ${error.message}\n` +
          'Install Maven (Debian, Ubuntu: apt-get install maven), ' +
          `or set WIREMOCK_JAR to the path of ${name}.`,
      );
    });
    const file = path.join(work, name);
    const sha256 = createHash('sha256').update(fs.readFileSync(file)).digest('hex');
    if (sha256 !== wireMock.sha256)
      throw new Error(`${name} has the SHA-256 ${sha256}, not the pinned ${wireMock.sha256}.`);
    return file;
  });
}
