const tag = /<!--[\s\S]*?-->|<!doctype html>|<\/?([A-Za-z][^\s/>]*)((?:[^<>"']|"[^"]*"|'[^']*')*)>/gi;
const attribute = /([^\s"'=/]+)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+)))?/g;
const forbiddenTags = new Set([
  'script',
  'iframe',
  'object',
  'embed',
  'base',
  'img',
  'frame',
  'foreignobject',
]);
const addresses = new Set(['href', 'src', 'action', 'formaction', 'xlink:href', 'srcset', 'poster']);
const turning = /[\u200e\u200f\u202a-\u202e\u2066-\u2069]/;
/** Of these pages, a part of this one, or the icon that is none. */
const localAddress = /^(?:\/(?!\/)|#|\?|data:,$)/;

/** What a page of ours never holds, whatever the texts in it say; empty where it is clean. */
export function pageFaults(html: string): string[] {
  const faults: string[] = [];
  const between = html.replace(tag, (whole, name: string | undefined, attributes: string | undefined) => {
    if (name !== undefined) faults.push(...tagFaults(name.toLowerCase(), attributes ?? '', whole));
    return '';
  });
  const open = between.indexOf('<');
  if (open >= 0) faults.push(`an unescaped <: ${between.slice(open, open + 40)}`);
  const turned = turning.exec(html);
  if (turned) faults.push(`turns the writing round: …${html.slice(turned.index - 60, turned.index + 20)}`);
  return faults;
}

function tagFaults(name: string, attributes: string, whole: string): string[] {
  const faults = forbiddenTags.has(name) ? [`a tag: ${whole}`] : [];
  for (const [, key, ...values] of attributes.matchAll(attribute)) {
    const [word, value] = [key!.toLowerCase(), values.find((one) => one !== undefined) ?? ''];
    if (word.startsWith('on') || word === 'srcdoc' || word === 'http-equiv')
      faults.push(`a handler: ${whole}`);
    if (addresses.has(word) && !localAddress.test(value)) faults.push(`leads elsewhere: ${whole}`);
  }
  return faults;
}
