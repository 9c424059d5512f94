import '../../../jobs/utc.ts';
import { asChild } from '../child.ts';
import { fuzzArtifacts } from './artifacts.ts';
import { growth } from './growth.ts';
import { fuzzLines } from './logs.ts';

const parts = { artifacts: fuzzArtifacts, lines: fuzzLines, growth };

export type Part = keyof typeof parts;
export type Tallies = { [part in Part]: Awaited<ReturnType<(typeof parts)[part]>> };

type Asked = { part: Part; count: number; seed: number };

await asChild(
  async (asked: Asked, say): Promise<Tallies[Part]> =>
    asked.part === 'growth' ? growth({ most: asked.count }, say) : parts[asked.part](asked, say),
);
