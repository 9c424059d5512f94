import Table from 'cli-table3';
import { type Finding, type Goal, hasRoom, isMet, reaches } from './measure.ts';

function figure(value: number, unit: Goal['unit']): string {
  if (unit === 'times') return `${value.toFixed(2)}x`;
  return `${value < 10 ? value.toFixed(1) : Math.round(value).toLocaleString('en')} ${unit}`;
}

/** What stands beside a figure that the machine has no room for. */
const leftToRatio = 'ratio ';

function outcome(goal: Goal, strict: boolean): string {
  if (reaches(goal)) return 'ok    ';
  if (!hasRoom(goal)) return leftToRatio;
  return isMet(goal, strict) ? 'near  ' : 'MISSED';
}

function goalText(goal: Goal, strict: boolean): string {
  const { of, is, unit, atMost, atLeast, limitIs } = goal;
  const bound = atMost === undefined ? `>= ${figure(atLeast!, unit)}` : `<= ${figure(atMost, unit)}`;
  const limit = limitIs === undefined ? '' : `; the limit: ${figure(limitIs, unit)}`;
  return `${outcome(goal, strict)} ${of} ${figure(is, unit)} (${bound}${limit})`;
}

/** The findings as a table: each measure with the medians of product and limit, and how each goal was met. */
export function tableOf(findings: readonly Finding[], strict: boolean): string {
  const table = new Table({ head: ['measure', 'on', 'product', 'limit', 'goals'], style: { head: [] } });
  for (const { measure, size, limit, productMs, limitMs, goals } of findings)
    table.push([
      measure,
      size,
      figure(productMs, 'ms'),
      `${figure(limitMs, 'ms')}\n${limit}`,
      goals.map((goal) => goalText(goal, strict)).join('\n'),
    ]);
  const notes = [
    ...(findings.some(({ goals }) => goals.some((goal) => outcome(goal, strict) === leftToRatio))
      ? ['ratio: the limit itself is too slow on this machine for this figure, and the ratio alone decides.']
      : []),
    ...(strict
      ? []
      : ['near: no more than twice the goal, or a figure of the machine, which is only shown here.']),
  ];
  return [table.toString(), ...notes, ''].join('\n');
}
