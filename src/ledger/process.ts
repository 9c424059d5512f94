import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';

/** A process, with what tells it from another one of the same number. Systems without /proc know host and number. */
export interface ProcessName {
  host: string;
  pid: number;
  /** The process table that the number is of: this boot of the system, and the namespace in it. */
  table?: string;
  /** When it started, in ticks of that table's clock: a number is used again. */
  started?: string;
}

/** The name of this process. */
export function ownProcess(): ProcessName {
  const own = { host: hostname(), pid: process.pid };
  const table = ownTable();
  const started = table === null ? undefined : readStat(process.pid)?.started;
  return table === null || started === undefined ? own : { ...own, table, started };
}

/**
 * Whether a process is known to have ended. False where it cannot be known: on another host, and in another
 * process table of this one (a container). One that names no table is taken to be of this host's.
 */
export function isGone(other: ProcessName, us: ProcessName = ownProcess()): boolean {
  if (other.host !== us.host) return false;
  if (other.table !== undefined && other.table !== us.table) return false;
  if (!isProcessAlive(other.pid)) return true;
  const now = readStat(other.pid);
  if (now === null) return false;
  return now.ended || (other.started !== undefined && other.started !== now.started);
}

/** Whether a process of this table has this number; one that belongs to somebody else does. */
function isProcessAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (thrown) {
    return (thrown as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}

/** Containers share the boot, hosts of one name the number of their first namespace: only both name a table. */
function ownTable(): string | null {
  try {
    // A /proc that is not of our own namespace knows us under another number, and others too.
    if (readlinkSync('/proc/self') !== String(process.pid)) return null;
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    return `${boot} ${readlinkSync('/proc/self/ns/pid')}`;
  } catch {
    return null;
  }
}

/** proc_pid_stat(5): the name stands in brackets and may hold any character; state is field 3, start field 22. */
function readStat(pid: number): { ended: boolean; started: string } | null {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    const started = fields[19];
    return started === undefined ? null : { ended: /^[ZXx]$/.test(fields[0]!), started };
  } catch {
    return null;
  }
}
