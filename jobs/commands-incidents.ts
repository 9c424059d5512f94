import { type Command, Option } from 'commander';
import type { IncidentStatus } from '../src/core/incident.ts';
import { UsageError } from '../src/errors.ts';
import { command, ends, person, settings, shared, wholeNumber } from './command-line.ts';
import type { Deciding } from './incidents.ts';

interface DecideOptions {
  json?: boolean;
  by?: string;
  reason?: string;
}

async function runDecision(id: string, deciding: Deciding, options: DecideOptions): Promise<number> {
  const { json, nowMs } = shared(options);
  const { decide, printIncident } = await import('./incidents.ts');
  const by = person(options.by);
  const reason = options.reason ?? '';
  const incident = await decide(settings(), { id: wholeNumber(id, 'ID'), deciding, by, reason, nowMs });
  const { sayJson } = await import('./print.ts');
  if (json) sayJson(incident);
  else printIncident(incident);
  return 0;
}

function decision(
  incidents: Command,
  usage: string,
  about: { description: string; needsReason: boolean },
): Command {
  const reason = new Option('--reason <text>', 'why');
  return command(incidents, usage, about.description)
    .option('--by <name>', 'who says so (default: the user who is logged in)')
    .addOption(about.needsReason ? reason.makeOptionMandatory() : reason);
}

/** Exactly one of the two ways to resolve. */
function choiceOf(candidate: string | undefined, release: string | undefined): Deciding {
  if (candidate !== undefined && release === undefined) return { kind: 'incident.resolved', candidate };
  if (candidate === undefined && release !== undefined)
    return { kind: 'incident.released', captureId: wholeNumber(release, '--release') };
  throw new UsageError('give either a candidate or --release CAPTURE');
}

const simpleDecisions = [
  ['ack <id>', 'silent until its verdict changes', 'incident.acknowledged', false],
  ['excuse <id>', 'silent and closed; later evidence is still repaired', 'incident.excused', true],
  ['hold <id>', 'no audit repairs it until it is reopened', 'incident.held', true],
  ['reopen <id>', 'ends a hold, an excuse, an acknowledgement, a resolution', 'incident.reopened', false],
] as const;

/** incidents list, show, ack, excuse, hold, reopen, note, resolve. */
export function addIncidentCommands(program: Command): void {
  const incidents = program.command('incidents').description('review the gaps').exitOverride();

  command(incidents, 'list', 'open and held incidents, oldest first', true)
    .option('--all', 'closed ones too')
    .option('--unclosed', 'excused and written off ones too')
    .action(
      ends(async (options: { json?: boolean; all?: boolean; unclosed?: boolean }) => {
        const filter: IncidentStatus = options.all ? 'all' : options.unclosed ? 'unclosed' : 'open';
        const { listAll, printIncidents } = await import('./incidents.ts');
        const found = await listAll(settings(), filter);
        const { sayJson } = await import('./print.ts');
        if (options.json) sayJson(found);
        else printIncidents(found, filter);
        return 0;
      }),
    );

  command(incidents, 'show <id>', 'one incident').action(
    ends(async (id: string, options: { json?: boolean }) => {
      const { printIncident, showIncident } = await import('./incidents.ts');
      const incident = await showIncident(settings(), wholeNumber(id, 'ID'));
      const { sayJson } = await import('./print.ts');
      if (options.json) sayJson(incident);
      else printIncident(incident);
      return 0;
    }),
  );

  for (const [usage, description, kind, needsReason] of simpleDecisions)
    decision(incidents, usage, { description, needsReason }).action(
      ends((id: string, options: DecideOptions) => runDecision(id, { kind }, options)),
    );

  decision(incidents, 'note <id> <text>', { description: 'adds a note', needsReason: false }).action(
    ends((id: string, text: string, options: DecideOptions) =>
      runDecision(id, { kind: 'incident.noted' }, { ...options, reason: text }),
    ),
  );

  const description =
    'chooses capture:ID or artifact:SHA256; the next audit writes it under every other rule';
  decision(incidents, 'resolve <id> [candidate]', { description, needsReason: false })
    .option('--release <capture>', 'clears a wrong holder of the round instead')
    .action(
      ends((id: string, candidate: string | undefined, options: DecideOptions & { release?: string }) =>
        runDecision(id, choiceOf(candidate, options.release), options),
      ),
    );
}
