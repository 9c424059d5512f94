import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { cutMiddle, forCodeBlock, forDiscord, forHeader, forHtml, oneLine } from '../../src/core/harmless.ts';

const anyText = fc.string({ unit: 'binary', maxLength: 400 });
/** Text that is likely to hold what is dangerous. */
const dangerous = fc
  .array(
    fc.constantFrom('@everyone', '<@1>', '`', '```', '\\', '*', '_', '[x](http://y)', '\n', '🎮', 'é', 'x '),
    {
      maxLength: 200,
    },
  )
  .map((parts) => parts.join(''));

const whole = (text: string) => text.isWellFormed();
const unescapedMark = /(?<!\\)(?:\\\\)*[*_~`|>#[\]()]/;

describe('oneLine()', () => {
  const masked = 'https://discord.com/api/webhooks/[masked]';
  const cases: readonly (readonly [string, string, string])[] = [
    ['a line break', 'a\r\nb\u2028c\u2029d', 'a  b c d'],
    ['a turn of the direction of writing', 'a\u202eb\u2066c\u061cd', 'a b c d'],
    ['what is not seen', 'a\u00adb\u200bc\u{e0041}d\ufeffe', 'a b c d e'],
    ['a control character', 'a\u0000b\u001b[31mc\u009b', 'a b [31mc '],
    ['half a character', 'a\ud800b', 'a\ufffdb'],
    ['an address of a webhook', 'to https://discord.com/api/webhooks/1/abc-DEF_9 now', `to ${masked} now`],
    ['its old name', 'https://discordapp.com/api/webhooks/1/abc', masked],
    ['its test server', 'https://ptb.discord.com/api/webhooks/1/abc', masked],
    ['its canary', 'https://canary.discordapp.com/api/v10/webhooks/1/abc?wait=true', masked],
    ['one in capitals', 'HTTPS://DISCORD.COM/API/WEBHOOKS/1/ABC', masked],
    ['one without a protocol', 'see discord.com/api/webhooks/1/abc', `see ${masked}`],
    ['one with a port, or more slashes', 'https://discord.com:443//api//webhooks//1/abc', masked],
    [
      'two in one line',
      '<https://discord.com/api/webhooks/1/a> "discord.com/api/webhooks/2/b"',
      `<${masked}> "${masked}"`,
    ],
    ['one that is masked already', masked, masked],
    ['another address', 'https://discord.com/channels/1', 'https://discord.com/channels/1'],
  ];
  for (const [what, text, expected] of cases)
    test(`of ${what}: ${JSON.stringify(text)}`, () => assert.equal(oneLine(text), expected));

  test('changes nothing the second time (property)', () => {
    fc.assert(fc.property(anyText, (text) => oneLine(oneLine(text)) === oneLine(text)));
  });
});

describe('forDiscord()', () => {
  const cases: readonly (readonly [string, string])[] = [
    ['@everyone', '@\u200beveryone'],
    ['<@123>', '<\u200b@\u200b123\\>'],
    ['`x`', '\\`x\\`'],
    ['**x** __y__ ~~z~~ ||w||', '\\*\\*x\\*\\* \\_\\_y\\_\\_ \\~\\~z\\~\\~ \\|\\|w\\|\\|'],
    ['[a](http://b)', '\\[a\\]\\(http:\u200b//b\\)'],
    ['\\`', '\\\\\\`'],
  ];
  for (const [text, expected] of cases)
    test(`makes ${JSON.stringify(text)} to ${JSON.stringify(expected)}`, () =>
      assert.equal(forDiscord(text, 100), expected));

  test('never leaves a mark without its backslash, wherever it is cut (property)', () => {
    fc.assert(
      fc.property(fc.oneof(anyText, dangerous), fc.integer({ min: 4, max: 120 }), (text, most) => {
        const made = forDiscord(text, most);
        return made.length <= most && whole(made) && !unescapedMark.test(made) && !/@(?!\u200b)\w/.test(made);
      }),
      { numRuns: 2_000 },
    );
  });

  test('shows no half of an address that is a key, wherever it is cut', () => {
    const address = 'https://discord.com/api/webhooks/123456/abcdefghijklmnop';
    for (let before = 0; before < 120; before += 1)
      assert.doesNotMatch(forDiscord(`${'x'.repeat(before)} ${address}`, 60), /abcdef|ijklmnop/);
  });
});

describe('forCodeBlock()', () => {
  test('holds no backtick and no mention, in its length (property)', () => {
    fc.assert(
      fc.property(fc.oneof(anyText, dangerous), fc.integer({ min: 0, max: 120 }), (text, most) => {
        const made = forCodeBlock(text, most);
        return made.length <= most && whole(made) && !/`|@everyone|<@\d|\n/.test(made);
      }),
    );
  });
});

describe('forHtml()', () => {
  test('makes text and attributes of any text, and loses nothing of it (property)', () => {
    const characters: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', '#39': "'" };
    fc.assert(
      fc.property(anyText, (text) => {
        const made = forHtml(text);
        assert.doesNotMatch(made, /[<>"']/);
        assert.equal(
          made.replace(/&(#?\w+);/g, (_, name: string) => characters[name]!),
          oneLine(text),
        );
      }),
    );
  });
});

describe('forHeader()', () => {
  test('is visible ASCII, from which the text can be read again (property)', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        assert.match(forHeader(text), /^[!-~]*$/);
        assert.equal(decodeURIComponent(forHeader(text)), text.toWellFormed());
      }),
    );
  });

  test('leaves a key as it is, but for its spaces', () => {
    assert.equal(forHeader('stats|session 89|alert'), 'stats|session%2089|alert');
  });
});

describe('cutMiddle()', () => {
  const cases: readonly (readonly [string, number, string])[] = [
    ['abcdef', 6, 'abcdef'],
    ['abcdefghij', 9, 'abc … hij'],
    ['abcdefghij', 8, 'abc … ij'],
    ['😀😀😀😀😀😀', 8, '😀 … 😀'],
    ['abcdef', 3, ''],
  ];
  for (const [text, most, expected] of cases)
    test(`leaves of ${text} in ${most}: ${expected}`, () => assert.equal(cutMiddle(text, most), expected));

  test('is never longer than it may be, and holds whole characters (property)', () => {
    fc.assert(
      fc.property(anyText, fc.nat(100), (text, most) => {
        const made = cutMiddle(text.toWellFormed(), most);
        return made.length <= most && whole(made);
      }),
    );
  });
});
