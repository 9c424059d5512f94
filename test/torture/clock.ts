import { counted } from '../../src/core/counted.ts';
import { jumps } from './clock/jumps.ts';
import { changesOf, type Night, reportsAround, throughChange, zones } from './clock/night.ts';
import type { Figure, Suite } from './suite.ts';

const year = 2026;
const reportTimes = ['00:00', '00:30', '01:45', '02:15', '02:30', '03:00', '07:10', '23:30'];

const sum = (nights: readonly Night[], of: keyof Night) =>
  nights.reduce((total, night) => total + night[of], 0);

async function nights(effort: { zones: number; cyclesPerHour: number; progress: (text: string) => void }) {
  const figures: Figure[] = [];
  const all: Night[] = [];
  for (const zone of zones.slice(0, effort.zones))
    for (const change of changesOf(zone, year)) {
      const at = new Date(change * 1000).toISOString();
      effort.progress(`${zone} at ${at}`);
      const everyMinutes = 60 / effort.cyclesPerHour;
      const night = await throughChange({ zone, change, everyMinutes });
      all.push(night);
      figures.push({
        what: `${zone}, change of ${at}`,
        value: `${night.audits} audits of ${night.rounds} rounds: each verdict right, ${night.repaired} repaired once, ${night.lost} lost at the settle time and not before`,
      });
    }
  const value = `${sum(all, 'audits')} audits, ${sum(all, 'repaired')} repairs, none wrong, ${sum(all, 'lost')} rounds lost, none early`;
  return [...figures, { what: 'all nights', value }];
}

function reports(asked: readonly string[], progress: (text: string) => void): Figure {
  progress('reports');
  let days = 0;
  for (const zone of asked)
    for (const change of changesOf(zone, year))
      for (const reportAt of reportTimes) days += reportsAround({ zone, change, reportAt });
  return {
    what: `reports at ${counted(reportTimes.length, 'time')} of day in ${counted(asked.length, 'zone')}, asked each minute`,
    value: `${days} owed, each day once and in order`,
  };
}

export const clock: Suite = {
  name: 'clock',
  about: 'the clock is set back, forward, and changed for summer and winter: no verdict is wrong or early',
  counts: { zones: { full: zones.length, fast: 1 }, cyclesPerHour: { full: 20, fast: 4 } },
  async run({ counts, progress }) {
    const effort = { zones: counts.zones!, cyclesPerHour: counts.cyclesPerHour!, progress };
    return [...(await jumps()), ...(await nights(effort)), reports(zones.slice(0, effort.zones), progress)];
  },
};
