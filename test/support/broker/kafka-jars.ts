import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);

export const KAFKA_VERSION = '4.3.0';

/** Git-ignored; downloads and the shared broker's registry live in it. */
export const CACHE = fileURLToPath(new URL('../../../.cache/', import.meta.url));

const LIBRARIES = join(CACHE, `kafka-${KAFKA_VERSION}`, 'libs');

/** The logger is only there so that a broker that does not start says why. */
const POM = `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>millrace</groupId><artifactId>test-broker</artifactId><version>1</version>
  <dependencies>
    <dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>${KAFKA_VERSION}</version></dependency>
    <dependency><groupId>org.apache.kafka</groupId><artifactId>kafka-tools</artifactId><version>${KAFKA_VERSION}</version></dependency>
    <dependency><groupId>org.slf4j</groupId><artifactId>slf4j-simple</artifactId><version>1.7.36</version></dependency>
  </dependencies>
</project>
`;

/** Undefined when Java runs here, else why it does not. */
export async function whyNoJava(): Promise<string | undefined> {
  try {
    await run('java', ['-version']);
    return undefined;
  } catch (error) {
    return `java does not run (${(error as Error).message.split('\n')[0]})`;
  }
}

/** The class path of Apache Kafka's own jars, fetched by Maven the first time (110 MB). */
export async function kafkaClassPath(): Promise<string> {
  if (!existsSync(join(LIBRARIES, `slf4j-simple-1.7.36.jar`))) await fetchJars();
  return join(LIBRARIES, '*');
}

async function fetchJars(): Promise<void> {
  // Plain JavaScript, since the set-up runs before there is anything to compile it with.
  const { ensureMaven } = await import(new URL('../../../scripts/setup/system-packages.mjs', import.meta.url).href);
  await ensureMaven((line: string) => console.log(`[broker] ${line}`));
  const home = dirname(LIBRARIES);
  mkdirSync(home, { recursive: true });
  // Into a folder of its own first: another process may be at it, and a download may break off.
  const work = mkdtempSync(join(home, 'download-'));
  try {
    writeFileSync(join(work, 'pom.xml'), POM);
    await run('mvn', ['-q', '-B', '-ntp', 'dependency:copy-dependencies', '-DincludeScope=runtime', `-DoutputDirectory=${join(work, 'libs')}`], {
      cwd: work,
      timeout: 600_000,
      maxBuffer: 16 << 20,
    });
    rmSync(LIBRARIES, { recursive: true, force: true });
    renameSync(join(work, 'libs'), LIBRARIES);
  } catch (error) {
    const { stdout, stderr, message } = error as { stdout?: string; stderr?: string; message: string };
    throw new Error(`Maven could not fetch Apache Kafka ${KAFKA_VERSION}: ${message}\n${stdout ?? ''}${stderr ?? ''}`);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}
