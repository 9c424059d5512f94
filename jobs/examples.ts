import type { Command } from 'commander';

/** How commands are used, by their words after `roundwarden`. test/operate/help.test.ts holds that each can be read. */
export const examples: Readonly<Record<string, readonly (readonly [string, string])[]>> = {
  audit: [
    ['audit', 'the last LOOKBACK_DAYS, and every open incident'],
    ['audit --since 2026-02-01 --until 2026-02-16', 'a window, both days included'],
    ['audit --all --expect FINGERPRINT', 'exactly the plan that was read, however large'],
  ],
  plan: [
    ['plan --all', 'the whole history'],
    ['plan --round 9856 --json', 'one round, for a program'],
  ],
  explain: [
    ['explain 9856', 'why it is lost, and what was looked at'],
    ['explain 9856 --packet', 'the same, as a folder to hand on'],
  ],
  revert: [['revert 412 --reason "wrong map"', 'the repair that began with entry 412']],
  'incidents excuse': [
    ['incidents excuse 17 --reason "test round"', 'who says so: --by, or who is logged in'],
  ],
  'incidents resolve': [
    ['incidents resolve 17 capture:4711', 'this capture is the one'],
    ['incidents resolve 17 --release 4711', 'this capture is not the one: the round is freed'],
  ],
  'ledger verify': [
    ['ledger verify', 'chain, incidents, and every repaired row'],
    ['ledger verify --no-rows --anchor "412 HASH"', 'with a head from a mail or a report'],
  ],
  'ledger export': [['ledger export > ledger.ndjson', 'a copy that needs no database to be read']],
  'ledger accept-restore': [
    ['ledger accept-restore --reason "disk died, backup of Tuesday"', 'what is gone becomes an entry'],
  ],
  report: [
    ['report', 'yesterday, in every format, into DATA_DIR/reports'],
    ['report --date 2026-02-16 --format md --stdout', 'one day, to read at once'],
    ['report --send', 'what is owed by mail: as often as you like, each day once'],
  ],
  start: [['start', 'under pm2 or systemd; it may start late, sleep, or run on several hosts']],
  worker: [['worker', 'under pm2 or systemd, on as many hosts as you like']],
  notify: [['notify --test', 'one message through every channel']],
  doctor: [['doctor', 'after every change of the settings or of the host']],
  init: [
    ['init', 'asks; existing values are offered'],
    ['init --yes --set SOURCE_DATABASE_URL=sqlite:data/source.sqlite', 'asks nothing, as in a script'],
  ],
  migrate: [['migrate --dry-run', 'after an upgrade, to see what it will change']],
  backup: [
    ['backup --to /srv/backup/roundwarden --keep 30', 'every night; older ones go after success'],
    ['backup --to before-upgrade.sqlite', 'the ledger alone, into one new file'],
  ],
  completion: [['completion bash > /etc/bash_completion.d/roundwarden', 'for everybody on this machine']],
};

/** The command of these words, or null. */
export function commandAt(program: Command, words: readonly string[]): Command | null {
  let at: Command | undefined = program;
  for (const word of words) at = at?.commands.find((one) => one.name() === word);
  return at ?? null;
}

/** Adds the examples to the help of each command that has some. */
export function addExamples(program: Command): void {
  for (const [path, lines] of Object.entries(examples)) {
    const width = Math.max(...lines.map(([line]) => line.length));
    const text = lines.map(([line, what]) => `  ${program.name()} ${line.padEnd(width)}  ${what}`);
    commandAt(program, path.split(' '))?.addHelpText('after', `\nExamples:\n${text.join('\n')}`);
  }
}
