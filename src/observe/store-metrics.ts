/** The figures of the store as Prometheus metrics, read anew for each scrape. */
import type { Registry } from 'prom-client';
import {
  accessBoundsSeconds,
  cutoffBoundsSeconds,
  type DurationHistogram,
  type StoreFigures,
} from '../store/read-metrics.ts';

interface Sample {
  metricName?: string;
  labels: Record<string, string | number>;
  value: number;
}

interface Family {
  name: string;
  help: string;
  type: 'gauge' | 'counter' | 'histogram';
  samples: (figures: StoreFigures) => Sample[];
}

const plain = (value: number): Sample[] => [{ labels: {}, value }];

const families: readonly Family[] = [
  {
    name: 'usher_deliveries_waiting',
    help: 'Rows that were not delivered to Temporal yet.',
    type: 'gauge',
    samples: (f) => f.undeliveredByKind.map(({ kind, count }) => ({ labels: { kind }, value: count })),
  },
  {
    name: 'usher_delivery_oldest_seconds',
    help: 'Age of the oldest such row.',
    type: 'gauge',
    samples: (f) => f.undeliveredByKind.map(({ kind, oldestSeconds }) => ({ labels: { kind }, value: oldestSeconds })),
  },
  {
    name: 'usher_cutoffs_due',
    help: 'Cut-offs that are due and not started.',
    type: 'gauge',
    samples: (f) => plain(f.dueCutoffs.count),
  },
  {
    name: 'usher_cutoff_oldest_due_seconds',
    help: 'How long the oldest of them has been due.',
    type: 'gauge',
    samples: (f) => plain(f.dueCutoffs.oldestSeconds),
  },
  {
    name: 'usher_cutoffs_held',
    help: 'Cut-offs that wait for a person because policy caps the wave.',
    type: 'gauge',
    samples: (f) => plain(f.heldCutoffs),
  },
  {
    name: 'usher_ledger_underived',
    help: 'Events that were acknowledged and not derived yet.',
    type: 'gauge',
    samples: (f) => plain(f.underived.count),
  },
  {
    name: 'usher_ledger_oldest_underived_seconds',
    help: 'Age of the oldest such event.',
    type: 'gauge',
    samples: (f) => plain(f.underived.oldestSeconds),
  },
  {
    name: 'usher_ledger_age_seconds',
    help: 'Seconds since the last event was received, webhook or poll; absent before the first.',
    type: 'gauge',
    samples: (f) => (f.ledgerAgeSeconds === null ? [] : plain(f.ledgerAgeSeconds)),
  },
  {
    name: 'usher_webhook_refusals_total',
    help: 'Webhooks that were refused, by reason, since the installation began.',
    type: 'counter',
    samples: (f) =>
      f.webhooksRefused.map(({ source, reason, count }) => ({ labels: { source, reason }, value: count })),
  },
  {
    name: 'usher_cases_open',
    help: 'Open cases by state.',
    type: 'gauge',
    samples: (f) => f.openCasesByState.map(({ state, count }) => ({ labels: { state }, value: count })),
  },
  {
    name: 'usher_approvals_open',
    help: 'Approvals that wait for people.',
    type: 'gauge',
    samples: (f) => plain(f.openApprovals.count),
  },
  {
    name: 'usher_approval_oldest_seconds',
    help: 'How long the oldest of them has waited.',
    type: 'gauge',
    samples: (f) => plain(f.openApprovals.oldestSeconds),
  },
  {
    name: 'usher_incidents_open',
    help: 'Open incidents by kind.',
    type: 'gauge',
    samples: (f) => f.openIncidentsByKind.map(({ kind, count }) => ({ labels: { kind }, value: count })),
  },
  {
    name: 'usher_alerts_unmailed',
    help: 'Alerts that the mail server has not taken yet.',
    type: 'gauge',
    samples: (f) => plain(f.alertsUnmailed),
  },
  {
    name: 'usher_alerts_total',
    help: 'Alerts raised, by kind.',
    type: 'counter',
    samples: (f) => f.alertsByKind.map(({ kind, count }) => ({ labels: { kind }, value: count })),
  },
  {
    name: 'usher_evidence_records',
    help: 'Records in the evidence log.',
    type: 'gauge',
    samples: (f) => plain(f.evidenceRecords),
  },
  {
    name: 'usher_checkpoint_records',
    help: 'Records that the last signed checkpoint covers.',
    type: 'gauge',
    samples: (f) => plain(f.checkpoint?.treeSize ?? 0),
  },
  {
    name: 'usher_checkpoint_age_seconds',
    help: 'Age of the last signed checkpoint; absent before the first. It grows while the log does not.',
    type: 'gauge',
    samples: (f) => (f.checkpoint === null ? [] : plain(f.checkpoint.ageSeconds)),
  },
  {
    name: 'usher_cutoff_seconds',
    help: 'From a departure being known and due to the read that saw the login disabled, by system. Released waves are left out.',
    type: 'histogram',
    samples: (f) => buckets('usher_cutoff_seconds', f.cutoffSeconds, cutoffBoundsSeconds),
  },
  {
    name: 'usher_access_seconds',
    help: 'From access being known and due to the read that confirmed it, by what gave it (policy or decision).',
    type: 'histogram',
    samples: (f) => buckets('usher_access_seconds', f.accessSeconds, accessBoundsSeconds),
  },
];

/** Names of all metrics of the store. */
export const storeMetricNames: readonly string[] = families.map((family) => family.name);

/** Registers them. One scrape reads the store once, however many metrics there are. */
export function registerStoreMetrics(registry: Registry, read: () => Promise<StoreFigures>): void {
  let reading: Promise<StoreFigures> | null = null;
  const readOnce = (): Promise<StoreFigures> => {
    reading ??= read().finally(() => {
      reading = null;
    });
    return reading;
  };
  for (const { name, help, type, samples } of families) {
    const metric = {
      name,
      help,
      type,
      aggregator: 'sum',
      get: async () => ({ name, help, type, aggregator: 'sum', values: samples(await readOnce()) }),
      reset: () => undefined,
    };
    registry.registerMetric(metric as never);
  }
}

function buckets(name: string, { series }: DurationHistogram, bounds: readonly number[]): Sample[] {
  return series.flatMap(({ labels, counts, count, sumSeconds }) => [
    ...bounds.map((bound, index) => ({
      metricName: `${name}_bucket`,
      labels: { ...labels, le: bound },
      value: counts[index] ?? 0,
    })),
    { metricName: `${name}_bucket`, labels: { ...labels, le: '+Inf' }, value: count },
    { metricName: `${name}_sum`, labels, value: sumSeconds },
    { metricName: `${name}_count`, labels, value: count },
  ]);
}
