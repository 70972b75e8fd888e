// Two figures of the main job, each as a ratio measured in one run:
//   ingest   C-STORE of 1000 small PT instances, Orthanc with the plugin against without it
//   chain    a real whole-body series from stable to SR and SEG stored, by stage; without the test
//            data, a synthetic one
// Progress goes to stderr, the JSON to stdout.
import { spawn, spawnSync, execFileSync } from 'node:child_process';
import { createServer } from 'node:net';
import { existsSync, mkdirSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const build = process.argv[2];
const plugin = join(build, 'bin/libOrthancFedPet.so');
const environment = { ...process.env, TCP_NODELAY: '1' };
const pause = ms => new Promise(resolve => setTimeout(resolve, ms));
const say = text => process.stderr.write(text + '\n');
const median = values => {
  const sorted = [...values].sort((a, b) => a - b), half = sorted.length >> 1;
  return sorted.length % 2 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
};
const rounded = (value, digits = 3) => +value.toFixed(digits);

async function freePorts(count) {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'));
  await Promise.all(servers.map(s => new Promise(done => s.once('listening', done))));
  const ports = servers.map(s => s.address().port);
  await Promise.all(servers.map(s => new Promise(done => s.close(done))));
  return ports;
}

class Orthanc {
  static async start({ plugins, options = {} }) {
    const self = new Orthanc();
    self.folder = mkdtempSync(join(tmpdir(), 'fedpet-bench.'));
    const [http, dicom] = await freePorts(2);
    Object.assign(self, { http, dicom });
    mkdirSync(join(self.folder, 'db'));
    writeFileSync(join(self.folder, 'orthanc.json'), JSON.stringify({
      StorageDirectory: join(self.folder, 'db'), IndexDirectory: join(self.folder, 'db'),
      HttpPort: http, DicomPort: dicom, RemoteAccessAllowed: false, AuthenticationEnabled: false,
      TcpNoDelay: true, Plugins: plugins, ...options }));
    const log = openSync(join(self.folder, 'orthanc.log'), 'w');
    self.child = spawn('Orthanc', [join(self.folder, 'orthanc.json')], { env: environment, stdio: ['ignore', log, log] });
    self.ended = new Promise(done => self.child.once('exit', done));
    for (let i = 0; i < 100; i++) {
      try { await self.get('/system'); return self; } catch { await pause(100); }
    }
    throw new Error('Orthanc did not start:\n' + readFileSync(join(self.folder, 'orthanc.log')));
  }
  async get(path) {
    const answer = await fetch(`http://127.0.0.1:${this.http}${path}`);
    if (!answer.ok) throw new Error(`GET ${path}: ${answer.status}`);
    return answer.json();
  }
  send(folder) {
    const result = spawnSync('dcmsend', ['--no-halt', '--no-uid-checks', '+sd', '+r', '-aec', 'ORTHANC', '127.0.0.1',
      String(this.dicom), folder], { env: environment, encoding: 'utf8' });
    if (result.status !== 0) throw new Error('dcmsend: ' + result.stdout + result.stderr);
  }
  // The worker stays for a while after its job: its high-water mark is still in /proc.
  workerPeakMemoryMb() {
    const threads = readdirSync(`/proc/${this.child.pid}/task`);
    const pids = new Set(threads.flatMap(thread =>
      readFileSync(`/proc/${this.child.pid}/task/${thread}/children`, 'utf8').trim().split(/\s+/)).filter(Boolean));
    const peaks = [...pids].map(pid => +/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1] / 1024);
    return Math.max(...peaks);
  }
  async stop() {
    this.child.kill('SIGTERM');
    await this.ended;
    rmSync(this.folder, { recursive: true, force: true });
  }
}

function makeSmallInstances(folder, count) {
  const pixels = Array.from({ length: 1024 }, (_, i) => (i % 200).toString(16).padStart(4, '0')).join('\\');
  for (let i = 0; i < count; i++) {
    const study = i % 5, dump = join(folder, 'dump.txt');
    writeFileSync(dump, `
(0008,0016) UI =PositronEmissionTomographyImageStorage
(0008,0018) UI [2.25.1000.${study}.${i + 1}]
(0008,0008) CS [ORIGINAL\\PRIMARY]
(0008,0020) DA [20200101]
(0008,0060) CS [PT]
(0010,0010) PN [Bench^${study}]
(0010,0020) LO [BENCH-${study}]
(0020,000d) UI [2.25.2000.${study}]
(0020,000e) UI [2.25.3000.${study}]
(0020,0013) IS [${i + 1}]
(0020,0032) DS [0\\0\\${4 * i}]
(0028,0002) US 1
(0028,0004) CS [MONOCHROME2]
(0028,0010) US 32
(0028,0011) US 32
(0028,0100) US 16
(0028,0101) US 16
(0028,0102) US 15
(0028,0103) US 0
(7fe0,0010) OW ${pixels}
`);
    execFileSync('dump2dcm', ['+l', '16384', '+te', dump, join(folder, `${i}.dcm`)]);
    rmSync(dump);
  }
}

async function ingest() {
  const count = 1000, rounds = +(process.env.BENCH_ROUNDS ?? 10);
  const folder = mkdtempSync(join(tmpdir(), 'fedpet-bench.'));
  say(`ingest: making ${count} instances`);
  makeSmallInstances(folder, count);
  const seconds = { without: [], with: [] };
  for (let round = 0; round < rounds; round++) {
    // A B, B A, A B, ...: a slow drift of the machine hits both alike.
    const order = round % 2 ? ['with', 'without'] : ['without', 'with'];
    for (const kind of order) {
      const orthanc = await Orthanc.start({ plugins: kind === 'with' ? [plugin] : [],
        options: { FedPet: { Worker: { Count: 0 }, Intake: { PollEvery: 1 } } } });
      const start = process.hrtime.bigint();
      orthanc.send(folder);
      seconds[kind].push(Number(process.hrtime.bigint() - start) / 1e9);
      const { CountInstances } = await orthanc.get('/statistics');
      if (CountInstances !== count) throw new Error(`only ${CountInstances} instances arrived`);
      await orthanc.stop();
    }
    say(`ingest: round ${round + 1} of ${rounds}: without ${seconds.without.at(-1).toFixed(2)} s, with ${seconds.with.at(-1).toFixed(2)} s`);
  }
  rmSync(folder, { recursive: true });
  const rate = { without: count / median(seconds.without), with: count / median(seconds.with) };
  return { instances: count, rounds, instancesPerSecondWithout: rounded(rate.without, 1),
    instancesPerSecondWith: rounded(rate.with, 1),
    throughputRatio: rounded(rate.with / rate.without), required: 0.95,
    passed: rate.with / rate.without >= 0.95 };
}

async function chain() {
  const data = process.env.FEDPET_TEST_DATA ?? '../shared/data';
  let series = join(data, 'sts-001-ge-wb/PT'), name = 'sts-001-ge-wb';
  const folder = mkdtempSync(join(tmpdir(), 'fedpet-bench.'));
  if (!existsSync(series)) {
    name = 'synthetic, seed 7';
    execFileSync(join(build, 'bin/fedpet'), ['phantom', '--out', folder, '--seed', '7', '--patients', '1']);
    series = folder;
  }
  const runs = [];
  for (let round = 0; round < 3; round++) {
    const orthanc = await Orthanc.start({ plugins: [plugin], options: { StableAge: 1 } });
    orthanc.send(series);
    let job;
    for (let i = 0; i < 600; i++) {
      [job] = (await orthanc.get('/fedpet/jobs')).jobs;
      if (job && !['waiting', 'running'].includes(job.state)) break;
      await pause(100);
    }
    if (job?.state !== 'done') throw new Error('the job ended as ' + JSON.stringify(job));
    const totalMs = Object.values(job.timingsMs).reduce((sum, ms) => sum + ms, 0);
    runs.push({ totalMs: rounded(totalMs, 0), peakMemoryMb: rounded(orthanc.workerPeakMemoryMb(), 0), timingsMs: job.timingsMs });
    await orthanc.stop();
    say(`chain: run ${round + 1} of 3: ${totalMs.toFixed(0)} ms`);
  }
  rmSync(folder, { recursive: true });
  const worst = Math.max(...runs.map(run => run.totalMs)), memory = Math.max(...runs.map(run => run.peakMemoryMb));
  return { series: name, shareOfTimeLimit: rounded(worst / 3000), shareOfMemoryLimit: rounded(memory / 1024),
    limits: { workerMs: 3000, peakMemoryMb: 1024 }, passed: worst < 3000 && memory < 1024, runs };
}

const result = { machine: { cores: (await import('node:os')).cpus().length } };
result.chain = await chain();
result.ingest = await ingest();
console.log(JSON.stringify(result, null, 2));
