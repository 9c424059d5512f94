const base = 'http://local.invalid';
const longest = 2_000;

/** One slash at first, no backslash, no control character: what every browser takes for a path of this host. */
const isLocal = (path: string) => /^\/(?!\/)[^\\\p{Cc}]*$/u.test(path);

/** A path of these pages to go on to, ready for a Location header; `/` for everything that could lead elsewhere. */
export function localPath(asked: string | undefined): string {
  if (asked === undefined || asked.length > longest || !isLocal(asked) || !URL.canParse(asked, base))
    return '/';
  const url = new URL(asked, base);
  // Again, because `/..//host` becomes `//host` when its dots are resolved.
  const path = `${url.pathname}${url.search}`;
  const isDoor = url.pathname === '/login' || url.pathname === '/logout';
  return url.origin === base && isLocal(path) && !isDoor ? path : '/';
}
