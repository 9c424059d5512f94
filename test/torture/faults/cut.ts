import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** What waits for the next COMMIT that passes: the server never gets it, or its answer is never delivered. */
type Trap = 'before the server has it' | 'before its answer';

/** A line between a program and its server, which can be cut. */
export interface Line {
  /** The address of a database as it is reached through this line. */
  through(url: string): string;
  /** Cuts every connection. New ones are let through. */
  cut(): void;
  /** Cuts the connection on which the next COMMIT passes. */
  cutAtCommit(trap: Trap): void;
  close(): Promise<void>;
}

const commit = Buffer.from('COMMIT');

/** Opens a line on loopback to a port of this machine. */
export async function openLine(port: number): Promise<Line> {
  const open = new Set<Socket>();
  let trap: Trap | null = null;
  const server = createServer({ noDelay: true }, (client) => {
    const upstream = connect(port, '127.0.0.1');
    let waits = false;
    const end = () => {
      client.destroy();
      upstream.destroy();
    };
    for (const socket of [client, upstream]) {
      open.add(socket);
      socket.on('error', end).on('close', () => {
        open.delete(socket);
        end();
      });
    }
    client.on('data', (sent: Buffer) => {
      if (trap !== null && sent.includes(commit)) {
        waits = trap === 'before its answer';
        trap = null;
        if (!waits) return end();
      }
      upstream.write(sent);
    });
    upstream.on('data', (answer: Buffer) => (waits ? end() : client.write(answer)));
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
    cut() {
      for (const socket of open) socket.destroy();
    },
    cutAtCommit(how) {
      trap = how;
    },
    async close() {
      for (const socket of open) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
