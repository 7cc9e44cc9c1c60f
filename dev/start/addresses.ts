/** What runs where: chosen before anything starts, so that everybody can be told about everybody. */
import { portOrFree } from './ports';

const preferred = {
  POSTGRES_PORT: 5433,
  TEMPORAL_PORT: 7233,
  TEMPORAL_UI_PORT: 8233,
  API_PORT: 8080,
  POCKETBASE_PORT: 8090,
  MAIL_PORT: 8025,
  SMTP_PORT: 1025,
  WEBHOOK_RECEIVER_PORT: 8070,
};

export type PortName = keyof typeof preferred;

/** Each from the environment or by habit; a port that is taken gives way to a free one, and `onMove` hears of it. */
export async function choosePorts(onMove: (message: string) => void): Promise<Record<PortName, number>> {
  const chosen: Partial<Record<PortName, number>> = {};
  const taken = new Set<number>();
  for (const name of Object.keys(preferred) as PortName[]) {
    const wanted = Number(process.env[name] || preferred[name]);
    if (!Number.isInteger(wanted) || wanted < 0 || wanted > 65_535)
      throw new Error(`${name}=${process.env[name]} is not a port.`);
    let port = await portOrFree(taken.has(wanted) ? 0 : wanted);
    while (taken.has(port)) port = await portOrFree(0);
    if (wanted !== 0 && port !== wanted) onMove(`port ${wanted} is taken: ${name} is ${port} this time`);
    taken.add(port);
    chosen[name] = port;
  }
  return chosen as Record<PortName, number>;
}
