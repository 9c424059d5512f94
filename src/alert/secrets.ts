/** A shorter one would mask ordinary words. */
const shortest = 4;

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** What somebody else says, without the secrets that it may quote: as they stand in an address, decoded, and in base64. */
export function withoutSecrets(text: string, secrets: readonly string[]): string {
  return secrets
    .flatMap((secret) => [secret, decoded(secret)])
    .filter(({ length }) => length >= shortest)
    .flatMap((secret) => [secret, Buffer.from(secret).toString('base64')])
    .reduce((rest, secret) => rest.replaceAll(secret, '[masked]'), text);
}

/** The parts of an address that may be secret: path, query and password. */
export function secretsOf(url: string): string[] {
  const { pathname, searchParams, password } = new URL(url);
  const parts = pathname.split('/').filter((part) => part.length > 7);
  return [...parts, ...searchParams.values(), password];
}
