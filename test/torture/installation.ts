import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AuditResult } from '../../jobs/audit-result.ts';
import { withLedgerToRead } from '../../src/context.ts';
import type { Incident } from '../../src/core/incident.ts';
import type { Database } from '../../src/database.ts';
import { listIncidents } from '../../src/ledger/incidents.ts';
import { withHook } from '../alert/servers.ts';
import type { DatabaseKind } from '../databases.ts';
import { dumpSource, fixture, incidentRows, type Scene, withScene } from '../failure/scene.ts';
import { countedWrites, countWrites } from './writes.ts';

/** What the installations of a suite have in common. */
export interface Ground {
  /** The artifacts, of which two are missing, so that two rounds are lost. */
  artifacts: string;
  /** Where alerts go: each installation has a path of its own. */
  hook: string;
  /** The keys of the messages that came in by a path. */
  receivedBy(path: string): string[];
}

const lostArtifacts = ['gametime-supply-R1-1770842719.json', 'gametime-te_escape2-R1-1771277996.json'];

export async function withGround<T>(work: (ground: Ground) => Promise<T>): Promise<T> {
  const artifacts = mkdtempSync(join(tmpdir(), 'roundwarden-artifacts-'));
  try {
    cpSync(join(fixture, 'gametimes'), artifacts, { recursive: true });
    for (const name of lostArtifacts) rmSync(join(artifacts, name));
    const answer: Parameters<typeof withHook>[0] = (response) => response.writeHead(204).end();
    return await withHook(answer, (hook, received) =>
      work({
        artifacts,
        hook,
        receivedBy: (path) =>
          received
            .filter((one) => one.path.endsWith(`/${path}`))
            .map(({ headers }) => String(headers['idempotency-key'])),
      }),
    );
  } finally {
    rmSync(artifacts, { recursive: true, force: true });
  }
}

let made = 0;

/** An installation on one kind of database. */
export interface Installation extends Scene {
  kind: DatabaseKind;
  /** The path by which its alerts go. */
  path: string;
}

/** How many repairs an undisturbed run makes, of how many rounds. */
export const repairGroups = 11;
export const repairedRounds = 12;

/**
 * The incident of February with wrong links besides: eight rounds to backfill, three to link anew in two groups, two
 * that are lost, and alerts about those. The source counts what is written to it.
 */
export async function withInstallation<T>(
  ground: Ground,
  kind: DatabaseKind,
  work: (installation: Installation) => Promise<T>,
): Promise<T> {
  const rows = incidentRows();
  const links: Record<number, number> = { 2: 424_242, 6: 9867, 7: 9864 };
  for (const capture of rows.captures) capture.round_id = links[capture.id as number] ?? capture.round_id!;
  const path = `installation-${++made}`;
  const environment = {
    GAMETIME_PATHS: ground.artifacts,
    ALERT_WEBHOOK_URL: `${ground.hook}/${path}`,
    // Each lost round gets a packet, which takes longer than everything else: the first sessions' are enough elsewhere.
    CAPTURE_SINCE: '2026-02-11',
  };
  return withScene({ source: kind, ledger: kind, rows, environment }, async (scene) => {
    await countWrites(scene.sourceUrl);
    return work({ ...scene, kind, path });
  });
}

/** What an installation came to, without what depends on when and how often it ran. */
export interface Outcome {
  rows: string[];
  /** As the source counted them. */
  writes: string[];
  /** Each incident with its status. */
  incidents: string[];
  /** Each message in the outbox: about what, and how far it is. */
  messages: string[];
}

async function messagesOf({ knex }: Database): Promise<string[]> {
  const rows: { message_key: string; channel: string; state: string }[] = await knex('outbox').select(
    'message_key',
    'channel',
    'state',
  );
  // The third part is the moment.
  return rows
    .map(
      ({ message_key: key, channel, state }) => `${key.split('|').toSpliced(2, 1)} by ${channel}: ${state}`,
    )
    .sort();
}

export async function outcomeOf(installation: Installation): Promise<Outcome> {
  const { sourceUrl, config } = installation;
  const ledger = await withLedgerToRead(config, async (opened) => {
    const incidents = await listIncidents(opened!, { limit: 1_000 });
    return {
      incidents: incidents.map(({ key, state }) => `${key}: ${(state as unknown as Incident).status}`).sort(),
      messages: await messagesOf(opened!.database),
    };
  });
  return { rows: await dumpSource(sourceUrl), writes: await countedWrites(sourceUrl), ...ledger };
}

/** The counts that a result ends with. */
export const endOf = ({ after }: AuditResult) => JSON.stringify(after);
