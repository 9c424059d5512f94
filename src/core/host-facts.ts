/** A process of a host, as `ps -eo pid,ppid,args` lists it. */
export interface HostProcess {
  pid: number;
  /** 0 where the list does not say. */
  parent: number;
  args: string;
}

/** Reads a list of processes; a line that is none (the heading) is left out. The parent's column may be absent. */
export function parseProcesses(text: string): HostProcess[] {
  return text.split('\n').flatMap((line) => {
    const [, pid, parent, args] = /^\s*(\d+)\s+(?:(\d+)\s+)?(\S.*?)\s*$/.exec(line) ?? [];
    return args === undefined ? [] : [{ pid: Number(pid), parent: Number(parent ?? 0), args }];
  });
}

/** The namespace of processes of a host itself, which Linux gives this number; that of a container has another. */
const hostNamespace = 'pid:[4026531836]';
const anyNamespace = /^pid:\[\d+\]$/;

/**
 * Why a list of processes does not hold all that run on a host, or null where it does. `namespace` is what
 * `readlink /proc/self/ns/pid` says, or nothing where it says nothing.
 */
export function hiddenProcesses(processes: readonly HostProcess[], namespace: string): string | null {
  const own = namespace.trim();
  if (anyNamespace.test(own) && own !== hostNamespace) return 'only the processes of a container are listed';
  return processes.some(({ pid }) => pid === 1)
    ? null
    : 'the processes of other users are hidden (/proc is mounted with hidepid)';
}

const baseName = (path: string) => path.slice(path.lastIndexOf('/') + 1);
const shell = /^-?(?:ba|da|a|k|z)?sh$/;
const python = /^python(?:\d+(?:\.\d+)*)?$/;

/** What an interpreter was told to run: a script, or a module (`-m`); null where it was given code or nothing. */
function program(words: readonly string[]): { script: string } | { module: string } | null {
  for (let at = 1; at < words.length; at++) {
    const word = words[at]!;
    if (!word.startsWith('-')) return { script: baseName(word) };
    if (word === '-m') return words[at + 1] === undefined ? null : { module: words[at + 1]! };
    if (/^-[a-zA-Z]*c$/.test(word)) return null;
    // Options of Python that take the next word.
    if (word === '-W' || word === '-X') at += 1;
  }
  return null;
}

function isLogMonitor({ args }: HostProcess): boolean {
  const words = args.split(/\s+/);
  const [first = ''] = words;
  if (baseName(first) === 'log_monitor.sh') return true;
  const run = shell.test(baseName(first)) ? program(words) : null;
  return run !== null && 'script' in run && run.script === 'log_monitor.sh';
}

/** How the bot of the pipeline is started: `python3 -m bot.ultimate_bot`, or `python3 bot/ultimate_bot.py`. */
const botModules: ReadonlySet<string> = new Set(['bot.ultimate_bot', 'ultimate_bot', 'bot']);
const botScript = 'ultimate_bot.py';

function isBot({ args }: HostProcess): boolean {
  const words = args.split(/\s+/);
  const [first = ''] = words;
  if (baseName(first) === botScript) return true;
  const run = python.test(baseName(first)) ? program(words) : null;
  if (run === null) return false;
  return 'script' in run ? run.script === botScript : botModules.has(run.module);
}

/** A shell shows its subshells, and a process its forks, under its own name: only their parent counts. */
function ownOnly(found: readonly HostProcess[]): HostProcess[] {
  const pids = new Set(found.map(({ pid }) => pid));
  return found.filter(({ parent }) => !pids.has(parent));
}

/** The processes that run `log_monitor.sh`; not those that edit, follow or look for it, and not its subshells. */
export function logMonitors(processes: readonly HostProcess[]): HostProcess[] {
  return ownOnly(processes.filter(isLogMonitor));
}

/** The processes that run the bot, and not their own forks. */
export function botProcesses(processes: readonly HostProcess[]): HostProcess[] {
  return ownOnly(processes.filter(isBot));
}

/** What a command printed. */
export interface Printed {
  stdout: string;
  stderr: string;
}

/** What is to be said of a service that must neither run nor be started at boot. */
export interface ServiceState {
  /** Null where systemd did not answer. */
  off: boolean | null;
  what: string;
}

const notEnabled: ReadonlySet<string> = new Set(['disabled', 'masked', 'masked-runtime', 'static']);
const notActive: ReadonlySet<string> = new Set(['inactive', 'failed', 'unknown']);
const firstLine = (text: string) => text.trim().split('\n')[0] ?? '';

/** Not to be mistaken for a bus that cannot be reached, which says `No such file or directory` too. */
const absent =
  /unit file state for \S+: No such file|Unit (?:file )?\S+ (?:could not be found|not found|does not exist)/i;

function isAbsent({ stdout, stderr }: Printed): boolean {
  return firstLine(stdout) === 'not-found' || absent.test(stderr);
}

/** Reads the answers of `systemctl is-enabled` and `systemctl is-active`. */
export function serviceState(enabled: Printed, active: Printed): ServiceState {
  const [bootsAs, runsAs] = [firstLine(enabled.stdout), firstLine(active.stdout)];
  if (runsAs !== '' && !notActive.has(runsAs))
    return { off: false, what: bootsAs ? `${bootsAs}, ${runsAs}` : runsAs };
  if (isAbsent(enabled)) return { off: true, what: 'not installed' };
  if (bootsAs === '' || runsAs === '')
    return { off: null, what: firstLine(enabled.stderr) || firstLine(active.stderr) || 'no answer' };
  return { off: notEnabled.has(bootsAs), what: `${bootsAs}, ${runsAs}` };
}
