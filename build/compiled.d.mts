import type { Script } from 'node:vm';

export declare function sealed(program: Buffer, code: Buffer): Buffer;
export declare function unsealed(program: Buffer, file: Buffer): Buffer | undefined;
export declare function compile(program: Buffer, of: { path: string; code?: Buffer }): Script;
