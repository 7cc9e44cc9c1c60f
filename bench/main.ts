/**
 * `npm run bench -- <name> [--quick]`: runs one benchmark on servers of its own and prints its figures, each
 * with its goal and a peer or limit measured in the same run. The last line is one JSON object for programs.
 * A missed goal is reported but is not a failure; the exit code is 1 only if a figure could not be measured.
 */
import { consoleBenchmark } from './console/benchmark';
import { growthBenchmark } from './growth/benchmark';
import { neighboursBenchmark } from './neighbours/benchmark';
import { overviewBenchmark } from './overview/benchmark';
import { pullBenchmark } from './pull/benchmark';
import { pushBenchmark } from './push/benchmark';
import { type BenchmarkOptions, printReport, type Report } from './report';
import { BenchEnvironment } from './environment';
import { webhooksBenchmark } from './webhooks/benchmark';
import { widthBenchmark } from './width/benchmark';

const benchmarks: Record<
  string,
  (environment: BenchEnvironment, options: BenchmarkOptions) => Promise<Report>
> = {
  push: pushBenchmark,
  pull: pullBenchmark,
  webhooks: webhooksBenchmark,
  overview: overviewBenchmark,
  console: consoleBenchmark,
  growth: growthBenchmark,
  width: widthBenchmark,
  neighbours: neighboursBenchmark,
};

async function main(): Promise<number> {
  const [name = '', ...flags] = process.argv.slice(2);
  const benchmark = Object.hasOwn(benchmarks, name) ? benchmarks[name] : undefined;
  if (benchmark === undefined || flags.some((flag) => flag !== '--quick')) {
    console.error(`Usage: npm run bench -- <${Object.keys(benchmarks).join('|')}> [--quick]`);
    return 2;
  }
  const environment = new BenchEnvironment();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.once(signal, () => void environment.close().finally(() => process.exit(130)));
  try {
    printReport(await benchmark(environment, { isQuick: flags.includes('--quick') }));
    return 0;
  } catch (error) {
    console.error(error);
    return 1;
  } finally {
    await environment.close();
  }
}

void main().then((code) => process.exit(code));
