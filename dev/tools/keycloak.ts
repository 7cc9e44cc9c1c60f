/**
 * Finds Keycloak, the authorization server of the suite `keycloak`. Maven fetches it once into the cache (160
 * MB); KEYCLOAK_HOME takes precedence.
 */
import path from 'node:path';
import { runToEnd } from '../start/processes';
import { findOnPath } from './binaries';
import { cached, toolsFolder } from './fault-tools';

const version = '26.4.5';

/** @returns its folder, with `bin/kc.sh`. @throws with what to install or set. */
export async function findKeycloak(onFetch: (what: string) => void = () => {}): Promise<string> {
  if (!findOnPath('java'))
    throw new Error(
      'Java is missing; Keycloak needs 21 (Debian, Ubuntu: apt-get install default-jre-headless).',
    );
  const home = process.env.KEYCLOAK_HOME;
  if (home) return home;
  return cached(path.join(toolsFolder, `keycloak-${version}`), async (work) => {
    onFetch(`Keycloak ${version}`);
    const artifact = `-Dartifact=org.keycloak:keycloak-quarkus-dist:${version}:zip`;
    try {
      await runToEnd(
        'mvn',
        ['--batch-mode', '--quiet', 'dependency:copy', artifact, `-DoutputDirectory=${work}`],
        { cwd: work },
      );
      await runToEnd('python3', ['-m', 'zipfile', '-e', `keycloak-quarkus-dist-${version}.zip`, '.'], {
        cwd: work,
      });
    } catch (error) {
      throw new Error(
        `Keycloak is missing and could not be fetched: ${(error as Error).message}\nInstall Maven (Debian, ` +
          `Ubuntu: apt-get install maven), or set KEYCLOAK_HOME to the folder of Keycloak ${version}.`,
        { cause: error },
      );
    }
    return path.join(work, `keycloak-${version}`);
  });
}
