import type { Command, Option } from 'commander';

export const shells = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof shells)[number];

/** What may follow one command: words, with what is said of them where the shell can say it. */
interface Node {
  /** The command's words after the program's name, such as `ledger verify`; '' for the program itself. */
  path: string;
  commands: { name: string; about: string }[];
  options: { flag: string; about: string; value: 'none' | 'file' | 'other' }[];
  /** Words that an argument may be, where the command names them. */
  choices: readonly string[];
}

const isFile = /<(file|dir|directory|path)\b/i;

function optionOf(option: Option): Node['options'] {
  const takes = option.required || option.optional;
  const value = takes ? (isFile.test(option.flags) ? 'file' : 'other') : 'none';
  const flags = [option.long, option.short].filter((flag) => flag !== undefined && flag !== null);
  return flags.map((flag) => ({ flag, about: option.description, value }));
}

/** Every command of the tree, the program first. */
export function nodesOf(program: Command, path = ''): Node[] {
  const own: Node = {
    path,
    commands: program.commands.map((one) => ({ name: one.name(), about: one.description() })),
    options: [
      ...program.options.filter(({ hidden }) => !hidden).flatMap(optionOf),
      { flag: '--help', about: 'what the command does', value: 'none' },
    ],
    choices: program.registeredArguments.flatMap(({ argChoices }) => argChoices ?? []),
  };
  const below = program.commands.flatMap((one) => nodesOf(one, `${path} ${one.name()}`.trim()));
  return [own, ...below];
}

const words = ({ commands, choices, options }: Node) => [
  ...commands.map(({ name }) => name),
  ...choices,
  ...options.map(({ flag }) => flag),
];

/** Patterns of a shell's `case` over `$at:$previous`: the options that take a value. One name may differ by command. */
function flagsWith(nodes: readonly Node[], value: 'file' | 'other'): string {
  const flags = nodes.flatMap(({ path, options }) =>
    options.filter((one) => one.value === value).map(({ flag }) => `"${path}:${flag}"`),
  );
  return flags.join('|') || '"none"';
}

/** Walks along the words that were typed to the command that they name. `$word` is each of them in turn. */
function walk(nodes: readonly Node[]): string {
  const steps = nodes.flatMap(({ path, commands }) =>
    commands.map(({ name }) => `      "${path}:${name}") at="${`${path} ${name}`.trim()}" ;;`),
  );
  return `    case "$at:$word" in\n${steps.join('\n')}\n    esac`;
}

function bash(name: string, nodes: readonly Node[]): string {
  const cases = nodes.map((node) => `    "${node.path}") words="${words(node).join(' ')}" ;;`);
  return `# bash completion of ${name}: source <(${name} completion bash)
_${name}() {
  local current="\${COMP_WORDS[COMP_CWORD]}" previous="\${COMP_WORDS[COMP_CWORD - 1]}" at="" words="" word
  COMPREPLY=()
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
${walk(nodes)}
  done
  case "$at:$previous" in
    ${flagsWith(nodes, 'file')}) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$current"); return ;;
    ${flagsWith(nodes, 'other')}) return ;;
  esac
  case "$at" in
${cases.join('\n')}
  esac
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
}
complete -F _${name} ${name}
`;
}

/** A text inside single quotes of any of the three shells; no description needs a quote. */
const quoted = (text: string) => `'${text.replaceAll("'", '’').replaceAll('\\', '')}'`;

function zsh(name: string, nodes: readonly Node[]): string {
  const pair = (word: string, about: string) => quoted(`${word}:${about.replaceAll(':', '\\:')}`);
  const described = ({ commands, choices, options }: Node) => [
    ...commands.map((one) => quoted(`${one.name}:${one.about}`)),
    ...choices.map((choice) => quoted(choice)),
    ...options.map(({ flag, about }) => pair(flag, about)),
  ];
  const cases = nodes.map((node) => `    "${node.path}") words_of=(${described(node).join(' ')}) ;;`);
  return `#compdef ${name}
# zsh completion of ${name}: source <(${name} completion zsh), after compinit
_${name}() {
  local at="" word
  local -a words_of
  for word in "\${(@)words[2,CURRENT-1]}"; do
${walk(nodes)}
  done
  case "$at:\${words[CURRENT-1]}" in
    ${flagsWith(nodes, 'file')}) _files; return ;;
    ${flagsWith(nodes, 'other')}) return ;;
  esac
  case "$at" in
${cases.join('\n')}
  esac
  _describe '${name}' words_of
}
compdef _${name} ${name}
`;
}

function fish(name: string, nodes: readonly Node[]): string {
  const lines = nodes.flatMap(({ path, commands, options, choices }) => {
    const here = `complete -c ${name} -n "test (__${name}_at) = '${path}'"`;
    return [
      ...commands.map((one) => `${here} -a ${one.name} -d ${quoted(one.about)}`),
      ...choices.map((choice) => `${here} -a ${choice}`),
      ...options.map(({ flag, about, value }) => {
        const kind = flag.startsWith('--') ? `-l ${flag.slice(2)}` : `-s ${flag.slice(1)}`;
        const follows = { none: '', file: ' -r -F', other: ' -x' }[value];
        return `${here} ${kind}${follows} -d ${quoted(about)}`;
      }),
    ];
  });
  return `# fish completion of ${name}: ${name} completion fish | source
function __${name}_at
  set -l at ""
  for word in (commandline -opc)[2..-1]
    switch "$at:$word"
${nodes
  .flatMap(({ path, commands }) =>
    commands.map(
      (one) => `      case '${path}:${one.name}'\n        set at '${`${path} ${one.name}`.trim()}'`,
    ),
  )
  .join('\n')}
    end
  end
  echo "$at"
end
complete -c ${name} -f
${lines.join('\n')}
`;
}

/** A script that completes every command and option of `program` in a shell. It starts no process at a key. */
export function completionScript(program: Command, shell: Shell): string {
  return { bash, zsh, fish }[shell](program.name(), nodesOf(program));
}
