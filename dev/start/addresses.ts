/**
 * Which port each program listens on: chosen before anything starts, because programs need each other's
 * addresses.
 */
import { portOrFree } from './ports';

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
};

export type PortName = keyof typeof preferred;

/**
 * Takes each port from the environment or the list above. Where one is in use, a free port is chosen and
 * reported.
 */
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
