import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** What waits for the next COMMIT that passes: the server never gets it, or its answer is never delivered. */
type Trap = 'before the server has it' | 'before its answer';

/** A line between a program and its server, which can be cut. */
export interface Line {
  /** The address of a database as it is reached through this line. */
  through(url: string): string;
  /** Cuts every connection. New ones are let through, unless it stays cut until it is mended. */
  cut(options?: { stays: boolean }): void;
  /** Cuts the connection on which the next COMMIT passes. */
  cutAtCommit(trap: Trap, options?: { stays: boolean }): void;
  /** Swallows what either end of every open connection says, and tells neither: a firewall that forgot them. */
  swallow(): void;
  /** Lets new connections through again. */
  mend(): void;
  close(): Promise<void>;
}

const commit = Buffer.from('COMMIT');

/** Opens a line on loopback to a port of this machine. */
export async function openLine(port: number): Promise<Line> {
  const open = new Set<Socket>();
  const swallowed = new WeakSet<Socket>();
  let trap: { how: Trap; stays: boolean } | null = null;
  let isCut = false;
  const server = createServer({ noDelay: true }, (client) => {
    if (isCut) return void client.destroy();
    const upstream = connect(port, '127.0.0.1');
    let waiting: { stays: boolean } | null = null;
    const end = () => {
      client.destroy();
      upstream.destroy();
    };
    const cut = ({ stays }: { stays: boolean }) => {
      isCut = stays;
      end();
    };
    for (const socket of [client, upstream]) {
      open.add(socket);
      socket.on('error', end).on('close', () => {
        open.delete(socket);
        end();
      });
    }
    client.on('data', (sent: Buffer) => {
      if (swallowed.has(client)) return;
      if (trap !== null && sent.includes(commit)) {
        const sprung = trap;
        trap = null;
        if (sprung.how === 'before the server has it') return cut(sprung);
        waiting = sprung;
      }
      upstream.write(sent);
    });
    upstream.on('data', (answer: Buffer) => {
      if (swallowed.has(upstream)) return;
      if (waiting === null) client.write(answer);
      else cut(waiting);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const own = (server.address() as AddressInfo).port;
  return {
    through(url) {
      const changed = new URL(url);
      changed.port = String(own);
      return changed.href;
    },
    cut({ stays } = { stays: false }) {
      isCut = stays;
      for (const socket of open) socket.destroy();
    },
    cutAtCommit(how, { stays } = { stays: false }) {
      trap = { how, stays };
    },
    swallow() {
      for (const socket of open) swallowed.add(socket);
    },
    mend() {
      isCut = false;
    },
    async close() {
      for (const socket of open) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
