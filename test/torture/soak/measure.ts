import { readdirSync } from 'node:fs';

/** What a process holds at one moment, after its garbage was collected. */
export interface Held {
  cycle: number;
  heapBytes: number;
  rssBytes: number;
  /** Open file handles. */
  handles: number;
  /** Timers, sockets and the like that keep a process alive. */
  resources: number;
  /** Of the process itself: a listener that is added at every run is a leak. */
  listeners: number;
}

const resourceCount = () =>
  process.getActiveResourcesInfo().filter((kind) => kind !== 'PipeWrap' && !kind.startsWith('TCP')).length;

export function held(cycle: number): Held {
  globalThis.gc!();
  const { heapUsed, rss } = process.memoryUsage();
  return {
    ...{ cycle, heapBytes: heapUsed, rssBytes: rss, resources: resourceCount() },
    handles: readdirSync('/proc/self/fd').length,
    listeners: process.eventNames().reduce((sum, name) => sum + process.listenerCount(name), 0),
  };
}

/** How much a line through the points of the second half rises from its beginning to its end (least squares). */
export function rise(points: readonly Held[], of: 'heapBytes' | 'rssBytes'): number {
  const second = points.slice(Math.floor(points.length / 2));
  const mean = (values: readonly number[]) => values.reduce((sum, one) => sum + one, 0) / values.length;
  const [x, y] = [mean(second.map(({ cycle }) => cycle)), mean(second.map((point) => point[of]))];
  const square = second.reduce((sum, { cycle }) => sum + (cycle - x) ** 2, 0);
  const product = second.reduce((sum, point) => sum + (point.cycle - x) * (point[of] - y), 0);
  const span = second.at(-1)!.cycle - second[0]!.cycle;
  return square === 0 ? 0 : (product / square) * span;
}

/** The most that a later half ever held more than the earlier half did. */
export function more(points: readonly Held[], of: 'handles' | 'resources' | 'listeners'): number {
  const half = Math.floor(points.length / 2);
  const most = (some: readonly Held[]) => Math.max(...some.map((point) => point[of]));
  return most(points.slice(half)) - most(points.slice(0, half));
}
