/**
 * Which port each program listens on: chosen before anything starts. A port that is taken before its program
 * listens there is exchanged for another one.
 */
import { portOrFree } from './ports';
import { PortTaken } from './processes';

const preferred = {
  POSTGRES_PORT: 5433,
  TEMPORAL_PORT: 7233,
  TEMPORAL_UI_PORT: 8233,
  API_PORT: 8080,
  CONSOLE_DEV_PORT: 8081,
  POCKETBASE_PORT: 8090,
  SCIM_PORT: 8880,
  MAIL_PORT: 8025,
  SMTP_PORT: 1025,
  WEBHOOK_RECEIVER_PORT: 8070,
  SAMPLE_APP_PORT: 8085,
};

export type PortName = keyof typeof preferred;
export type Ports = Record<PortName, number>;

const moved = (name: PortName, from: number, to: number): string =>
  `port ${from} is taken: ${name} is ${to} this time`;

/**
 * Takes each port from the environment, from `usual`, or from the list above. Where one is in use, a free
 * port is chosen and reported.
 */
export async function choosePorts(
  onMove: (message: string) => void,
  usual: Partial<Ports> = {},
): Promise<Ports> {
  const chosen: Partial<Record<PortName, number>> = {};
  const taken = new Set<number>();
  for (const name of Object.keys(preferred) as PortName[]) {
    const wanted = Number(process.env[name] || (usual[name] ?? preferred[name]));
    if (!Number.isInteger(wanted) || wanted < 0 || wanted > 65_535)
      throw new Error(`${name}=${process.env[name]} is not a port.`);
    let port = await portOrFree(taken.has(wanted) ? 0 : wanted);
    while (taken.has(port)) port = await portOrFree(0);
    if (wanted !== 0 && port !== wanted) onMove(moved(name, wanted, port));
    taken.add(port);
    chosen[name] = port;
  }
  return chosen as Ports;
}

const ATTEMPTS = 5;

/** Starts a program that listens on the named ports; again, on free ports, if they were taken meanwhile. */
export async function onFreePorts<Result>(
  ports: Ports,
  names: readonly PortName[],
  onMove: (message: string) => void,
  start: () => Promise<Result>,
): Promise<Result> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await start();
    } catch (error) {
      if (!(error instanceof PortTaken) || attempt === ATTEMPTS) throw error;
    }
    for (const name of names) {
      const taken = ports[name];
      ports[name] = await portOrFree(taken);
      if (ports[name] !== taken) onMove(moved(name, taken, ports[name]));
    }
  }
}
