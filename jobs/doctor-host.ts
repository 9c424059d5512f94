import { execFile } from 'node:child_process';
import {
  botProcesses,
  type HostProcess,
  logMonitors,
  type Printed,
  parseProcesses,
  type ServiceState,
  serviceState,
} from '../src/core/host-facts.ts';
import { codeOf, messageOf } from '../src/errors.ts';
import { type Check, checksOf, type Examination } from './doctor-check.ts';

const { ok, problem, warning, unchecked } = checksOf('hosts');

const service = 'et-stats-webhook.service';
const timeoutMs = 20_000;
const mostBytes = 32 * 1024 * 1024;

/** How a command ended: what it printed, or why it could not be run at all. */
type Ran = Printed & { failed: string | null };
type Runner = (command: readonly string[]) => Promise<Ran>;

const notFoundCode = 127;
const sshFailedCode = 255;

function run(command: readonly string[]): Promise<Ran & { code: number | null }> {
  const [program, ...args] = command;
  const options = { timeout: timeoutMs, maxBuffer: mostBytes, env: { ...process.env, LC_ALL: 'C' } };
  return new Promise((resolve) => {
    execFile(program!, args, options, (thrown, stdout, stderr) => {
      const code = thrown === null ? 0 : thrown.code;
      const printed = { stdout, stderr };
      if (typeof code === 'number') resolve({ ...printed, code, failed: null });
      else resolve({ ...printed, code: null, failed: whyNot(program!, thrown) });
    });
  });
}

function whyNot(program: string, thrown: unknown): string {
  if (codeOf(thrown) === 'ENOENT') return `there is no ${program} on this host`;
  const { killed } = thrown as { killed?: boolean };
  return killed ? `${program} did not answer within ${timeoutMs / 1000} s` : messageOf(thrown);
}

const onThisHost: Runner = run;

/** Runs a command on the game server; no word of it comes from outside. */
function through(ssh: string): Runner {
  return async (command) => {
    const options = ['-o', 'BatchMode=yes', '-o', 'ConnectTimeout=10'];
    const { code, failed, stdout, stderr } = await run(['ssh', ...options, '--', ssh, command.join(' ')]);
    const said = stderr.trim().split('\n').at(-1);
    if (code === sshFailedCode) return { stdout, stderr, failed: said || 'ssh failed' };
    if (code === notFoundCode) return { stdout, stderr, failed: `there is no ${command[0]} on ${ssh}` };
    return { stdout, stderr, failed };
  };
}

/** What one host answered. */
interface HostAnswer {
  name: string;
  service: ServiceState;
  /** Null where they could not be listed. */
  processes: readonly HostProcess[] | null;
  /** Why they could not. */
  why: string | null;
}

async function askService(runner: Runner): Promise<ServiceState> {
  const enabled = await runner(['systemctl', 'is-enabled', service]);
  if (enabled.failed !== null) return { off: null, what: enabled.failed };
  const active = await runner(['systemctl', 'is-active', service]);
  return active.failed === null ? serviceState(enabled, active) : { off: null, what: active.failed };
}

async function askHost(name: string, runner: Runner): Promise<HostAnswer> {
  const listed = await runner(['ps', '-eo', 'pid,ppid,args']);
  const processes = listed.failed === null ? parseProcesses(listed.stdout) : [];
  const why = listed.failed ?? (processes.length === 0 ? 'ps lists no process' : null);
  return { name, service: await askService(runner), processes: why === null ? processes : null, why };
}

/** Why the game server cannot be asked anything, or null. */
async function refusal(runner: Runner): Promise<string | null> {
  return (await runner(['true'])).failed;
}

function checkService({ name, service: { off, what } }: HostAnswer): Check {
  const line = `${service} on ${name}`;
  const mend = `sudo systemctl disable --now ${service}`;
  if (off === null) return unchecked(line, what, `run \`systemctl status ${service}\` by hand on ${name}`);
  if (off) return ok(line, what);
  return problem(line, `${what}: the old service delivers the same rounds a second time`, mend);
}

/** What must run exactly once on all hosts together. */
interface Singleton {
  name: string;
  of: (processes: readonly HostProcess[]) => HostProcess[];
  none: (hosts: readonly HostAnswer[]) => Check;
}

function checkSingleton(hosts: readonly HostAnswer[], { name, of, none }: Singleton): Check {
  const found = hosts.flatMap((host) => of(host.processes ?? []).map(({ pid }) => ({ pid, on: host.name })));
  const places = found.map(({ pid, on }) => `${pid} on ${on}`).join(', ');
  if (found.length > 1)
    return problem(
      name,
      `${found.length} processes: ${places}`,
      `end all but one: \`kill ${found.at(-1)!.pid}\` on ${found.at(-1)!.on}, and see what started it`,
    );
  const blind = hosts.find(({ processes }) => processes === null);
  if (blind !== undefined)
    return unchecked(name, `${blind.name}: ${blind.why}`, `run \`ps -ef\` by hand on ${blind.name}`);
  return found.length === 1 ? ok(name, `one process: ${places}`) : none(hosts);
}

const namesOf = (hosts: readonly HostAnswer[]) => hosts.map(({ name }) => name).join(' and ');
const setSsh = 'set DOCTOR_SSH=user@host';

const bot: Singleton = {
  name: 'bot process',
  of: botProcesses,
  none: (hosts) => problem('bot process', `none on ${namesOf(hosts)}`, 'start the bot, on one host only'),
};

function logMonitor(asked: Examination): Singleton {
  const name = 'log_monitor.sh process';
  return {
    name,
    of: logMonitors,
    none(hosts) {
      const what = `none on ${namesOf(hosts)}`;
      if (asked.config.doctorSsh !== null) return problem(name, what, 'start it, once');
      const mend = `start it, once; if the game server is another host, ${setSsh}`;
      return asked.acceptance ? unchecked(name, what, mend) : warning(name, what, mend);
    },
  };
}

/** The hosts that can be asked, and a line for a game server that cannot. */
async function reachHosts({ config, acceptance }: Examination): Promise<[HostAnswer[], Check[]]> {
  const local = await askHost('this host', onThisHost);
  const { doctorSsh } = config;
  const isGameServer = logMonitors(local.processes ?? []).length > 0;
  if (doctorSsh === null) {
    const unasked = unchecked('game server', 'DOCTOR_SSH is not set: only this host was asked', setSsh);
    return [[local], acceptance && !isGameServer ? [unasked] : []];
  }
  const runner = through(doctorSsh);
  const why = await refusal(runner);
  if (why === null) return [[local, await askHost(doctorSsh, runner)], []];
  const mend = `make \`ssh ${doctorSsh} true\` work without a password, or correct DOCTOR_SSH`;
  return [[local, unreachable(doctorSsh, why)], [unchecked('game server', `${doctorSsh}: ${why}`, mend)]];
}

const unreachable = (name: string, why: string): HostAnswer => ({
  name,
  service: { off: null, what: why },
  processes: null,
  why,
});

/**
 * Asks this host, and through the system's ssh the game server: what must not run, and what must run once
 * (DOMAIN, section 6). A host that cannot be asked is one line; what hangs on it is left out.
 */
export async function checkHosts(asked: Examination): Promise<Check[]> {
  const [hosts, lines] = await reachHosts(asked);
  const heard = lines.length > 0 && hosts.length > 1 ? hosts.slice(0, 1) : hosts;
  const conclusive = heard.some(({ service }) => service.off !== null);
  const services = heard.filter(({ service }) => service.off !== null || !conclusive).map(checkService);
  const singletons = [logMonitor(asked), bot]
    .map((one) => checkSingleton(hosts, one))
    .filter(({ state }) => heard.length === hosts.length || state !== 'unchecked');
  return [...lines, ...services, ...singletons];
}
