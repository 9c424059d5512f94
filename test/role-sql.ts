import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** The SQL that docs/security.md tells people to run for a role. */
export function roleSql(which: 'least privilege' | 'ledger'): string {
  const page = fileURLToPath(new URL('../docs/security.md', import.meta.url));
  const found = new RegExp(`\`\`\`sql\\n-- roundwarden: ${which}\\n([^\`]*)\`\`\``).exec(
    readFileSync(page, 'utf8'),
  );
  if (found === null) throw new Error(`docs/security.md has no block for ${which}`);
  return found[1]!;
}
