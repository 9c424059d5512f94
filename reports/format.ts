/** The formats of a report, each a file of its own. */
export const formats = ['html', 'md', 'json', 'csv'] as const;
export type Format = (typeof formats)[number];
