import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'dotenv';
import { type Config, isSecret, parseConfig, settingNames } from '../src/config.ts';
import { printable } from '../src/core/printable.ts';
import { messageOf, UsageError } from '../src/errors.ts';
import type { Check } from './doctor-check.ts';
import { changeEnvText, readEnvFile, writeEnvFile } from './env-file.ts';
import { type Person, type Terminal, withPerson } from './init-ask.ts';
import { configOf, type Question, questions, type Seen, type Values } from './init-questions.ts';
import { colours } from './print.ts';

export interface InitRequest {
  /** Where `.env` is, and where the program will run. */
  directory: string;
  /** The variables of this process. */
  environment: Values;
  /** `NAME=VALUE`, before everything else. */
  given: readonly string[];
  /** The zone of this host's clock, if it is known. */
  hostZone: string | null;
  nowMs: number;
}

/** What was written. `changed` are names of settings; values may be secrets. */
export interface Initialised {
  path: string;
  changed: string[];
  /** What was seen where settings lead, of those that nobody was asked for. */
  seen: Check[];
}

/** What is wrong with settings, one text each; none where they are right. */
function problemsOf(values: Values): string[] {
  try {
    parseConfig(values);
    return [];
  } catch (thrown) {
    return messageOf(thrown)
      .split(/\n {2}- /)
      .slice(1);
  }
}

/** What is wrong with one answer. That mail lacks its addresses is no fault of the first answer of three. */
function problemOf(name: string, values: Values): string | undefined {
  const own = new RegExp(`^${name}\\b`);
  return problemsOf(values).find(
    (problem) => own.test(problem) || (/the source itself/.test(problem) && /LEDGER|SOURCE_D/.test(name)),
  );
}

function givenValues(given: readonly string[]): Map<string, string> {
  const values = new Map<string, string>();
  for (const text of given) {
    const [, name, value] = /^([A-Z_]+)=(.*)$/.exec(text) ?? [];
    if (name === undefined) throw new UsageError('--set wants NAME=VALUE');
    if (!settingNames.includes(name.replace(/_FILE$/, '')))
      throw new UsageError(`--set ${name}: there is no such setting`);
    values.set(name, value!);
  }
  return values;
}

const present = (values: Values): Record<string, string> =>
  Object.fromEntries(Object.entries(values).filter((pair): pair is [string, string] => !!pair[1]));

/** Where the settings of a `.env` are, and what it says now. */
function opened({ directory }: InitRequest) {
  const path = join(directory, '.env');
  const text = readEnvFile(path);
  return { path, text, stored: present(parse(text)) };
}

const seenBy = ({ hostZone, nowMs }: InitRequest): Seen => ({ hostZone, nowMs, witnesses: new Map() });

/** What Enter would mean to every question that the values leave open. */
async function suggestions(values: Record<string, string>, seen: Seen): Promise<Record<string, string>> {
  const all = { ...values };
  for (const { name, suggested, isAsked } of questions) {
    if (all[name] !== undefined || all[`${name}_FILE`] !== undefined || isAsked?.(all) === false) continue;
    const value = await suggested?.(all, seen);
    if (value !== undefined) all[name] = value;
  }
  return all;
}

/** What the doctor does not look at before the first audit: the zone and the logs. */
const lookedAt: ReadonlySet<string> = new Set(['SERVER_TIMEZONE', 'WEBHOOK_LOG', 'CONSOLE_LOG']);

async function lookUnasked(config: Config, seen: Seen): Promise<Check[]> {
  const checks: Check[] = [];
  for (const { name, look } of questions)
    if (lookedAt.has(name) && look !== undefined) checks.push(...(await look(config, seen)));
  return checks;
}

/** The names whose value is another than what `.env` holds. */
const changesOf = (stored: Values, values: ReadonlyMap<string, string | null>) =>
  new Map([...values].filter(([name, value]) => (stored[name] ?? null) !== value));

/**
 * Writes `.env` without asking: what is given, then what the environment sets, then what `.env` holds already,
 * then what is suggested. Throws a UsageError where the settings are wrong, or where `.env` would change and
 * `overwrite` does not say so; nothing is written then.
 */
export async function initialiseUnasked(
  request: InitRequest,
  options: { overwrite: boolean },
): Promise<Initialised> {
  const { path, text, stored } = opened(request);
  const named = settingNames.flatMap((name) => [name, `${name}_FILE`]);
  const fromOutside = Object.fromEntries(named.map((name) => [name, request.environment[name]]));
  const given = {
    ...stored,
    ...present(fromOutside),
    ...present(Object.fromEntries(givenValues(request.given))),
  };
  const seen = seenBy(request);
  const values = await suggestions(given, seen);
  // Throws where they are wrong.
  const config = parseConfig(values);
  const changes = changesOf(stored, new Map(Object.entries(values)));
  const replaced = [...changes.keys()].filter((name) => stored[name] !== undefined);
  if (replaced.length > 0 && !options.overwrite)
    throw new UsageError(
      `${path} sets ${replaced.join(', ')} otherwise; add --overwrite to change it; nothing was written`,
    );
  if (changes.size > 0) writeEnvFile(path, changeEnvText(text, changes));
  return { path, changed: [...changes.keys()], seen: await lookUnasked(config, seen) };
}

/** A value for people: of an address its password is not shown, of a secret nothing. */
function shownValue(question: Question, value: string): string {
  if (question.isSecret) return 'as it is, not shown';
  if (!isSecret(question.name) || value.startsWith('sqlite:')) return printable(value);
  try {
    const url = new URL(value);
    if (url.password !== '') url.password = '***';
    return url.href;
  } catch {
    return 'as it is, not shown';
  }
}

/** A password does not belong into what is typed visibly, so it is asked for apart. */
async function withPassword(person: Person, value: string): Promise<string> {
  if (!/^postgres(ql)?:/.test(value)) return value;
  const url = new URL(value);
  if (url.password !== '' || url.username === '') return value;
  const password = await person.askHidden(
    `  password of ${decodeURIComponent(url.username)} (not shown; Enter for none, as with .pgpass): `,
  );
  if (password === '') return value;
  url.password = encodeURIComponent(password);
  return url.href;
}

/** What the answers rest on. */
interface Asking {
  request: InitRequest;
  values: Values;
  seen: Seen;
}

interface Default {
  value: string | undefined;
  /** It comes from us, and is no setting yet. */
  isSuggested: boolean;
}

async function defaultOf(question: Question, { request, values, seen }: Asking): Promise<Default> {
  const value = values[question.name] ?? request.environment[question.name];
  if (value) return { value, isSuggested: false };
  return { value: await question.suggested?.(values, seen), isSuggested: true };
}

/** One line that was answered, as a value; null takes the setting out. */
async function answered(
  person: Person,
  question: Question,
  fallback: Default,
): Promise<string | null | undefined> {
  const { name, isSecret: hidden = false, isNeeded = false } = question;
  const hint = hidden && fallback.isSuggested ? 'made for you' : undefined;
  const shown = fallback.value === undefined ? '' : ` [${hint ?? shownValue(question, fallback.value)}]`;
  const answer = await (hidden ? person.askHidden : person.ask)(`${name}${shown}: `);
  if (answer === '-' && !isNeeded) return null;
  if (answer === '') return fallback.value;
  return /^(SOURCE|LEDGER)_DATABASE_URL$/.test(name) && problemOf(name, { [name]: answer }) === undefined
    ? withPassword(person, answer)
    : answer;
}

/** A check as a person at a terminal reads it below what it is about. */
export function checkText({ state, what, mend }: Check): string {
  const paint = state === 'ok' ? colours.green : colours.yellow;
  const said = `  ${paint(printable(what))}`;
  return mend === null ? said : `${said}\n  -> ${printable(mend)}`;
}

/** Says what an answer leads to; false where a person wants to answer again. */
async function isKept(person: Person, question: Question, { values, seen }: Asking): Promise<boolean> {
  const config = configOf(values);
  if (question.look === undefined || config === null) return true;
  const checks = await question.look(config, seen);
  for (const check of checks) person.say(checkText(check));
  return checks.every(({ state }) => state === 'ok' || state === 'warning')
    ? true
    : person.confirm('  Keep it all the same?', false);
}

/** Asks until the answer is one; undefined where the setting stays unset. */
async function askOne(person: Person, question: Question, of: Asking): Promise<string | null | undefined> {
  const { name, about, isNeeded = false } = question;
  person.say(`\n${colours.dim(about)}`);
  for (;;) {
    const value = await answered(person, question, await defaultOf(question, of));
    if (value === undefined || value === null) {
      if (!isNeeded) return value;
      person.say(colours.yellow('  it is needed'));
      continue;
    }
    const values = { ...of.values, [name]: value };
    const problem = problemOf(name, values);
    if (problem !== undefined) person.say(colours.yellow(`  ${printable(problem)}`));
    else if (await isKept(person, question, { ...of, values })) return value;
  }
}

/** Asks for every setting in turn, and answers with those that were given a value or lost theirs. */
async function askAll(
  person: Person,
  request: InitRequest,
  stored: Values,
): Promise<Map<string, string | null>> {
  const values: Record<string, string | undefined> = {
    ...stored,
    ...Object.fromEntries(givenValues(request.given)),
  };
  const answers = new Map<string, string | null>(givenValues(request.given));
  const seen = seenBy(request);
  for (const question of questions) {
    const { name, isAsked } = question;
    if (answers.has(name) || isAsked?.(values) === false) continue;
    const file = values[`${name}_FILE`] ?? request.environment[`${name}_FILE`];
    if (file) {
      person.say(`\n${name} is read from ${file} (${name}_FILE); it is left so.`);
      continue;
    }
    const value = await askOne(person, question, { request, values, seen });
    if (value === undefined) continue;
    answers.set(name, value);
    values[name] = value ?? undefined;
    const outside = request.environment[name];
    if (outside && outside !== value)
      person.say(colours.yellow(`  ${name} is also set in the environment, which wins over .env`));
  }
  return answers;
}

/**
 * Asks a person for the settings, tries what can be tried, and writes `.env`, which nobody else may read. What it
 * holds already is offered, and everything that is not asked for stays. Nothing is written before the last
 * question is answered with yes; null where it was not.
 */
export async function initialiseAsking(
  request: InitRequest,
  terminal: Terminal,
): Promise<Initialised | null> {
  const { path, text, stored } = opened(request);
  return withPerson(terminal, async (person) => {
    person.say(
      `The settings of Roundwarden, into ${path}.\nEnter takes what stands in brackets; - leaves a setting out; Ctrl-C stops, and nothing is written.`,
    );
    const answers = await askAll(person, request, stored);
    const merged = { ...stored, ...Object.fromEntries(answers) };
    // Throws where they are wrong.
    parseConfig(present(merged as Values));
    const changes = changesOf(stored, answers);
    if (changes.size === 0) {
      person.say(`\n${path} says so already; nothing is to be written.`);
      return { path, changed: [], seen: [] };
    }
    const changed = changeEnvText(text, changes);
    const what = existsSync(path) ? `Change ${[...changes.keys()].join(', ')} in ${path}?` : `Write ${path}?`;
    if (!(await person.confirm(`\n${what}`, true))) return null;
    writeEnvFile(path, changed);
    return { path, changed: [...changes.keys()], seen: [] };
  });
}
