import { createHash } from 'node:crypto';
import vm from 'node:vm';

/**
 * What V8 has compiled of the program, kept beside it: a start then compiles nothing that an earlier one has compiled.
 * The file begins with a SHA-256 over the program and what follows, because V8 looks at neither: it takes compiled code
 * for any text of the same length, and ends the process where a byte of it is wrong. Version and flags it checks itself.
 */
const checkBytes = 32;

function check(program, code) {
  return createHash('sha256').update(`${program.length} `).update(program).update(code).digest();
}

/** The file of compiled code for a program. */
export function sealed(program, code) {
  return Buffer.concat([check(program, code), code]);
}

/** The compiled code in a file, or undefined where it is damaged or another program's. */
export function unsealed(program, file) {
  const code = file.subarray(checkBytes);
  return file.subarray(0, checkBytes).equals(check(program, code)) ? code : undefined;
}

/** The program as a script; compiled anew where there is no code for it that this Node.js takes. */
export function compile(program, { path, code }) {
  // The program is ASCII (build/bundle.mjs), which V8 holds in half the memory.
  const text = `(function (exports, require, module, __filename, __dirname) {${program.latin1Slice()}\n})`;
  return new vm.Script(text, { filename: path, cachedData: code });
}
