/** The ports of one local company: those of the last run where they are still free, else the defaults, else the next. */
import { join } from 'node:path';
import { readObject, writePrivate, type DataFolder } from './data-folder.ts';
import { PortPicker } from './ports.ts';
import type { Say } from './step.ts';

const defaults = {
  http: 4800,
  codec: 4801,
  sandbox: 4810,
  postgres: 4830,
  temporal: 7233,
  temporalHttp: 7243,
  temporalMetrics: 7253,
  temporalUi: 8233,
} as const;

export type CompanyPorts = Record<keyof typeof defaults, number>;

const names: Record<keyof CompanyPorts, string> = {
  http: "Usher's port",
  codec: 'the port that opens payloads for the Temporal UI',
  sandbox: "the sandbox's first port",
  postgres: "PostgreSQL's port",
  temporal: "Temporal's port",
  temporalHttp: "Temporal's HTTP port",
  temporalMetrics: "Temporal's metrics port",
  temporalUi: "the Temporal UI's port",
};

/** Picks the ports and remembers them. Every one that had to be replaced is told. */
export async function pickPorts({ dir }: DataFolder, say: Say, isRandom = false): Promise<CompanyPorts> {
  const file = join(dir, 'ports.json');
  const last = readObject(file);
  const picker = new PortPicker();
  const ports: CompanyPorts = { ...defaults };
  for (const key of Object.keys(defaults) as (keyof CompanyPorts)[]) {
    const remembered = last[key];
    const wanted = typeof remembered === 'number' ? remembered : defaults[key];
    ports[key] = isRandom ? await picker.any() : await picker.pick(wanted);
    if (!isRandom && ports[key] !== wanted) say(`${names[key]} ${wanted} is taken; using ${ports[key]}`);
  }
  writePrivate(file, ports);
  return ports;
}
