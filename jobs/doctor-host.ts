import { execFile } from 'node:child_process';
import {
  botProcesses,
  type HostProcess,
  hiddenProcesses,
  logMonitors,
  type Printed,
  parseProcesses,
  type ServiceState,
  serviceState,
} from '../src/core/host-facts.ts';
import { codeOf, messageOf } from '../src/errors.ts';
import { type Check, checksOf, type Examination } from './doctor-check.ts';

const { ok, note, problem, warning, unchecked } = checksOf('hosts');

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

/** Runs a command on another host; no word of it comes from outside. */
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
  /** Why what is listed is not all that runs there; null where it is. */
  hidden: string | null;
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
  const namespace = await runner(['readlink', '/proc/self/ns/pid']);
  return {
    name,
    service: await askService(runner),
    processes: why === null ? processes : null,
    why,
    hidden:
      why === null ? hiddenProcesses(processes, namespace.failed === null ? namespace.stdout : '') : null,
  };
}

/** What cannot be known from here is no fault of what is looked at; only the acceptance asks for proof. */
const unseen = ({ acceptance }: Examination) => (acceptance ? unchecked : note);

function checkService(asked: Examination, { name, service: { off, what }, hidden }: HostAnswer): Check {
  const line = `${service} on ${name}`;
  const mend = `sudo systemctl disable --now ${service}`;
  const byHand = `run \`systemctl status ${service}\` by hand on ${name}`;
  if (off === null && hidden !== null)
    return unseen(asked)(line, `it cannot be seen from here: ${hidden}, and ${what}`, byHand);
  if (off === null) return unchecked(line, what, byHand);
  if (off) return ok(line, what);
  return problem(line, `${what}: the old service delivers the same rounds a second time`, mend);
}

/** What must run exactly once on all hosts together. */
interface Singleton {
  name: string;
  of: (processes: readonly HostProcess[]) => HostProcess[];
  /** Nothing of it runs on the hosts that were asked, whose names these are. */
  none: (asked: Examination, hosts: string) => Check;
}

/** The hosts that answered, and whether all that were asked did. */
interface Hosts {
  answers: readonly HostAnswer[];
  areAll: boolean;
}

function checkSingleton(
  asked: Examination,
  { answers: hosts, areAll }: Hosts,
  { name, of, none }: Singleton,
): Check[] {
  const found = hosts.flatMap((host) => of(host.processes ?? []).map(({ pid }) => ({ pid, on: host.name })));
  const places = found.map(({ pid, on }) => `${pid} on ${on}`).join(', ');
  if (found.length > 1) {
    const { pid, on } = found.at(-1)!;
    const end = `end all but one: \`kill ${pid}\` on ${on}, and see what started it`;
    const isOnSeveral = new Set(found.map((one) => one.on)).size > 1;
    const mend = isOnSeveral
      ? `where these are names of one machine, name it once in DOCTOR_SSH; else ${end}`
      : end;
    return [problem(name, `${found.length} processes: ${places}`, mend)];
  }
  if (!areAll) return [];
  const blind = hosts.find(({ processes }) => processes === null);
  if (blind !== undefined)
    return [unchecked(name, `${blind.name}: ${blind.why}`, `run \`ps -ef\` by hand on ${blind.name}`)];
  if (found.length === 1) return [ok(name, `one process: ${places}`)];
  const hiding = hosts.find(({ hidden }) => hidden !== null);
  if (hiding === undefined) return [none(asked, hosts.map((host) => host.name).join(' and '))];
  const what = `it cannot be seen from here: on ${hiding.name} ${hiding.hidden}`;
  return [unseen(asked)(name, what, 'run `ps -ef` as root on the host itself: there should be one')];
}

const setSsh = 'set DOCTOR_SSH=user@host';

/** It writes its log where it runs: a log that is named here says that it should run here. */
const bot: Singleton = {
  name: 'bot process',
  of: botProcesses,
  none(asked, hosts) {
    const { botLogPaths, doctorSsh } = asked.config;
    const start = 'start the bot, on one host only';
    if (doctorSsh.length > 0)
      return problem('bot process', `none on ${hosts}`, `${start}; if it has another, add it to DOCTOR_SSH`);
    if (botLogPaths.length > 0)
      return problem(
        'bot process',
        `none on ${hosts}, where WEBHOOK_LOG says that its log is`,
        `${start}; if the log comes from another host, ${setSsh}`,
      );
    return unseen(asked)(
      'bot process',
      `none on ${hosts}; whether it runs on another host cannot be seen from here`,
      `if it should run here, ${start}; if elsewhere, ${setSsh}, and it is looked for there`,
    );
  },
};

const logMonitor: Singleton = {
  name: 'log_monitor.sh process',
  of: logMonitors,
  none(asked, hosts) {
    const name = 'log_monitor.sh process';
    const { consoleLogPaths, doctorSsh } = asked.config;
    const what = `none on ${hosts}`;
    const mend = `start it, once; if the game server is another host, ${setSsh}`;
    if (doctorSsh.length > 0) return problem(name, what, 'start it, once');
    if (consoleLogPaths.length > 0 && !asked.acceptance) return warning(name, what, mend);
    return unseen(asked)(name, `${what}; whether it runs on another host cannot be seen from here`, mend);
  },
};

/** Asks another host, or says in one line why it cannot be asked. */
async function reach(ssh: string): Promise<HostAnswer | Check> {
  const runner = through(ssh);
  const why = (await runner(['true'])).failed;
  if (why === null) return askHost(ssh, runner);
  const mend = `make \`ssh ${ssh} true\` work without a password, or correct DOCTOR_SSH`;
  return unchecked('DOCTOR_SSH', `${ssh}: ${why}`, mend);
}

/** A game server that nobody named, where the acceptance wants it seen. */
function unnamed({ config, acceptance }: Examination, local: HostAnswer): Check[] {
  const isGameServer = logMonitors(local.processes ?? []).length > 0;
  if (config.doctorSsh.length > 0 || !acceptance || isGameServer) return [];
  return [unchecked('game server', 'DOCTOR_SSH is not set: only this host was asked', setSsh)];
}

/**
 * Asks this host, and through the system's ssh those of DOCTOR_SSH: what must not run, and what must run once
 * (DOMAIN, section 6). A host that cannot be asked is one line; what hangs on it is left out.
 */
export async function checkHosts(asked: Examination): Promise<Check[]> {
  const local = await askHost('this host', run);
  const others = await Promise.all(asked.config.doctorSsh.map(reach));
  const silent = others.filter((other) => 'state' in other);
  const hosts = [local, ...others.filter((other) => 'service' in other)];
  const conclusive = hosts.some(({ service }) => service.off !== null);
  const services = hosts
    .filter(({ service }) => service.off !== null || !conclusive)
    .map((host) => checkService(asked, host));
  // What was not found may run on a host that does not answer.
  const heard = { answers: hosts, areAll: silent.length === 0 };
  const singletons = [logMonitor, bot].flatMap((one) => checkSingleton(asked, heard, one));
  return [...silent, ...unnamed(asked, local), ...services, ...singletons];
}
